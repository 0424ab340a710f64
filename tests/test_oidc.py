"""Signing in by a city's identity provider, end to end against npm's oidc-provider."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import http.cookiejar
import shutil
import socket
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from allauth.socialaccount.models import SocialAccount, SocialToken
from django.db import IntegrityError, transaction
from django.test import Client

from maplebridge.config import bundle, urls
from maplebridge.organisation.models import Account, Holding
from maplebridge.web.parts import proof

pytestmark = pytest.mark.django_db
assert urls.urlpatterns
FOLDER = Path(__file__).resolve().parent / "oidc"
SECRET = "of this test only"
CALLBACK = "http://testserver/sign-in/city/callback/"


@pytest.fixture(scope="session")
def packages() -> Path:
    """The provider's packages, fetched once; skipped where npm cannot be reached."""
    if shutil.which("npm") is None and bundle._wheel_of_node() is None:
        pytest.skip("needs Node.js for a provider to sign in with")
    kept = FOLDER / "node_modules" / ".installed-from"
    lock = FOLDER / "package-lock.json"
    wanted = hashlib.sha256(lock.read_bytes()).hexdigest()
    if not kept.exists() or kept.read_text() != wanted:
        npm, environment = bundle._npm()
        options = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
        done = subprocess.run(
            [*npm, "ci", *options], cwd=FOLDER, env=environment, capture_output=True, check=False
        )
        if done.returncode:
            pytest.skip("needs npm's registry once, which cannot be reached")
        kept.write_text(wanted)
    return FOLDER


@pytest.fixture(scope="module")
def issuer(packages: Path) -> Iterator[str]:
    """A running provider."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    _npm, environment = bundle._npm()
    node = shutil.which("node", path=environment.get("PATH")) or "node"
    process = subprocess.Popen(
        [node, "provider.mjs", str(port), CALLBACK, SECRET],
        cwd=packages, env=environment, stdout=subprocess.DEVNULL, stderr=sys.stderr,
    )  # fmt: skip
    try:
        for _try in range(200):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)


@pytest.fixture
def city(issuer: str, settings: Any, monkeypatch: pytest.MonkeyPatch, town: Any) -> Any:
    """Settings of a city with its provider, outside of the demonstration."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    settings.DEMONSTRATION = False
    settings.OIDC_ISSUER = issuer
    settings.OIDC_NAME = "城市一网通"
    app = {
        "provider_id": "city",
        "name": "city",
        "client_id": "maplebridge",
        "secret": SECRET,
        "settings": {"server_url": issuer, "scope": ["openid", "profile"]},
    }
    settings.SOCIALACCOUNT_PROVIDERS = {
        "openid_connect": {"OAUTH_PKCE_ENABLED": True, "APPS": [app]}
    }
    return settings


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        return None


class AtProvider:
    """A browser at the provider's pages."""

    def __init__(self) -> None:
        jar = http.cookiejar.CookieJar()
        self.opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPCookieProcessor(jar), _Stay()
        )

    def walk(self, address: str, login: str) -> str:
        """From the provider's front door through its page to our callback; returns its address."""
        for _step in range(10):
            if address.startswith(CALLBACK):
                return address
            body = None
            if "/interaction/" in address:
                body = urllib.parse.urlencode({"login": login}).encode()
            try:
                answer = self.opener.open(urllib.request.Request(address, body), timeout=10)
                raise AssertionError(f"the provider stays at {answer.url}: {answer.read()[:500]!r}")
            except urllib.error.HTTPError as moved:
                assert moved.code in (302, 303), moved.read()[:500]
                address = urllib.parse.urljoin(address, moved.headers["Location"])
        raise AssertionError("the provider leads nowhere")


def come_in(client: Client, login: str, query: str = "") -> Any:
    """The whole way; returns our answer to the callback."""
    start = client.get(f"/sign-in/city/{query}")
    assert start.status_code == 302
    back = AtProvider().walk(start["Location"], login)
    return client.get(back.removeprefix("http://testserver"))


def page(answer: Any) -> str:
    return str(answer.content.decode())


def counts() -> tuple[int, int]:
    return Account.objects.count(), Holding.objects.count()


def test_the_way_to_the_provider_carries_a_challenge_and_a_state(city: Any) -> None:
    start = Client().get("/sign-in/city/")
    asked = urllib.parse.parse_qs(urllib.parse.urlsplit(start["Location"]).query)
    assert asked["response_type"] == ["code"]
    assert asked["code_challenge_method"] == ["S256"]
    assert len(base64.urlsafe_b64decode(asked["code_challenge"][0] + "=")) == 32
    assert asked["redirect_uri"] == [CALLBACK]
    assert len(asked["state"][0]) >= 16


def test_an_account_linked_beforehand_comes_in(city: Any) -> None:
    grid = Account.objects.get(username="grid")
    SocialAccount.objects.create(user=grid, provider="city", uid="s-1:whoever")
    before = counts()
    client = Client()
    answer = come_in(client, "s-1:whoever", "?next=/desk/map/")
    assert (answer.status_code, answer["Location"]) == (302, "/desk/map/")
    assert client.get("/desk/").status_code == 200
    assert "林格格" in page(client.get("/desk/"))
    assert counts() == before
    assert SocialAccount.objects.get(user=grid).extra_data == {}
    assert SocialToken.objects.count() == 0


def test_a_subject_nobody_linked_stays_out_and_makes_no_account(city: Any) -> None:
    before = counts()
    client = Client()
    answer = come_in(client, "s-2:grid")
    assert answer.status_code == 403
    assert "没有关联到您的账号" in page(answer)
    assert client.get("/desk/").status_code == 302
    assert (counts(), SocialAccount.objects.count()) == (before, 0)


def test_the_agreed_claim_links_once_and_for_good(city: Any) -> None:
    city.OIDC_LOGIN_CLAIM = "preferred_username"
    before = counts()
    client = Client()
    assert come_in(client, "s-3:grid").status_code == 302
    assert client.get("/desk/").status_code == 200
    # Another subject that says the same name does not get the account.
    assert come_in(Client(), "s-4:grid").status_code == 403
    # A name that is nobody's, and an account that was closed.
    assert come_in(Client(), "s-5:nobody-here").status_code == 403
    Account.objects.filter(username="mediator").update(is_active=False)
    assert come_in(Client(), "s-6:mediator").status_code == 403
    assert counts() == before
    assert [one.uid for one in SocialAccount.objects.all()] == ["s-3:grid"]


def test_the_security_officer_links_and_links_anew(city: Any) -> None:
    grid, mediator = (Account.objects.get(username=name) for name in ("grid", "mediator"))
    proof.link_to_provider(grid, "s-9:x")
    client = Client()
    assert come_in(client, "s-9:x").status_code == 302
    with pytest.raises(IntegrityError), transaction.atomic():
        proof.link_to_provider(mediator, "s-9:x")
    proof.link_to_provider(grid, "s-10:x")
    assert client.get("/desk/").status_code == 302
    assert come_in(Client(), "s-9:x").status_code == 403
    assert come_in(Client(), "s-10:x").status_code == 302


def test_a_closed_account_that_is_linked_stays_out(city: Any) -> None:
    grid = Account.objects.get(username="grid")
    SocialAccount.objects.create(user=grid, provider="city", uid="s-1:whoever")
    Account.objects.filter(pk=grid.pk).update(is_active=False)
    client = Client()
    assert come_in(client, "s-1:whoever").status_code == 403
    assert client.get("/desk/").status_code == 302


def test_the_provider_s_second_factor_counts_only_where_that_is_agreed(city: Any) -> None:
    city.OIDC_LOGIN_CLAIM = "preferred_username"
    weak, strong = Client(), Client()
    come_in(weak, "s-7:town")
    assert weak.get("/desk/")["Location"].startswith("/account/")
    come_in(strong, "s-7:town:two")
    assert strong.get("/desk/").status_code == 302
    city.OIDC_SECOND_FACTOR = "two-factors"
    come_in(weak, "s-7:town")
    assert weak.get("/desk/").status_code == 302
    come_in(strong, "s-7:town:two")
    assert strong.get("/desk/").status_code == 200


def test_nobody_links_an_account_by_oneself(city: Any) -> None:
    client = Client()
    client.force_login(Account.objects.get(username="grid"))
    answer = come_in(client, "s-8:x", "?process=connect")
    assert answer.status_code == 403
    assert SocialAccount.objects.count() == 0


def test_an_answer_nobody_asked_for_is_refused(city: Any) -> None:
    SocialAccount.objects.create(
        user=Account.objects.get(username="grid"), provider="city", uid="s-1:whoever"
    )
    asked, other = Client(), Client()
    start = asked.get("/sign-in/city/")
    back = AtProvider().walk(start["Location"], "s-1:whoever").removeprefix("http://testserver")
    # Another browser, a changed state, a code of its own making: none comes in.
    for client, path in (
        (other, back),
        (asked, back.replace("state=", "state=x")),
        (asked, f"{back.split('?')[0]}?code=made-up&state=made-up"),
    ):
        answer = client.get(path)
        assert answer.status_code in (302, 403, 502)
        assert client.get("/desk/").status_code == 302
        assert not client.session.get("_auth_user_id")


def test_whoever_turns_back_at_the_provider_is_at_the_front_door_again(city: Any) -> None:
    answer = come_in(Client(), "no")
    assert answer.status_code == 302
    assert answer["Location"] in ("/sign-in/cancelled/", "/sign-in/")


def test_a_provider_that_is_away_is_said_in_words(city: Any) -> None:
    city.SOCIALACCOUNT_PROVIDERS["openid_connect"]["APPS"][0]["settings"]["server_url"] = (
        "http://127.0.0.1:9"
    )
    answer = Client().get("/sign-in/city/")
    assert answer.status_code == 502
    assert "城市统一身份服务没有正常应答" in page(answer)


def test_the_first_page_offers_the_provider(city: Any, settings: Any) -> None:
    shown = page(Client().get("/sign-in/?next=/desk/map/"))
    assert "用城市一网通登录" in shown
    assert "/sign-in/city/?next=/desk/map/" in shown
    settings.OIDC_ISSUER = ""
    assert "/sign-in/city/" not in page(Client().get("/sign-in/"))


def test_another_provider_does_not_exist(city: Any) -> None:
    assert Client().get("/sign-in/elsewhere/").status_code == 404
