"""Staff sign in at a browser: codes of a telephone, a passkey, sessions, a fresh proof."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal import auth as totp

from maplebridge.config import urls
from maplebridge.organisation.models import Account
from maplebridge.web.parts.models import Session, Spent
from tests.browser.walker import Walker

assert urls.urlpatterns
PASSWORD = "a sentence that nobody guesses"


@pytest.fixture
def clerk(site: str, settings: Any) -> Iterator[Account]:
    """A clerk with a password, outside of the demonstration; put back afterwards."""
    settings.DEMONSTRATION = False
    account = Account.objects.get(username="town")
    before = account.password
    account.set_password(PASSWORD)
    account.save()
    yield account
    Account.objects.filter(pk=account.pk).update(password=before)
    Authenticator.objects.filter(user=account).delete()
    Session.objects.all().delete()
    Spent.objects.all().delete()


@pytest.fixture
def host(site: str) -> str:
    """The site by name: a passkey belongs to a name, never to a number."""
    return site.replace("127.0.0.1", "localhost")


@pytest.fixture(params=[360, 1440])
def walker(chromium: Any, host: str, request: pytest.FixtureRequest) -> Iterator[Walker]:
    found = Walker(chromium, host, width=request.param)
    yield found
    found.close()


def sign_in(walker: Walker) -> None:
    walker.open("/sign-in/")
    walker.page.get_by_label("登录名").fill("town")
    walker.page.get_by_label("密码", exact=True).fill(PASSWORD)
    walker.page.get_by_role("button", name="登录", exact=True).click()


def code(secret: str, steps: int = 0) -> str:
    return str(totp.format_hotp_value(totp.hotp_value(secret, int(time.time()) // 30 + steps)))


def test_a_telephone_is_set_up_and_asked_for(clerk: Account, walker: Walker) -> None:
    page = walker.page
    walker.open("/sign-in/")
    walker.look("sign-in")
    sign_in(walker)
    page.wait_for_url("**/account/**")
    walker.look("account-second-factor-needed")
    page.get_by_role("link", name="设置手机验证码").click()
    page.get_by_text("无法扫描").click()
    secret = page.locator("details .code").inner_text().strip()
    walker.look("account-codes")
    page.get_by_label("验证码", exact=True).fill(code(secret, -1))
    page.get_by_role("button", name="完成设置").click()
    page.wait_for_url("**/account/recovery/")
    walker.look("account-recovery")
    assert page.locator("li.code").count() == 10
    walker.open("/desk/")
    assert page.locator("h1").first.is_visible()
    page.context.clear_cookies()
    sign_in(walker)
    page.wait_for_url("**/sign-in/second/")
    walker.look("second-factor")
    page.get_by_label("手机验证码").fill("000000")
    page.get_by_role("button", name="继续").click()
    page.get_by_text("验证码不对").wait_for()
    page.get_by_label("手机验证码").fill(code(secret))
    page.get_by_role("button", name="继续").click()
    page.wait_for_url("**/desk/")
    walker.open("/account/")
    walker.look("account")
    page.get_by_role("button", name="退出其他所有设备").click()
    page.get_by_text("已在那里退出").wait_for()
    # An hour later the password page asks again, and leads on.
    for row in Session.objects.filter(account_id=clerk.pk):
        store = row.get_session_store_class()(row.session_key)
        for record in store["account_authentication_methods"]:
            record["at"] -= 3600
        store.save()
    walker.open("/account/password/")
    walker.look("prove")
    page.get_by_label("手机验证码").fill(code(secret, 1))
    page.get_by_role("button", name="继续").click()
    page.wait_for_url("**/account/password/")
    walker.look("account-password")


def test_a_passkey_is_a_second_factor_and_signs_in_alone(
    clerk: Account, chromium: Any, host: str
) -> None:
    walker = Walker(chromium, host, width=1440)
    page = walker.page
    devtools = walker.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    devtools.send(
        "WebAuthn.addVirtualAuthenticator",
        {
            "options": {
                "protocol": "ctap2",
                "transport": "internal",
                "hasResidentKey": True,
                "hasUserVerification": True,
                "isUserVerified": True,
                "automaticPresenceSimulation": True,
            }
        },
    )
    try:
        sign_in(walker)
        page.wait_for_url("**/account/**")
        page.get_by_role("link", name="添加通行密钥").click()
        walker.look("account-passkey")
        page.get_by_role("button", name="添加通行密钥").click()
        page.wait_for_url("**/account/recovery/")
        walker.open("/account/")
        assert page.get_by_text("通行密钥", exact=False).first.is_visible()
        walker.look("account-with-passkey")
        # As the second factor after the password.
        walker.context.clear_cookies()
        sign_in(walker)
        page.wait_for_url("**/sign-in/second/")
        walker.look("second-factor-passkey")
        page.get_by_role("button", name="使用通行密钥").click()
        page.wait_for_url("**/desk/")
        # And alone, without a password.
        walker.context.clear_cookies()
        walker.open("/sign-in/")
        page.get_by_role("button", name="用通行密钥登录").click()
        page.wait_for_url("**/desk/")
        assert "夏知远" in page.content()
        kinds = set(Authenticator.objects.filter(user=clerk).values_list("type", flat=True))
        assert kinds == {"webauthn", "recovery_codes"}
        assert walker.faults == []
    finally:
        walker.close()


def test_a_form_of_another_window_comes_back_whole(
    committed_town: Any, chromium: Any, site: str
) -> None:
    """In the demonstration, where two windows with two roles are what one does."""
    case = committed_town.opened("reported")
    one = Walker(chromium, site, width=360)
    try:
        one.sit_down("夏知远")
        one.open(f"/desk/case/{case.pk}/move/decline/")
        one.page.get_by_label(re.compile("理由|原因|说明")).first.fill("重复上报，不再受理。")
        other = one.context.new_page()
        other.goto(f"{site}/demonstration/")
        other.locator("button.role", has_text="龙一舟").click()
        other.wait_for_url("**/desk/")
        one.page.locator("#move-form button.main").click()
        one.page.get_by_text("重复上报，不再受理。").first.wait_for()
        one.look("kept-form-too-old")
        one.page.get_by_role("button", name="再次提交").click()
        one.page.get_by_text("另一个账号或岗位").wait_for()
        assert one.page.get_by_text("重复上报，不再受理。").first.is_visible()
        one.look("kept-form-other-post")
        assert committed_town.case(case.pk).state == "reported"
    finally:
        one.close()
