"""Briefs: making, listing and deleting them, their templates and their images."""
