"""Two windows, two posts: nothing is done under the wrong one, and nothing typed is lost."""

from __future__ import annotations

import datetime as dt
import re
import subprocess
import sys
from typing import Any
from unittest import mock

import pytest
from django.db import OperationalError
from django.test import Client

from maplebridge.cases.models import Case, Event
from maplebridge.organisation.models import Account, Holding, Post
from maplebridge.organisation.people import Role
from maplebridge.web.parts.sessions import SessionStore

pytestmark = pytest.mark.django_db
REASON = "重复上报，已与当事人核实，不再受理。"
OURS = {"Sec-Fetch-Site": "same-origin"}


def page(answer: Any) -> str:
    return str(answer.content.decode())


def hidden(shown: str, name: str) -> list[str]:
    return re.findall(rf'name="{name}" value="([^"]*)"', shown)


@pytest.fixture
def clerk(town: Any) -> Account:
    """The clerk, who today also sits in for the mediator."""
    account = Account.objects.get(username="town")
    post = Post.objects.get(unit_id=f"{town.town_code}-mediation", role=Role.MEDIATOR)
    Holding.objects.create(account=account, post=post, begins=dt.date(2026, 1, 1))
    return account


@pytest.fixture
def window(clerk: Account) -> Client:
    client = Client()
    client.force_login(clerk)
    sit(client, "clerk", "room")
    return client


def sit(client: Client, role: str, unit: str) -> None:
    client.post("/change-post/", {"post": f"{role}:330825209-{unit}"})


def drawn(client: Client, case: Case) -> dict[str, Any]:
    """The form of a move as one window shows it, filled in."""
    shown = page(client.get(f"/desk/case/{case.pk}/move/decline/"))
    (under,) = set(hidden(shown, "under"))
    key, sequence = hidden(shown, "key")[0], hidden(shown, "expected_sequence")[0]
    return {
        "under": under,
        "key": key,
        "expected_sequence": sequence,
        "ground": "no_matter",
        "reason": REASON,
        "channel": "县信访局",
    }


def test_every_form_of_a_desk_says_under_which_post_it_was_drawn(
    town: Any, clerk: Account, window: Client
) -> None:
    case = town.opened("reported")
    for path in ("/desk/", f"/desk/case/{case.pk}/", "/report/"):
        shown = page(window.get(path))
        assert set(hidden(shown, "under")) == {f"{clerk.pk}:clerk:330825209-room"}
        assert shown.count('name="under"') == shown.count('name="csrfmiddlewaretoken"')
    assert hidden(page(Client().get("/report/")), "under") == []


def test_a_form_of_another_post_does_nothing_and_comes_back_whole(
    town: Any, window: Client
) -> None:
    case = town.opened("reported")
    said = drawn(window, case)
    sit(window, "mediator", "mediation")
    before = Event.objects.filter(case_id=case.pk).count()
    answer = window.post(f"/desk/case/{case.pk}/move/decline/", said)
    shown = page(answer)
    assert answer.status_code == 409
    assert Event.objects.filter(case_id=case.pk).count() == before
    assert REASON in shown
    assert hidden(shown, "reason") == [REASON]
    assert "什么都没有提交" in shown
    # One tap goes on under the post it was drawn under, with all that was typed.
    fields = dict(re.findall(r'type="hidden" name="([^"]*)" value="([^"]*)"', shown))
    assert fields["under_switch"] == "1"
    done = window.post(f"/desk/case/{case.pk}/move/decline/", fields)
    assert done.status_code == 302
    last = Event.objects.filter(case_id=case.pk).latest("sequence")
    assert (last.move, last.unit_code) == ("decline", "330825209-room")


def test_a_form_of_another_account_does_nothing_and_can_be_copied(
    town: Any, window: Client
) -> None:
    case = town.opened("reported")
    said = drawn(window, case)
    window.force_login(Account.objects.get(username="county"))
    before = Event.objects.filter(case_id=case.pk).count()
    answer = window.post(f"/desk/case/{case.pk}/move/decline/", {**said, "under_switch": "1"})
    assert answer.status_code == 409
    assert REASON in page(answer)
    assert "under_switch" not in page(answer)
    assert Event.objects.filter(case_id=case.pk).count() == before


def test_a_report_drawn_under_another_post_waits_for_a_choice(town: Any, window: Client) -> None:
    shown = page(window.get("/report/"))
    said = {"text": "村口路灯不亮了", "key": hidden(shown, "key")[0]}
    said["under"] = hidden(shown, "under")[0]
    sit(window, "mediator", "mediation")
    before = Case.objects.count()
    answer = window.post("/report/", said)
    assert (answer.status_code, Case.objects.count()) == (409, before)
    assert "村口路灯不亮了" in page(answer)


def test_whoever_was_signed_out_meanwhile_loses_no_word(town: Any, window: Client) -> None:
    case = town.opened("reported")
    said = drawn(window, case)
    window.post("/sign-out/")
    path = f"/desk/case/{case.pk}/move/decline/"
    answer = window.post(path, said, headers=OURS)
    shown = page(answer)
    assert answer.status_code == 401
    assert "您已退出登录" in shown
    assert hidden(shown, "reason") == [REASON]
    assert 'target="_blank"' in shown
    window.force_login(Account.objects.get(username="town"))
    sit(window, "clerk", "room")
    fields = dict(re.findall(r'type="hidden" name="([^"]*)" value="([^"]*)"', shown))
    assert window.post(path, fields, headers=OURS).status_code == 302
    assert town.case(case.pk).state == "declined"


def test_a_form_too_old_is_offered_again_only_when_it_is_our_own(town: Any) -> None:
    client = Client(enforce_csrf_checks=True)
    said = {"text": "村口路灯不亮了", "csrfmiddlewaretoken": "stale"}
    ours = client.post("/report/", said, headers=OURS)
    assert ours.status_code == 403
    assert hidden(page(ours), "text") == ["村口路灯不亮了"]
    assert hidden(page(ours), "csrfmiddlewaretoken") not in ([], ["stale"])
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}, {}):
        theirs = client.post("/report/", said, headers=headers)
        assert theirs.status_code == 403
        assert "村口路灯不亮了" not in page(theirs)
        assert "页面放得太久了" in page(theirs)


def test_a_password_is_never_sent_back(town: Any) -> None:
    client = Client(enforce_csrf_checks=True)
    said = {"login": "town", "password": "very secret", "csrfmiddlewaretoken": "stale"}
    shown = page(client.post("/sign-in/", said, headers=OURS))
    assert "very secret" not in shown
    assert hidden(shown, "login") == ["town"]


# -- cookies and headers ----------------------------------------------------------------------


def test_every_answer_says_what_a_page_may_do(town: Any, client: Client) -> None:
    for path in ("/", "/sign-in/", "/nothing-here/", "/api/v1/reports/x"):
        answer = client.get(path)
        assert answer["X-Frame-Options"] == "DENY"
        assert "frame-ancestors 'none'" in answer["Content-Security-Policy"]
        assert "unsafe" not in answer["Content-Security-Policy"]
        assert answer["Referrer-Policy"] == "same-origin"
        assert answer["Cross-Origin-Opener-Policy"] == "same-origin"
        assert answer["Cross-Origin-Resource-Policy"] == "same-origin"
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert not answer.has_header("Strict-Transport-Security")


def test_under_tls_the_browser_is_told_to_stay_there(settings: Any, client: Client) -> None:
    settings.HSTS_SECONDS = 31536000
    answer = client.get("/")
    assert answer["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains"


def test_under_tls_cookies_belong_to_this_host_alone() -> None:
    """In a process of its own: names of cookies are settled when it starts."""
    code = (
        "import os; os.environ.update(MAPLEBRIDGE_SECRET_KEY='x' * 40,"
        " MAPLEBRIDGE_ORIGINS='https://a.example', MAPLEBRIDGE_DEMONSTRATION='0');"
        "from maplebridge.config import settings as s;"
        "print(s.TLS, s.PROXIES, s.SESSION_COOKIE_NAME, s.CSRF_COOKIE_NAME,"
        " s.DEVICE_COOKIE_NAME, s.SESSION_COOKIE_SECURE, s.CSRF_COOKIE_SECURE,"
        " s.SESSION_COOKIE_HTTPONLY, s.SESSION_COOKIE_SAMESITE, s.HSTS_SECONDS,"
        " s.SESSION_COOKIE_AGE, s.SESSION_HOURS)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [
        "True", "1", "__Host-session", "__Host-csrf", "__Host-device", "True", "True", "True",
        "Lax", "31536000", "1800", "12",
    ]  # fmt: skip


def test_the_demonstration_answers_nobody_from_a_public_address(client: Client) -> None:
    for extra in ({"REMOTE_ADDR": "8.8.8.8"}, {"HTTP_X_FORWARDED_FOR": "10.0.0.1, 8.8.8.8"}):
        answer = client.get("/", **extra)
        assert answer.status_code == 403
        assert "演示只在本机和内网" in page(answer)
    assert client.get("/", REMOTE_ADDR="192.168.3.4").status_code == 200


def test_for_real_use_a_public_address_is_answered(settings: Any, client: Client) -> None:
    settings.DEMONSTRATION = False
    assert client.get("/", REMOTE_ADDR="8.8.8.8").status_code == 200


def test_a_session_that_cannot_be_read_is_asked_for_once_and_said_in_words(
    window: Client,
) -> None:
    asked = mock.Mock(side_effect=OperationalError("away"))
    with mock.patch.object(SessionStore, "_get_session_from_db", asked):
        answer = window.get("/desk/")
    assert (answer.status_code, answer["Retry-After"]) == (503, "20")
    assert asked.call_count == 1
