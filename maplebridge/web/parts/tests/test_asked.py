"""Whatever a request asks with, no page breaks and nothing unkeepable reaches the engine."""

from __future__ import annotations

import re

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
        "tab=closed&after=,00000000-0000-0000-0000-000000000000",
        "tab=closed&after=9999-12-31T23:59:59.999999,00000000-0000-0000-0000-000000000000",
        "after=%00,%00",
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


@pytest.mark.django_db
@pytest.mark.parametrize(
    "after",
    ["9999-12-31T23:59:59-23:59,{pk}", ",{pk}", "2026-01-01T00:00:00Z,%00", "%00,{pk}", "x"],
)
def test_a_broken_cursor_means_the_first_page(client, town, after):
    case = town.opened("archived")
    client.force_login(Account.objects.get(username="town"))
    asked = after.format(pk="ffffffff-ffff-ffff-ffff-ffffffffffff")
    assert case.number in client.get(f"/desk/?tab=closed&after={asked}").content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["number", "category", "state"])
def test_a_filter_that_nothing_has_finds_nothing(client, town, name):
    case = town.opened()
    client.force_login(Account.objects.get(username="town"))
    shown = client.get(f"/desk/?tab=open&{name}=%00%25_%01x").content.decode()
    assert case.number not in shown


@pytest.mark.django_db
def test_a_case_named_with_unseen_characters_is_looked_for_without_them(client, town):
    into, case = town.opened("accepted"), town.opened("accepted")
    client.force_login(Account.objects.get(username="town"))
    address = f"/desk/case/{case.pk}/move/merge/"
    assert client.post(address, {"into": "\x00\x01", "key": "m-1"}).status_code == 422
    assert client.post(address, {"into": f"\x00{into.number}", "key": "m-2"}).status_code == 302
    assert town.case(case.pk).merged_into == into.pk


@pytest.mark.django_db
def test_nobody_takes_the_key_of_a_move_that_the_platform_will_make(client, town):
    case = town.opened("accepted")
    client.force_login(Account.objects.get(username="town"))
    client.post(f"/desk/case/{case.pk}/move/log/", {"note": "看过了", "key": "journey"})
    client.post(
        f"/desk/case/{case.pk}/overrule/classify/", {"value": "0901", "key": "twin:1", "note": "错"}
    )
    ended = town.opened("closed")
    client.post(
        f"/r/{ended.query_code}/move/rate/", {"rating": "5", "solved": "yes", "key": "desk:1"}
    )
    keys = set(Event.objects.filter(case_id__in=[case.pk, ended.pk]).values_list("key", flat=True))
    assert {"form:journey", "form:twin:1", "form:desk:1"} <= keys
    assert not {"journey", "twin:1", "desk:1"} & keys


@pytest.mark.django_db
def test_a_form_with_a_broken_key_stays_usable(client, town):
    case = town.opened("closed")
    said = {"rating": "5", "solved": "yes", "key": "\x00" * 300}
    assert client.post(f"/r/{case.query_code}/move/rate/", said).status_code == 302
    assert town.case(case.pk).state == "archived"
    refused = client.post("/report/", {"text": "", "key": "两 个\x00字"})
    assert refused.status_code == 422
    assert re.search(r'name="key" value="[0-9a-f-]{36}"', refused.content.decode())
