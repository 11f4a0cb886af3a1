"""Where sentences end, by example in five languages and by property over anything."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.sentences import sentences


@pytest.mark.parametrize(
    "marked",
    [
        # A bar stands where a sentence ends.
        "Revenue grew 12.1 % in 2023.|Margins fell.",
        "Dr. J. Smith agreed (see Fig. 3 and No. 5).|Did Mr. Lee?|He said no.|Then he left.",
        "It cost $1.5m, i.e. half vs. last year.|Inflation etc. matters.|So does trade.",
        "He serves in the U.S. Army.|She lives in the U.S.|The end.",
        '"Stop."|He left.|"Why?" she asked.|“Because.”|We go on.',
        "It was good.[1]|It was bad [2].|Next.[3][4]",
        "Wait… what?!|Really.",
        "Version 2.0.1 of example.com/a.html shipped.|It works.",
        "- Prices rise\n|- Costs fall\n|2. Demand",
        "1. Scope of work\n|2. Price",
        "A line\nbroken in two.|Another.\n\n|A title\n\n|Text",
        "Am 3. Oktober stieg der Umsatz um 12,1 %.|Das ist z. B. viel.|Prof. Dr. Meier sagt ja.",
        "Die Kosten (vgl. Abb. 4) sanken um ca. 3 Mio. Euro.|Gut so!",
        "Er zahlte 5 Mio.|Danach ging er.",
        "M. Dupont a dit : « C'est vrai. »|Il part.|Env. 3,5 M€, cf. p. 12.|Fin.",
        "El Sr. García llegó.|¿Qué pasa?|¡Nada!|EE. UU. crece un 2,5 %.|Ya.",
        "В 2020 г. выручка выросла на 5 млн руб.|Это много.|См. рис. 3 и т. д.",
        "这是第一句。|这是第二句！|完",
    ],
)
def test_sentences_end_where_a_reader_would_end_them(marked: str) -> None:
    text = "".join(part if part.endswith(("\n", "[")) else part + " " for part in marked.split("|"))
    found = [text[start:end] for start, end in sentences(text)]
    assert found == [part.strip() for part in marked.split("|")]


@given(st.text() | st.text(alphabet="aB1 .!?\n\t\"'»)]-—…\u200b\u0301"))
def test_sentences_ascend_are_bare_and_leave_nothing_out(text: str) -> None:
    reached = 0
    for start, end in sentences(text):
        assert reached <= start < end
        assert text[start:end] == text[start:end].strip()
        assert not text[reached:start].strip()
        reached = end
    assert not text[reached:].strip()


@pytest.mark.timeout(20)  # quadratic work would take hours
@pytest.mark.parametrize(
    "sign", [".", " ", "\n", ")", '"', ". ", ".)", "1. ", "a. ", "— ", "3. Mai "]
)
def test_a_million_signs_of_anything_are_read_once(sign: str) -> None:
    text = "x" + sign * (1_000_000 // len(sign)) + "x"
    assert sentences(text)[-1][1] == len(text)
