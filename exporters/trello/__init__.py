"""Briefs as cards on a Trello board."""

from exporters.trello.adapter import Trello

__all__ = ["Trello"]
