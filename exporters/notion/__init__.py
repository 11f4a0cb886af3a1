"""Notion: pages, blocks and rows, by API version 2026-03-11."""

from exporters.notion.adapter import Notion

__all__ = ["Notion"]
