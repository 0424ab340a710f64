"""Sets a paper as PDF with Typst; the fonts are those laid beside this package, embedded."""

from __future__ import annotations

import functools
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

import typst

from maplebridge.lib.papers import Paper, printed

FONTS = Path(__file__).resolve().parent.parent / "fonts"
FAMILY = "Noto Serif SC"
LAYOUT = Path(__file__).with_name("paper.typ")


class FontsMissing(RuntimeError):
    """The fonts were not built; the message says how."""


def render(paper: Paper) -> bytes:
    """The paper as PDF. Raises FontsMissing where the fonts were not built."""
    return _compiled(paper, "pdf")[0]


def pictures(paper: Paper, dots_per_inch: float = 96) -> list[bytes]:
    """The paper's pages as PNG. Raises FontsMissing as `render` does."""
    return _compiled(paper, "png", dots_per_inch)


def _compiled(paper: Paper, form: Literal["pdf", "png"], ppi: float | None = None) -> list[bytes]:
    # The paper goes in as data and is drawn as strings, so that no word of it can be code.
    said = json.dumps(_as_data(printed(paper)), ensure_ascii=False)
    made = typst.compile(
        LAYOUT.read_bytes(),
        font_paths=_fonts(),
        ignore_system_fonts=True,
        format=form,
        ppi=ppi,
        sys_inputs={"paper": said, "font": FAMILY},
    )
    # One page is given as bytes, several as a list of them.
    return [made] if isinstance(made, bytes) else list(made or ())


@functools.cache
def _fonts() -> typst.Fonts:
    fonts = typst.Fonts(include_system_fonts=False, font_paths=[str(FONTS)])
    if FAMILY not in fonts.families():
        raise FontsMissing(
            f"The font {FAMILY} is not in {FONTS}: run python -m maplebridge.config.bundle."
        )
    return fonts


def _as_data(paper: Paper) -> dict[str, Any]:
    blocks = [{"kind": type(block).__name__.lower(), **asdict(block)} for block in paper.blocks]
    return {**asdict(paper), "blocks": blocks}
