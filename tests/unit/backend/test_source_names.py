"""What a source may be called."""

import pytest

from backend.sources.names import LONGEST, clean_path, media_type, title


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("report.pdf", "report.pdf"),
        ("a/b/report.pdf", "a/b/report.pdf"),
        ("..\\..\\windows\\system.ini", "windows/system.ini"),
        ("/etc/passwd", "etc/passwd"),
        ("a/../../b.txt", "a/b.txt"),
        ("fdp\u202etxt.exe", "fdptxt.exe"),  # a right-to-left override hides the real ending
        ("zero\u200bwidth.txt", "zerowidth.txt"),
        ("line\nbreak\x00.txt", "linebreak.txt"),
        ("  two   spaces .txt ", "two spaces .txt"),
        ("\u0065\u0301.txt", "\u00e9.txt"),  # the same name however it was typed
        ("", "untitled"),
        ("../..", "untitled"),
    ],
)
def test_a_path_is_plain_parts_with_no_way_up(given: str, kept: str) -> None:
    assert clean_path(given) == kept


def test_a_path_is_cut_at_its_limit_and_keeps_its_end() -> None:
    """One at the limit stays whole; one past it keeps what tells files apart."""
    whole = "a" * (LONGEST - 4) + ".pdf"
    assert clean_path(whole) == whole
    assert clean_path("x" + whole) == whole
    assert clean_path(clean_path("x/" * LONGEST + "end.pdf")).endswith("/end.pdf")


def test_the_title_is_the_file_s_name() -> None:
    assert title("q3/minutes.docx") == "minutes.docx"
    assert media_type("q3/MINUTES.DOCX").endswith("wordprocessingml.document")
    assert media_type("q3.docx/readme") == "application/octet-stream"
