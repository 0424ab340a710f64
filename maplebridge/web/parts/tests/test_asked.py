"""Whatever a request asks with, no page breaks and nothing unkeepable reaches the engine."""

from __future__ import annotations

import pytest

from maplebridge.cases.models import Event
from maplebridge.organisation.models import Account
from maplebridge.web.parts.asked import form_key, move_key, narrowing


@pytest.mark.parametrize("key", ["", "a\x00b", "x" * 101, "two words", "密钥", "line\nbreak"])
def test_a_key_that_no_form_has_is_replaced(key):
    assert len(form_key({"key": key})) == 36


def test_a_key_of_a_form_is_kept_apart_from_the_platforms_own():
    assert move_key({"key": "journey"}) == "form:journey"


def test_a_narrowing_word_loses_what_nobody_sees():
    assert narrowing({"number": " 33\x0008\n"}, "number") == "3308"


@pytest.mark.django_db
@pytest.mark.parametrize(
    "query",
    [
        "number=%00",
        "category=%00",
        "state=%00",
        "tab=closed&after=9999-12-31T23:59:59-23:59,00000000-0000-0000-0000-000000000000",
        "tab=closed&after=0001-01-01T00:00:00%2B23:59,00000000-0000-0000-0000-000000000000",
        "after=never,x",
        "tab=%00&number=" + "9" * 5000,
    ],
)
def test_a_desk_answers_whatever_its_address_says(client, town, query):
    client.force_login(Account.objects.get(username="town"))
    assert client.get(f"/desk/?{query}").status_code == 200


@pytest.mark.django_db
def test_unseen_characters_in_forms_break_nothing(client, town):
    case = town.opened("accepted")
    client.force_login(Account.objects.get(username="town"))
    answer = client.post(
        f"/desk/case/{case.pk}/move/log/", {"note": "看过\x00了", "key": "k\x00" * 90}
    )
    assert answer.status_code in (200, 302)
    assert Event.objects.filter(case_id=case.pk, move="log").count() == 1
    answer = client.post(
        f"/desk/case/{case.pk}/overrule/classify/", {"value": "\x00", "key": "k", "note": ""}
    )
    assert answer.status_code in (200, 302, 422)
    answer = client.post("/report/", {"text": "灯\x00不亮", "key": "\x00" * 300})
    assert answer.status_code == 302
