"""Signing in: password, code, recovery code; lock-out that locks nobody else out; sessions."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal import auth as totp
from django.conf import settings as live_settings
from django.contrib.auth.hashers import Argon2PasswordHasher
from django.test import Client

from maplebridge.config import urls
from maplebridge.organisation.models import Account, Holding
from maplebridge.web.account.adapters import SecondFactorAdapter
from maplebridge.web.live import viewers
from maplebridge.web.parts import limits, proof, sessions
from maplebridge.web.parts.models import Session, Spent

pytestmark = pytest.mark.django_db
# Addresses are laid out once, as the demonstration has them.
assert urls.urlpatterns
PASSWORD = "a sentence that nobody guesses"
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
ADDRESS = "203.0.113.7"


def page(answer: Any) -> str:
    return str(answer.content.decode())


@pytest.fixture(autouse=True)
def quick_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Argon2 with little work: many guesses are made here."""
    monkeypatch.setattr(Argon2PasswordHasher, "time_cost", 1)
    monkeypatch.setattr(Argon2PasswordHasher, "memory_cost", 64)


@pytest.fixture
def real_use(settings: Any) -> Any:
    """Outside of the demonstration."""
    settings.DEMONSTRATION = False
    return settings


@pytest.fixture
def clerk(town: Any, real_use: Any) -> Account:
    """A clerk of the command room with a password of her own, and no second factor yet."""
    account = Account.objects.get(username="town")
    account.set_password(PASSWORD)
    account.save()
    return account


@pytest.fixture
def walker(town: Any, real_use: Any) -> Account:
    """A grid worker, whose post needs no second factor."""
    account = Account.objects.get(username="grid")
    account.set_password(PASSWORD)
    account.save()
    return account


def with_codes(account: Account) -> Account:
    """The account with a telephone that shows codes."""
    sealed = SecondFactorAdapter().encrypt(SECRET)
    Authenticator.objects.create(user=account, type="totp", data={"secret": sealed})
    return account


def code(steps: int = 0) -> str:
    """What the telephone shows, or shows some steps later."""
    return str(totp.format_hotp_value(totp.hotp_value(SECRET, int(time.time()) // 30 + steps)))


def sign_in(client: Client, login: str, password: str = PASSWORD, **extra: Any) -> Any:
    return client.post("/sign-in/", {"login": login, "password": password}, **extra)


def at_desk(client: Client) -> int:
    return int(client.get("/desk/").status_code)


# -- password, code, recovery code ---------------------------------------------------------------


def test_a_grid_worker_signs_in_by_password_alone(walker: Account, client: Client) -> None:
    answer = sign_in(client, "grid")
    assert (answer.status_code, answer["Location"]) == (302, "/desk/")
    assert at_desk(client) == 200


def test_it_leads_back_to_where_one_wanted_to_go_but_never_out(
    walker: Account, client: Client
) -> None:
    said = {"login": "grid", "password": PASSWORD, "next": "/desk/map/"}
    assert client.post("/sign-in/", said)["Location"] == "/desk/map/"
    for away in ("https://evil.example/", "//evil.example/", "javascript:alert(1)"):
        answer = Client().post("/sign-in/", {**said, "next": away})
        assert answer["Location"] == "/desk/"


def test_whoever_lacks_the_second_factor_is_led_to_it_before_any_desk(
    clerk: Account, client: Client
) -> None:
    sign_in(client, "town")
    for path in ("/desk/", "/desk/map/", "/desk/figures/"):
        answer = client.get(path)
        assert (answer.status_code, answer["Location"].split("?")[0]) == (302, "/account/")
    assert client.get("/live/since/").status_code == 403
    shown = page(client.get("/account/"))
    assert "您的岗位需要第二重验证" in shown


def test_a_telephone_is_set_up_and_the_desk_opens(clerk: Account, client: Client) -> None:
    sign_in(client, "town")
    shown = page(client.get("/account/codes/"))
    assert "data:image/svg+xml;base64," in shown
    secret = re.search(r'translate="no">([A-Z2-7]{32})<', shown)
    assert secret is not None
    right = totp.hotp_value(secret[1], int(time.time()) // 30)
    wrong = totp.format_hotp_value((right + 1) % 10**6)
    refused = client.post("/account/codes/", {"code": wrong})
    assert "验证码不符" in page(refused)
    assert at_desk(client) == 302
    before = client.session.session_key
    done = client.post("/account/codes/", {"code": totp.format_hotp_value(right)})
    assert done["Location"] == "/account/recovery/"
    assert client.session.session_key != before
    codes = re.findall(r'class="code">(\d{8})<', page(client.get("/account/recovery/")))
    assert len(codes) == 10
    assert at_desk(client) == 200
    kept = Authenticator.objects.get(user=clerk, type="totp").data["secret"]
    assert secret[1] not in kept


def test_a_code_is_asked_for_after_the_password(clerk: Account, client: Client) -> None:
    with_codes(clerk)
    answer = sign_in(client, "town")
    assert answer["Location"] == "/sign-in/second/"
    assert at_desk(client) == 302
    assert client.post("/sign-in/second/", {"code": "000000"}).status_code == 200
    done = client.post("/sign-in/second/", {"code": code()})
    assert (done.status_code, done["Location"]) == (302, "/desk/")
    assert at_desk(client) == 200


def test_a_code_is_good_once_in_whatever_process(clerk: Account) -> None:
    with_codes(clerk)
    seen = code()
    first, second = Client(), Client()
    for client in (first, second):
        sign_in(client, "town")
        client.post("/sign-in/second/", {"code": seen})
    assert (at_desk(first), at_desk(second)) == (200, 302)
    second.post("/sign-in/second/", {"code": code(1)})
    assert at_desk(second) == 200


def test_a_recovery_code_is_good_once(clerk: Account) -> None:
    with_codes(clerk)
    from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes

    (first, *_others) = RecoveryCodes.activate(clerk).get_unused_codes()
    found = []
    for _time in range(2):
        client = Client()
        sign_in(client, "town")
        client.post("/sign-in/second/", {"code": first})
        found.append(at_desk(client))
    assert found == [200, 302]


def test_a_closed_account_does_not_come_in(walker: Account, client: Client) -> None:
    Account.objects.filter(pk=walker.pk).update(is_active=False)
    assert sign_in(client, "grid").status_code in (302, 403)
    assert at_desk(client) == 302


def test_nobody_signs_up_or_asks_for_a_password_by_mail(client: Client) -> None:
    for path in ("/sign-up/", "/signup/", "/account/signup/", "/account/password/reset/"):
        assert client.get(path).status_code == 404
    assert "signup" not in page(client.get("/sign-in/"))


def test_the_session_has_a_new_key_after_signing_in(walker: Account, client: Client) -> None:
    client.get("/sign-in/")
    client.session["planted"] = "x"
    session = client.session
    session["planted"] = "x"
    session.save()
    planted = session.session_key
    client.cookies[live_settings.SESSION_COOKIE_NAME] = planted
    sign_in(client, "grid")
    assert client.session.session_key != planted
    assert not Session.objects.filter(pk=planted).exists()


def test_in_the_demonstration_nobody_is_asked_and_the_page_says_so(
    town: Any, client: Client
) -> None:
    account = Account.objects.get(username="town")
    client.post("/demonstration/", {"account": str(account.pk)})
    assert at_desk(client) == 200
    assert "演示模式：不要求第二重验证" in page(client.get("/account/"))


def test_signing_in_and_refusals_are_logged_without_names(
    walker: Account, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="maplebridge.account")
    sign_in(Client(), "grid", "a wrong one")
    sign_in(Client(), "my password by mistake", "x")
    sign_in(Client(), "grid")
    said = [record.getMessage() for record in caplog.records if "account" in record.name]
    assert said == [
        f"a password was refused; account: {walker.pk}",
        "a password was refused; account: none",
        f"account {walker.pk} signed in",
    ]


def test_signing_out_clears_what_the_browser_kept(walker: Account, client: Client) -> None:
    sign_in(client, "grid")
    assert client.post("/sign-out/")["Clear-Site-Data"] == '"cache"'
    assert at_desk(client) == 302


# -- lock-out that locks nobody else out ----------------------------------------------------------


def test_a_thousand_guesses_from_many_addresses_do_not_keep_the_owner_out(
    walker: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = Client()
    sign_in(owner, "grid")
    owner.post("/sign-out/")
    compared = []
    monkeypatch.setattr(
        Account, "check_password", lambda _self, said: compared.append(said) or said == PASSWORD
    )
    found = []
    for number in range(1000):
        address = f"198.51.{number % 100}.{number // 100}"
        answer = sign_in(Client(), "grid", f"guess {number}", REMOTE_ADDR=address)
        found.append(answer.status_code)
    # Twenty at once, then one in three minutes: all but a few guesses were never compared.
    assert 20 <= len(compared) <= 22
    assert found.count(429) >= 978
    # A new device has to wait, and is told how long; the known one comes in at once.
    late = sign_in(Client(), "grid", REMOTE_ADDR="192.0.2.55")
    assert late.status_code == 429
    assert 1 <= int(late["Retry-After"]) <= 3600
    assert "在您用过的设备上，可以立即登录" in page(late)
    assert 'value="grid"' in page(late)
    assert sign_in(owner, "grid").status_code == 302
    assert at_desk(owner) == 200


def test_whether_an_account_exists_cannot_be_told_from_the_waits(walker: Account) -> None:
    def waits(login: str) -> list[int]:
        return [sign_in(Client(), login, "x").status_code for _try in range(23)]

    real, made_up = waits("grid"), waits("nobody-here")
    assert real == made_up == [200] * 20 + [429] * 3


def test_a_known_device_has_few_tries_of_its_own(
    walker: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = Client()
    sign_in(owner, "grid")
    owner.post("/sign-out/")
    monkeypatch.setattr(Account, "check_password", lambda _self, said: said == PASSWORD)
    found = [sign_in(owner, "grid", "wrong").status_code for _try in range(12)]
    assert found == [200] * 10 + [429] * 2
    # Another device is not touched by it, and neither is another account on this one.
    assert sign_in(Client(), "grid").status_code == 302
    assert sign_in(owner, "nobody-here", "x").status_code == 200


def test_wrong_codes_of_a_thief_of_the_password_do_not_keep_the_owner_out(
    clerk: Account,
) -> None:
    with_codes(clerk)
    owner = Client()
    sign_in(owner, "town")
    owner.post("/sign-in/second/", {"code": code(-1)})
    assert at_desk(owner) == 200
    owner.post("/sign-out/")
    thief = Client()
    sign_in(thief, "town")
    found = [thief.post("/sign-in/second/", {"code": "123456"}) for _try in range(15)]
    assert [answer.status_code for answer in found] == [200] * 10 + [429] * 5
    assert at_desk(thief) == 302
    sign_in(owner, "town")
    owner.post("/sign-in/second/", {"code": code()})
    assert at_desk(owner) == 200


def test_a_village_behind_one_address_signs_in_while_somebody_guesses(
    walker: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Account, "check_password", lambda _self, said: said == PASSWORD)
    for number in range(100):
        sign_in(Client(), f"made up {number}", "x", REMOTE_ADDR=ADDRESS)
    assert sign_in(Client(), "grid", REMOTE_ADDR=ADDRESS).status_code == 302


def test_the_tries_are_forgotten(walker: Account) -> None:
    for _try in range(21):
        sign_in(Client(), "grid", "x")
    assert sign_in(Client(), "grid").status_code == 429
    Spent.objects.update(until="2000-01-01T00:00Z")
    assert sign_in(Client(), "grid").status_code == 302


# -- sessions -------------------------------------------------------------------------------------


def two_sessions(account: Account) -> tuple[Client, Client]:
    clients = Client(), Client(headers={"User-Agent": "Mozilla/5.0 (Windows NT 10) Firefox/140"})
    for client in clients:
        sign_in(client, account.username)
        assert at_desk(client) == 200
    return clients


def told_live(client: Client) -> bool:
    """Whether a live stream of this session would go on at its next recheck."""
    return viewers.let_in(viewers.Ticket(client.session.session_key or "")) is not None


def test_my_sessions_are_shown_and_ended_one_by_one(walker: Account) -> None:
    here, there = two_sessions(walker)
    shown = page(here.get("/account/"))
    assert "Firefox · Windows" in shown
    names = re.findall(r'name="session" value="([0-9a-f]{16})"', shown)
    assert len(names) == 1
    assert here.session.session_key not in shown
    assert there.session.session_key not in shown
    other = Client()
    sign_in(other, "grid")
    here.post("/account/end-session/", {"session": names[0]})
    assert (at_desk(here), at_desk(there), at_desk(other)) == (200, 302, 200)
    here.post("/account/end-session/", {"session": "others"})
    assert (at_desk(here), at_desk(other)) == (200, 302)


def test_nobody_ends_the_session_of_somebody_else(walker: Account, town: Any) -> None:
    here, there = two_sessions(walker)
    stranger = Client()
    stranger.force_login(Account.objects.get(username="mediator"))
    stranger.get("/account/")
    from maplebridge.web.account.views import short

    for session in sessions.open_sessions(walker.pk):
        stranger.post("/account/end-session/", {"session": short(session)})
    stranger.post("/account/end-session/", {"session": "others"})
    assert (at_desk(here), at_desk(there)) == (200, 200)


@pytest.mark.parametrize("how", ["password", "closed", "factor", "revoked", "post"])
def test_sessions_end_everywhere_at_once(walker: Account, how: str) -> None:
    here, there = two_sessions(walker)
    key = there.session.session_key
    assert told_live(there)
    if how == "password":
        done = here.post(
            "/account/password/",
            {"password1": "another good sentence", "password2": "another good sentence"},
        )
        assert done["Location"] == "/account/"
    elif how == "closed":
        Account.objects.filter(pk=walker.pk).update(is_active=False)
    elif how == "factor":
        proof.reset_second_factor(walker)
    elif how == "revoked":
        sessions.end_sessions(walker.pk, only=key)
    else:
        Holding.objects.filter(account=walker).update(ends="2026-01-02", begins="2026-01-01")
    assert viewers.let_in(viewers.Ticket(key or "")) is None
    assert at_desk(there) == (403 if how == "post" else 302)
    assert at_desk(here) == {"password": 200, "revoked": 200, "post": 403}.get(how, 302)


def test_open_streams_are_looked_at_again_within_a_minute() -> None:
    from maplebridge.web.live import hub

    assert hub.RECHECK_SECONDS <= 60


def test_an_ended_session_is_not_brought_back_by_a_request_under_way(walker: Account) -> None:
    here, _there = two_sessions(walker)
    under_way = here.session
    under_way["x"] = 1
    sessions.end_sessions(walker.pk)
    from django.contrib.sessions.backends.base import UpdateError

    with pytest.raises(UpdateError):
        under_way.save()
    assert at_desk(here) == 302


def test_an_idle_session_ends_and_work_keeps_it_open(walker: Account, client: Client) -> None:
    sign_in(client, "grid")
    row = Session.objects.get(pk=client.session.session_key)
    idle = row.expire_date - row.seen_at if row.seen_at else None
    assert idle is not None
    assert abs(idle.total_seconds() - live_settings.SESSION_COOKIE_AGE) < 5
    session = client.session
    session[sessions.SEEN] -= 120
    session.save()
    client.get("/live/since/")
    assert client.session[sessions.SEEN] == session[sessions.SEEN]
    client.get("/desk/")
    assert client.session[sessions.SEEN] > session[sessions.SEEN]
    Session.objects.update(expire_date="2026-01-01T00:00Z")
    assert at_desk(client) == 302


def test_a_session_ends_after_a_working_day_however_busy(walker: Account, client: Client) -> None:
    sign_in(client, "grid")
    session = client.session
    session[sessions.BEGAN] -= live_settings.SESSION_HOURS * 3600 + 1
    session.save()
    assert at_desk(client) == 302
    assert not told_live(client)


# -- step-up --------------------------------------------------------------------------------------


def grown_old(client: Client) -> None:
    """As if the sign-in of this session were an hour old."""
    session = client.session
    for record in session["account_authentication_methods"]:
        record["at"] -= 3600
    session.save()


def test_a_fresh_proof_is_asked_for_and_the_form_is_kept(clerk: Account, client: Client) -> None:
    with_codes(clerk)
    sign_in(client, "town")
    client.post("/sign-in/second/", {"code": code(-1)})
    grown_old(client)
    said = {"password1": "another good sentence", "password2": "another good sentence"}
    asked = client.get("/account/password/")
    assert asked["Location"] == "/account/prove/?next=%2Faccount%2Fpassword%2F"
    answer = client.post("/account/recovery/", {"why": "telephone lost on the way"})
    assert answer.status_code == 403
    assert 'name="why" value="telephone lost on the way"' in page(answer)
    assert "proof_code" in page(answer)
    wrong = client.post("/account/recovery/", {"why": "lost", "proof_code": "000000"})
    assert "验证码不对" in page(wrong)
    assert 'name="why" value="lost"' in page(wrong)
    before = client.session.session_key
    done = client.post("/account/recovery/", {"why": "lost", "proof_code": code()})
    assert (done.status_code, done["Location"]) == (302, "/account/recovery/")
    assert client.session.session_key != before
    assert client.post("/account/password/", said)["Location"] == "/account/"


def test_a_password_is_no_proof_where_there_is_a_second_factor(
    clerk: Account, client: Client
) -> None:
    with_codes(clerk)
    sign_in(client, "town")
    client.post("/sign-in/second/", {"code": code(-1)})
    grown_old(client)
    answer = client.post("/account/prove/", {"proof_password": PASSWORD, "next": "/desk/"})
    assert answer.status_code == 403
    answer = client.post("/account/prove/", {"proof_code": code(), "next": "/desk/"})
    assert answer["Location"] == "/desk/"


def test_without_a_second_factor_the_password_proves_it(walker: Account, client: Client) -> None:
    sign_in(client, "grid")
    assert client.get("/account/password/").status_code == 200
    grown_old(client)
    assert client.get("/account/password/").status_code == 302
    assert client.post("/account/prove/", {"proof_password": "wrong"}).status_code == 403
    done = client.post(
        "/account/prove/", {"proof_password": PASSWORD, "next": "https://evil.example/"}
    )
    assert done["Location"] == "/account/"
    assert client.get("/account/password/").status_code == 200


def test_taking_away_a_second_factor_asks_for_a_proof(clerk: Account, client: Client) -> None:
    with_codes(clerk)
    sign_in(client, "town")
    client.post("/sign-in/second/", {"code": code(-1)})
    found = Authenticator.objects.get(user=clerk)
    grown_old(client)
    assert client.post(f"/account/factor/{found.pk}/remove/").status_code == 403
    assert Authenticator.objects.filter(pk=found.pk).exists()
    stranger = Client()
    stranger.force_login(Account.objects.get(username="grid"))
    stranger.post(f"/account/factor/{found.pk}/remove/", {"proof_password": "x"})
    assert Authenticator.objects.filter(pk=found.pk).exists()
    done = client.post(f"/account/factor/{found.pk}/remove/", {"proof_code": code()})
    assert done["Location"] == "/account/"
    assert not Authenticator.objects.filter(pk=found.pk).exists()


def test_the_secret_of_a_telephone_opens_under_an_earlier_key_too(settings: Any) -> None:
    adapter = SecondFactorAdapter()
    sealed = adapter.encrypt(SECRET)
    assert SECRET not in sealed
    before = settings.SECRET_KEY
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "quite another key", [before]
    assert adapter.decrypt(sealed) == SECRET
    settings.SECRET_KEY_FALLBACKS = []
    assert adapter.decrypt(sealed) == ""


def test_devices_are_named_in_two_words() -> None:
    agent = "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 Chrome/140.0 Mobile Safari/537.36"
    assert sessions.device_words(agent) == "Chrome · Android"
    assert sessions.device_words("curl/8") == ""


def test_the_roles_that_need_a_second_factor_are_the_agreed_ones() -> None:
    assert set(live_settings.SECOND_FACTOR) == {
        "clerk", "officer", "dispatcher", "revisitor", "supervisor", "leader", "auditor",
        "administrator", "security",
    }  # fmt: skip
    assert limits.PASSWORD_UNKNOWN.number < limits.PASSWORD_NETWORK.number
