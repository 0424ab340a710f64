"""Every sentence of the product is there in Chinese, with the same blanks, and none too many.

`python -m tests.test_translations` prints what is missing, ready to be filled in.
"""

from __future__ import annotations

import ast
import io
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.pofile import read_po

PACKAGE = Path(__file__).resolve().parent.parent / "maplebridge"
WORDS = Path("locale", "zh_Hans", "LC_MESSAGES", "django.po")
APPLICATIONS = PACKAGE / "applications"
# How the sources call the functions of django.utils.translation; other names are refused below.
KEYWORDS = {
    "_": None,
    "_l": None,
    "gettext": None,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext": (1, 2),
    "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
}
BLANK = re.compile(r"%\(\w+\)(?:\.\d+)?[a-z]|%%|%[sdf]|\{\w*\}")
LATIN = re.compile(r"[A-Za-z]{3,}")
# Words that stay as they are in Chinese.
KEPT_LATIN = {
    "CSV", "UTF", "GeoJSON", "FeatureCollection", "GPS", "XXXX", "Ctrl", "lon", "lat", "JPEG",
    "PNG", "WebP", "HTML", "HEIC", "JSON", "GIF", "WGS", "III",
}  # fmt: skip

# (context, English, English plural); context and plural are empty where there is none.
Said = tuple[str, str, str]


def sources() -> list[Path]:
    found = [*PACKAGE.rglob("*.py"), *PACKAGE.rglob("templates/**/*.*")]
    unwanted = {"tests", "migrations", "node_modules"}
    return sorted(path for path in found if not unwanted & set(path.relative_to(PACKAGE).parts))


def python_of(path: Path) -> bytes:
    """A source as Babel's Python extractor reads it; templates are turned into Python first."""
    if path.suffix == ".py":
        return path.read_bytes()
    from django.utils.translation.template import templatize

    return templatize(path.read_text(encoding="utf-8"), origin=str(path)).encode()


def said_in(source: bytes) -> Iterator[Said]:
    found = extract("python", io.BytesIO(source), keywords=KEYWORDS, options={"encoding": "utf-8"})
    for _line, message, _comments, context in found:
        single, plural = message if isinstance(message, tuple) else (message, "")
        yield context or "", single, plural


def said_everywhere() -> dict[Said, list[str]]:
    places: dict[Said, list[str]] = {}
    for path in sources():
        for said in said_in(python_of(path)):
            places.setdefault(said, []).append(str(path.relative_to(PACKAGE)))
    return places


def home_of(places: list[str]) -> Path:
    """The catalogue a sentence belongs to: its application's if nobody else says it, else ours."""
    rooms = {Path(place).parts[:2] for place in places}
    first = next(iter(rooms))
    return PACKAGE.joinpath(*first) if len(rooms) == 1 and first[0] == "applications" else PACKAGE


def catalogues() -> dict[Path, Catalog]:
    """Every catalogue, by the folder that brings it along."""
    held = {}
    for path in sorted(PACKAGE.rglob("*.po")):
        with path.open("rb") as file:
            held[path.parents[3]] = read_po(file, locale="zh_Hans", abort_invalid=True)
    return held


def held_everywhere() -> dict[Said, list[str]]:
    found: dict[Said, list[str]] = {}
    for held in catalogues().values():
        found |= translated(held)
    return found


def translated(held: Catalog) -> dict[Said, list[str]]:
    """The Chinese of every entry."""
    found: dict[Said, list[str]] = {}
    for message in held:
        if not message.id:
            continue
        single, plural = message.id if isinstance(message.id, tuple) else (message.id, "")
        strings = message.string
        texts = list(strings) if isinstance(strings, tuple | list) else [strings]
        found[message.context or "", single, plural] = [text or "" for text in texts]
    return found


def missing_from(said: dict[Said, list[str]], held: dict[Said, list[str]]) -> dict[Said, list[str]]:
    return {key: places for key, places in said.items() if not held.get(key) or not all(held[key])}


def blanks(text: str) -> list[str]:
    return sorted(set(BLANK.findall(text)))


def unlike(held: dict[Said, list[str]]) -> list[str]:
    """Entries whose Chinese has other blanks than the English."""
    return [
        f"{single!r}: {text!r}"
        for (_context, single, plural), texts in held.items()
        for text in texts
        if blanks(text) != blanks(plural or single)
    ]


def test_every_sentence_is_there_in_chinese():
    missing = missing_from(said_everywhere(), held_everywhere())
    assert {key[1]: places[0] for key, places in missing.items()} == {}


def test_no_translation_is_left_of_a_sentence_that_is_gone():
    said = said_everywhere()
    assert [key for key in held_everywhere() if key not in said] == []


def test_a_sentence_stands_once_where_it_is_said():
    """What one application alone says goes and comes with its folder."""
    said = said_everywhere()
    wrong = [
        (key[1], str(folder.relative_to(PACKAGE.parent)), str(home_of(said[key]).name))
        for folder, held in catalogues().items()
        for key in translated(held)
        if key in said and folder != home_of(said[key])
    ]
    assert wrong == []


def test_english_and_chinese_have_the_same_blanks():
    assert unlike(held_everywhere()) == []


def test_the_chinese_is_chinese():
    """No English word is left over; names of formats and the like may stay."""
    left = {}
    for (_context, single, _plural), texts in held_everywhere().items():
        for text in texts:
            words = set(LATIN.findall(BLANK.sub("", text))) - KEPT_LATIN
            if words:
                left[single] = sorted(words)
    assert left == {}


def test_no_entry_is_unsure_and_the_file_tells_nothing_of_a_machine():
    for folder, held in catalogues().items():
        assert [message.id for message in held if message.fuzzy and message.id] == []
        assert list(held.obsolete) == []
        text = (folder / WORDS).read_text(encoding="utf-8")
        assert [line for line in text.splitlines() if line.startswith("#:")] == []
        for noise in ("POT-Creation-Date", "PO-Revision-Date", "Last-Translator", "/home", "@"):
            assert noise not in text, noise


def test_catalogues_are_ours_and_those_of_applications():
    assert PACKAGE in catalogues()
    assert {folder.parent for folder in catalogues() if folder != PACKAGE} == {APPLICATIONS}


def test_sources_call_the_translation_by_the_names_that_are_searched():
    other = []
    for path in sources():
        if path.suffix != ".py":
            continue
        for node in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(node, ast.ImportFrom) and node.module == "django.utils.translation":
                for name in node.names:
                    used = name.asname or name.name
                    if name.name.rstrip("_lazy").endswith("gettext") and used not in KEYWORDS:
                        other.append(f"{path.relative_to(PACKAGE)}: {name.name} as {used}")
    assert other == []


def test_no_sentence_is_put_together_before_it_is_translated():
    """gettext(f"...") and gettext("..." % x) are never found in the catalogue."""
    wrong = []
    for path in sources():
        if path.suffix != ".py":
            continue
        for node in ast.walk(ast.parse(path.read_bytes())):
            named = isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
            if named and node.func.id in KEYWORDS and node.args:
                first = node.args[0]
                if not (isinstance(first, ast.Constant) and isinstance(first.value, str)):
                    wrong.append(f"{path.relative_to(PACKAGE)}:{node.lineno}")
    assert wrong == []


@pytest.mark.django_db
def test_a_reader_sees_the_language_asked_for(town):
    from django.utils import translation

    case = town.opened()
    with translation.override("zh-hans"):
        assert str(case.now.label) == "待受理"
    with translation.override("en"):
        assert str(case.now.label) == "Waiting to be accepted"


def test_the_search_finds_what_it_should():
    source = b'x = _("One")\ny = ngettext("%(n)d two", "%(n)d twos", 2)\nz = pgettext("c", "Three")'
    assert list(said_in(source)) == [
        ("", "One", ""),
        ("", "%(n)d two", "%(n)d twos"),
        ("c", "Three", ""),
    ]


def test_the_checks_can_fail():
    assert missing_from({("", "One", ""): ["a.py"]}, {}) == {("", "One", ""): ["a.py"]}
    assert missing_from({("", "One", ""): ["a.py"]}, {("", "One", ""): [""]}) != {}
    assert unlike({("", "%(n)d of us", ""): ["我们"]}) == ["'%(n)d of us': '我们'"]
    assert unlike({("", "%(n)d of us", ""): ["我们%(n)d人"]}) == []


if __name__ == "__main__":
    for (context, single, plural), places in missing_from(
        said_everywhere(), held_everywhere()
    ).items():
        home = home_of(places).name
        sys.stdout.write(f"{home}\t{places[0]}\t{context}\t{single!r}\t{plural!r}\n")
