"""The sentences of a brief as claims, and whether their evidence carries them. Pure.

The check is lexical: it compares figures, names, denials and words with the cited quotes and what
stands around them. It is labelled so, because it cannot follow an argument.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from backend.evidence.model import EvidenceState
from backend.evidence.support import Sentences, contradicts, coverage, missing_figures
from backend.evidence.words import Figure, content, figures, language_of, names, periods, words
from collab.model import Block

METHOD = "lexical"

# Shares of a claim's content words. A sentence inserted from an answer keeps nearly all of its
# quote's; a free paraphrase of one keeps about half; two sentences on one subject share a quarter.
SUPPORTED = 0.5  # in the quotes and around them
IN_QUOTES = 0.3  # of which in the quotes themselves, so that the surroundings alone never carry
PARTLY = 0.25
FEWEST_WORDS = 4  # fewer make a label, not a claim
_HASH_DIGITS = 16

# Blocks whose text states something. Headings label, code is not prose, actions are intentions.
_STATING = frozenset({"paragraph"})
_PASSED_OVER = frozenset({"heading", "codeBlock", "action", "image", "horizontalRule"})

# Words by which a writer says that a sentence is a view or a recommendation of theirs.
_VIEW = re.compile(
    r"\b(?:(?:we|i)\s+(?:\w+ly\s+)?(?:think|believe|feel|recommend|suggest|propose|advise|prefer|"
    r"should|ought)|in\s+(?:our|my)\s+(?:view|opinion|judge?ment)|"
    r"(?:wir|ich)\s+(?:denken?|glauben?|meinen?|finden?|empfehlen?|sollten?)|"
    r"(?:unserer|meiner)\s+(?:meinung|ansicht)\s+nach|"
    r"(?:nous|je)\s+(?:pensons|croyons|recommandons|proposons|devrions|pense|crois|recommande)|"
    r"à\s+(?:notre|mon)\s+avis|"
    r"creemos|pensamos|recomendamos|proponemos|deberíamos|en\s+(?:nuestra|mi)\s+opinión|"
    r"(?:мы|я)\s+(?:думаем|считаем|полагаем|рекомендуем|предлагаем|думаю|считаю|полагаю)|"
    r"по\s+(?:нашему|моему)\s+мнению)\b",
    re.IGNORECASE,
)
# Sentences that speak to the reader or of the text itself. Only what can hardly be read otherwise:
# "Use of leasing grew" and "Mark left" are claims, and so is "This report shows that sales fell".
_ADDRESSES = re.compile(
    r"(?:please\b|bitte\b|(?:ask|read|open|click|insert|choose|select|press|drop|see|mark|use|add|"
    r"compare|check|write|replace|delete)\s+(?:an?|the|your|each|all|one|it|where|what|which|how|"
    r"on|in|at|here|below|above)\b|(?:this|the\s+present)\s+(?:brief|document|memo|note|paper|"
    r"section|page|draft|summary|report)\s+(?:prepares|describes|explains|summari[sz]es|covers|lists|"
    r"collects|compares|sets\s+out|looks\s+at|deals\s+with|is\s+about)\b|"
    r"dies(?:es|er|e)?\s+(?:dokument|papier|abschnitt|notiz|entwurf|bericht)\s+(?:beschreibt|"
    r"erklärt|fasst|behandelt|vergleicht|bereitet)\b)",
    re.IGNORECASE,
)


class Verdict(StrEnum):
    SUPPORTED = "supported"
    PARTIAL = "partial"
    UNSUPPORTED = "unsupported"
    STALE = "stale"
    OPINION = "opinion"


@dataclass(frozen=True, slots=True)
class Claim:
    """A sentence, known by the hash of its text, and the citations in or directly after it."""

    hash: str
    block: str
    text: str
    cites: tuple[str, ...]
    order: int


@dataclass(frozen=True, slots=True)
class Cited:
    """What one citation brings: its quote, the text around it, and what has become of it."""

    cite: str
    source_title: str
    quote: str
    surroundings: str
    state: EvidenceState

    @property
    def key(self) -> str:
        return f"{self.cite}:{self.state}:{_digest(self.quote)}"


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict with its reason, as a person reads it; ``scores`` by citation."""

    verdict: Verdict
    reason: str
    scores: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Coverage:
    claims: int
    cited: int
    supported: int
    partial: int
    unsupported: int
    stale: int
    opinion: int


def claims_of(blocks: Iterable[Block], sentences: Sentences) -> tuple[Claim, ...]:
    """The claims of a brief in reading order. A sentence said twice is one claim, cites joined."""
    found: dict[str, Claim] = {}
    for block in _stating(blocks):
        for text, cites in _sentences(block, sentences):
            if not _claims(text):
                continue
            key = claim_hash(text)
            known = found.get(key)
            if known is None:
                found[key] = Claim(key, block.id, text, cites, len(found))
            else:
                joined = tuple(dict.fromkeys((*known.cites, *cites)))
                found[key] = Claim(key, known.block, known.text, joined, known.order)
    return tuple(found.values())


def claim_hash(text: str) -> str:
    """The first 16 hex digits of the SHA-256 of the text, normalised but in its own case."""
    normal = " ".join(unicodedata.normalize("NFKC", text).split())
    return hashlib.sha256(normal.encode()).hexdigest()[:_HASH_DIGITS]


def evidence_hash(cited: Sequence[Cited]) -> str:
    """What a verdict was judged against; another hash, and it must be judged again."""
    return _digest("\n".join(sorted(one.key for one in cited)))


def judge(claim: Claim, evidence: Mapping[str, Cited], *, opinion: bool = False) -> Judgement:
    """The verdict on a claim, given what its citations bring."""
    if opinion:
        return Judgement(Verdict.OPINION, "Marked as an opinion.")
    if not claim.cites:
        return Judgement(Verdict.UNSUPPORTED, _uncited(claim.text))
    cited = [evidence[cite] for cite in claim.cites if cite in evidence]
    if not cited:
        return Judgement(Verdict.UNSUPPORTED, "The cited evidence is not known here.")
    language = language_of(
        "\n".join((claim.text, *(one.surroundings for one in cited))), claim.text
    )
    wanted = content(claim.text, language)
    scores = tuple(
        (one.cite, round(coverage(wanted, content(one.quote, language)), 2)) for one in cited
    )
    gone = [one for one in cited if one.state is not EvidenceState.CURRENT]
    if gone:
        return Judgement(Verdict.STALE, _staleness(gone), scores)
    verdict, reason = _compare(claim.text, cited, language)
    return Judgement(verdict, reason, scores)


def cover(judged: Sequence[tuple[Claim, Judgement]]) -> Coverage:
    counts = dict.fromkeys(Verdict, 0)
    for _, judgement in judged:
        counts[judgement.verdict] += 1
    return Coverage(
        claims=len(judged),
        cited=sum(bool(claim.cites) for claim, _ in judged),
        supported=counts[Verdict.SUPPORTED],
        partial=counts[Verdict.PARTIAL],
        unsupported=counts[Verdict.UNSUPPORTED],
        stale=counts[Verdict.STALE],
        opinion=counts[Verdict.OPINION],
    )


def cites_of(blocks: Iterable[Block]) -> tuple[tuple[str, str], ...]:
    """Every citation with its block, in reading order: the first appearance numbers it."""
    found: list[tuple[str, str]] = []
    for block in blocks:
        found += [
            (str(part.attrs.get("cite") or ""), block.id)
            for part in block.inline
            if part.type == "citation" and part.attrs.get("cite")
        ]
        found += cites_of(block.children)
    return tuple(found)


def _compare(text: str, cited: Sequence[Cited], language: str) -> tuple[Verdict, str]:
    quotes = "\n".join(one.quote for one in cited)
    around = "\n".join((*(f"{one.source_title}\n{one.surroundings}" for one in cited), quotes))
    wanted = content(text, language)
    in_quotes = coverage(wanted, content(quotes, language))
    in_all = coverage(wanted, content(around, language))

    missing = missing_figures(figures(text, language), figures(quotes, language))
    if in_all < PARTLY:
        return (
            Verdict.UNSUPPORTED,
            f"The quote speaks of something else: {in_all:.0%} of the claim's words stand in it "
            "or around it.",
        )
    if missing:
        beside = missing_figures(missing, figures(around, language))
        if beside:
            return _figures_speak_against(beside, figures(quotes, language))
        said = ", ".join(one.said for one in missing)
        return (
            Verdict.PARTIAL,
            f"{said} does not stand in the quote, only near it in the source: "
            "cite the sentence that says it.",
        )
    unnamed = periods(text) - periods(around)
    if unnamed:
        return (
            Verdict.PARTIAL,
            f"The source does not say that this is about {', '.join(sorted(unnamed))}.",
        )
    if in_quotes >= PARTLY:
        against = _contradiction(text, cited, language)
        if against:
            return Verdict.UNSUPPORTED, f"Contradicted: {against}."
    strange = [name for name in names(text, language) if name not in words(around)]
    if strange:
        listed = ", ".join(f"“{name}”" for name in strange[:3])
        return Verdict.PARTIAL, f"Neither the quote nor its surroundings mention {listed}."
    if in_all >= SUPPORTED and in_quotes >= IN_QUOTES:
        return Verdict.SUPPORTED, f"The quote holds {in_quotes:.0%} of the claim's words."
    lost = sorted(_said(text, wanted - content(around, language), language))
    tail = f" Not in the source: {', '.join(f'“{word}”' for word in lost[:4])}." if lost else ""
    return (
        Verdict.PARTIAL,
        f"Only {in_quotes:.0%} of the claim's words stand in the quote.{tail}",
    )


def _figures_speak_against(
    wrong: Sequence[Figure], quoted: Sequence[Figure]
) -> tuple[Verdict, str]:
    held = [one for one in quoted if any(one.unit == other.unit for other in wrong)]
    said = ", ".join(one.said for one in wrong)
    if held:
        instead = ", ".join(one.said for one in held[:3])
        return Verdict.UNSUPPORTED, f"The quote says {instead}, the claim {said}."
    return Verdict.UNSUPPORTED, f"The quote does not say {said}, nor does the text around it."


def _contradiction(text: str, cited: Sequence[Cited], language: str) -> str | None:
    """What speaks against the claim, unless one of its quotes speaks for it."""
    reasons = []
    wanted = content(text, language)
    for one in cited:
        if coverage(wanted, content(one.quote, language)) < PARTLY:
            continue
        reason = contradicts(text, one.quote, language)
        if reason is None:
            return None
        reasons.append(reason)
    return reasons[0].replace("the sentence", "the claim") if reasons else None


def _uncited(text: str) -> str:
    """Why it counts as unsupported, and for a view the way out.

    It is not taken for an opinion by itself: whoever writes "we think" before a sentence would
    take it out of what has to be shown, and nobody would have decided that. A figure is never
    only a view.
    """
    view = _VIEW.search(text)
    if view is None or figures(text):
        return "No evidence is cited."
    return (
        f"It reads as a view of your own (“{view.group().strip()}”): mark it as an opinion, or "
        "cite what it rests on."
    )


def _staleness(gone: Sequence[Cited]) -> str:
    parts = []
    for one in gone:
        if one.state is EvidenceState.DELETED:
            parts.append(f"“{one.source_title}” was deleted")
        else:
            parts.append(f"a newer version of “{one.source_title}” no longer says it")
    text = "; ".join(dict.fromkeys(parts))
    return f"{text[0].upper()}{text[1:]}."


def _said(text: str, stems: frozenset[str], language: str) -> set[str]:
    """The claim's own words for these stems."""
    return {word for word in words(text) if content(word, language) & stems}


def _stating(blocks: Iterable[Block]) -> Iterable[Block]:
    for block in blocks:
        if block.type in _PASSED_OVER:
            continue
        if block.type in _STATING or (block.inline and not block.children):
            yield block
        yield from _stating(block.children)


def _sentences(block: Block, sentences: Sentences) -> Iterable[tuple[str, tuple[str, ...]]]:
    """Each sentence of a block with its citations.

    A chip directly after the final stop stands, to the eye, at the end of its sentence; so it
    belongs to the sentence before, not to the one that begins there.
    """
    plain: list[str] = []
    places: list[tuple[int, str]] = []  # offset in the plain text, citation
    length = 0
    for part in block.inline:
        if part.type == "citation":
            cite = str(part.attrs.get("cite") or "")
            if cite:
                places.append((length, cite))
        else:
            text = "\n" if part.type == "hardBreak" else part.text
            # "…grew.①Costs fell" reads as two sentences, because a chip stands between them.
            chip_between = bool(places) and places[-1][0] == length
            if chip_between and length and plain[-1][-1:] in ".!?…" and not text[:1].isspace():
                text = f" {text}"
            if text:
                plain.append(text)
                length += len(text)
    whole = "".join(plain)
    spans = _whole_sentences(whole, sentences(whole))
    for index, (start, end) in enumerate(spans):
        following = spans[index + 1][0] if index + 1 < len(spans) else len(whole) + 1
        cites = [
            cite
            for place, cite in places
            # At the very start of a sentence it still belongs to the one before, if there is one.
            if start < place <= following or (index == 0 and place <= following)
        ]
        yield whole[start:end].strip(), tuple(dict.fromkeys(cites))


def _whole_sentences(text: str, spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The spans without white space at their ends, empty ones left out."""
    found = []
    for start, end in spans:
        piece = text[start:end]
        start += len(piece) - len(piece.lstrip())
        end = start + len(piece.strip())
        if end > start:
            found.append((start, end))
    return found


def _claims(text: str) -> bool:
    """Whether a sentence states something that evidence could carry."""
    if text.endswith("?") or (text.endswith(":") and not figures(text)):
        return False
    if _ADDRESSES.match(text):
        return False
    found = [word for word in words(text) if re.search(r"[^\W\d_]", word)]
    return len(found) >= FEWEST_WORDS or (bool(figures(text)) and len(found) >= 2)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
