"""Briefs as cards on a Trello board."""

from exporters.trello.adapter import Trello, authorization

__all__ = ["Trello", "authorization"]
