"""Budgets of tries: so many at once, growing back with time; shared by all web processes.

Whoever guesses runs out; a village behind one address does not. A device that was let in before
has a budget of its own, so nobody can use up somebody else's tries from elsewhere.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import random
import secrets
import time
from contextlib import suppress
from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING

from django.conf import settings
from django.core import signing
from django.db import connection
from django.http import HttpRequest, HttpResponseBase
from django.utils.translation import gettext_lazy, ngettext

from maplebridge.journey.rate import Followed, follow

if TYPE_CHECKING:
    from uuid import UUID

    from django_stubs_ext import StrPromise


@dataclass(frozen=True)
class Budget:
    """number: tries at once; all of them grow back in so many minutes."""

    name: str
    number: int
    minutes: int

    @property
    def step_seconds(self) -> float:
        """In how long one try grows back."""
        return self.minutes * 60 / self.number


# Signing in: wrong passwords. Those of unknown devices use up nothing of a known one.
PASSWORD_KNOWN = Budget("password-known", 10, 10)
PASSWORD_UNKNOWN = Budget("password-unknown", 20, 60)
PASSWORD_NETWORK = Budget("password-network", 300, 60)
# Six digits are guessed sooner than a password.
CODE_KNOWN = Budget("code-known", 10, 10)
CODE_UNKNOWN = Budget("code-unknown", 10, 60)
PASSKEY_NETWORK = Budget("passkey-network", 300, 60)
# Reports: what a large village would send within an hour if every household did, and more.
REPORT_NETWORK = Budget("report-network", 3000, 60)
REPORT_DEVICE = Budget("report-device", 60, 60)
REPORT_DESK = Budget("report-desk", 1200, 60)
# Query codes that find nothing.
FOLLOW_NETWORK = Budget("follow-network", 120, 60)
FOLLOW_DEVICE = Budget("follow-device", 30, 60)

DEVICE_SALT = "maplebridge.device"
DEVICE_DAYS = 180
# A device younger than this still counts with its network: else each report would buy new tries.
SETTLED_SECONDS = 3600
MOST_ACCOUNTS = 8
# A household or a small office gets one such part of the address space.
IPV6_PART = 56
SWEEP_ONE_IN = 64
SWEPT_AT_ONCE = 500
MOST_ROWS = 200_000

SPEND = """
INSERT INTO parts_spent AS spent (key, until)
VALUES (%(key)s, clock_timestamp() + %(step)s * interval '1 second')
ON CONFLICT (key) DO UPDATE
SET until = greatest(spent.until, clock_timestamp()) + %(step)s * interval '1 second'
WHERE greatest(spent.until, clock_timestamp()) + %(step)s * interval '1 second'
    <= clock_timestamp() + %(span)s * interval '1 second'
RETURNING 0
"""
WAIT = """
SELECT extract(epoch FROM until - clock_timestamp()) + %(step)s - %(span)s
FROM parts_spent WHERE key = %(key)s
"""
GIVE_BACK = "UPDATE parts_spent SET until = until - %s * interval '1 second' WHERE key = %s"
SWEEP = """
DELETE FROM parts_spent WHERE key IN (
    SELECT key FROM parts_spent WHERE until < clock_timestamp() LIMIT %s
)
"""
TOO_MANY = """
DELETE FROM parts_spent WHERE key IN (
    SELECT key FROM parts_spent ORDER BY until
    LIMIT greatest(0, (SELECT count(*) FROM parts_spent) - %s)
)
"""


class TooMany(Exception):
    """A budget is used up; `seconds` until the next try."""

    def __init__(self, seconds: int) -> None:
        self.seconds = seconds
        super().__init__(str(seconds))


def spend(budget: Budget, who: str) -> None:
    """Takes one try; one statement. Raises TooMany when there is none left.

    who: whatever tells spenders apart; an empty one spends nothing.
    """
    if not who:
        return
    key = _key(budget, who)
    with connection.cursor() as cursor:
        cursor.execute(SPEND, _facts(budget, key))
        if cursor.fetchone() is None:
            raise TooMany(_wait(budget, key))
        if random.randrange(SWEEP_ONE_IN) == 0:  # noqa: S311  no secret hangs on it
            cursor.execute(SWEEP, [SWEPT_AT_ONCE])
            cursor.execute(TOO_MANY, [MOST_ROWS])


def check(budget: Budget, who: str) -> None:
    """Takes nothing; raises TooMany when there is no try left."""
    if who and (seconds := _wait(budget, _key(budget, who))):
        raise TooMany(seconds)


def give_back(budget: Budget, who: str) -> None:
    """Puts one try back: it was none of those that the budget is for."""
    if who:
        with connection.cursor() as cursor:
            cursor.execute(GIVE_BACK, [budget.step_seconds, _key(budget, who)])


def _wait(budget: Budget, key: str) -> int:
    """Seconds until the next try, rounded up; 0 when there is one."""
    with connection.cursor() as cursor:
        cursor.execute(WAIT, _facts(budget, key))
        row = cursor.fetchone()
    return max(0, ceil(row[0])) if row else 0


def _facts(budget: Budget, key: str) -> dict[str, str | float]:
    return {"key": key, "step": budget.step_seconds, "span": budget.minutes * 60}


def _key(budget: Budget, who: str) -> str:
    return f"{budget.name}:{_hash(who)}"


def _hash(said: str) -> str:
    secret = f"{DEVICE_SALT}:{settings.SECRET_KEY}".encode()
    return hmac.new(secret, said.encode(), hashlib.sha256).hexdigest()[:32]


# -- where a request comes from -----------------------------------------------------------------


def address_of(request: HttpRequest) -> str:
    """The address a request comes from; behind our own proxies, what the outermost one saw."""
    meta = request.META
    return outer_address(meta.get("REMOTE_ADDR", ""), meta.get("HTTP_X_FORWARDED_FOR", ""))


def outer_address(remote: str, forwarded: str) -> str:
    """The address before `settings.PROXIES` proxies of ours; the header is believed no further."""
    passed = [part.strip() for part in forwarded.split(",") if part.strip()]
    if settings.PROXIES and len(passed) >= settings.PROXIES:
        return passed[-settings.PROXIES]
    return remote


def is_public(request: HttpRequest) -> bool:
    """Whether a request comes from the open internet, by itself or through whatever proxy."""
    meta = request.META
    passed = [meta.get("REMOTE_ADDR", ""), *meta.get("HTTP_X_FORWARDED_FOR", "").split(",")]
    for said in passed:
        try:
            if ipaddress.ip_address(said.strip().partition("%")[0]).is_global:
                return True
        except ValueError:
            continue
    return False


def network_of(request: HttpRequest) -> str:
    """The address as far as it tells networks apart; empty for this machine itself."""
    return network(address_of(request))


def network(address: str) -> str:
    """An IPv4 address, or the part of an IPv6 address that one household gets.

    Empty for this machine and for networks that the operator trusts (a partner's platform).
    """
    try:
        at = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(at, ipaddress.IPv6Address) and at.ipv4_mapped:
        at = at.ipv4_mapped
    if at.is_loopback or any(at in trusted for trusted in settings.TRUSTED_NETWORKS):
        return ""
    if at.version == 6:
        return str(ipaddress.ip_network((at, IPV6_PART), strict=False))
    return str(at)


# -- devices that were let in before ------------------------------------------------------------


@dataclass(frozen=True)
class Device:
    """A browser that was let in before: a random name, since when, and by which accounts."""

    name: str
    since: int
    accounts: tuple[str, ...] = ()

    def knows(self, account: str) -> bool:
        """Whether this account was signed in here before. account: the login name."""
        return _account(account) in self.accounts

    @property
    def settled(self) -> str:
        """Its name, once it is old enough for a budget of its own; before that, nothing."""
        return self.name if time.time() - self.since >= SETTLED_SECONDS else ""


def device_of(request: HttpRequest) -> Device | None:
    """The device by its signed cookie; None for one that was never let in."""
    signed = request.COOKIES.get(settings.DEVICE_COOKIE_NAME, "")
    if not signed:
        return None
    try:
        said = signing.loads(signed, salt=DEVICE_SALT, max_age=DEVICE_DAYS * 86400)
        return Device(said["d"], said["s"], tuple(said["a"]))
    except (signing.BadSignature, KeyError, TypeError):
        return None


def remember_device(
    request: HttpRequest, answer: HttpResponseBase, account: str | None = None
) -> None:
    """Gives the device its cookie, after a report or a sign-in. account: the login name.

    A device that has its cookie and signs nobody in keeps it as it is.
    """
    known = device_of(request)
    if known is not None and account is None:
        return
    device = known or Device(secrets.token_urlsafe(12), int(time.time()))
    accounts = [one for one in device.accounts if account is None or one != _account(account)]
    if account is not None:
        accounts.append(_account(account))
    answer.set_cookie(
        settings.DEVICE_COOKIE_NAME,
        signing.dumps(
            {"d": device.name, "s": device.since, "a": accounts[-MOST_ACCOUNTS:]}, salt=DEVICE_SALT
        ),
        max_age=DEVICE_DAYS * 86400,
        httponly=True,
        secure=settings.SESSION_COOKIE_SECURE,
        samesite="Lax",
    )


def _account(login: str) -> str:
    return _hash(f"account:{login.strip().casefold()}")[:16]


# -- what is asked of them ----------------------------------------------------------------------


def spend_sign_in(
    request: HttpRequest, login: str, known: Budget, unknown: Budget
) -> list[tuple[Budget, str]]:
    """Takes a try at an account before anything is compared; returns what was taken.

    A device where this account was signed in before spends its own tries, whatever others do;
    all the others share theirs, and those of their network. Raises TooMany.
    """
    device = device_of(request)
    account = _account(login)
    if device is not None and device.knows(login):
        taken = [(known, f"{account}:{device.name}")]
    else:
        taken = [(unknown, account), (PASSWORD_NETWORK, network_of(request))]
    for budget, who in taken:
        spend(budget, who)
    return taken


def spend_report(request: HttpRequest, account_id: UUID | None) -> None:
    """Takes one report from whoever reports; raises TooMany."""
    device = device_of(request)
    if account_id is not None:
        spend(REPORT_DESK, str(account_id))
    elif device is not None and device.settled:
        spend(REPORT_DEVICE, device.settled)
    else:
        spend(REPORT_NETWORK, network_of(request))


def follower(request: HttpRequest) -> tuple[Budget, str]:
    """Whose tries a query code that finds nothing uses up."""
    device = device_of(request)
    if device is not None and device.settled:
        return FOLLOW_DEVICE, device.settled
    return FOLLOW_NETWORK, network_of(request)


def followed(tries: tuple[Budget, str], code: str) -> Followed | None:
    """Whom a query code leads to; one that finds nothing is counted. Raises TooMany.

    tries: of `follower`. Every door that takes a query code asks here.
    """
    check(*tries)
    found = follow(code)
    if found is None:
        with suppress(TooMany):
            spend(*tries)
    return found


REPORT_WAITS = gettext_lazy(
    "Very many reports came from here within the last hour. Please send it again in %(wait)s; "
    "nothing you wrote is lost."
)
FOLLOW_WAITS = gettext_lazy(
    "Too many codes that find nothing came from here. Please try again in %(wait)s."
)


def sentence(waits: StrPromise, full: TooMany) -> str:
    """One of the sentences above with the time to wait."""
    return str(waits) % {"wait": wait_words(full.seconds)}


def wait_words(seconds: int) -> str:
    """How long to wait, for a sentence: so many minutes, rounded up."""
    minutes = max(1, ceil(seconds / 60))
    return ngettext("%(minutes)d minute", "%(minutes)d minutes", minutes) % {"minutes": minutes}
