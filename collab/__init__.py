"""Many hands, one document: rooms over Yjs, and what a document says as plain values."""

from collab.blocks import seed
from collab.model import (
    Access,
    Block,
    CloseReason,
    DocumentId,
    Inline,
    Limits,
    Mark,
    Projection,
    Snapshot,
    Stored,
    Update,
)
from collab.ports import Bus, Channel, Settled, UpdateStore
from collab.rooms import Rooms
from collab.visitor import Visitor

__all__ = [
    "Access",
    "Block",
    "Bus",
    "Channel",
    "CloseReason",
    "DocumentId",
    "Inline",
    "Limits",
    "Mark",
    "Projection",
    "Rooms",
    "Settled",
    "Snapshot",
    "Stored",
    "Update",
    "UpdateStore",
    "Visitor",
    "seed",
]
