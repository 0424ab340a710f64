"""Papers: words stay words, every font is embedded, tables repeat their heads, both forms agree."""

from __future__ import annotations

import ctypes
import io
from pathlib import Path

import pypdfium2
import pypdfium2.raw as pdfium
import pytest
from docx import Document
from docx.oxml.ns import qn
from PIL import Image, ImageFont

from maplebridge.lib import papers
from maplebridge.lib.papers import (
    Column,
    Facts,
    Figures,
    Heading,
    Note,
    Paper,
    Paragraph,
    Table,
    pdf,
    word,
)
from maplebridge.lib.papers import Signature as Signed

pytestmark = pytest.mark.skipif(
    not (pdf.FONTS / "NotoSerifSC_400Regular.ttf").exists(),
    reason="needs the fonts: python -m maplebridge.config.bundle",
)

NASTY = (
    '#panic("x")',
    "#import sys: inputs",
    "$x^2$ *b* _i_ `raw` <a> @b",
    "// c /* d */ \\ [e] {f} ~ == g",
    '"]) #read("/etc/passwd") ([“',
    "%(n)s {n} {of} {{x}} & <w:t>",
)


def text_of(made: bytes) -> str:
    pages = pypdfium2.PdfDocument(made)
    return "\n".join(page.get_textpage().get_text_range() for page in pages)


def squeezed(text: str) -> str:
    """Without white space: lines break where the page ends."""
    return "".join(text.split())


def words_of(made: bytes) -> str:
    """The text of a DOCX: paragraphs and cells, in no order."""
    document = Document(io.BytesIO(made))
    cells = [c.text for t in document.tables for row in t.rows for c in row.cells]
    return "\n".join([*(p.text for p in document.paragraphs), *cells])


def fonts_of(made: bytes) -> dict[str, bool]:
    """The name of each font that draws a text, and whether it is embedded."""
    found: dict[str, bool] = {}
    for page in pypdfium2.PdfDocument(made):
        for drawn in page.get_objects(filter=(pdfium.FPDF_PAGEOBJ_TEXT,), max_depth=9):
            font = pdfium.FPDFTextObj_GetFont(drawn.raw)
            name = ctypes.create_string_buffer(200)
            pdfium.FPDFFont_GetBaseFontName(font, name, 200)
            found[name.value.decode()] = pdfium.FPDFFont_GetIsEmbedded(font) == 1
    return found


def characters_without_glyph(text: str, font: Path) -> set[str]:
    face = ImageFont.truetype(str(font), 24)
    nothing = bytes(face.getmask("\U0010fffd"))
    return {c for c in set(text) if not c.isspace() and bytes(face.getmask(c)) == nothing}


def paper(*blocks: papers.Block, **more: str) -> Paper:
    return Paper(title="题目", issuer="龙游县大联动中心", blocks=blocks, **more)


def test_no_word_of_a_paper_is_code() -> None:
    for words in NASTY:
        whole = Paper(
            title=words,
            issuer=words,
            number=words,
            day=words,
            mark=words,
            foot="脚",
            blocks=(
                Heading(words),
                Paragraph(words),
                Facts(((words, words),)),
                Figures(((words, words),)),
                Table(words, (Column(words),), ((words,),), (words,)),
                Table(words, (Column(words),), (), (words,), empty=words),
                Note(words),
                Signed(words, words, (words,)),
            ),
        )
        shown = squeezed(text_of(pdf.render(whole)))
        assert shown.count(squeezed(words)) == 23, words
        written = words_of(word.render(whole))
        assert written.count(words) == 23, words


def test_characters_that_nobody_sees_do_not_break_a_paper() -> None:
    strange = paper(Paragraph("前\x00\x08\u202e\ufffe\ud800\ufdd0后\r\n第二行\x0b"))
    assert "前后" in text_of(pdf.render(strange))
    assert "前后\n第二行" in words_of(word.render(strange))


def test_every_font_of_a_pdf_is_embedded_and_has_every_character() -> None:
    text = "衢州市龙游县社阳乡，㙇㘵䶮堃喆旻囍：0123456789 %＝÷—“”（）〔〕、。；ABC xyz"
    made = pdf.render(paper(Paragraph(text), Facts((("一", text),)), Heading(text)))
    found = fonts_of(made)
    assert {name.partition("+")[2].split("-")[0] for name in found} == {"NotoSerifSC"}
    assert set(found.values()) == {True}
    for weight in ("400Regular", "700Bold"):
        assert characters_without_glyph(text, pdf.FONTS / f"NotoSerifSC_{weight}.ttf") == set()
    assert characters_without_glyph("\U0010fffc", pdf.FONTS / "NotoSerifSC_400Regular.ttf")


def test_a_long_table_repeats_its_head_and_pages_are_counted() -> None:
    rows = tuple((f"第{n}行", str(n)) for n in range(90))
    table = Table("长表", (Column("抬头甲"), Column("抬头乙", numeric=True)), rows)
    whole = paper(table, page="第 {n} 页 共 {of} 页")
    pages = [
        page.get_textpage().get_text_range() for page in pypdfium2.PdfDocument(pdf.render(whole))
    ]
    assert len(pages) > 1
    for number, page in enumerate(pages, 1):
        assert "抬头甲" in page
        assert f"第{number}页共{len(pages)}页" in squeezed(page)
    assert [page.count("长表") for page in pages] == [1] + [0] * (len(pages) - 1)
    document = Document(io.BytesIO(word.render(whole)))
    head = document.tables[0].rows[0]._tr
    assert head.find(qn("w:trPr")).find(qn("w:tblHeader")) is not None
    fields = [part.text for part in document.sections[0].footer._element.iter(qn("w:instrText"))]
    assert fields == ["PAGE", "NUMPAGES"]


def test_a_docx_names_fonts_for_east_asian_words() -> None:
    document = Document(io.BytesIO(word.render(paper(Heading("标题"), Paragraph("正文")))))
    fonts = {
        run.text: run._r.rPr.rFonts.get(qn("w:eastAsia"))
        for paragraph in document.paragraphs
        for run in paragraph.runs
    }
    assert (fonts["标题"], fonts["正文"], fonts["题目"]) == ("黑体", "仿宋", "宋体")
    assert round(document.sections[0].page_width.mm) == 210


def test_the_same_paper_is_the_same_docx_twice_and_the_same_pdf() -> None:
    whole = paper(Paragraph("正文"), Table("表", (Column("甲"),), (("1",),)))
    assert pdf.render(whole) == pdf.render(whole)
    first, again = word.render(whole), word.render(whole)
    assert words_of(first) == words_of(again)


def test_pages_can_be_drawn_as_pictures() -> None:
    (picture,) = pdf.pictures(paper(Paragraph("正文")), dots_per_inch=40)
    drawn = Image.open(io.BytesIO(picture)).convert("L")
    assert drawn.width == 331
    ink = sum(drawn.histogram()[:128])
    assert ink > 300
    (empty,) = pdf.pictures(paper(), dots_per_inch=40)
    assert ink > sum(Image.open(io.BytesIO(empty)).convert("L").histogram()[:128])


@pytest.mark.parametrize("again", ["a1/", "aaa", "é1é", "яяя"])
def test_a_long_word_stays_within_the_page(again: str) -> None:
    endless = "https://" + again * 120
    made = pdf.render(
        paper(
            Paragraph(endless),
            Facts((("一", endless),)),
            Table("表", (Column("甲"), Column("乙")), ((endless, "1"),)),
        )
    )
    (page,) = pypdfium2.PdfDocument(made)
    text = page.get_textpage()
    drawn = [n for n in range(text.count_chars()) if text.get_text_range(n, 1).strip()]
    assert len(drawn) > 1000
    assert max(text.get_charbox(n)[2] for n in drawn) < page.get_width() - 25 * 72 / 25.4
    assert text.get_text_range().count(again) > 300


def test_a_row_that_does_not_fit_and_another_form_are_refused() -> None:
    with pytest.raises(ValueError, match="a row of 1 cells for 2 columns"):
        Table("", (Column("a"), Column("b")), (("1",),))
    with pytest.raises(ValueError, match="pdf or docx, not 'odt'"):
        papers.render(paper(), "odt")


def test_missing_fonts_are_said_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pdf, "FONTS", tmp_path)
    pdf._fonts.cache_clear()
    try:
        with pytest.raises(pdf.FontsMissing, match=r"python -m maplebridge\.config\.bundle"):
            pdf.render(paper())
    finally:
        pdf._fonts.cache_clear()
