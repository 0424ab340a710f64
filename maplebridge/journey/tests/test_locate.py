"""Reports find their place by point and words, and are asked about where neither is enough."""

from __future__ import annotations

import statistics
import time

import pytest
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import box, mapping

from maplebridge.journey.locate import (
    Gazetteer,
    PlaceRow,
    gazetteer,
    is_decided,
    locate,
)
from maplebridge.lib import geometry
from maplebridge.organisation.divisions import SEED_FILE, DivisionErrors, read_divisions
from maplebridge.organisation.models import Area


def _seed_rows() -> list[PlaceRow]:
    divisions = read_divisions(SEED_FILE)
    assert not isinstance(divisions, DivisionErrors)
    return [PlaceRow(division.code, division.name) for division in divisions]


PLACES = Gazetteer.from_rows(_seed_rows())


@pytest.mark.parametrize(
    ("text", "context", "code"),
    [
        ("龙游县社阳乡大公村有人乱倒垃圾", None, "330825209220"),
        ("龙游县 社阳乡 大公村", None, "330825209220"),
        ("大公村村民委员会（社阳乡）", None, "330825209220"),
        ("社阳乡大公村民反映水脏", None, "330825209220"),
        ("社阳乡路灯坏了", None, "330825209"),
        ("龙游社阳的路灯坏了", None, "330825209"),
        ("社阳的路灯坏了", "330825", "330825209"),
        ("社阳的路灯坏了", "330825209", "330825209"),
        ("龙游县湖镇镇新建村下水道堵了", None, "330825101204"),
        ("东华街道新建村下水道堵了", None, "330825002207"),
        ("江山市保安乡有人打架", None, "330881207"),
        ("石梁镇双溪村的桥塌了", None, "330802100243"),
        ("双溪村的桥塌了", "330802", "330802100243"),
        ("湖镇镇双溪村的桥", None, "330825101"),
        ("龙洲街道阳光社区噪音大", None, "330825001004"),
        ("龙游阳光社区噪音大", None, "330825001004"),
        ("开化县中村乡中村村委会", None, "330824202215"),
        ("江山市张村", None, "330881214"),
        ("江山张村乡", None, "330881214"),
        ("桐村镇桐村村", None, "330824106222"),
        ("桐村镇桐村", None, "330824106222"),
        ("江山市的车在龙游县湖镇镇乱倒垃圾", None, "330825101"),
        ("衢州市柯城区府山街道坊门街社区12号楼下水道堵塞", None, "330802006004"),
        ("坊门街社区12号楼", None, "330802006004"),
        ("府山街道办事处", None, "330802006"),
        ("坊门街噪音", "330802", "330802006004"),
        ("常山天马街道", None, "330822001"),
        ("沐尘乡政府", None, "330825212"),
        ("沐尘畲族乡", None, "330825212"),
        ("石梁的蜜蜂", "330802", "330802100"),
        ("白石镇白石村", None, "330822104218"),
    ],
)
def test_words_decide_the_place(text: str, context: str | None, code: str) -> None:
    decision = locate(text=text, context_area=context, places=PLACES)
    assert decision.value == code
    assert is_decided(decision)
    assert decision.version == "locate-2"


@pytest.mark.parametrize(
    ("text", "context"),
    [
        ("路灯坏了", None),
        ("", "330825209220"),
        ("社阳的路灯坏了", None),
        ("新建村级公路坑坑洼洼", None),
        ("新建村级公路坑坑洼洼", "330825"),
        ("和平村镇银行排队太久", "330822"),
        ("小区保安打人", "330881"),
        ("湖南来的车违停", "330803"),
        ("城中村改造什么时候开始", "330824"),
        ("希望新增垃圾桶", None),
        ("双溪村的桥塌了", None),
        ("和平村水管爆了", None),
        ("阳光社区噪音大", None),
        ("白石村", None),
        ("张村民反映", None),
        ("衢州市哪里可以办证", None),
        ("王家和李家吵架", "330824"),
    ],
)
def test_unproved_words_leave_it_to_a_person(text: str, context: str | None) -> None:
    decision = locate(text=text, context_area=context, places=PLACES)
    assert decision.value is None
    assert decision.confidence == 0.0


@pytest.mark.parametrize(
    ("text", "context", "code"),
    [
        ("龙游县的公交车晚点", None, "330825"),
        ("我是社阳乡人，在湖镇镇被骗", None, "330825"),
        ("从龙洲街道到东华街道的路坏了", None, "330825"),
        ("坊门街噪音", None, "330802006004"),
        ("社阳乡路灯坏了", "330881", "330825209"),
        ("社阳乡大公村的人在贺村镇打架", None, "330825209220"),
    ],
)
def test_half_proved_words_are_kept_as_a_suggestion(
    text: str, context: str | None, code: str
) -> None:
    decision = locate(text=text, context_area=context, places=PLACES)
    assert decision.value == code
    assert not is_decided(decision)


def test_a_county_alone_is_asked_about() -> None:
    decision = locate(text="龙游县的公交车晚点", places=PLACES)
    assert decision.evidence["ask"] is True
    assert decision.confidence == 0.6


def test_a_name_of_several_villages_lists_them() -> None:
    decision = locate(text="和平村水管爆了", places=PLACES)
    assert [place["code"] for place in decision.evidence["candidates"]] == [
        "330822001220",
        "330824116234",
    ]


def test_five_hundred_characters_take_less_than_a_millisecond() -> None:
    text = "小区门口的路灯坏了很久，晚上走路很不方便，请尽快派人来修。" * 17 + "社阳乡大公村"
    seconds = []
    for _ in range(50):
        began = time.perf_counter()
        locate(text=text[:500], places=PLACES)
        seconds.append(time.perf_counter() - began)
    # Measured 0.3 ms; the bound leaves room for a busy machine.
    assert statistics.median(seconds) < 0.003


def test_a_hundred_thousand_characters_are_read() -> None:
    decision = locate(text="龙游县社阳乡大公村" * 11_200, places=PLACES)
    assert decision.value == "330825209220"


@given(st.text(max_size=60), st.sampled_from([None, "3308", "330825", "nonsense"]))
def test_no_text_breaks_it(text: str, context: str | None) -> None:
    decision = locate(text=text, context_area=context, places=PLACES)
    assert decision.value is None or decision.value in PLACES.names


# A toy county: one township of two villages with two grids each, side by side.
def _shaped(synthetic: bool = False) -> Gazetteer:
    def row(code: str, name: str, west: float, east: float, made_up: bool = False) -> PlaceRow:
        return PlaceRow(code, name, mapping(box(west, 29.0, east, 29.1)), made_up)

    return Gazetteer.from_rows(
        [
            PlaceRow("3308", "衢州市"),
            row("330825", "龙游县", 119.0, 119.5),
            row("330881", "江山市", 119.5, 119.9),
            PlaceRow("330825209", "社阳乡"),
            PlaceRow("330825101", "湖镇镇"),
            PlaceRow("330825209220", "大公村民委员会"),
            PlaceRow("330825209221", "凤溪村民委员会"),
            row("330825209220001", "大公村 第1网格", 119.0, 119.1, synthetic),
            row("330825209220002", "大公村 第2网格", 119.1, 119.2, synthetic),
            row("330825209221001", "凤溪村 第1网格", 119.2, 119.3, synthetic),
        ]
    )


SHAPED = _shaped()


def test_a_point_lies_in_its_grid() -> None:
    decision = locate((119.05, 29.05), places=SHAPED)
    assert (decision.value, decision.confidence) == ("330825209220001", 0.97)
    assert decision.evidence["point"] == [119.05, 29.05]


def test_a_point_of_another_datum_is_converted() -> None:
    there = geometry.from_wgs84(119.1003, 29.05, "GCJ02")
    assert locate(there, datum="GCJ02", places=SHAPED).value == "330825209220002"


def test_a_point_without_grids_is_asked_about() -> None:
    decision = locate((119.7, 29.05), places=SHAPED)
    assert (decision.value, decision.confidence) == ("330881", 0.6)
    assert decision.evidence["ask"] is True


def test_a_circle_over_a_border_is_less_sure_and_goes_up_a_level() -> None:
    near = locate((119.09, 29.05), 1200.0, places=SHAPED)
    assert near.value == "330825209220001"
    assert 0.7 < near.confidence < 0.97
    assert [c["code"] for c in near.evidence["candidates"]] == [
        "330825209220001",
        "330825209220002",
    ]
    middle = locate((119.1, 29.05), 100.0, places=SHAPED)
    assert (middle.value, middle.confidence) == ("330825209220", 0.97)
    villages = locate((119.2, 29.05), 100.0, places=SHAPED)
    assert villages.value == "330825209"


def test_a_vague_circle_says_the_county_only() -> None:
    decision = locate((119.1, 29.05), 5000.0, places=SHAPED)
    assert (decision.value, decision.evidence["ask"]) == ("330825", True)


def test_a_point_outside_the_city_says_so() -> None:
    with translation.override("en"):
        decision = locate((120.2, 30.3), text="路灯坏了", places=SHAPED)
    assert decision.value is None
    assert decision.reason == "The point lies outside 衢州市."
    assert decision.evidence["outside"] is True


def test_words_count_also_when_the_reporter_is_outside() -> None:
    decision = locate((120.2, 30.3), text="龙游县社阳乡大公村", places=SHAPED)
    assert decision.value == "330825209220"
    assert decision.evidence["outside"] is True


def test_a_county_by_point_proves_a_bare_name() -> None:
    decision = locate((119.45, 29.05), text="社阳的路灯坏了", places=SHAPED)
    assert decision.value == "330825209"
    assert is_decided(decision)


def test_a_point_against_the_words_is_left_to_a_person() -> None:
    decision = locate((119.05, 29.05), text="湖镇镇的路灯坏了", places=SHAPED)
    assert decision.value == "330825209220001"
    assert not is_decided(decision)
    assert [c["code"] for c in decision.evidence["candidates"]] == ["330825209220001", "330825101"]


def test_words_win_over_a_made_up_shape() -> None:
    decision = locate((119.05, 29.05), text="湖镇镇的路灯坏了", places=_shaped(synthetic=True))
    assert decision.value == "330825101"
    assert is_decided(decision)
    assert decision.evidence["synthetic_shape"] is True


@pytest.mark.parametrize(
    ("point", "datum"),
    [((29.0, 119.0), "WGS84"), ((float("nan"), 29.0), "WGS84"), ((119.0, 29.0), "Pulkovo")],
)
def test_a_wrong_point_is_no_failure(point: tuple[float, float], datum: str) -> None:
    decision = locate(point, datum=datum, text="社阳乡", places=SHAPED)
    assert decision.value == "330825209"
    assert "point_problem" in decision.evidence
    assert locate(point, datum=datum, places=SHAPED).value is None


def test_without_outlines_a_point_says_nothing() -> None:
    assert locate((119.05, 29.05), places=PLACES).value is None


@pytest.mark.django_db
def test_the_gazetteer_follows_the_areas() -> None:
    Area.objects.all().delete()
    Area.objects.create(code="3308", name="衢州市")
    assert gazetteer().names == {"3308": "衢州市"}
    assert gazetteer() is gazetteer()
    Area.objects.filter(code="3308").update(name="衢州")
    assert gazetteer().names == {"3308": "衢州"}
    assert gazetteer(max_age_seconds=60).names == {"3308": "衢州"}
