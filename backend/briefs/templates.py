"""What a new brief may begin with: headings, and a hint under each of what belongs there."""

from __future__ import annotations

import secrets
import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from collab import Block, Inline, Mark

_ALPHABET = string.ascii_lowercase + string.digits


def new_block_id() -> str:
    """Ten characters of a to z and 0 to 9, as the editor makes them."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(10))


@dataclass(frozen=True, slots=True)
class Section:
    heading: str
    hint: str
    actions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Template:
    name: str
    title: str
    description: str
    sections: tuple[Section, ...]

    def blocks(self) -> Sequence[Block]:
        """Its blocks, with ids that no other brief has."""
        made: list[Block] = []
        for section in self.sections:
            made.append(
                Block(new_block_id(), "heading", {"level": 2}, (Inline("text", section.heading),))
            )
            hint = Inline("text", section.hint, (Mark("italic"),))
            made.append(Block(new_block_id(), "paragraph", {}, (hint,)))
            for action in section.actions:
                made.append(
                    Block(
                        new_block_id(),
                        "action",
                        {"owner": "", "due": "", "status": "open"},
                        (Inline("text", action),),
                    )
                )
        return made or [Block(new_block_id(), "paragraph")]


_ALL = (
    Template("blank", "Blank", "An empty page.", ()),
    Template(
        "market-entry",
        "Market entry",
        "Whether to enter a market, how, and what it takes.",
        (
            Section(
                "Recommendation",
                "Enter, wait or stay out, in two sentences, with the reason that weighs most.",
            ),
            Section("The market", "Size today, growth, segments and where the numbers come from."),
            Section("Customers", "Who buys, what they use now, what would make them change."),
            Section(
                "Competition", "Who is there, at what share and price, and how they will answer."
            ),
            Section(
                "Ways to enter",
                "Build, partner or buy: what each costs, how long it takes, what it rules out.",
            ),
            Section(
                "Economics",
                "Revenue, margin and investment over three years, and what they assume.",
            ),
            Section("Risks", "What could make this wrong, how we would notice, what we would do."),
            Section(
                "Next steps",
                "Each with an owner and a date.",
                ("Confirm the market size with a second source",),
            ),
        ),
    ),
    Template(
        "competitive-analysis",
        "Competitive analysis",
        "Where we stand against those our customers compare us with.",
        (
            Section("Summary", "Where we win, where we lose, what to change first."),
            Section(
                "Who we are compared with", "The few that customers name, and why they name them."
            ),
            Section("Offer and price", "What each sells, to whom, at what price."),
            Section(
                "Strengths and weaknesses",
                "What each does better than we do, and worse, with the evidence.",
            ),
            Section("What they will do next", "Signals: hiring, filings, announcements, pricing."),
            Section("What this means for us", "Two or three moves, and what each would take."),
            Section(
                "Next steps",
                "Each with an owner and a date.",
                ("Interview three customers we lost",),
            ),
        ),
    ),
    Template(
        "decision-memo",
        "Decision memo",
        "One decision, the options, and the reasons.",
        (
            Section("Decision", "What is to be decided, by whom, by when."),
            Section("Background", "What a reader must know, and nothing else."),
            Section(
                "Options",
                "Each with what it brings, costs and risks; doing nothing is one of them.",
            ),
            Section("Recommendation", "The option, and why it beats the second best."),
            Section(
                "What would change our mind",
                "Facts that, if they came out otherwise, would change the decision.",
            ),
            Section(
                "Next steps",
                "Each with an owner and a date.",
                ("Record the decision and tell those it concerns",),
            ),
        ),
    ),
    Template(
        "quarterly-review",
        "Quarterly review",
        "What the quarter showed against what was planned.",
        (
            Section(
                "In short",
                "The quarter in three sentences: what went well, what did not, what changes.",
            ),
            Section(
                "Results against plan",
                "Each figure with its plan, its source and the reason for the gap.",
            ),
            Section("What we learned", "About customers, the market and ourselves."),
            Section("What did not work", "And what we stop doing."),
            Section("Next quarter", "The few goals, and how we will know."),
            Section(
                "Next steps", "Each with an owner and a date.", ("Agree the goals with each team",)
            ),
        ),
    ),
)

TEMPLATES: Mapping[str, Template] = {template.name: template for template in _ALL}
