"""History proposes who handles a matter, by kind and place and never by person."""

from __future__ import annotations

import dataclasses
import datetime as dt

import numpy as np
import pytest

from maplebridge.journey.history import (
    Handled,
    HandlerModel,
    LateModel,
    Matter,
    TooLittle,
    joined,
    role_of,
)

DAY = dt.datetime(2026, 3, 1, 8, 0, tzinfo=dt.UTC)


def matter(kind: str, street: str, village: str = "溪口社区", day: int = 0) -> Matter:
    return Matter(("环境", kind), (street, village), (), DAY + dt.timedelta(days=day))


def many(times: int, kind: str, street: str, unit: str, late: bool | None = None) -> list[Handled]:
    return [Handled(matter(kind, street, day=n % 5), unit, late) for n in range(times)]


def likeliest(model: HandlerModel, asked: Matter) -> tuple[str, float]:
    """The first proposal and its share."""
    [shares] = model.shares([asked])
    return model.units[shares.argmax()], float(shares.max())


HISTORY = [
    *many(10, "噪声", "东河街道", "东河街道执法队"),
    *many(10, "噪声", "西山街道", "西山办事处执法队"),
    *many(10, "占道", "南湖街道", "南湖街道执法队"),
    *many(10, "积水", "南湖街道", "排水公司"),
    *many(10, "积水", "东河街道", "排水公司"),
]


def test_spellings_of_one_unit_are_joined_and_offices_of_two_streets_stay_apart() -> None:
    assert joined(
        [
            "甲社区",
            "甲社区（东河街道办事处）",
            "城建办（东河街道办事处）",
            "城建办（西山街道办事处）",
            "城建办",
        ]
    ) == {
        "甲社区": "甲社区",
        "甲社区（东河街道办事处）": "甲社区",
        "城建办（东河街道办事处）": "城建办（东河）",
        "城建办（西山街道办事处）": "城建办（西山）",
        "城建办": "城建办",
    }


@pytest.mark.parametrize(
    ("unit", "role"),
    [
        ("东河街道执法队", "{0}执法队"),
        ("东河办事处执法队", "{0}执法队"),
        ("执法队（东河街道办事处）", "{0}执法队"),
        ("溪口社区", "{1}社区"),
        ("西山街道执法队", "西山街道执法队"),
        ("排水公司", "排水公司"),
    ],
)
def test_a_place_gives_way_to_its_level(unit: str, role: str) -> None:
    assert role_of(unit, ("东河街道", "溪口社区")) == role


def test_a_unit_is_proposed_for_what_it_never_had_where_its_like_has_it_elsewhere() -> None:
    model = HandlerModel.learned(HISTORY)
    unit, share = likeliest(model, matter("噪声", "南湖街道"))
    assert unit == "南湖街道执法队"
    assert share > 0.5
    assert likeliest(model, matter("积水", "西山街道"))[0] == "排水公司"


def test_shares_of_every_matter_sum_to_one_also_of_what_was_never_seen() -> None:
    model = HandlerModel.learned(HISTORY)
    shares = model.shares([matter("噪声", "东河街道"), matter("从未见过", "北岭街道", "新村")])
    assert shares.shape == (2, len(model.units))
    assert np.allclose(shares.sum(axis=1), 1.0)
    assert (shares >= 0).all()


def test_what_was_handled_lately_counts_for_more() -> None:
    moved = [
        *many(30, "积水", "东河街道", "旧公司"),
        *many(5, "噪声", "东河街道", "东河街道执法队"),
        *[
            dataclasses.replace(
                case, matter=dataclasses.replace(case.matter, at=DAY.replace(year=2027))
            )
            for case in many(20, "积水", "东河街道", "新公司")
        ],
    ]
    assert likeliest(HandlerModel.learned(moved), matter("积水", "东河街道"))[0] == "新公司"


def test_too_little_is_said_and_nothing_is_made_of_it() -> None:
    with pytest.raises(TooLittle):
        HandlerModel.learned(HISTORY[:5])
    with pytest.raises(TooLittle):
        HandlerModel.learned(many(50, "积水", "东河街道", "排水公司"))
    with pytest.raises(TooLittle):
        LateModel.learned(many(50, "积水", "东河街道", "排水公司", late=False))
    with pytest.raises(TooLittle):
        LateModel.learned(HISTORY)


def test_lateness_follows_kind_and_unit_and_says_how_likely() -> None:
    history = [
        *many(60, "积水", "东河街道", "排水公司", late=True),
        *many(20, "积水", "东河街道", "排水公司", late=False),
        *many(80, "噪声", "东河街道", "东河街道执法队", late=False),
    ]
    wet, loud = LateModel.learned(history).shares([history[0], history[-1]])
    assert wet == pytest.approx(0.75, abs=0.06)
    assert loud < 0.05


def test_a_matter_has_no_field_of_a_person() -> None:
    assert [field.name for field in dataclasses.fields(Matter)] == ["kind", "places", "said", "at"]
    assert [field.name for field in dataclasses.fields(Handled)] == ["matter", "unit", "late"]
