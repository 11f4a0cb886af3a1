"""Briefs leave for where the work happens: targets, plans, runs, and what changed over there."""
