"""Jira Cloud over its REST API v3."""

from exporters.jira.adapter import Jira

__all__ = ["Jira"]
