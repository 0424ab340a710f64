"""Settings that cannot be meant stop the start, each with its own sentence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from maplebridge.config import checks

REAL_KEY = "Zt3vQ9mXw1LrB7nKc5HsY2pJd8FgA4eUoViT6xEyMbN"


@pytest.fixture
def real_use(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Settings of a city behind its own proxy, all in order."""
    settings.DEMONSTRATION = False
    settings.SECRET_KEY = REAL_KEY
    settings.ALLOWED_HOSTS = ["matters.city.example"]
    settings.CSRF_TRUSTED_ORIGINS = ["https://matters.city.example"]
    settings.TLS, settings.PROXIES = True, 1
    monkeypatch.setenv("MAPLEBRIDGE_DEMONSTRATION", "0")
    return settings


def test_settings_in_order_let_it_start(real_use: Any) -> None:
    assert checks.problems() == []


@pytest.mark.parametrize(
    ("key", "sentence"),
    [
        ("", "is missing or shorter than 12"),
        ("Zt3vQ9mXw1LrB7nKc5HsY2pJd8F", "too easy to guess"),
        ("abcabcabcabcabcabcabcabcabcabcabcabc", "too easy to guess"),
        (f"django-insecure-{REAL_KEY}", "out of an example"),
    ],
)
def test_a_missing_short_or_known_key_stops_the_start(
    real_use: Any, key: str, sentence: str
) -> None:
    real_use.SECRET_KEY = key
    (said,) = checks.problems()
    assert said.startswith("MAPLEBRIDGE_SECRET_KEY")
    assert sentence in said


def test_a_public_address_without_tls_stops_the_start(real_use: Any) -> None:
    real_use.TLS, real_use.PROXIES, real_use.CSRF_TRUSTED_ORIGINS = False, 0, []
    (said,) = checks.problems()
    assert said.startswith("matters.city.example can be reached from other machines without TLS")
    real_use.ALLOWED_HOSTS = ["127.0.0.1", "localhost", "[::1]"]
    assert checks.problems() == []


def test_an_origin_without_https_stops_the_start(real_use: Any) -> None:
    real_use.CSRF_TRUSTED_ORIGINS = ["http://matters.city.example", "http://127.0.0.1:8000"]
    (said,) = checks.problems()
    assert "http://matters.city.example is not https" in said


def test_every_name_at_once_stops_the_start(real_use: Any) -> None:
    real_use.ALLOWED_HOSTS = ["*"]
    assert any("answers to every name" in said for said in checks.problems())


def test_tls_without_a_proxy_stops_the_start(real_use: Any) -> None:
    real_use.PROXIES = 0
    (said,) = checks.problems()
    assert said.startswith("MAPLEBRIDGE_PROXIES=0 with TLS")


@pytest.mark.parametrize("host", ["203.0.114.9", "matters.city.example", "*"])
def test_the_demonstration_answers_to_no_public_address(settings: Any, host: str) -> None:
    settings.ALLOWED_HOSTS = ["127.0.0.1", host]
    (said,) = checks.problems()
    assert said.startswith(f"The demonstration does not answer to {host}")


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "192.168.1.7", "laptop", "laptop.local"])
def test_the_demonstration_answers_inside(settings: Any, host: str) -> None:
    settings.ALLOWED_HOSTS = [host]
    assert checks.problems() == []


@pytest.mark.parametrize(
    ("roles", "sentence"),
    [
        ("", "nothing is none"),
        ("clerk,boss,administrator,auditor,security", "boss is none"),
        ("clerk,auditor,security", "leaves out administrator"),
    ],
)
def test_missing_settings_of_the_second_factor_stop_the_start(
    real_use: Any, roles: str, sentence: str
) -> None:
    real_use.SECOND_FACTOR = roles.split(",")
    assert any(sentence in said for said in checks.problems())


def test_a_provider_named_by_half_stops_the_start(real_use: Any, tmp_path: Path) -> None:
    real_use.OIDC_ISSUER = "http://id.city.example"
    assert [said.split()[0] for said in checks.problems()] == [
        "MAPLEBRIDGE_OIDC_ISSUER",
        "MAPLEBRIDGE_OIDC_CLIENT",
        "MAPLEBRIDGE_OIDC_SECRET_FILE",
    ]
    secret = tmp_path / "secret"
    secret.write_text("drawn at random\n")
    real_use.OIDC_ISSUER, real_use.OIDC_CLIENT = "https://id.city.example", "maplebridge"
    real_use.OIDC_SECRET_FILE = str(secret)
    assert checks.problems() == []


@pytest.mark.parametrize("value", ["0", "721", "soon", "-5"])
def test_a_wrong_time_of_idleness_stops_the_start(
    real_use: Any, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("MAPLEBRIDGE_IDLE_MINUTES", value)
    (said,) = checks.problems()
    assert said.startswith("MAPLEBRIDGE_IDLE_MINUTES is a number from 1 to 720")
