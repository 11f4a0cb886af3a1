"""The same brief, elsewhere: planned, approved, carried out, and kept in step."""

from exporters.errors import ExportError, TooDeep
from exporters.model import Brief, Image, Item, Reference, Span

__all__ = ["Brief", "ExportError", "Image", "Item", "Reference", "Span", "TooDeep"]
