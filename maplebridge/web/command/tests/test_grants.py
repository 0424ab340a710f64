"""The page of leave to read: asking tells nothing, ruling shows no content, no word is lost."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.test import Client

from maplebridge.cases.models import Case, Grant
from maplebridge.lib import clock
from maplebridge.web.command.tests.test_desk import desk_of, page
from maplebridge.web.command.tests.test_reveal import reported

pytestmark = pytest.mark.django_db
WHY = "邻镇同类事项需要参考"


def ask(client: Client, number: str, **said: str) -> Any:
    form = {"act": "ask", "number": number, "reason": WHY, "hours": "8", "key": "k-1", **said}
    return client.post("/desk/grants/", form, follow=True)


def rule(client: Client, grant: Grant, **said: str) -> Any:
    form = {
        "act": "rule", "case": str(grant.case_id), "grant": str(grant.grant_id), "given": "yes",
        "ruling": "同意，限参考", **said,
    }  # fmt: skip
    return client.post("/desk/grants/", form, follow=True)


def plain(shown: str) -> str:
    """A page without what differs each time it is drawn."""
    import re

    return re.sub(r'(csrfmiddlewaretoken" |name="key" )value="[^"]+"', "", shown)


def test_a_case_is_asked_for_granted_read_and_closed_again(town: Any) -> None:
    case = reported(town, "C2")
    county, security = desk_of("county"), desk_of("security")
    address = f"/desk/case/{case.pk}/"
    assert county.get(address).status_code == 404
    assert "申请已收到" in page(ask(county, case.number))
    assert case.number not in page(county.get("/desk/grants/"))
    grant = Grant.objects.get(case_id=case.pk)
    waiting = page(security.get("/desk/grants/"))
    for shown in (case.number, WHY, "C2", "调度员", "8 小时"):
        assert shown in waiting
    for hidden in ("占道", "王小明", "叶", town.county.name, "社阳"):
        assert hidden not in waiting
    assert "已同意" in page(rule(security, grant))
    mine = page(county.get("/desk/grants/"))
    assert "同意，限参考" in mine
    assert address in mine
    shown = page(county.get(address))
    assert "占道" in shown
    assert "/reporter/" not in shown
    assert county.post(f"{address}reporter/", {"reason": "回访核实情况"}).status_code == 403
    form = {"act": "revoke", "case": str(grant.case_id), "grant": str(grant.grant_id)}
    assert "已收回" in page(security.post("/desk/grants/", form, follow=True))
    answer = county.get(address)
    assert answer.status_code == 404
    assert "查阅授权已失效" in page(answer)
    assert "占道" not in page(answer)


def test_the_answer_is_the_same_for_a_number_that_does_not_exist(town: Any) -> None:
    case = reported(town, "C2")
    county = desk_of("county")
    there = ask(county, case.number)
    nowhere = ask(county, "330825-20260101-AAAAAA", key="k-2")
    assert plain(page(there)) == plain(page(nowhere))
    assert there.redirect_chain == nowhere.redirect_chain == [("/desk/grants/", 302)]


def test_what_was_typed_stays_when_it_is_refused(town: Any) -> None:
    case = reported(town, "C2")
    answer = ask(desk_of("county"), case.number, reason="短", hours="99")
    assert answer.status_code == 422
    shown = page(answer)
    for kept in (
        f'value="{case.number}"',
        ">短</textarea>",
        'value="99"',
        "请填 1 至 72 小时",
        "k-1",
    ):
        assert kept in shown
    ask(desk_of("county"), case.number)
    grant = Grant.objects.get()
    answer = rule(desk_of("security"), grant, ruling="否")
    assert answer.status_code == 422
    assert 'value="否"' in page(answer)
    rule(desk_of("security"), grant)
    assert rule(desk_of("security"), grant, given="no").status_code == 409


@pytest.mark.parametrize(
    ("name", "status"), [("administrator", 403), ("auditor", 403), ("town", 200), ("security", 200)]
)
def test_who_has_the_page(town: Any, name: str, status: int) -> None:
    assert desk_of(name).get("/desk/grants/").status_code == status


def test_nobody_rules_through_the_page_whose_it_is_not(town: Any) -> None:
    case = reported(town, "C2")
    ask(desk_of("county"), case.number)
    grant = Grant.objects.get()
    for name in ("county", "town", "leader"):
        assert rule(desk_of(name), grant).status_code == 403
    assert rule(desk_of("administrator"), grant).status_code == 403
    for said in ({"act": "x"}, {"case": "x"}):
        assert rule(desk_of("security"), grant, **said).status_code == 404
    assert Grant.objects.get().given is None


def test_when_a_grant_ends_while_a_form_is_open_nothing_typed_is_lost(town: Any) -> None:
    case = reported(town, "C2")
    county = desk_of("county")
    ask(county, case.number)
    rule(desk_of("security"), Grant.objects.get())
    Grant.objects.update(ends_at=clock.now() - dt.timedelta(seconds=1))
    for end in ("move/urge/", "overrule/classify/"):
        answer = county.post(f"/desk/case/{case.pk}/{end}", {"note": "请尽快处理此事", "key": "m"})
        assert answer.status_code == 404
        assert "请尽快处理此事" in page(answer)
        assert "查阅授权已失效" in page(answer)


def test_a_case_out_of_sight_and_none_at_all_give_the_same_page(town: Any) -> None:
    import uuid

    case = reported(town, "C2")
    county, nowhere = desk_of("county"), uuid.uuid4()
    said = {"note": "写了很久的一段话", "key": "m"}
    pages = []
    for each in (case.pk, nowhere):
        answer = county.post(f"/desk/case/{each}/move/urge/", said)
        assert answer.status_code == 404
        pages.append(plain(page(answer)).replace(str(each), ""))
    assert pages[0] == pages[1]
    assert "写了很久的一段话" in pages[0]
    gets = [
        plain(page(county.get(f"/desk/case/{each}/"))).replace(str(each), "")
        for each in (case.pk, nowhere)
    ]
    assert gets[0] == gets[1]


def test_a_number_that_finds_nothing_leads_to_the_asking(town: Any) -> None:
    case = reported(town, "C2")
    shown = page(desk_of("county").get("/desk/", {"tab": "open", "number": case.number}))
    assert f"/desk/grants/?number={case.number}" in shown
    assert f'value="{case.number}"' in page(
        desk_of("county").get("/desk/grants/", {"number": case.number})
    )
    assert Case.objects.filter(pk=case.pk).exists()
