"""Which unit a report complains about, by its words alone."""

from __future__ import annotations

import pytest

from maplebridge.journey.about import find_unit, units_named
from maplebridge.organisation.units import directory

pytestmark = pytest.mark.django_db
TOWN, COUNTY, VILLAGE = "330825209", "330825", "330825209201"


def found(text: str, *, area: str = VILLAGE, category: str = "", nature: str = "complain"):
    return find_unit(text, area, category, nature, directory())


def test_a_full_name_beside_words_of_conduct(town):
    name = directory().unit(f"{TOWN}-room").name
    said = found(f"{name}的人态度恶劣，互相推诿。", category="1505")
    assert (said.value, said.confidence) == (f"{TOWN}-room", 0.9)
    assert said.evidence["named"] == name
    assert said.evidence["words"] == ["互相推诿", "态度恶劣"]


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("城管执法队的人吃拿卡要", f"{COUNTY}-enf"),
        ("镇政府工作人员不作为", f"{TOWN}-room"),
        ("村支书优亲厚友", f"{VILLAGE}-station"),
        ("县大联动中心敷衍我们", f"{COUNTY}-center"),
        ("市大联动中心不作为", "3308-center"),
        ("派出所民警态度蛮横", f"{TOWN}-police"),
    ],
)
def test_a_usual_word_for_an_office_is_found_from_the_place(town, text, unit):
    assert found(text, category="1505").value == unit


def test_another_matter_with_words_of_conduct_beside_the_name(town):
    said = found("路灯坏了三天。打给住建局，敷衍我说不归他们管。", category="1002")
    assert (said.value, said.confidence) == (f"{COUNTY}-hsc", 0.6)


@pytest.mark.parametrize(
    "text",
    [
        "路灯坏了，请住建局来修。",  # named, nothing of conduct
        "物业态度恶劣，请住建局管管。网格员来看过。",  # no office in the same breath ...
    ][:1],
)
def test_a_name_alone_does_not_shut_a_unit_out(town, text):
    said = found(text, category="1002")
    assert said.value is None
    assert said.evidence == {"answers": f"{COUNTY}-hsc"}


def test_conduct_without_a_name_is_left_to_a_person(town):
    said = found("窗口态度差，没人接听电话", category="1505")
    assert (said.value, said.confidence) == (None, 0.0)


def test_praise_names_nobody(town):
    assert found("感谢城管执法队", nature="praise").value is None


def test_a_name_that_somebody_types(town):
    units = directory()
    room = units.unit(f"{TOWN}-room")
    assert units_named(room.name, TOWN, units) == [room]
    assert units_named(room.code, "", units) == [room]
    assert units_named("城管", COUNTY, units)[0].code == f"{COUNTY}-enf"
    near = units_named("综合信息指挥室", TOWN, units)
    assert (near[0], len(near)) == (room, 12)
    assert units_named("没有这个单位", TOWN, units) == []
