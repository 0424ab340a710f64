"""Codes, levels and key ranges of the area tree."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maplebridge.organisation import areas
from maplebridge.organisation.areas import Level

CODES = st.sampled_from([4, 6, 9, 12, 15]).flatmap(
    lambda length: st.text("0123456789", min_size=length, max_size=length)
)


@pytest.mark.parametrize(
    ("national", "ours"),
    [
        ("330800000000", "3308"),
        ("330825000000", "330825"),
        ("330825209000", "330825209"),
        ("330825209201", "330825209201"),
        ("330802010000", "330802010"),
    ],
)
def test_a_national_code_loses_its_padding(national: str, ours: str) -> None:
    assert areas.short(national) == ours
    assert areas.national(ours) == national


@pytest.mark.parametrize(
    "code", ["330000000000", "3308", "33080000000x", "", "３３０８２５００００００"]
)
def test_a_wrong_national_code_is_refused_with_a_sentence(code: str) -> None:
    with pytest.raises(ValueError, match=r"\.$"):
        areas.short(code)


@pytest.mark.parametrize("code", ["", "33", "33082", "3308x5", "3308252092011", "３３０８"])
def test_a_wrong_code_has_no_level(code: str) -> None:
    with pytest.raises(ValueError, match=r"\.$"):
        areas.level(code)


def test_the_line_of_a_grid_goes_up_to_the_city() -> None:
    assert areas.level("330825209201001") is Level.GRID
    assert areas.parent("330825209201001") == "330825209201"
    assert areas.parent("3308") is None
    assert areas.ancestors("330825209201001") == ("3308", "330825", "330825209", "330825209201")
    assert areas.at_level("330825209201001", Level.TOWNSHIP) == "330825209"
    with pytest.raises(ValueError, match="lies above the level village"):
        areas.at_level("330825", Level.VILLAGE)


def test_a_key_range_ends_after_the_last_digit() -> None:
    assert areas.subtree("330825") == ("330825", "330826")
    assert areas.subtree("330825209") == ("330825209", "33082520:")


def test_areas_share_the_deepest_area_above_them() -> None:
    assert areas.common(["330825209201", "330825209202"]) == "330825209"
    assert areas.common(["330825209201", "330825"]) == "330825"
    assert areas.common(["330825", "330881"]) == "3308"
    assert areas.common(["330825", "330100"]) is None
    assert areas.common(["330825209201"]) == "330825209201"


@given(CODES, CODES)
def test_a_key_range_holds_exactly_the_area_and_all_below(code: str, area: str) -> None:
    lo, hi = areas.subtree(area)
    assert (lo <= code < hi) == areas.is_within(code, area)


@given(CODES)
def test_every_ancestor_holds_the_code_and_the_last_is_the_parent(code: str) -> None:
    above = areas.ancestors(code)
    assert all(areas.is_within(code, area) for area in above)
    assert (above[-1] if above else None) == areas.parent(code)


@given(CODES.filter(lambda code: len(code) < 15 and code[-1] != "0" and code[2:4] != "00"))
def test_short_undoes_national(code: str) -> None:
    assert areas.short(areas.national(code)) == code
