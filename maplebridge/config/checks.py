"""Refuses to start with settings that cannot be meant; says how to mend each."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Sequence
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core import checks
from django.core.exceptions import ImproperlyConfigured

from maplebridge.connectors.maps import BaseMapError, base_map
from maplebridge.connectors.messages import ChannelsWrong, configured
from maplebridge.lib.seal import SUITES
from maplebridge.organisation.people import Role

SHORTEST_KEY = 12
# For real use: what ./run draws has 43 characters.
SHORTEST_REAL_KEY = 32
FEWEST_LETTERS = 12
# Parts of keys that stand in documents and examples; everybody knows them.
KNOWN_KEYS = (
    "only-for-tests",
    "changeme",
    "change-me",
    "insecure",
    "example",
    "password",
    "secret",
)
# Roles that rule over accounts, settings or traces never go without a second factor.
ALWAYS_TWO_FACTORS = {Role.ADMINISTRATOR, Role.SECURITY, Role.AUDITOR}
INNER_NAMES = (".local", ".internal", ".lan", ".home.arpa", ".localdomain", ".test")
CITY = re.compile(r"\d{4}")


def problems() -> list[str]:
    """What is wrong with the environment, a sentence each."""
    said = [*_keys(), *_addresses(), *_sign_in(), *_provider(), *_base_map(), *_messages()]
    if not CITY.fullmatch(settings.CITY_CODE):
        said.append("MAPLEBRIDGE_CITY is a city's code of 4 digits, like 3308.")
    for name in ("MAPLEBRIDGE_DEMONSTRATION", "MAPLEBRIDGE_POOL", "MAPLEBRIDGE_TLS"):
        if os.environ.get(name, "0") not in ("0", "1"):
            said.append(f"{name} is 0 or 1, not {os.environ[name]!r}.")
    if settings.WRONG_CATEGORY_COST < 1:
        said.append(
            "MAPLEBRIDGE_WRONG_CATEGORY_COST is a whole number from 1 on: looks of a clerk that a "
            "wrong category costs."
        )
    if settings.SEAL_CIPHER not in SUITES:
        said.append(f"MAPLEBRIDGE_CIPHER is aes or sm4, not {settings.SEAL_CIPHER!r}.")
    if not any(settings.ALLOWED_HOSTS):
        said.append("MAPLEBRIDGE_HOSTS names no host; give the names the pages are asked for by.")
    return said


def _keys() -> list[str]:
    """Keys that are missing, short, or known to everybody."""
    try:
        key = settings.SECRET_KEY
    except ImproperlyConfigured:
        key = ""
    if len(key) < SHORTEST_KEY:
        return ["MAPLEBRIDGE_SECRET_KEY is missing or shorter than 12 characters; ./run draws one."]
    if settings.DEMONSTRATION:
        return []
    if len(key) < SHORTEST_REAL_KEY or len(set(key)) < FEWEST_LETTERS:
        return [
            "MAPLEBRIDGE_SECRET_KEY is too easy to guess for real use: 32 characters at random, "
            "or leave it out and ./run draws one."
        ]
    if any(known in key.lower() for known in KNOWN_KEYS):
        return ["MAPLEBRIDGE_SECRET_KEY is a key out of an example; leave it out: ./run draws one."]
    return []


def _base_map() -> list[str]:
    """A base map that cannot be drawn."""
    try:
        base_map()
    except BaseMapError as wrong:
        return [str(wrong)]
    return []


def _messages() -> list[str]:
    """A file of channels that cannot be meant."""
    try:
        configured()
    except ChannelsWrong as wrong:
        return [str(wrong)]
    return []


def _addresses() -> list[str]:
    """Names and origins under which passwords would travel in clear, or a demonstration be seen."""
    said = []
    hosts = [host.strip() for host in settings.ALLOWED_HOSTS if host.strip()]
    if settings.DEMONSTRATION:
        public = [host for host in hosts if not _is_inner(host)]
        if public:
            said.append(
                f"The demonstration does not answer to {public[0]}: anybody may take any role "
                "there. Set MAPLEBRIDGE_DEMONSTRATION=0, or name only this machine."
            )
        return said
    open_origins = [
        origin
        for origin in settings.CSRF_TRUSTED_ORIGINS
        if not origin.startswith("https://") and not _is_own(urlsplit(origin).hostname or "")
    ]
    if open_origins:
        said.append(f"MAPLEBRIDGE_ORIGINS: {open_origins[0]} is not https; passwords need TLS.")
    if "*" in hosts:
        said.append("MAPLEBRIDGE_HOSTS answers to every name (*); give the names one by one.")
    others = [host for host in hosts if not _is_own(host)]
    if others and not settings.TLS:
        said.append(
            f"{others[0]} can be reached from other machines without TLS. Put a proxy with TLS in "
            "front and name its address in MAPLEBRIDGE_ORIGINS=https://..., or set "
            "MAPLEBRIDGE_DEMONSTRATION=1 to look around."
        )
    if not os.environ.get("MAPLEBRIDGE_PROXIES", "0").isdecimal():
        said.append("MAPLEBRIDGE_PROXIES is how many proxies of yours stand in front, like 1.")
    elif settings.TLS and not settings.PROXIES:
        said.append(
            "MAPLEBRIDGE_PROXIES=0 with TLS: TLS comes by a proxy of yours, so it is at least 1; "
            "else all readers seem to come from one address."
        )
    for network in filter(None, os.environ.get("MAPLEBRIDGE_TRUSTED_NETWORKS", "").split(",")):
        try:
            ip_network(network.strip(), strict=False)
        except ValueError:
            said.append(f"MAPLEBRIDGE_TRUSTED_NETWORKS: {network} is no network like 10.1.0.0/16.")
    return said


def _sign_in() -> list[str]:
    """Times of sessions, and roles that need a second factor."""
    said = []
    for name, most in (("MAPLEBRIDGE_IDLE_MINUTES", 720), ("MAPLEBRIDGE_SESSION_HOURS", 24)):
        value = os.environ.get(name, "1")
        if not value.isdecimal() or not 1 <= int(value) <= most:
            said.append(f"{name} is a number from 1 to {most}, not {value!r}.")
    roles = {role.strip() for role in settings.SECOND_FACTOR}
    if unknown := sorted(roles - set(Role.values)):
        said.append(
            f"MAPLEBRIDGE_SECOND_FACTOR names roles by comma; {unknown[0] or 'nothing'} is none."
        )
    if missing := sorted(ALWAYS_TWO_FACTORS - roles):
        said.append(
            f"MAPLEBRIDGE_SECOND_FACTOR leaves out {missing[0]}; administrator, security and "
            "auditor never go without a second factor."
        )
    return said


def _provider() -> list[str]:
    """A city's identity provider that is named by half."""
    if not settings.OIDC_ISSUER:
        return []
    said = []
    issuer = urlsplit(settings.OIDC_ISSUER)
    if issuer.scheme != "https" and not _is_own(issuer.hostname or ""):
        said.append("MAPLEBRIDGE_OIDC_ISSUER is the provider's address with https.")
    if not settings.OIDC_CLIENT:
        said.append("MAPLEBRIDGE_OIDC_CLIENT is missing: the name the provider knows us by.")
    path = Path(settings.OIDC_SECRET_FILE) if settings.OIDC_SECRET_FILE else None
    try:
        found = bool(path and path.read_text(encoding="utf-8").strip())
    except OSError:
        found = False
    if not found:
        said.append("MAPLEBRIDGE_OIDC_SECRET_FILE names no file with the secret in it.")
    return said


def _is_own(host: str) -> bool:
    """Whether a name leads to this machine only."""
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host in ("localhost", "testserver") or host.endswith(".localhost")


def _is_inner(host: str) -> bool:
    """Whether a name is one of this machine or of a network that is not the open one."""
    try:
        return not ip_address(host.strip("[]")).is_global
    except ValueError:
        inner = "." not in host.strip(".") or host.endswith(INNER_NAMES)
        return host != "*" and (inner or host == socket.gethostname())


@checks.register()
def check_settings(app_configs: Sequence[Any] | None, **options: Any) -> list[checks.CheckMessage]:
    """Every problem as an error that stops the start."""
    return [checks.Error(said, id="config.E001") for said in problems()]
