"""Following a report by its code, and the reporter's last word."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from maplebridge.cases import leases
from maplebridge.cases.models import Case, Event, LeftNote

pytestmark = pytest.mark.django_db


def page(answer: Any) -> str:
    return str(answer.content.decode())


def test_a_code_is_found_however_it_was_typed(client: Client, town: Any) -> None:
    case = town.opened()
    typed = case.query_code.lower().replace("-", " ")
    answer = client.post("/follow/", {"code": typed})
    assert answer["Location"] == f"/r/{case.query_code}/"


@pytest.mark.parametrize("code", ["AAAA-AAAA-AAAA", "", "' OR 1=1 --", "零" * 12])
def test_a_wrong_code_gets_a_clear_message(client: Client, town: Any, code: str) -> None:
    town.opened()
    answer = client.post("/follow/", {"code": code})
    assert answer.status_code == 404
    assert "没有找到这个查询码" in page(answer)
    assert client.get("/r/AAAA-AAAA-AAAA/").status_code == 404


def test_the_receipt_says_who_until_when_and_what_next(client: Client, town: Any) -> None:
    case = town.opened("handling")
    shown = page(client.get(f"/r/{case.query_code}/"))
    assert "住房和城乡建设局" in shown
    assert "还剩" in shown
    assert "最迟时间" in shown
    assert str(case.now.next) in shown


def test_the_receipt_names_no_member_of_staff(client: Client, town: Any) -> None:
    case = town.opened("closed")
    shown = page(client.get(f"/r/{case.query_code}/"))
    assert "已疏通，请您查看" in shown
    for actor in town.people.values():
        assert actor.name not in shown


def test_the_receipt_takes_few_statements(
    client: Client, town: Any, django_assert_max_num_queries: Any
) -> None:
    case = town.opened("closed")
    client.get(f"/r/{case.query_code}/")
    with django_assert_max_num_queries(15):  # five of them for the wall
        client.get(f"/r/{case.query_code}/")


def test_the_reporter_rates_once(client: Client, town: Any) -> None:
    case = town.opened("closed")
    address = f"/r/{case.query_code}/move/rate/"
    said = {"rating": "4", "solved": "yes", "comment": "谢谢", "key": "rate-1"}
    assert client.post(address, said).status_code == 302
    assert client.post(address, said).status_code == 302
    rated = Case.objects.get(pk=case.pk)
    assert (rated.rating, rated.solved, rated.state) == (4, True, "archived")
    assert Event.objects.filter(case_id=case.pk, move="rate").count() == 1


def test_who_says_not_solved_is_shown_the_way_to_reopen(client: Client, town: Any) -> None:
    case = town.opened("closed")
    said = {"rating": "1", "solved": "no", "key": "rate-1"}
    answer = client.post(f"/r/{case.query_code}/move/rate/", said, follow=True)
    shown = page(answer)
    assert "未解决" in shown
    form = shown[: shown.index(f"/r/{case.query_code}/move/reopen/")]
    assert form.rindex("<details") < form.rindex(" open")
    assert client.post(f"/r/{case.query_code}/move/reopen/", {"reason": "又堵了", "key": "r"})
    assert Case.objects.get(pk=case.pk).state == "filed"


def test_a_rating_without_its_grade_is_asked_back_with_the_words_kept(
    client: Client, town: Any
) -> None:
    case = town.opened("closed")
    said = {"solved": "no", "comment": "还是会积水", "key": "rate-1"}
    answer = client.post(f"/r/{case.query_code}/move/rate/", said)
    assert answer.status_code == 422
    assert "还是会积水" in page(answer)
    assert 'value="rate-1"' in page(answer)
    assert Case.objects.get(pk=case.pk).state == "closed"


def test_the_reporter_reopens_with_a_reason(client: Client, town: Any) -> None:
    case = town.opened("closed")
    answer = client.post(
        f"/r/{case.query_code}/move/reopen/", {"reason": "今天又堵了", "key": "again-1"}
    )
    assert answer.status_code == 302
    assert Case.objects.get(pk=case.pk).state == "filed"


def test_what_is_said_while_the_township_is_cut_off_is_kept(client: Client, town: Any) -> None:
    case = town.opened("accepted")
    leases.lend("330825209", "330825")
    assert "独立办理" in page(client.get(f"/r/{case.query_code}/"))
    said = {"reason": "今天又堵了", "key": "again-1"}
    for _turn in range(2):
        answer = client.post(f"/r/{case.query_code}/move/reopen/", said)
        assert answer.status_code == 302
    note = LeftNote.objects.get()
    assert (note.case_id, note.role) == (case.pk, "resident")
    assert "今天又堵了" in note.text


@pytest.mark.parametrize("name", ["accept", "close", "dispatch"])
def test_a_code_gives_no_right_of_a_desk(client: Client, town: Any, name: str) -> None:
    case = town.opened()
    answer = client.post(f"/r/{case.query_code}/move/{name}/", {"key": "k", "reply": "x"})
    assert answer.status_code == 403
    assert Event.objects.filter(case_id=case.pk).count() == 2


def test_moves_of_programs_have_no_address(client: Client, town: Any) -> None:
    case = town.opened()
    assert client.post(f"/r/{case.query_code}/move/triage/", {}).status_code == 404
    assert client.post(f"/r/{case.query_code}/move/nonsense/", {}).status_code == 404


def test_a_code_shows_only_the_photos_of_its_own_report(client: Client, town: Any) -> None:
    case = town.opened()
    assert client.get(f"/r/{case.query_code}/photo/1/").status_code == 404
