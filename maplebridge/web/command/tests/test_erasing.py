"""Destruction lists and holds at the desk: two people, no words, and nothing under a hold."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

from maplebridge.cases.models import Case, Destruction
from maplebridge.lib.clock import now
from maplebridge.web.command.tests.test_desk import desk_of, page


def over(town: Any) -> Case:
    case = town.opened("handling")
    long_ago = now() - dt.timedelta(days=4000)
    Case.objects.filter(pk=case.pk).update(ended=True, state="archived", changed_at=long_ago)
    from maplebridge.cases.models import Assignment

    Assignment.objects.filter(case_id=case.pk).update(progress="done")
    return town.case(case.pk)


def test_a_list_is_drawn_up_by_one_and_agreed_to_by_another(town: Any) -> None:
    case = over(town)
    answer = desk_of("county").post("/desk/destruction/")
    made = Destruction.objects.get()
    assert answer["Location"] == f"/desk/destruction/{made.pk}/"
    shown = page(desk_of("leader").get(answer["Location"]))
    assert case.number in shown
    assert "下水道" not in shown
    refused = desk_of("county").post(answer["Location"], {"ruling": "agree"})
    assert refused.status_code == 422
    done = desk_of("leader").post(answer["Location"], {"ruling": "agree", "note": "同意销毁"})
    assert done.status_code == 302
    made.refresh_from_db()
    assert made.agreed_at is not None
    assert made.note == "同意销毁"
    again = desk_of("leader").post(answer["Location"], {"ruling": "refuse"})
    assert again.status_code == 422
    assert "没有到期" in page(desk_of("county").post("/desk/destruction/", follow=True))


def test_a_hold_is_set_and_lifted_with_reasons_that_are_kept_when_refused(town: Any) -> None:
    case = over(town)
    address = f"/desk/case/{case.pk}/hold/"
    client = desk_of("town")
    assert f'href="{address}"' in page(client.get(f"/desk/case/{case.pk}/"))
    refused = client.post(address, {"what": "set", "reason": "因"})
    assert refused.status_code == 422
    assert 'value="因"' in page(refused)
    assert client.post(address, {"what": "set", "reason": "法院来函保全"}).status_code == 302
    assert "没有到期" in page(desk_of("county").post("/desk/destruction/", follow=True))
    assert client.post(address, {"what": "lift", "reason": "诉讼已经结束"}).status_code == 302
    assert len(re.findall("法院来函保全", page(client.get(address)))) == 1


def test_nobody_else_lists_rules_or_holds(town: Any) -> None:
    case = over(town)
    desk_of("county").post("/desk/destruction/")
    made = Destruction.objects.get()
    for name in town.people:
        client = desk_of(name)
        if name not in ("county", "city", "leader"):
            assert client.get("/desk/destruction/").status_code == 403
            assert client.post("/desk/destruction/").status_code == 403
            assert client.get(f"/desk/destruction/{made.pk}/").status_code == 404
        if name not in ("county", "city", "town"):
            assert client.get(f"/desk/case/{case.pk}/hold/").status_code in (403, 404)
            said = {"what": "set", "reason": "法院来函保全"}
            answer = client.post(f"/desk/case/{case.pk}/hold/", said)
            assert answer.status_code in (403, 404)
    assert Destruction.objects.count() == 1
