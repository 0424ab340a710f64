"""Sessions by account: they end when idle, when old, and all at once when that is asked for."""

from __future__ import annotations

import datetime as dt
import random
import time
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.db import models

from maplebridge.lib import clock

if TYPE_CHECKING:
    from django.http import HttpRequest

    from maplebridge.web.parts.models import Session

BEGAN = "_began"
SEEN = "_seen"
DEVICE = "_device"
# The browser shows the wall and nothing else, and stays signed in without a hand.
SCREEN = "_screen"
SCREEN_DAYS = 30
# What such a browser may ask for: the wall, its news, and to be signed out.
OF_A_SCREEN = ("/board/screen/", "/live/", "/sign-out/", "/map/")
# A session is written at most this often only because somebody is at work.
SEEN_EVERY_SECONDS = 60
# Asked for by the page itself, not by a person at work.
BY_ITSELF = ("/live/",)
SWEPT_AT_ONCE = 1000
SWEEP_ONE_IN = 20
# Words in a browser's name of itself, the first that fits; the order matters.
BROWSERS = (
    ("MicroMessenger", "WeChat"),
    ("DingTalk", "DingTalk"),
    ("Edg", "Edge"),
    ("Firefox", "Firefox"),
    ("Chrom", "Chrome"),
    ("Safari", "Safari"),
)
SYSTEMS = (
    ("HarmonyOS", "HarmonyOS"),
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS", "macOS"),
    ("Linux", "Linux"),
)


class SessionStore(DatabaseStore):
    """The rows of `Session`; one that is older than a working day is as if it were not there."""

    @classmethod
    def get_model_class(cls) -> type[Session]:
        from maplebridge.web.parts.models import Session

        return Session

    def create_model_instance(self, data: dict[str, Any]) -> Session:
        """The row, with what the page of open sessions shows beside the data."""
        row: Session = super().create_model_instance(data)  # type: ignore[assignment]
        account_id = data.get(SESSION_KEY)
        row.account_id = UUID(account_id) if account_id else None
        row.began_at = _instant(data.get(BEGAN))
        row.seen_at = _instant(data.get(SEEN))
        row.device = str(data.get(DEVICE, ""))
        return row

    def load(self) -> dict[str, Any]:
        data: dict[str, Any] = super().load()
        began = data.get(BEGAN)
        hours = SCREEN_DAYS * 24 if data.get(SCREEN) else settings.SESSION_HOURS
        if began is not None and time.time() - began > hours * 3600:
            self.delete()
            self._session_key = None
            return {}
        return data


def note_work(request: HttpRequest) -> None:
    """Keeps a session open while somebody works with it; at most one writing a minute.

    A page that asks for news by itself does not count as work.
    """
    session = request.session
    # What could not be read, because the database is away, is not asked for a second time.
    if not hasattr(session, "_session_cache") or SESSION_KEY not in session:
        return
    now = time.time()
    if BEGAN not in session:
        session[BEGAN] = now
        session[DEVICE] = device_words(request.headers.get("User-Agent", ""))
        if random.randrange(SWEEP_ONE_IN) == 0:  # noqa: S311  no secret hangs on it
            sweep()
    elif request.path.startswith(BY_ITSELF) or now - session.get(SEEN, 0) < SEEN_EVERY_SECONDS:
        return
    session[SEEN] = now


def keep_as_screen(request: HttpRequest) -> None:
    """From now on this browser shows the wall alone, for thirty days or until it is signed out."""
    session = request.session
    session.cycle_key()
    session.set_expiry(dt.timedelta(days=SCREEN_DAYS))
    session[SCREEN] = True
    session[BEGAN] = session[SEEN] = time.time()


def is_shut(request: HttpRequest) -> bool:
    """Whether a browser that shows the wall asks for something else."""
    if settings.SESSION_COOKIE_NAME not in request.COOKIES:
        return False
    if request.path.startswith(OF_A_SCREEN) or request.path.startswith(settings.STATIC_URL):
        return False
    return bool(request.session.get(SCREEN))


def begin_anew(request: HttpRequest) -> None:
    """A new key for the session, and its age counted from now; after a sign-in."""
    request.session.pop(BEGAN, None)
    request.session.cycle_key()


def open_sessions(account_id: UUID) -> list[Session]:
    """The sessions of an account that are neither idle nor old; the one used last stands first."""
    from maplebridge.web.parts.models import Session

    now = clock.now()
    young = models.Q(began_at__gt=now - dt.timedelta(hours=settings.SESSION_HOURS))
    # Only that of a screen is kept for longer than anybody may be idle.
    screens = models.Q(
        began_at__gt=now - dt.timedelta(days=SCREEN_DAYS),
        expire_date__gt=now + dt.timedelta(seconds=settings.SESSION_COOKIE_AGE),
    )
    found = Session.objects.filter(young | screens, account_id=account_id, expire_date__gt=now)
    return list(found.order_by("-seen_at", "session_key"))


def end_sessions(account_id: UUID, *, but: str | None = None, only: str | None = None) -> int:
    """Ends the sessions of an account everywhere; returns how many.

    but: the key of one that goes on. only: the key of the one to end. Requests are refused from
    the next one on, open pages within the time between two rechecks of `web.live`.
    """
    from maplebridge.web.parts.models import Session

    ended = Session.objects.filter(account_id=account_id)
    if but:
        ended = ended.exclude(session_key=but)
    if only:
        ended = ended.filter(session_key=only)
    return ended.delete()[0]


def sweep() -> None:
    """Removes some of the sessions whose time is over, by the clock that wrote it."""
    from maplebridge.web.parts.models import Session

    over = Session.objects.filter(expire_date__lt=_instant(time.time())).values("pk")[
        :SWEPT_AT_ONCE
    ]
    Session.objects.filter(pk__in=over).delete()


def device_words(agent: str) -> str:
    """Browser and system in two words, like `Firefox · Windows`; unknown ones are left out."""
    found = [
        next((words for part, words in known if part in agent), "") for known in (BROWSERS, SYSTEMS)
    ]
    return " · ".join(filter(None, found))


def _instant(seconds: float | None) -> dt.datetime | None:
    return dt.datetime.fromtimestamp(seconds, dt.UTC) if seconds is not None else None
