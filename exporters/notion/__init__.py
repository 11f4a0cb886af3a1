"""Notion: pages, blocks and rows, by API version 2026-03-11."""

from exporters.notion.adapter import BASE_URL, HEADERS, Notion

__all__ = ["BASE_URL", "HEADERS", "Notion"]
