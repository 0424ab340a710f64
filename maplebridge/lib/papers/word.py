"""Sets a paper as DOCX with python-docx, in the fonts that offices have: 仿宋, 黑体, 小标宋."""

from __future__ import annotations

import datetime as dt
import io
from typing import Any

from docx import Document
from docx.document import Document as WordDocument
from docx.enum.table import WD_CELL_VERTICAL_ALIGNMENT, WD_TABLE_ALIGNMENT
from docx.enum.text import WD_ALIGN_PARAGRAPH, WD_LINE_SPACING, WD_TAB_ALIGNMENT
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Mm, Pt, RGBColor
from docx.table import Table as WordTable
from docx.table import _Cell
from docx.text.paragraph import Paragraph as WordParagraph
from docx.text.run import Run

from maplebridge.lib.papers import (
    Block,
    Facts,
    Figures,
    Heading,
    Note,
    Paper,
    Paragraph,
    Signature,
    Table,
    printed,
)

LATIN = "Times New Roman"
BODY, HEAD, TITLE = "仿宋", "黑体", "宋体"
RED = RGBColor(0xC8, 0x16, 0x1D)
GREY = RGBColor(0x5A, 0x5A, 0x5A)
TEXT_WIDTH_MM = 158.0
# A file made twice from the same figures is the same file.
MADE = dt.datetime(2000, 1, 1)  # noqa: DTZ001


def render(paper: Paper) -> bytes:
    """The paper as DOCX."""
    paper = printed(paper)
    document = Document()
    _prepare(document, paper)
    _head(document, paper)
    for block in paper.blocks:
        _add(document, block)
    _foot(document, paper)
    made = io.BytesIO()
    document.save(made)
    return made.getvalue()


def _prepare(document: WordDocument, paper: Paper) -> None:
    known = document.core_properties
    known.title, known.author, known.language = paper.title, paper.issuer, "zh-CN"
    known.comments = ""
    known.created = known.modified = MADE
    section = document.sections[0]
    section.page_width, section.page_height = Mm(210), Mm(297)
    section.top_margin, section.bottom_margin = Mm(26), Mm(24)
    section.left_margin, section.right_margin = Mm(27), Mm(25)
    normal = document.styles["Normal"]
    normal.font.size = Pt(14)
    properties = normal.element.get_or_add_rPr()
    _fonts(properties, BODY)
    tongue = OxmlElement("w:lang")
    for name, value in (("val", "en-US"), ("eastAsia", "zh-CN")):
        tongue.set(qn(f"w:{name}"), value)
    properties.append(tongue)
    layout = normal.paragraph_format
    layout.space_before = layout.space_after = Pt(0)
    layout.line_spacing_rule, layout.line_spacing = WD_LINE_SPACING.EXACTLY, Pt(25)


def _fonts(properties: Any, family: str) -> None:
    fonts = properties.get_or_add_rFonts()
    for theme in ("asciiTheme", "hAnsiTheme", "eastAsiaTheme", "cstheme"):
        fonts.attrib.pop(qn(f"w:{theme}"), None)
    for name, value in (("ascii", LATIN), ("hAnsi", LATIN), ("cs", LATIN), ("eastAsia", family)):
        fonts.set(qn(f"w:{name}"), value)


def _write(
    paragraph: WordParagraph,
    words: str,
    size: float = 14,
    family: str = BODY,
    bold: bool = False,
    colour: RGBColor | None = None,
) -> Run:
    run = paragraph.add_run(words)
    run.font.size, run.bold = Pt(size), bold
    if colour is not None:
        run.font.color.rgb = colour
    _fonts(run._r.get_or_add_rPr(), family)
    return run


def _leading(paragraph: WordParagraph, points: float | None = None) -> None:
    """Lines as high as the type needs, or exactly so many points."""
    layout = paragraph.paragraph_format
    if points is None:
        layout.line_spacing_rule = WD_LINE_SPACING.SINGLE
    else:
        layout.line_spacing_rule, layout.line_spacing = WD_LINE_SPACING.EXACTLY, Pt(points)


def _head(document: WordDocument, paper: Paper) -> None:
    if paper.mark:
        mark = document.add_paragraph()
        mark.alignment = WD_ALIGN_PARAGRAPH.RIGHT
        _write(mark, paper.mark, 10.5)
    issuer = document.add_paragraph()
    issuer.alignment = WD_ALIGN_PARAGRAPH.CENTER
    _leading(issuer)
    size = 30 if len(paper.issuer) <= 14 else 24 if len(paper.issuer) <= 22 else 19
    _write(issuer, paper.issuer, size, TITLE, bold=True, colour=RED)
    line = document.add_paragraph()
    line.paragraph_format.space_before = Pt(10)
    line.paragraph_format.tab_stops.add_tab_stop(Mm(TEXT_WIDTH_MM), WD_TAB_ALIGNMENT.RIGHT)
    _write(line, f"{paper.number}\t{paper.day}", 12)
    _edge(line, "bottom", 12, "C8161D")
    title = document.add_paragraph()
    title.alignment = WD_ALIGN_PARAGRAPH.CENTER
    title.paragraph_format.space_before, title.paragraph_format.space_after = Pt(20), Pt(16)
    _leading(title)
    _write(title, paper.title, 22, TITLE, bold=True)


def _edge(paragraph: WordParagraph, side: str, eighths: int, colour: str) -> None:
    """A rule at one side of a paragraph. eighths: its width, in eighths of a point."""
    edges = OxmlElement("w:pBdr")
    edge = OxmlElement(f"w:{side}")
    for name, value in (("val", "single"), ("sz", str(eighths)), ("space", "4")):
        edge.set(qn(f"w:{name}"), value)
    edge.set(qn("w:color"), colour)
    edges.append(edge)
    properties = paragraph._p.get_or_add_pPr()
    properties.insert_element_before(
        edges, "w:shd", "w:tabs", "w:spacing", "w:ind", "w:jc", "w:rPr"
    )


def _add(document: WordDocument, block: Block) -> None:
    match block:
        case Heading(text):
            paragraph = document.add_paragraph()
            layout = paragraph.paragraph_format
            layout.keep_with_next, layout.space_before, layout.space_after = True, Pt(14), Pt(6)
            _write(paragraph, text, 15, HEAD)
        case Paragraph(text, indented):
            paragraph = document.add_paragraph()
            paragraph.alignment = WD_ALIGN_PARAGRAPH.JUSTIFY
            if indented:
                paragraph.paragraph_format.first_line_indent = Pt(28)
            _write(paragraph, text)
        case Facts(rows):
            _facts(document, rows)
        case Figures(rows):
            _figures(document, rows)
        case Table():
            _table(document, block)
        case Note(text):
            paragraph = document.add_paragraph()
            # The last page of a paper bears more than its signature.
            layout = paragraph.paragraph_format
            layout.space_before, layout.keep_with_next = Pt(8), True
            _leading(paragraph, 16)
            _write(paragraph, text, 10.5, colour=GREY)
        case Signature():
            _signature(document, block)


def _grid(document: WordDocument, rows: int, widths: list[float], style: str) -> WordTable:
    """An empty table as wide as the text. widths: shares of it."""
    table: WordTable = document.add_table(rows=rows, cols=len(widths))
    table.style = document.styles[style]
    table.alignment, table.autofit = WD_TABLE_ALIGNMENT.CENTER, False
    whole = sum(widths)
    for column, width in zip(table.columns, widths, strict=True):
        column.width = Mm(TEXT_WIDTH_MM * width / whole)
        for cell in column.cells:
            cell.width = column.width
    return table


def _fill(
    cell: _Cell,
    words: str,
    size: float,
    *,
    side: Any = WD_ALIGN_PARAGRAPH.LEFT,
    bold: bool = False,
    room: float = 3,
) -> None:
    cell.vertical_alignment = WD_CELL_VERTICAL_ALIGNMENT.CENTER
    paragraph = cell.paragraphs[0]
    paragraph.alignment = side
    paragraph.paragraph_format.space_before = paragraph.paragraph_format.space_after = Pt(room)
    _leading(paragraph)
    _write(paragraph, words, size, HEAD if bold else BODY)


def _facts(document: WordDocument, rows: tuple[tuple[str, str], ...]) -> None:
    table = _grid(document, len(rows), [29, TEXT_WIDTH_MM - 29], "Table Grid")
    for row, (name, value) in zip(table.rows, rows, strict=True):
        _fill(row.cells[0], name, 12, side=WD_ALIGN_PARAGRAPH.CENTER, bold=True, room=4)
        _fill(row.cells[1], value, 12, room=4)
    _gap(document)


def _figures(document: WordDocument, rows: tuple[tuple[str, str], ...]) -> None:
    across = min(len(rows), 6)
    lines = [rows[start : start + across] for start in range(0, len(rows), across)]
    table = _grid(document, len(lines), [1.0] * across, "Table Grid")
    for row, line in zip(table.rows, lines, strict=True):
        for cell, (name, figure) in zip(row.cells, line, strict=False):
            _fill(cell, figure, 22, side=WD_ALIGN_PARAGRAPH.CENTER, bold=True)
            below = cell.add_paragraph()
            below.alignment = WD_ALIGN_PARAGRAPH.CENTER
            below.paragraph_format.space_after = Pt(3)
            _leading(below)
            _write(below, name, 10.5, colour=GREY)
    _gap(document)


def _table(document: WordDocument, block: Table) -> None:
    if block.title:
        title = document.add_paragraph()
        title.paragraph_format.keep_with_next = True
        title.paragraph_format.space_before = Pt(6)
        _write(title, block.title, 12, HEAD)
    size = 9 if len(block.columns) > 6 else 10.5
    table = _grid(
        document, max(len(block.rows), 1) + 1, [c.share for c in block.columns], "Table Grid"
    )
    sides = [
        WD_ALIGN_PARAGRAPH.RIGHT if column.numeric else WD_ALIGN_PARAGRAPH.LEFT
        for column in block.columns
    ]
    head = table.rows[0]
    repeated = OxmlElement("w:tblHeader")
    head._tr.get_or_add_trPr().append(repeated)
    for cell, column, side in zip(head.cells, block.columns, sides, strict=True):
        _fill(cell, column.name, size, side=side, bold=True)
    for row in table.rows:
        row._tr.get_or_add_trPr().append(OxmlElement("w:cantSplit"))
    if not block.rows:
        whole = table.rows[1].cells[0].merge(table.rows[1].cells[-1])
        _fill(whole, block.empty, size, side=WD_ALIGN_PARAGRAPH.CENTER)
    for number, (row, words) in enumerate(zip(list(table.rows)[1:], block.rows, strict=False), 1):
        bold = block.total and number == len(block.rows)
        for cell, said, side in zip(row.cells, words, sides, strict=True):
            _fill(cell, said, size, side=side, bold=bold, room=2)
    for note in block.notes:
        paragraph = document.add_paragraph()
        _leading(paragraph, 14)
        _write(paragraph, note, 9, colour=GREY)
    _gap(document)


def _gap(document: WordDocument) -> None:
    """Room below a table; two tables in a row would grow together."""
    _leading(document.add_paragraph(), 8)


def _signature(document: WordDocument, block: Signature) -> None:
    for number, words in enumerate((block.issuer, block.day)):
        paragraph = document.add_paragraph()
        paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
        layout = paragraph.paragraph_format
        layout.left_indent = Mm(TEXT_WIDTH_MM * 0.38)
        layout.keep_with_next = not number or bool(block.places)
        if not number:
            layout.space_before = Pt(16)
        _write(paragraph, words)
    if block.places:
        paragraph = document.add_paragraph()
        paragraph.paragraph_format.space_before = Pt(12)
        _write(paragraph, "　".join(f"{name}＿＿＿＿＿＿" for name in block.places), 12)


def _foot(document: WordDocument, paper: Paper) -> None:
    paragraph = document.sections[0].footer.paragraphs[0]
    # The style of a footer brings a tab stop in the middle.
    paragraph.style = document.styles["Normal"]
    paragraph.paragraph_format.tab_stops.add_tab_stop(Mm(TEXT_WIDTH_MM), WD_TAB_ALIGNMENT.RIGHT)
    _leading(paragraph)
    _write(paragraph, f"{paper.foot}\t", 9, colour=GREY)
    rest = paper.page
    for blank, field in (("{n}", "PAGE"), ("{of}", "NUMPAGES")):
        before, _blank, rest = rest.partition(blank)
        _write(paragraph, before, 9, colour=GREY)
        _field(paragraph, field)
    _write(paragraph, rest, 9, colour=GREY)


def _field(paragraph: WordParagraph, code: str) -> None:
    """A number that Word counts itself."""
    for kind in ("begin", "", "separate", "shown", "end"):
        run = _write(paragraph, "1" if kind == "shown" else "", 9, colour=GREY)
        if kind == "shown":
            continue
        part = OxmlElement("w:fldChar" if kind else "w:instrText")
        if kind:
            part.set(qn("w:fldCharType"), kind)
        else:
            part.set(qn("xml:space"), "preserve")
            part.text = code
        run._r.append(part)
