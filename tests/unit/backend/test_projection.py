"""A brief on its way out: its references, and where they lead back to."""

from __future__ import annotations

from backend.documents.projection import to_brief
from collab.model import Block, Inline


def cited(cite: str) -> Block:
    return Block("block00001", "paragraph", inline=(Inline("citation", attrs={"cite": cite}),))


def test_a_reference_leads_back_to_its_citation() -> None:
    """Its link opens the brief with that citation selected; without an address there is none."""
    blocks = (cited("cit_1"),)
    link = "https://briefs.example.com/s/spc_1/b/brf_1"
    (linked,) = to_brief("brf_1", "T", blocks, evidence={}, link=link).references
    assert linked.link == f"{link}?sel=cite:cit_1"
    (bare,) = to_brief("brf_1", "T", blocks, evidence={}).references
    assert bare.link == ""


def test_an_id_stays_within_the_query_it_is_written_in() -> None:
    """A citation's id comes from the document, where anything may stand."""
    (found,) = to_brief(
        "brf_1", "T", (cited("a&b#c)"),), evidence={}, link="https://x/b"
    ).references
    assert found.link == "https://x/b?sel=cite:a%26b%23c%29"
