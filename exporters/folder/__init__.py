"""Briefs as Markdown files: the target that needs no account."""

from exporters.folder.adapter import Folder
from exporters.folder.api import FolderApi

__all__ = ["Folder", "FolderApi"]
