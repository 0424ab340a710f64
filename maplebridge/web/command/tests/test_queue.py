"""The queue's saved filters, and one move for many cases."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

import pytest

from maplebridge.cases.kinds import registry
from maplebridge.cases.models import Case, Event
from maplebridge.web.command import saved
from maplebridge.web.command.batch import MOST, may_be_made_together
from maplebridge.web.command.models import SavedFilter
from maplebridge.web.command.tests.test_desk import desk_of, page, stranger

__all__ = ["stranger"]
pytestmark = pytest.mark.django_db


def form_of(shown: str) -> dict[str, Any]:
    form = shown.split('id="move-form"')[1].split("</form>", maxsplit=1)[0]
    found = re.findall(r'name="(key|move|case|sequence-[^"]+)" value="([^"]*)"', form)
    said: dict[str, Any] = {"case": [value for name, value in found if name == "case"]}
    return said | {name: value for name, value in found if name != "case"}


def drawn(client: Any, move: str, ids: list[UUID]) -> dict[str, Any]:
    return form_of(page(client.get("/desk/batch/", {"case": ids, "move": move})))


# -- saved filters ----------------------------------------------------------------------------


def test_a_filter_is_saved_under_a_name_and_opened_again(town: Any) -> None:
    client = desk_of("town")
    query = "tab=open&category=10&supervised=yes&after=x&evil=1"
    answer = client.post("/desk/filters/save/", {"name": "  排水  督办 ", "query": query})
    assert answer["Location"] == "/desk/?tab=open&category=10&supervised=yes"
    shown = page(client.get(answer["Location"]))
    assert 'href="?tab=open&amp;category=10&amp;supervised=yes" aria-current="true"' in shown
    assert "排水 督办" in shown
    client.post("/desk/filters/save/", {"name": "排水 督办", "query": "tab=open&category=09"})
    assert [one.query for one in SavedFilter.objects.all()] == ["tab=open&category=09"]
    assert "排水 督办" not in page(desk_of("county").get("/desk/"))
    client.post("/desk/filters/remove/", {"name": "排水 督办"})
    assert client.post("/desk/filters/remove/", {"name": "排水 督办"}).status_code == 302
    assert not SavedFilter.objects.exists()


def test_too_many_filters_and_one_without_a_name_are_said(town: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(saved, "MOST", 1)
    client = desk_of("town")
    for name, query in (("甲", "tab=open"), ("乙", "tab=open&category=10"), (" ", "tab=open")):
        client.post("/desk/filters/save/", {"name": name, "query": query})
    said = page(client.get("/desk/"))
    assert "常用筛选已有 1 个" in said
    assert "请为筛选取一个名称" in said
    assert [one.name for one in SavedFilter.objects.all()] == ["甲"]


# -- several at once --------------------------------------------------------------------------


def test_what_ends_refuses_sends_back_or_verifies_is_never_made_for_many() -> None:
    kind = registry.latest("matter")
    together = {move.name for move in kind.moves if may_be_made_together(kind, move)}
    assert together == {
        "accept", "file_case", "dispatch", "sign_for", "delegate", "escalate", "resume", "log",
        "consult", "whistle", "attend", "add_assist", "urge", "supervise",
        "note_supervision", "instruct", "send_copy", "read_copy", "expedite", "mark_legacy",
    }  # fmt: skip


def test_many_are_accepted_with_one_form_and_twice_changes_nothing_twice(town: Any) -> None:
    cases = [town.opened() for _n in range(3)]
    client = desk_of("town")
    ids = [case.pk for case in cases]
    chosen = page(client.get("/desk/batch/", {"case": ids}))
    assert 'name="move" value="accept"' in chosen
    said = drawn(client, "accept", ids)
    assert len(said["case"]) == 3
    for _time in range(2):
        answer = client.post("/desk/batch/", said)
        assert answer.status_code == 200
        assert answer.context["done"] == 3
    assert Event.objects.filter(case_id__in=ids, move="accept").count() == 3
    assert set(Case.objects.filter(pk__in=ids).values_list("state", flat=True)) == {"accepted"}


def test_who_was_faster_is_told_for_that_case_alone(town: Any) -> None:
    cases = [town.opened() for _n in range(3)]
    client = desk_of("town")
    said = drawn(client, "accept", [case.pk for case in cases])
    town.move(cases[1].pk, "log", town.town, {"note": "我先看看"})
    answer = client.post("/desk/batch/", said)
    refused = {one.row.case.pk: one.refused for one in answer.context["outcomes"]}
    assert [bool(refused[case.pk]) for case in cases] == [False, True, False]
    assert "其间有人办理过本案" in page(answer)
    assert Case.objects.get(pk=cases[1].pk).state == cases[1].state


def test_wrong_facts_move_nothing_and_keep_what_was_typed(town: Any) -> None:
    cases = [town.opened("filed") for _n in range(2)]
    client = desk_of("town")
    said = drawn(client, "dispatch", [case.pk for case in cases])
    answer = client.post("/desk/batch/", {**said, "unit": "no-such-unit", "note": "请一并处理"})
    assert answer.status_code == 422
    assert "请一并处理" in page(answer)
    assert not Event.objects.filter(move="dispatch").exists()
    answer = client.post("/desk/batch/", {**said, "unit": "330825-hsc", "note": "请一并处理"})
    assert answer.context["done"] == 2


def test_only_moves_that_all_allow_are_offered(town: Any) -> None:
    ids = [town.opened().pk, town.opened("filed").pk]
    answer = desk_of("town").get("/desk/batch/", {"case": ids})
    names = {move.name for move in answer.context["moves"]}
    assert "accept" not in names
    assert "dispatch" not in names
    assert {"log", "urge"} <= names


def test_cases_out_of_sight_are_as_if_they_were_not(town: Any, stranger: Any) -> None:
    case = town.opened()
    shown = page(stranger.get("/desk/batch/", {"case": [case.pk, "x", "9" * 40]}))
    assert str(case.number) not in shown
    assert "还没有勾选" in shown
    said = {"case": [str(case.pk)], "move": "log", "note": "外人", "key": "k"}
    assert stranger.post("/desk/batch/", said).status_code == 404
    assert not Event.objects.filter(move="log").exists()


def test_at_most_so_many_are_moved_at_once(town: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("maplebridge.web.command.batch.MOST", 2)
    ids = [town.opened().pk for _n in range(3)]
    client = desk_of("town")
    shown = page(client.get("/desk/batch/", {"case": ids, "move": "accept"}))
    assert "一次最多办理 2 件" in shown
    assert len(form_of(shown)["case"]) == 2
    assert MOST == 50


def test_rows_can_be_marked_but_not_ended_ones(town: Any) -> None:
    case, ended = town.opened(), town.opened("archived")
    client = desk_of("town")
    assert f'value="{case.pk}" form="batch"' in page(client.get("/desk/?tab=open"))
    assert f'value="{ended.pk}" form="batch"' not in page(client.get("/desk/?tab=closed"))
