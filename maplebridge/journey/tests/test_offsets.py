"""An address may say how far and which way from a landmark."""

from __future__ import annotations

import time

import pytest

from maplebridge.journey.offsets import Offset, offset_in


@pytest.mark.parametrize(
    ("text", "direction", "metres"),
    [
        ("龙游县社阳乡卫生院东侧300米", "东", 300),
        ("菜市场往西两百米", "西", 200),
        ("小学东南方向大约一百五十米", "东南", 150),
        ("桥头北边三百五米", "北", 350),
        ("加油站南面1.5公里", "南", 1500),
        ("水库西北角半里路", "西北", 250),
        ("派出所东 50 米处", "东", 50),
    ],
)
def test_direction_and_distance_are_read(text: str, direction: str, metres: float) -> None:
    found = offset_in(text)
    assert found is not None
    assert (found.direction, found.metres) == (direction, metres)


def test_it_is_measured_from_the_landmark_before_it() -> None:
    assert offset_in("社阳乡卫生院东侧300米") == Offset("社阳乡卫生院", "东", 300.0)


@pytest.mark.parametrize(
    "text",
    [
        "西湖区",
        "东西坏了三米高的围墙",
        "南门口",
        "一百米",
        "北京1000公里",
        "东边零米",
        "",
        "往东走",
    ],
)
def test_what_is_no_offset_is_none(text: str) -> None:
    assert offset_in(text) is None


def test_a_long_text_takes_no_time() -> None:
    begun = time.perf_counter()
    offset_in("东" * 20_000 + "西侧往" * 20_000)
    assert time.perf_counter() - begun < 5
