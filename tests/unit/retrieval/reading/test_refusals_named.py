"""Every bad file gets its code, and nothing else happens."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from pathlib import Path

import docx
import openpyxl
import pytest
from reportlab.lib.pdfencrypt import StandardEncryption
from reportlab.pdfgen.canvas import Canvas

from retrieval.errors import Unreadable
from retrieval.reading.limits import Limits
from retrieval.reading.read import read


def code_of(path: Path, name: str | None = None, limits: Limits | None = None) -> str:
    with pytest.raises(Unreadable) as caught:
        read(path, declared_name=name or path.name, limits=limits)
    assert caught.value.message.endswith(".")
    assert caught.value.remedy.endswith(".")
    return caught.value.code


def written(path: Path, content: bytes | str) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def pdf(path: Path, pages: int = 1, *, encrypt: object = None, text: bool = True) -> Path:
    canvas = Canvas(str(path), encrypt=encrypt)
    for number in range(pages):
        if text:
            canvas.drawString(72, 700, f"This is what stands on page number {number + 1}.")
        else:
            canvas.rect(50, 50, 200, 200, fill=1)
        canvas.showPage()
    canvas.save()
    return path


def word(path: Path, paragraph: str = "Hello there.") -> Path:
    document = docx.Document()
    document.add_paragraph(paragraph)
    document.save(str(path))
    return path


def repacked(path: Path, changes: dict[str, bytes]) -> Path:
    """The same package with some parts replaced."""
    with (
        zipfile.ZipFile(io.BytesIO(path.read_bytes())) as old,
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for name in {*old.namelist(), *changes}:
            new.writestr(name, changes.get(name) or old.read(name))
    return path


@pytest.mark.parametrize("content", [b"", b"  \n\t ", b"\x00\x00\x00"])
@pytest.mark.parametrize("name", ["a.txt", "a.pdf", "a.docx", "a"])
def test_nothing_inside_is_empty(tmp_path: Path, content: bytes, name: str) -> None:
    assert code_of(written(tmp_path / name, content)) == "empty"


def test_pdf_with_a_password_is_encrypted(tmp_path: Path) -> None:
    assert code_of(pdf(tmp_path / "a.pdf", encrypt=StandardEncryption("secret"))) == "encrypted"


def test_office_file_with_a_password_is_encrypted(tmp_path: Path) -> None:
    content = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(300_000)
    content += "EncryptedPackage".encode("utf-16-le")
    assert code_of(written(tmp_path / "a.docx", content)) == "encrypted"


def test_pdf_cut_short_is_truncated_or_says_that_its_end_is_missing(tmp_path: Path) -> None:
    whole = pdf(tmp_path / "whole.pdf", 20).read_bytes()
    outcomes = set()
    for share in (0.02, 0.3, 0.6, 0.9):
        path = written(tmp_path / "a.pdf", whole[: int(len(whole) * share)])
        try:
            reading = read(path, declared_name="a.pdf")
            assert any("lacks its end" in warning for warning in reading.warnings)
            outcomes.add("read")
        except Unreadable as refusal:
            outcomes.add(refusal.code)
    assert outcomes <= {"read", "truncated", "corrupt", "no_text"}
    assert "truncated" in outcomes


@pytest.mark.parametrize("share", [0.1, 0.5, 0.95])
def test_package_cut_short_is_truncated(tmp_path: Path, share: float) -> None:
    whole = word(tmp_path / "a.docx").read_bytes()
    assert code_of(written(tmp_path / "a.docx", whole[: int(len(whole) * share)])) == "truncated"


def test_garbage_behind_a_pdf_mark_is_corrupt(tmp_path: Path) -> None:
    assert code_of(written(tmp_path / "a.pdf", b"%PDF-1.7\n" + b"\x01\xfe" * 500 + b"%%EOF")) in (
        "corrupt",
    )


def test_package_with_broken_xml_or_bytes_is_corrupt(tmp_path: Path) -> None:
    broken = repacked(word(tmp_path / "a.docx"), {"word/document.xml": b"<w:document><w:body>"})
    assert code_of(broken) == "corrupt"
    content = bytearray(word(tmp_path / "b.docx").read_bytes())
    content[len(content) // 3] ^= 0xFF
    assert code_of(written(tmp_path / "b.docx", bytes(content))) in ("corrupt", "zip_bomb")


def test_scanned_pdf_says_that_it_has_no_text(tmp_path: Path) -> None:
    assert code_of(pdf(tmp_path / "a.pdf", 2, text=False)) == "no_text"


def test_pages_of_pictures_among_text_are_named_and_the_rest_is_read(tmp_path: Path) -> None:
    canvas = Canvas(str(tmp_path / "a.pdf"))
    canvas.drawString(72, 700, "A page of text, as it should be.")
    canvas.showPage()
    canvas.rect(50, 50, 200, 200, fill=1)
    canvas.showPage()
    canvas.save()
    reading = read(tmp_path / "a.pdf", declared_name="a.pdf")
    assert [(skip.where, "no text" in skip.why) for skip in reading.skipped] == [("page 2", True)]


@pytest.mark.parametrize(
    "content",
    [
        b"\x89PNG\r\n\x1a\n" + bytes(100),
        b"\x7fELF\x02\x01\x01" + bytes(100),
        b"{\\rtf1 hello}",
        b"\x1f\x8b\x08\x00" + bytes(range(200)),
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600),
        bytes(range(256)) * 8,
        b"<?xml version='1.0'?><invoice><sum>5</sum></invoice>",
        b"<svg xmlns='http://www.w3.org/2000/svg'><text>hi</text></svg>",
    ],
)
@pytest.mark.parametrize("name", ["a.txt", "a.pdf", "a.docx"])
def test_what_we_do_not_read_is_refused_whatever_its_name(
    tmp_path: Path, content: bytes, name: str
) -> None:
    assert code_of(written(tmp_path / name, content)) == "unsupported_type"


def test_zip_that_is_no_office_file_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.docx", "w") as package:
        package.writestr("../../etc/passwd", "x")
    assert code_of(tmp_path / "a.docx") == "unsupported_type"


@pytest.mark.parametrize("name", ["a.pdf", "a.xlsx", "a.md", "a.txt", "a"])
def test_a_file_that_lies_about_its_type_is_read_as_what_it_is(tmp_path: Path, name: str) -> None:
    path = word(tmp_path / "real.docx")
    reading = read(path, declared_name=name)
    assert reading.format == "docx"
    assert bool(reading.warnings) is (name != "a")


def test_words_that_begin_like_programs_are_still_words(tmp_path: Path) -> None:
    for text in ("BMW grew.", "MZ is a word.", "ID3 as well", "%PD is short"):
        assert read(written(tmp_path / "a.txt", text), declared_name="a.txt").text == text


# --- limits, at the limit and one past it


def test_bytes_at_the_limit_and_one_past(tmp_path: Path) -> None:
    path = written(tmp_path / "a.txt", "x" * 100)
    assert read(path, declared_name="a.txt", limits=Limits(bytes=100)).text == "x" * 100
    assert code_of(path, limits=Limits(bytes=99)) == "too_large"


def test_characters_at_the_limit_and_one_past(tmp_path: Path) -> None:
    path = written(tmp_path / "a.txt", "ä" * 50 + "\n\n" + "b" * 48)
    assert len(read(path, declared_name="a.txt", limits=Limits(characters=100)).text) == 100
    assert code_of(path, limits=Limits(characters=99)) == "too_large"


def test_pages_at_the_limit_and_one_past(tmp_path: Path) -> None:
    path = pdf(tmp_path / "a.pdf", 3)
    assert read(path, declared_name="a.pdf", limits=Limits(pages=3)).pages == 3
    assert code_of(path, limits=Limits(pages=2)) == "too_large"


def test_pdf_that_claims_ten_thousand_pages_is_too_large(tmp_path: Path) -> None:
    assert code_of(pdf(tmp_path / "a.pdf", 10_000)) == "too_large"


def test_cells_at_the_limit_and_one_past(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", "a,b\n1,2\n3,4\n")
    assert read(path, declared_name="a.csv", limits=Limits(cells=6)).text.endswith("a: 3; b: 4")
    assert code_of(path, limits=Limits(cells=5)) == "too_large"


def test_a_lone_cell_in_the_last_corner_of_a_sheet_costs_little(tmp_path: Path) -> None:
    workbook = openpyxl.Workbook()
    sheet = workbook.active
    assert sheet is not None
    sheet["XFD1000"] = "far out"
    workbook.save(tmp_path / "a.xlsx")
    assert "far out" in read(tmp_path / "a.xlsx", declared_name="a.xlsx").text


@pytest.mark.parametrize(
    ("name", "inside", "levels"),
    [
        ("a.html", lambda n: "<!doctype html><body>" + "<div>" * n + "x", 1),
        ("a.md", lambda n: ">" * n + " x", 1),
    ],
)
def test_depth_at_the_limit_and_past_it(
    tmp_path: Path, name: str, inside: object, levels: int
) -> None:
    assert callable(inside)
    limits = Limits(depth=40)
    path = written(tmp_path / name, inside(38))
    assert read(path, declared_name=name, limits=limits).text == "x"
    assert code_of(written(tmp_path / name, inside(42)), limits=limits) == "too_deep"


def test_html_a_hundred_thousand_deep_is_refused(tmp_path: Path) -> None:
    assert code_of(written(tmp_path / "a.html", "<html>" + "<b><div>" * 50_000)) == "too_deep"


def test_word_document_a_thousand_deep_is_refused(tmp_path: Path) -> None:
    name = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    deep = f"<w:document xmlns:w='{name}'><w:body>" + "<w:sdt><w:sdtContent>" * 500
    deep += "<w:p/>" + "</w:sdtContent></w:sdt>" * 500 + "</w:body></w:document>"
    path = repacked(word(tmp_path / "a.docx"), {"word/document.xml": deep.encode()})
    assert code_of(path) == "too_deep"


def test_one_line_of_two_megabytes_is_one_block(tmp_path: Path) -> None:
    for name in ("a.txt", "a.md", "a.html", "a.csv"):
        path = written(tmp_path / name, "word " * 400_000)
        assert len(read(path, declared_name=name).blocks) == 1


# --- packages that are not what they claim


def test_part_that_grows_too_much_is_a_bomb(tmp_path: Path) -> None:
    path = repacked(word(tmp_path / "a.docx"), {"word/media/zeros.bin": bytes(8 * 1024 * 1024)})
    assert code_of(path) == "zip_bomb"


def test_package_that_unpacks_beyond_the_limit_is_a_bomb(tmp_path: Path) -> None:
    path = word(tmp_path / "a.docx")
    with zipfile.ZipFile(path) as package:
        total = sum(entry.file_size for entry in package.infolist())
    assert read(path, declared_name="a.docx", limits=Limits(zip_inflated_bytes=total)).text
    assert code_of(path, limits=Limits(zip_inflated_bytes=total - 1)) == "zip_bomb"


def test_entries_at_the_limit_and_one_past(tmp_path: Path) -> None:
    path = word(tmp_path / "a.docx")
    with zipfile.ZipFile(path) as package:
        count = len(package.infolist())
    assert read(path, declared_name="a.docx", limits=Limits(zip_entries=count)).text
    assert code_of(path, limits=Limits(zip_entries=count - 1)) == "zip_bomb"


def directory_entry(name: bytes, packed: int, size: int, crc: int, offset: int) -> bytes:
    return (
        struct.pack(
            "<4sHHHHHHLLLHHHHHLL", b"PK\x01\x02", 20, 20, 0, 8, 0, 0x21, crc, packed, size,
            len(name), 0, 0, 0, 0, 0, offset,
        )
        + name
    )  # fmt: skip


def package_by_hand(entries: list[bytes], body: bytes) -> bytes:
    directory = b"".join(entries)
    return (
        body
        + directory
        + struct.pack(
            "<4sHHHHLLH", b"PK\x05\x06", 0, 0, len(entries), len(entries), len(directory),
            len(body), 0,
        )
    )  # fmt: skip


def local(name: bytes, content: bytes, size: int | None = None) -> tuple[bytes, int, int]:
    """A packed entry, its packed size and its checksum."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = packer.compress(content) + packer.flush()
    crc = zlib.crc32(content)
    claimed = len(content) if size is None else size
    head = struct.pack(
        "<4sHHHHHLLLHH", b"PK\x03\x04", 20, 0, 8, 0, 0x21, crc, len(packed), claimed, len(name), 0
    )
    return head + name + packed, len(packed), crc


def test_entries_that_share_their_bytes_are_a_bomb(tmp_path: Path) -> None:
    body, packed, crc = local(b"word/document.xml", b"<a/>" * 1000)
    names = [b"word/document.xml", *(f"word/media/{n}".encode() for n in range(50))]
    entries = [directory_entry(name, packed, 4000, crc, 0) for name in names]
    path = written(tmp_path / "a.docx", package_by_hand(entries, body))
    assert code_of(path) == "zip_bomb"


def test_part_that_holds_more_than_it_claims_never_unpacks(tmp_path: Path) -> None:
    content = bytes(20 * 1024 * 1024)
    body, packed, crc = local(b"word/document.xml", content, size=1000)
    entry = directory_entry(b"word/document.xml", packed, 1000, crc, 0)
    path = written(tmp_path / "a.docx", package_by_hand([entry], body))
    assert code_of(path) in ("corrupt", "zip_bomb")


BILLION_LAUGHS = (
    '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
    "<x>&b;</x>"
)
OUTSIDE = '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY o SYSTEM "file:///etc/hostname">]><x>&o;</x>'


@pytest.mark.parametrize("declaration", [BILLION_LAUGHS, OUTSIDE])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize("part", ["word/document.xml", "word/styles.xml", "_rels/.rels"])
def test_word_document_with_a_document_type_is_refused(
    tmp_path: Path, declaration: str, encoding: str, part: str
) -> None:
    path = repacked(word(tmp_path / "a.docx"), {part: declaration.encode(encoding)})
    assert code_of(path) == "external_entities"


def test_document_type_hidden_in_another_encoding_is_refused(tmp_path: Path) -> None:
    hidden = '<?xml version="1.0" encoding="utf-7"?>+ADw-!DOCTYPE x+AD4-<x/>'
    path = repacked(word(tmp_path / "a.docx"), {"word/document.xml": hidden.encode()})
    assert code_of(path) == "corrupt"


def test_workbook_with_a_document_type_is_refused(tmp_path: Path) -> None:
    openpyxl.Workbook().save(tmp_path / "a.xlsx")
    path = repacked(tmp_path / "a.xlsx", {"xl/sharedStrings.xml": OUTSIDE.encode()})
    assert code_of(path) == "external_entities"


def test_svg_with_entities_is_refused_and_inside_a_page_means_nothing(tmp_path: Path) -> None:
    svg = OUTSIDE.replace("<x>", "<svg xmlns='http://www.w3.org/2000/svg'><text>")
    assert code_of(written(tmp_path / "a.html", svg)) == "external_entities"
    page = f"<!doctype html><html><body><p>Safe.</p><svg>{OUTSIDE}</svg></body></html>"
    assert "root" not in read(written(tmp_path / "b.html", page), declared_name="b.html").text


def test_pdf_whose_pages_go_in_a_circle_ends(tmp_path: Path) -> None:
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        "<< /Type /Pages /Kids [3 0 R 2 0 R] /Count 1000000 >>",
        "<< /Type /Pages /Parent 2 0 R /Kids [2 0 R] /Count 500000 >>",
    ]
    content, places = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, start=1):
        places.append(len(content))
        content += f"{number} 0 obj\n{body}\nendobj\n".encode()
    table = "".join(f"{place:010d} 00000 n \n" for place in places)
    content += (
        f"xref\n0 4\n0000000000 65535 f \n{table}trailer << /Size 4 /Root 1 0 R >>\n"
        f"startxref\n{len(content)}\n%%EOF"
    ).encode()
    assert code_of(written(tmp_path / "a.pdf", content)) in ("corrupt", "too_large", "no_text")
