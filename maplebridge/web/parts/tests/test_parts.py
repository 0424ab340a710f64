"""Signing in, the change of role, languages, error pages, outlines, words for clocks."""

from __future__ import annotations

import datetime as dt
import gzip
import importlib
import json
import re
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from django.conf import settings
from django.db import OperationalError
from django.template.loader import render_to_string
from django.test import Client, override_settings
from django.urls import clear_url_caches
from django.utils import translation

from maplebridge.organisation.models import Account
from maplebridge.web.parts import views, words

WEB = Path(__file__).resolve().parents[2]


def page(answer: Any) -> str:
    return str(answer.content.decode())


def test_the_first_page_costs_no_statement(
    client: Client, db: None, django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(0):
        answer = client.get("/")
    assert answer.status_code == 200
    assert '<html lang="zh-hans">' in page(answer)
    assert "演示模式" in page(answer)


def test_english_is_one_post_away(client: Client) -> None:
    answer = client.post("/language/", {"language": "en", "next": "/report/"})
    assert answer["Location"] == "/report/"
    shown = page(client.get("/report/"))
    assert '<html lang="en">' in shown
    assert "Report a matter" in shown


def test_a_wrong_password_is_said_without_saying_which_was_wrong(town: Any) -> None:
    client = Client()
    one = page(client.post("/sign-in/", {"login": "town", "password": "wrong"}))
    other = page(client.post("/sign-in/", {"login": "nobody-here", "password": "wrong"}))
    assert "登录名和密码不匹配" in one
    assert "登录名和密码不匹配" in other
    assert client.get("/desk/").status_code == 302


def test_a_demonstration_role_is_one_tap_away(client: Client, town: Any) -> None:
    shown = page(client.get("/demonstration/"))
    account = Account.objects.get(username="town")
    assert str(account.pk) in shown
    assert "夏知远" in shown
    answer = client.post("/demonstration/", {"account": str(account.pk)})
    assert answer["Location"] == "/desk/"
    assert "夏知远" in page(client.get("/desk/"))


@pytest.mark.parametrize("account", ["", "1", "00000000-0000-0000-0000-000000000000"])
def test_an_unknown_role_is_not_taken(client: Client, town: Any, account: str) -> None:
    assert client.post("/demonstration/", {"account": account}).status_code == 404
    assert client.get("/desk/").status_code == 302


def test_a_real_account_is_no_role_of_the_demonstration(client: Client, town: Any) -> None:
    real = Account.objects.create(username="real", display_name="真人")
    assert client.post("/demonstration/", {"account": str(real.pk)}).status_code == 404


def test_outside_the_demonstration_the_change_of_role_does_not_exist(client: Client) -> None:
    urls = importlib.import_module(settings.ROOT_URLCONF)

    try:
        with override_settings(DEMONSTRATION=False):
            importlib.reload(urls)
            clear_url_caches()
            assert client.get("/demonstration/").status_code == 404
            assert client.post("/demonstration/", {"account": "x"}).status_code == 404
            shown = page(client.get("/"))
            assert "演示模式" not in shown
            assert "/demonstration/" not in shown
    finally:
        importlib.reload(urls)
        clear_url_caches()


def test_signing_out_takes_a_post(client: Client, town: Any) -> None:
    client.force_login(Account.objects.get(username="town"))
    assert client.get("/sign-out/").status_code == 405
    assert client.post("/sign-out/").status_code == 302
    assert client.get("/desk/").status_code == 302


def test_a_form_without_its_token_is_refused_in_words(town: Any) -> None:
    client = Client(enforce_csrf_checks=True)
    answer = client.post("/report/", {"text": "x"})
    assert answer.status_code == 403
    assert "页面放得太久了" in page(answer)


def test_a_missing_page_says_so_in_both_languages(client: Client) -> None:
    answer = client.get("/nowhere/")
    assert answer.status_code == 404
    assert "这里没有这一页" in page(answer)
    assert "Nothing here." in page(answer)


@pytest.mark.parametrize("name", ["400", "403", "403_csrf", "404", "500", "503"])
def test_error_pages_need_nothing_from_the_request(name: str) -> None:
    shown = render_to_string(f"{name}.html")
    assert re.search(r'lang="zh-Hans">[^<]*[\u4e00-\u9fff]', shown)
    assert re.search(r'<p class="soft" lang="en">', shown)


def test_a_closed_database_is_said_without_its_words(client: Client) -> None:
    secret = OperationalError("connection to 10.0.0.5 refused")
    with mock.patch.object(views, "_outlines", side_effect=secret):
        from django.core.cache import cache

        cache.clear()
        answer = client.get("/map/areas.json")
    assert answer.status_code == 503
    assert answer["Retry-After"] == "20"
    assert "系统暂时连不上数据库" in page(answer)
    assert "10.0.0.5" not in page(answer)


def test_outlines_come_packed_and_without_grids_unless_asked(client: Client, town: Any) -> None:
    answer = client.get("/map/areas.json", headers={"Accept-Encoding": "gzip"})
    assert answer["Content-Encoding"] == "gzip"
    levels = {
        f["properties"]["level"] for f in json.loads(gzip.decompress(answer.content))["features"]
    }
    assert levels == {4, 6, 9, 12}
    plain = json.loads(client.get("/map/areas.json?deepest=15").content)
    assert 15 in {f["properties"]["level"] for f in plain["features"]}
    assert all(
        f["properties"]["synthetic"] for f in plain["features"] if f["properties"]["level"] == 15
    )


@pytest.mark.parametrize(
    ("minutes", "said"),
    [
        (0, "0 分钟"),
        (59.9, "59 分钟"),
        (60, "1 小时"),
        (47 * 60 + 59, "47 小时"),
        (48 * 60, "2 天"),
    ],
)
def test_a_length_is_said_in_its_fitting_unit(minutes: float, said: str) -> None:
    with translation.override("zh-hans"):
        assert words.spell(dt.timedelta(minutes=minutes)) == said


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("路灯坏了", "路灯坏了"),
        ("\n\n  路灯坏了 \n第二行", "路灯坏了"),
        ("翠光路菜市场门口的下水道堵了。" + "很" * 80, "翠光路菜市场门口的下水道堵了"),
        ("长" * 80, "长" * 59 + "…"),
        ("", ""),
    ],
)
def test_a_title_is_the_first_words(text: str, title: str) -> None:
    assert words.first_words(text) == title


def test_pages_carry_no_script_or_style_of_their_own() -> None:
    for template in WEB.rglob("templates/**/*.html"):
        if "node_modules" in template.parts:
            continue
        source = template.read_text(encoding="utf-8")
        assert not re.search(r"<script(?![^>]*\bsrc=)", source), template
        assert not re.search(r"\son[a-z]+=", source), template
        assert not re.search(r"\sstyle=", source), template


def test_the_lock_file_names_no_host_of_packages() -> None:
    lock = json.loads((WEB / "parts" / "package-lock.json").read_text(encoding="utf-8"))
    assert all("resolved" not in package for package in lock["packages"].values())
