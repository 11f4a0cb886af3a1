"""Where sentences begin and end, as offsets: the unit that is quoted, cited and judged."""

from __future__ import annotations

import re
from typing import Final


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


# Short forms, folded, without their last dot. These stand before a name or a word …
_ABBREVIATIONS: Final = _set(
    """mr mrs ms dr prof rev hon gov sen rep gen capt lt sgt st messrs vs e.g i.e cf viz approx ca
    resp incl excl dept univ
    z.b d.h u.a u.ä o.ä i.d.r z.t bzw vgl ggf evtl inkl exkl zzgl hrsg hr fr dipl ing bspw sog ebd
    mm mme mlle mgr p.ex c.-à-d env éd
    sr sra srta dra ud uds p.ej ee.uu avda aprox admón
    т.е т.к т.н им ул см ср напр проф акад"""
)
_AMOUNTS: Final = _set("mio mrd tsd")  # "3 Mio. Euro": German nouns are capital, too
# … these before a figure alone: "see No. 5", but "She said no. The board agreed." …
_BEFORE_FIGURES: Final = _set(
    """no nos nr p pp para sec sect art fig figs tab ch eq eqs ref refs vol vols ed est c v
    jan feb mar apr jun jul aug sep sept oct nov dec
    abs abb bd s ziff anm mind max min chap réf núm pág págs cap стр рис табл гл ст п пп д"""
)
# … and these may end a sentence or not: a capital, and nothing less, says that they do.
_CLOSING: Final = _set(
    """etc al usw inc ltd corp co llc plc jr a.m p.m str
    т.д т.п др пр г гг в вв руб коп тыс млн млрд обл"""
)

# Possessive, and begun only where a run begins: a million dots or spaces are read once.
_END = re.compile(
    r"(?<![.!?…])(?P<stop>[.!?…]++)(?P<close>(?:[\"'”’»“)\]}]|\s»)*+)(?P<mark>(?:\[\d{1,3}\])*+)"
    r"(?P<gap>\s++|$)"
    r"|(?P<wide>[。！？]++[」』”）]*+)"
    r"|(?<![^\S\n])(?P<line>[^\S\n]*+\n(?:[^\S\n]*+\n)++\s*+)"
    r"|(?<![^\S\n])(?P<item>[^\S\n]*+\n)"
    r"(?=[^\S\n]*+(?:[-*•‣–·▪]|\(?[0-9]{1,3}[.)]|\(?[a-z][.)])[^\S\n])"
)
_OPENING = re.compile(r"[\s\"'“”‘’«»„‚(\[{¿¡—–-]*")
_LAST_WORD = re.compile(r"[^\s(\[\"'“„«]*$")
_INDENT = 40
_LOOK_BACK = 40  # code points; no abbreviation is longer


def sentences(text: str) -> list[tuple[int, int]]:
    """Start and end of each sentence, in order, without the space around it.

    A blank line and a new list item end a sentence, a single line break does not. Abbreviations,
    decimals, initials and quotes do not end one. Knows English, German, French, Spanish and
    Russian habits; time and space grow with the text alone.
    """
    found: list[tuple[int, int]] = []
    start = 0
    for match in _END.finditer(text):
        if match.lastgroup == "gap" or match.group("stop"):
            if not _ends(text, start, match):
                continue
            end = match.end("mark")
        elif match.group("wide"):
            end = match.end()
        else:
            end = match.start()
        _add(found, text, start, end)
        start = match.end()
    _add(found, text, start, len(text))
    return found


def _add(found: list[tuple[int, int]], text: str, start: int, end: int) -> None:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    if start < end:
        found.append((start, end))


def _ends(text: str, start: int, match: re.Match[str]) -> bool:
    """Whether the stop ends a sentence, told by the word before it and the sign after it."""
    if match.end() == len(text):
        return True
    after = _next_sign(text, match.end())
    stop = match.group("stop")
    lower = after.islower()
    if stop != ".":
        # "Really?" she asked; "Wait… what" goes on.
        return not (lower and (match.group("close") or stop[0] in "….")) or "\n\n" in match["gap"]
    if "\n" in match["gap"] and match["gap"].count("\n") > 1:
        return True
    if lower:
        return False
    at = match.start()
    found = _LAST_WORD.search(text[max(start, at - _LOOK_BACK) : at])
    word = found.group() if found else ""
    folded = word.casefold()
    if not word:
        return True
    if folded in _ABBREVIATIONS or _paired(word, text, match.end()):
        return False
    if folded in _BEFORE_FIGURES:
        return not after.isdigit()
    if folded in _CLOSING:
        return after.isupper()
    if folded in _AMOUNTS:
        return bool(_STARTS.match(text, match.end()))
    if len(word) == 1 and word.isalpha():
        return not word.isupper()  # an initial: J. Smith
    if re.fullmatch(r"(?:[^\W\d_]\.)+[^\W\d_]", word):
        # "U.S. Army" and "in the U.S. The": a following article or pronoun tells.
        return bool(_STARTS.match(text, match.end()))
    if word.isdigit():
        # "1. Scope" at the start is a number of an item; "3. Oktober" and "am 3. Quartal" a rank.
        return not (_only(text, start, at - len(word)) or (len(word) <= 2 and _rank(text, match)))
    return True


_PARTNER = re.compile(r"[^\W\d_]{1,2}\.")  # z. B., d. h., EE. UU.
_STARTS = re.compile(
    r"(?:The|This|These|That|It|In|At|He|She|They|We|A|An|But|And|However|For|On|As|If|Its|Our|"
    r"Der|Die|Das|Ein|Eine|Er|Sie|Es|Wir|Im|Am|Dies|Diese|Danach|Damit|Auch|Aber|Und|Für|Mit|Nach)\b"
)
_MONTH = re.compile(
    r"(?:Januar|Jänner|Februar|März|April|Mai|Juni|Juli|August|September|Oktober|November|Dezember|"
    r"Quartal|Halbjahr|Jahrhundert|Platz|Auflage|Stock|Etage|Kapitel|Klasse)"
)


def _paired(word: str, text: str, at: int) -> bool:
    short = len(word) == 1 or (len(word) == 2 and word.isupper())
    return short and word.isalpha() and _PARTNER.match(text, at) is not None


def _rank(text: str, match: re.Match[str]) -> bool:
    """A German ordinal: a small number, then a month or what one counts."""
    return _MONTH.match(text, match.end()) is not None


def _only(text: str, start: int, end: int) -> bool:
    """Whether next to nothing stands between; looking no further keeps the whole linear."""
    return end - start <= _INDENT and not text[start:end].strip(" \t\n(")


def _next_sign(text: str, at: int) -> str:
    opening = _OPENING.match(text, at)
    after = opening.end() if opening else at
    return text[after : after + 1]
