"""The command that writes papers: the file, the figures of the file, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pypdfium2
import pytest
from click.testing import CliRunner
from docx import Document

from maplebridge.config.commands import paper
from maplebridge.insight import reports, slips
from maplebridge.lib.papers import pdf

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(
        not (pdf.FONTS / "NotoSerifSC_400Regular.ttf").exists(),
        reason="needs the fonts: python -m maplebridge.config.bundle",
    ),
]


def run(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(paper.command, list(words))
    return done.exit_code, done.output


def test_every_paper_has_its_command() -> None:
    assert set(paper.REPORTS) == set(reports.REPORTS) == set(reports.REPORT_LABELS)
    assert set(paper.SLIPS) == set(slips.SLIPS) == set(slips.SLIP_LABELS)
    assert set(paper.command.commands) == {*paper.REPORTS, *paper.SLIPS}


def test_a_report_is_written_where_it_was_asked_for(town: Any, tmp_path: Path) -> None:
    out = tmp_path / "daily.pdf"
    code, said = run("daily", "--area", "330825", "--out", str(out), "--json")
    assert code == 0
    assert json.loads(said.splitlines()[-1]) == {
        "paper": "daily",
        "format": "pdf",
        "file": str(out),
        "bytes": out.stat().st_size,
    }
    text = pypdfium2.PdfDocument(out)[0].get_textpage().get_text_range()
    assert "龙游县社会治理日报" in text


def test_a_slip_is_written_by_the_number_of_its_case(town: Any, tmp_path: Path) -> None:
    case = town.opened("dispatched")
    out = tmp_path / "slip.docx"
    code, said = run("dispatch-slip", case.number, "--format", "docx", "--out", str(out))
    assert (code, said) == (0, f"{out}: {out.stat().st_size} bytes\n")
    words = [p.text for p in Document(str(out)).paragraphs]
    assert "交办单" in words


def test_what_cannot_be_written_is_said(town: Any, tmp_path: Path) -> None:
    case = town.opened("accepted")
    out = ["--out", str(tmp_path / "x.pdf")]
    code, said = run("dispatch-slip", case.number, *out)
    assert (code, "没有交办单" in said) == (1, True)
    assert run("dispatch-slip", "330825-20260101-AAAAAA", *out)[0] == 1
    assert run("daily", "--area", "33", *out)[0] == 2
    assert run("daily", "--format", "odt", *out)[0] == 2
    code, said = run("daily", "--day", "2999-01-01", *out)
    assert (code, "until today" in said) == (2, True)
    code, said = run("daily", "--area", "330825", "--out", str(tmp_path / "no" / "x.pdf"))
    assert (code, "cannot be written" in said) == (1, True)
    assert list(tmp_path.iterdir()) == []
