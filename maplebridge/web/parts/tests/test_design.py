"""The design: its page shows every part, and its colours can be read in both themes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.test import Client

STYLES = Path(__file__).resolve().parents[1] / "src" / "styles"
# Drawn by a script or by the state of another part.
NOT_DRAWN_HERE = {"htmx-request", "over", "case"}
WASHED = ("maple", "jade", "amber", "crimson", "water", "stone")
AA, AA_LARGE = 4.5, 3.0


def _tokens(block: str) -> dict[str, str]:
    return dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{3,6});", block))


def _themes() -> dict[str, dict[str, str]]:
    text = (STYLES / "tokens.css").read_text(encoding="utf-8")
    light, dark = text.split(':root[data-theme="dark"]')
    dark, large = dark.split("html[data-large]")
    usual = _tokens(light)
    return {"light": usual, "dark": usual | _tokens(dark), "large": usual | _tokens(large)}


def _luminance(colour: str) -> float:
    digits = colour[1:] if len(colour) == 7 else "".join(2 * d for d in colour[1:])
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    red, green, blue = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """How far two colours stand apart, 1 to 21. Source: WCAG 2.2, 1.4.3."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_black_on_white_is_21_and_a_colour_on_itself_1() -> None:
    assert round(contrast("#000", "#ffffff"), 2) == 21
    assert contrast("#b13f26", "#b13f26") == 1


@pytest.mark.parametrize("theme", ["light", "dark", "large"])
def test_every_colour_of_a_word_can_be_read_on_its_ground(theme: str) -> None:
    colours = _themes()[theme]
    pairs = [
        (ink, ground)
        for ink in ("ink", "ink-soft", "ink-faint")
        for ground in ("paper", "paper-deep", "card")
    ]
    pairs += [(name, f"{name}-wash") for name in WASHED]
    pairs += [(name, "card") for name in WASHED]
    pairs += [("on-maple", "maple")]
    low = {
        pair: round(contrast(colours[pair[0]], colours[pair[1]]), 2)
        for pair in pairs
        if contrast(colours[pair[0]], colours[pair[1]]) < AA
    }
    assert low == {}
    assert contrast(colours["focus"], colours["paper"]) >= AA_LARGE


@pytest.mark.django_db
def test_the_page_shows_every_part_there_is() -> None:
    text = re.sub(r"/\*.*?\*/", "", (STYLES / "parts.css").read_text(encoding="utf-8"), flags=re.S)
    selectors = re.findall(r"[^{}]+(?=\{)", text)
    parts = {name for selector in selectors for name in re.findall(r"\.([a-z][a-z-]*)", selector)}
    page = Client().get("/design/").content.decode()
    shown = {name for said in re.findall(r'class="([^"]*)"', page) for name in said.split()}
    assert parts - shown - NOT_DRAWN_HERE == set()
    icons = set(re.findall(r"icons\.svg#([a-z-]+)", page))
    sprite = (STYLES.parents[1] / "static" / "parts" / "icons.svg").read_text(encoding="utf-8")
    assert set(re.findall(r'<symbol[^>]* id="([a-z-]+)"', sprite)) <= icons


@pytest.mark.django_db
def test_nothing_but_the_tokens_names_a_colour() -> None:
    named = {
        path.name: found
        for path in sorted(STYLES.glob("*.css"))
        if path.name != "tokens.css"
        and (
            found := re.findall(
                r"(?<![-%\w])#[0-9a-fA-F]{3,8}\b(?![^;{}]*\{)",
                re.sub(r"url\([^)]*\)", "", path.read_text(encoding="utf-8")),
            )
        )
    }
    assert named == {}
