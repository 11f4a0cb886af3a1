"""The reader of NebulaGraph's grammar, on a small one of the same make; and on the whole of it,
where ``STRATMASTER_TEST_NEBULA_GRAMMAR`` names it: then every suite's statements go through it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from retrieval.errors import RetrievalError
from retrieval.graph.model import Facts
from tests.nebula import engine
from tests.nebula.published import SETTING, Grammar, published
from tests.nebula.serve import graph_at, stand_in

GRAMMAR = r"""
%start sentences
%left PLUS
%%
sentences
    : sentence { $$ = "} | ;"; }  // it's one
    | sentences SEMICOLON sentence { if ($1) { $$ = '}'; } }
    ;
sentence
    : KW_USE name opt_comment /* not : KW_DROP */ { $$ = $2; }
    | KW_SAY values %prec PLUS

opt_comment
    : %empty { $$ = nullptr; }
    | KW_COMMENT ASSIGN STRING
    ;
values : value | values COMMA value;
value : INTEGER | DOUBLE | STRING | KW_NOT_IN;
name : LABEL | KW_COMMENT;
%%
void rest() {}
"""
SCANNER = r"""
%option case-insensitive
blanks                      ([ \t]+)
NOT_IN                      (NOT{blanks}IN)
DEC                         ([0-9])
%x DQ_STR
%%
 /* words */
"USE"                       { return TokenType::KW_USE; }
"SAY"                       { return TokenType::KW_SAY; }
"COMMENT"                   { return TokenType::KW_COMMENT; }
{NOT_IN}                    { return TokenType::KW_NOT_IN; }
";"                         { return TokenType::SEMICOLON; }
","                         { return TokenType::COMMA; }
"="                         { return TokenType::ASSIGN; }
[a-z][a-z0-9]*              {
                                yylval->strval = new std::string(yytext, yyleng);
                                return TokenType::LABEL;
                            }
{DEC}+                      { return parseDecimal(); }
{DEC}*\.{DEC}+              |
{DEC}+\.{DEC}*              { return parseDouble(); }
\"                          { BEGIN(DQ_STR); }
<DQ_STR>\"                  { return TokenType::STRING; }
%%
/* the end */
"""


@pytest.fixture
def small(tmp_path: Path) -> Grammar:
    (tmp_path / "parser.yy").write_text(GRAMMAR)
    (tmp_path / "scanner.lex").write_text(SCANNER)
    return Grammar.read(tmp_path)


@pytest.mark.parametrize(
    "said",
    [
        "use one",
        'USE comment COMMENT = "a \\" b"; say 1, 2.5, \'x\', not  in',
        "use users",  # the longest match is no keyword
        "use a;use b;use c",
    ],
)
def test_a_sentence_of_the_grammar_is_read(small: Grammar, said: str) -> None:
    assert small.refuses(said.encode()) == ""


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("", "it ends too early"),
        ("use", "it ends too early"),
        ("use one two", "LABEL at token 2"),
        ("say 1,", "it ends too early"),
        ("drop one", "LABEL at token 0"),
        ('say "a\nb"', "no token"),
        ("use comment comment = 5", "INTEGER at token 4"),
        ("say not", "LABEL at token 1"),
    ],
)
def test_what_is_no_sentence_is_refused_where_it_stops_to_be_one(
    small: Grammar, said: str, why: str
) -> None:
    assert why in small.refuses(said.encode())


async def test_the_stand_in_refuses_what_the_published_grammar_does(
    small: Grammar, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though its own reader takes it: so a suite fails at a statement that no server would take."""
    monkeypatch.setattr(engine, "published", lambda: small)
    with (
        stand_in() as server,
        pytest.raises(RetrievalError, match="as published: LABEL at token 0"),
        graph_at(server.address) as graph,
    ):
        await graph.merge([Facts("p", "t", "s", "src", "v", (), ())])


@pytest.mark.skipif(
    SETTING not in os.environ, reason=f"{SETTING} names no src/parser of the server"
)
def test_the_whole_grammar_is_read() -> None:
    """Every production and keyword of it: sentences that we never say are told from others."""
    grammar = published()
    assert grammar is not None
    for said in (
        "MATCH (a:player)-[e:follow*2]->(b) WHERE a.age > 3 RETURN a, e ORDER BY a LIMIT 5",
        "$v = GO 2 STEPS FROM 'a' OVER * BIDIRECT YIELD dst(edge) AS d; YIELD $v.d",
        "UPSERT VERTEX ON player 'x' SET age = age + 1 WHEN age IS NOT NULL YIELD age AS age",
        "ALTER TAG t ADD (a int64 NULL DEFAULT 5), DROP (b)",
        "GET SUBGRAPH WITH PROP 3 STEPS FROM 'a' YIELD VERTICES AS nodes",
    ):
        assert grammar.refuses(said.encode()) == "", said
    for said in ("INSERT VERTEX t(a) VALUES x:(1)", "DELETE VERTEX", "FETCH PROP t 'a'", "USE GO"):
        assert grammar.refuses(said.encode()), said
