"""Text: one form, short forms, likeness and fingerprints, also for hostile input."""

from __future__ import annotations

import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maplebridge.lib.text import (
    FINGERPRINT_LENGTH,
    LONGEST_MARK_RUN,
    fingerprint,
    fingerprint_similarity,
    normalise,
    shorten,
    similarity,
)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("ＡＢＣ１２３", "ABC123"),
        ("  下水道 \t\r\n 堵了　", "下水道 堵了"),
        ("a\x00b\u200bc\ufeff", "abc"),
        ("\u202e反过来\u202c", "反过来"),
        ("\ud800半个", "半个"),
        ("①号楼，㎡", "1号楼,m2"),
        ("", ""),
    ],
)
def test_text_comes_into_one_form(text: str, wanted: str) -> None:
    assert normalise(text) == wanted


@given(st.text())
def test_one_form_stays_as_it_is(text: str) -> None:
    once = normalise(text)
    assert normalise(once) == once
    assert once == once.strip()
    assert "  " not in once
    assert "\x00" not in once
    once.encode()


def test_long_runs_of_marks_are_cut() -> None:
    marks = normalise("a" + "\u0323" * 1000)
    assert sum(map(bool, map(unicodedata.combining, marks))) < LONGEST_MARK_RUN + 1


@given(st.text(), st.integers(1, 60))
def test_a_short_form_is_never_longer_than_asked(text: str, characters: int) -> None:
    short = shorten(text, characters)
    assert len(short) <= characters
    assert short == normalise(text) or short.endswith("…")


def test_a_short_form_says_that_something_was_cut() -> None:
    assert shorten("下水道堵了三天", 5) == "下水道堵…"
    assert shorten("下水道堵了", 5) == "下水道堵了"
    assert shorten("下水道", 1) == "…"
    with pytest.raises(ValueError, match="at least 1"):
        shorten("下水道", 0)


@given(st.text(), st.text())
def test_likeness_is_a_symmetric_share(a: str, b: str) -> None:
    share = similarity(a, b)
    assert 0 <= share <= 1
    assert share == similarity(b, a)
    assert similarity(a, a) == 1


def test_likeness_counts_shared_pairs() -> None:
    assert similarity("路灯不亮", "路灯坏了") == pytest.approx(1 / 3)
    assert similarity("路灯", "井盖") == 0
    assert similarity("ABC", "ａ b c") == 1
    assert similarity("", "路灯") == 0
    assert similarity("路", "灯") == 0


@given(st.text())
def test_a_fingerprint_fits_signed_32_bits(text: str) -> None:
    marks = fingerprint(text)
    assert len(marks) in (0, FINGERPRINT_LENGTH)
    assert all(-(2**31) <= mark < 2**31 for mark in marks)
    assert marks == fingerprint(f"  {text} ")


def test_a_fingerprint_never_changes() -> None:
    assert fingerprint("下水道堵了")[:3] == [1049368009, 1921918833, -1884898218]
    assert fingerprint("路") == []


def test_fingerprints_of_like_texts_are_alike() -> None:
    first = "东门菜场旁边的下水道堵了三天，污水流到街上，没有人来疏通"
    second = "东门菜场旁边下水道堵了三天，污水流到街上，没人来疏通"
    other = "希望在文化公园增加几张健身用的长椅"
    assert fingerprint_similarity(fingerprint(first), fingerprint(second)) > 0.6
    assert fingerprint_similarity(fingerprint(first), fingerprint(other)) < 0.1
    assert fingerprint_similarity(fingerprint(first), fingerprint(first)) == 1
    assert fingerprint_similarity([], []) == 0


@pytest.mark.parametrize("text", ["下水道堵了。", "\u0301\u0323", "a\u0301", "\x00 ", "🙂"])
def test_a_hundred_thousand_characters_are_no_trouble(text: str) -> None:
    long = (text * 100_000)[:100_000]
    begun = time.process_time()
    normalise(long)
    fingerprint(long)
    similarity(long, long[1:])
    shorten(long, 40)
    assert time.process_time() - begun < 1.0
