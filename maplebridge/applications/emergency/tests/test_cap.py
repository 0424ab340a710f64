"""Every alert is in the order and words that CAP 1.2 asks for, and a drill is never public."""

from __future__ import annotations

import re
from typing import Any
from xml.etree import ElementTree as Tree

import pytest

from maplebridge.applications.emergency import acts, cap, story
from maplebridge.cases import wall
from maplebridge.cases.models import Case
from maplebridge.lib.clock import now
from maplebridge.organisation.people import SYSTEM
from maplebridge.organisation.readiness import ResponseLevel

pytestmark = pytest.mark.django_db
SPACE = f"{{{cap.NAMESPACE}}}"
# The order of elements, and the words that some may hold. Source: OASIS CAP 1.2, chapter 3.2.
ALERT = ["identifier", "sender", "sent", "status", "msgType", "source", "scope", "restriction",
         "addresses", "code", "note", "references", "incidents", "info"]  # fmt: skip
INFO = ["language", "category", "event", "responseType", "urgency", "severity", "certainty",
        "audience", "eventCode", "effective", "onset", "expires", "senderName", "headline",
        "description", "instruction", "web", "contact", "parameter", "resource",
        "area"]  # fmt: skip
AREA = ["areaDesc", "polygon", "circle", "geocode", "altitude", "ceiling"]
WORDS = {
    "status": {"Actual", "Exercise", "System", "Test", "Draft"},
    "msgType": {"Alert", "Update", "Cancel", "Ack", "Error"},
    "scope": {"Public", "Restricted", "Private"},
    "category": {"Geo", "Met", "Safety", "Security", "Rescue", "Fire", "Health", "Env",
                 "Transport", "Infra", "CBRNE", "Other"},
    "responseType": {"Shelter", "Evacuate", "Prepare", "Execute", "Avoid", "Monitor", "Assess",
                     "AllClear", "None"},
    "urgency": {"Immediate", "Expected", "Future", "Past", "Unknown"},
    "severity": {"Extreme", "Severe", "Moderate", "Minor", "Unknown"},
    "certainty": {"Observed", "Likely", "Possible", "Unlikely", "Unknown"},
}  # fmt: skip
NEEDED = {"alert": [*ALERT[:5], "scope"], "info": ["category", "event", "urgency", "severity",
                                                   "certainty"], "area": ["areaDesc"]}  # fmt: skip
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[-+]\d\d:\d\d")
PLACE = cap.Place("社阳乡", story.TOWN, 119.23, 29.04)


def said(parent: Tree.Element, name: str) -> str:
    found = parent.find(SPACE + name)
    assert found is not None, name
    return found.text or ""


def check(made: bytes) -> Tree.Element:
    """The alert, once it keeps what the standard says of order, words and moments."""
    root = Tree.fromstring(made)  # noqa: S314  our own file
    assert root.tag == f"{SPACE}alert"
    for element, order, kind in [
        (root, ALERT, "alert"),
        *((one, INFO, "info") for one in root.iter(f"{SPACE}info")),
        *((one, AREA, "area") for one in root.iter(f"{SPACE}area")),
    ]:
        names = [child.tag.removeprefix(SPACE) for child in element]
        assert names == sorted(names, key=order.index), kind
        assert set(NEEDED[kind]) <= set(names), kind
    for element in root.iter():
        name = element.tag.removeprefix(SPACE)
        if name in WORDS:
            assert element.text in WORDS[name], name
        if name in ("sent", "effective", "expires"):
            assert MOMENT.fullmatch(element.text or ""), name
    assert not re.search(r"[\s,<&]", said(root, "identifier"))
    assert (said(root, "scope") == "Private") == (root.find(f"{SPACE}addresses") is not None)
    return root


def made(case: Case) -> list[Tree.Element]:
    log = acts.log_of(case.pk)
    return [
        check(cap.alert(case, log, one.number, acts.situation(case.pk, one.at), PLACE, "指挥室"))
        for one in cap.alerts(log)
    ]


def under_way(town: Any, drill: bool) -> Case:
    with wall.standing(SYSTEM):
        if drill:
            case_id = acts.propose_by_hand(town.county, "演练溃口", "d", drill=True).case_id
        else:
            case_id = acts.propose(story.open_station(), "超警戒", "p", now()).case_id
        acts.take_command(case_id, town.county, ResponseLevel.IV, "水涨", "k1")
        acts.note(case_id, "note_breach", town.county, "k2", metres=8, spot="堤")
        acts.set_level(case_id, town.county, ResponseLevel.II, "溃口", "k3")
        acts.stand_down(case_id, town.county, "合龙", "k4")
        return town.case(case_id)


def test_each_level_is_an_alert_that_refers_to_those_before(town: Any) -> None:
    with wall.standing(SYSTEM):
        first, second, third = made(under_way(town, drill=False))
    assert [said(one, "msgType") for one in (first, second, third)] == ["Alert", "Update", "Cancel"]
    assert {said(one, "status") for one in (first, second, third)} == {"Test"}
    assert first.find(f"{SPACE}references") is None
    assert said(second, "references").split(",")[1] == said(first, "identifier")
    assert len(said(third, "references").split(" ")) == 2
    infos = second.findall(f"{SPACE}info")
    assert [said(one, "language") for one in infos] == ["zh-CN", "en-US"]
    assert [said(one, "severity") for one in infos] == ["Severe", "Severe"]
    assert said(infos[0], "headline") == "社阳乡启动防汛Ⅱ级应急响应"
    assert said(infos[0], "description") == "堤防溃口，宽8米。"
    area = infos[0].find(f"{SPACE}area")
    assert area is not None
    assert said(area, "circle") == "29.0400,119.2300 5"
    assert said(third.findall(f"{SPACE}info")[1], "urgency") == "Past"


def test_a_drill_is_an_exercise_for_named_desks(town: Any) -> None:
    with wall.standing(SYSTEM):
        found = made(under_way(town, drill=True))
    assert {(said(one, "status"), said(one, "scope")) for one in found} == {("Exercise", "Private")}
    for one in found:
        for info in one.findall(f"{SPACE}info"):
            assert re.match("【演练】|EXERCISE: ", said(info, "headline"))
