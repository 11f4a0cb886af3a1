"""What Notion takes, as published: developers.notion.com/reference/request-limits."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

TEXT: Final = 2000  # UTF-16 units in one rich text object
URL: Final = 2000  # UTF-16 units
ARRAY: Final = 100  # elements of any array: rich text objects, children, cells
BLOCKS: Final = 1000  # in one call, nested ones included
BYTES: Final = 490_000  # of 500 KB in one call; the rest is for ids that stand in later
BLOCK_BYTES: Final = 200_000  # of one block, so that a call always has room for one
PAGE: Final = 100  # results of one listing

CALLS: Final = 3  # a second, on average and by connection

LISTING_LAG: Final = timedelta(seconds=30)
"""How long a block may stay out of the listing of its parent. Nothing is published: a margin."""

QUERY_LAG: Final = timedelta(minutes=2)
"""How long a page may stay out of what a query of its data source finds. Nothing is published."""

ROUNDED: Final = timedelta(minutes=1)  # times of creation are given in whole minutes
SKEW: Final = timedelta(minutes=1)  # between their clock and ours
