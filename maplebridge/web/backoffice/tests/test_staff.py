"""The security officer's pages: accounts, posts, first passwords; the auditor's agreement."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

from maplebridge.lib.clock import local_day, now
from maplebridge.organisation import staff
from maplebridge.organisation.models import Account, Act, Deed, Holding, Unit, actors_for
from maplebridge.organisation.people import SYSTEM, Role

HSC = "330825-hsc"


def officer(role: Role, login: str) -> Client:
    account, _secret = staff.make_account(SYSTEM, login, "某某")
    staff.give_post(SYSTEM, account, Unit.objects.get(pk="330825-center"), role, str(role.label))
    return signed_in(account)


def signed_in(account: Account) -> Client:
    Account.objects.filter(pk=account.pk).update(secret_until=None)
    client = Client()
    client.force_login(Account.objects.get(pk=account.pk))
    return client


def page(answer: Any) -> str:
    return str(answer.content.decode())


@pytest.fixture
def security(town: Any) -> Client:
    return officer(Role.SECURITY, "sec-county")


def test_an_account_goes_from_its_making_to_its_first_desk(security: Client) -> None:
    made = page(security.post("/staff/", {"username": "XiaoMan.Zhao", "display_name": "赵小满"}))
    secret = re.search(r'first-secret">([^<]+)<', made)[1]
    account = Account.objects.get(username="xiaoman.zhao")
    given = security.post(
        f"/staff/{account.pk}/give/", {"unit": HSC, "role": "officer", "title": "经办人"}
    )
    assert given.status_code == 302
    assert HSC in [actor.unit_code for actor in actors_for(account, local_day(now()))]
    # The first password opens the page on which it is changed, and nothing else.
    new = Client()
    assert new.post("/sign-in/", {"login": "xiaoman.zhao", "password": secret}).status_code == 302
    asked = new.get("/desk/")
    assert (asked.status_code, asked["Location"]) == (302, "/account/password/")
    changed = new.post(
        "/account/password/",
        {"password1": "qing-shan-lv-shui-26", "password2": "qing-shan-lv-shui-26"},
    )
    assert changed.status_code == 302
    assert new.get("/desk/").status_code == 200
    assert not Account.objects.get(pk=account.pk).check_password(secret)


def test_a_first_password_ends(security: Client) -> None:
    account, secret = staff.make_account(SYSTEM, "xiaoman.zhao", "赵小满")
    Account.objects.filter(pk=account.pk).update(secret_until=now())
    answer = Client().post("/sign-in/", {"login": "xiaoman.zhao", "password": secret})
    assert answer.status_code != 302
    assert "安全管理员" in page(answer)


def test_what_was_typed_is_kept_when_it_is_refused(security: Client) -> None:
    answer = security.post("/staff/", {"username": "赵", "display_name": "赵小满"})
    assert answer.status_code == 422
    assert 'value="赵小满"' in page(answer)
    account, _secret = staff.make_account(SYSTEM, "xiaoman.zhao", "赵小满")
    answer = security.post(f"/staff/{account.pk}/give/", {"unit": HSC, "role": "", "title": "经办"})
    assert answer.status_code == 422
    assert 'value="经办"' in page(answer)
    assert not Holding.objects.filter(account=account).exists()


def test_closing_an_account_signs_it_out_at_once(security: Client, town: Any) -> None:
    account = Account.objects.get(username="housing")
    working = signed_in(account)
    assert working.get("/desk/").status_code == 200
    assert security.post(f"/staff/{account.pk}/close/").status_code == 302
    assert working.get("/desk/").status_code == 302
    assert Act.objects.latest("number").deed == Deed.ACCOUNT_CLOSED


def test_an_officers_post_waits_for_the_auditor(security: Client) -> None:
    account, _secret = staff.make_account(SYSTEM, "xiaoman.zhao", "赵小满")
    security.post(f"/staff/{account.pk}/give/", {"unit": "330825-center", "role": "auditor"})
    holding = Holding.objects.get(account=account)
    assert not holding.agreed
    auditor = officer(Role.AUDITOR, "aud-county")
    assert "赵小满" in page(auditor.get("/staff/agreements/"))
    # Whoever gave the first password still knows it.
    assert auditor.post("/staff/agreements/", {"holding": holding.pk}).status_code == 422
    Account.objects.filter(pk=account.pk).update(secret_until=None)
    assert auditor.post("/staff/agreements/", {"holding": holding.pk}).status_code == 302
    assert auditor.post("/staff/agreements/", {"holding": holding.pk}).status_code == 422
    assert [actor.role for actor in actors_for(account, local_day(now()))] == [Role.AUDITOR]


def test_nobody_else_comes_here(town: Any) -> None:
    account = Account.objects.get(username="housing")
    for other in Account.objects.filter(synthetic=True):
        client = signed_in(other)
        roles = {actor.role for actor in actors_for(other, local_day(now()))}
        for address in ("/staff/", f"/staff/{account.pk}/"):
            assert client.get(address).status_code == (200 if Role.SECURITY in roles else 403)
        expected = 200 if Role.AUDITOR in roles else 403
        assert client.get("/staff/agreements/").status_code == expected
        if Role.SECURITY not in roles:
            before = Act.objects.count()
            assert client.post(f"/staff/{account.pk}/close/").status_code == 403
            assert Act.objects.count() == before
    assert Client().get("/staff/").status_code == 302


def test_another_area_is_not_there(town: Any) -> None:
    account, _secret = staff.make_account(SYSTEM, "sec-other", "某某")
    unit = Unit.objects.get(pk="330802-center")
    staff.give_post(SYSTEM, account, unit, Role.SECURITY, "安全管理员")
    client = signed_in(account)
    housing = Account.objects.get(username="housing")
    assert client.get(f"/staff/{housing.pk}/").status_code == 404
    assert client.post(f"/staff/{housing.pk}/secret/").status_code == 404
    assert "housing" not in page(client.get("/staff/?q=housing")).split("<table")[-1:][0][:0]
