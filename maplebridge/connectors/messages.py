"""Sends short messages: each is written down first, then handed to the providers of its address.

Without a provider it stays in the folder, where a person can read it: the dry-run sink. Providers
are reached through Apprise; docs/running/messages.md says how a city names its own.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import logging
import os
import re
import stat
import tempfile
import threading
import time
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from django.conf import settings

from maplebridge.lib.clock import now
from maplebridge.lib.masking import mask_phone

log = logging.getLogger(__name__)
# It tells of addresses and tokens; what an operator has to know is said here, without them.
logging.getLogger("apprise").setLevel(logging.CRITICAL)

NAME = re.compile(r"[a-z0-9-]{1,40}")
BLANK = re.compile(r"\{([a-z]+)\}")
SAMPLE = "13900000000"
AT_ONCE = 100
# A provider that refuses this many in a row is away: the others of its queue wait with it.
AWAY_AFTER = 3
FIRST_PAUSE_SECONDS = 5.0
LONGEST_PAUSE_SECONDS = 300.0
GIVEN_UP_AFTER_SECONDS = 48 * 3600.0


class ChannelsWrong(ValueError):
    """The file of channels cannot be meant; its text says why and how to mend it."""


@dataclass(frozen=True)
class Message:
    """One message. name: its identity; the same name is sent once.

    to: a telephone number, `voice:` and a number to be called, or `unit:` and a unit's code; the
    provider knows that unit's duty desk.
    edition: which texts it was written by. facts: what a provider's own template asks for.
    """

    name: str
    to: str
    text: str
    edition: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)

    @property
    def address(self) -> str:
        """What a channel's patterns are compared with: `tel:139...` or `unit:330825-hsc`."""
        return self.to if ":" in self.to else f"tel:{self.to}"


@dataclass(frozen=True)
class Channel:
    """One provider. url: as Apprise reads it, with blanks. takes: patterns of addresses."""

    name: str
    url: str = field(repr=False)
    takes: tuple[str, ...]
    title: str = ""

    def fits(self, message: Message) -> bool:
        """Whether the message goes this way."""
        return any(fnmatchcase(message.address, pattern) for pattern in self.takes)


@dataclass(frozen=True)
class Kept:
    """A message as the folder keeps it; `to` and `text` are empty once it was handed over."""

    name: str
    to: str
    text: str
    at: float
    facts: Mapping[str, str]


# -- the channels ---------------------------------------------------------------------------


def channels() -> tuple[Channel, ...]:
    """The channels that the operator named; none without a file. Raises ChannelsWrong."""
    return _at_hand()[0]


def push_settings() -> dict[str, Any]:
    """What the same file says of web push. Raises ChannelsWrong."""
    return _at_hand()[1]


_last: dict[str, tuple[tuple[Channel, ...], dict[str, Any]]] = {}


def _at_hand() -> tuple[tuple[Channel, ...], dict[str, Any]]:
    """What the file said last: one that is spoilt while we run stops nothing."""
    try:
        _last[settings.MESSAGES] = configured()
    except ChannelsWrong as wrong:
        if settings.MESSAGES not in _last:
            raise
        log.error("the channels stay as they were: %s", wrong)
    return _last[settings.MESSAGES]


def configured() -> tuple[tuple[Channel, ...], dict[str, Any]]:
    """The file of MAPLEBRIDGE_MESSAGES, read again when it changed. Raises ChannelsWrong."""
    if not settings.MESSAGES:
        return (), {}
    place = Path(settings.MESSAGES)
    try:
        found = place.stat()
    except OSError as wrong:
        raise ChannelsWrong(f"MAPLEBRIDGE_MESSAGES: {place} cannot be read.") from wrong
    return _read(place, found.st_mtime_ns, stat.S_IMODE(found.st_mode))


@lru_cache(maxsize=4)
def _read(place: Path, _changed: int, mode: int) -> tuple[tuple[Channel, ...], dict[str, Any]]:
    if mode & 0o077:
        raise ChannelsWrong(f"{place} holds secrets: take it from others with chmod 600.")
    try:
        said = tomllib.loads(place.read_text(encoding="utf-8"))
    except (OSError, ValueError) as wrong:
        raise ChannelsWrong(f"{place} is no TOML file: {wrong}") from wrong
    unknown = set(said) - {"channels", "push"}
    if unknown:
        raise ChannelsWrong(f"{place}: write [channels.NAME] or [push], not {sorted(unknown)}.")
    named = said.get("channels", {})
    return tuple(_channel(place, name, each) for name, each in named.items()), said.get("push", {})


def _channel(place: Path, name: str, said: Mapping[str, Any]) -> Channel:
    where = f"{place}, channel {name}"
    if not NAME.fullmatch(name):
        raise ChannelsWrong(f"{where}: a name has small letters, digits and dashes.")
    takes = said.get("takes", [])
    if not isinstance(takes, list) or not takes or not all(isinstance(p, str) for p in takes):
        raise ChannelsWrong(f'{where}: say whom it takes, like takes = ["tel:*"].')
    url = str(said.get("url", ""))
    if "url_file" in said:
        try:
            url = (place.parent / str(said["url_file"])).read_text(encoding="utf-8").strip()
        except OSError as wrong:
            raise ChannelsWrong(f"{where}: url_file cannot be read.") from wrong
    found = Channel(name, url, tuple(takes), str(said.get("title", "")))
    if not url or _provider(found, Message("sample", SAMPLE, "sample")) is None:
        raise ChannelsWrong(f"{where}: its url is no address that Apprise knows.")
    return found


def _provider(channel: Channel, message: Message) -> Any:
    """The provider for one message, its blanks filled in; None for an address nobody knows."""
    import apprise

    said = {**message.facts, "to": message.to.rpartition(":")[2], "text": message.text}
    url = BLANK.sub(lambda blank: quote(said.get(blank[1], ""), safe=""), channel.url)
    return apprise.Apprise.instantiate(url, suppress_exceptions=True)


# -- the record -----------------------------------------------------------------------------


def send(message: Message) -> bool:
    """Writes a message down unless one of that name was; says whether it did. It waits for nobody.

    One file a message below the state folder, written so that a second call, or a second process,
    finds it there; `deliver` hands it over afterwards.
    """
    folder = _folder()
    place = folder / f"{message.name}.json"
    fresh = not place.exists() and _write_once(place, asdict(message))
    for channel in channels():
        # Also for a message that is there: a crash may have come before this.
        if channel.fits(message) and (fresh or "text" in _content(place)):
            _wait(channel.name, place)
    return fresh


def _folder() -> Path:
    folder = Path(settings.STATE) / "messages"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def _write_once(place: Path, said: Mapping[str, Any]) -> bool:
    """Whole or not at all: a crash or a full disk in between leaves nothing that looks written."""
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=place.parent, delete=False) as file:
        draft = Path(file.name)
        try:
            json.dump(said, file, ensure_ascii=False)
            file.flush()
            os.fsync(file.fileno())
            os.link(draft, place)
        except FileExistsError:
            return False
        finally:
            draft.unlink()
    return True


def _wait(channel: str, place: Path) -> None:
    """Puts a message into a channel's queue, unless that channel has had it."""
    if _mark(channel, place.name).exists():
        return
    queue = _queue(channel)
    queue.mkdir(mode=0o700, parents=True, exist_ok=True)
    with contextlib.suppress(FileExistsError):
        os.link(place, queue / place.name)


def _queue(channel: str) -> Path:
    return _folder() / "waiting" / channel


def _mark(channel: str, name: str) -> Path:
    return _folder() / "sent" / channel / name


def _content(place: Path) -> dict[str, Any]:
    try:
        found = json.loads(place.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def kept(most: int = 50) -> list[Kept]:
    """What the folder keeps of messages to telephone numbers, the newest first."""
    with os.scandir(_folder()) as entries:
        files = [(each.stat().st_mtime, each.path) for each in entries if each.is_file()]
    found = []
    for at, path in sorted(files, reverse=True):
        said = _content(Path(path))
        to = str(said.get("to", ""))
        if to and ":" not in to:
            facts = said.get("facts") or {}
            found.append(Kept(str(said["name"]), to, str(said.get("text", "")), at, facts))
            if len(found) == most:
                break
    return found


def forget(prefix: str) -> int:
    """Empties what is kept of every message whose name begins so; what waits is not sent.

    Returns how many there were.
    """
    folder = _folder()
    found = [place for place in folder.glob(f"{prefix}*.json") if "text" in _content(place)]
    for place in found:
        for waiting in folder.glob(f"waiting/*/{place.name}"):
            waiting.unlink(missing_ok=True)
        _empty(place)
    return len(found)


def _empty(place: Path) -> None:
    """Leaves of a message its name, its edition and when: neither address nor text."""
    said = _content(place)
    left = {"name": said.get("name", ""), "edition": said.get("edition", "")}
    draft = place.with_suffix(f".{os.getpid()}.{threading.get_ident()}.making")
    draft.write_text(json.dumps({**left, "emptied_at": now().isoformat()}), encoding="utf-8")
    draft.replace(place)


# -- handing over ---------------------------------------------------------------------------


@dataclass
class _Turn:
    """How a channel does: since when it may be tried, and which of its messages wait longer."""

    thread: threading.Thread | None = None
    pause: float = 0.0
    not_before: float = 0.0
    tries: dict[str, tuple[int, float]] = field(default_factory=dict)


_turns: dict[str, _Turn] = {}


def deliver() -> int:
    """Lets every channel with waiting messages work, each in a thread of its own; waits for none.

    By the clock of the worker. Returns 0: what the threads do is none of the caller's time.
    """
    for channel in channels():
        turn = _turns.setdefault(channel.name, _Turn())
        if turn.thread is not None and turn.thread.is_alive():
            continue
        if time.monotonic() < turn.not_before or not _has_waiting(channel.name):
            continue
        turn.thread = threading.Thread(
            target=_work, args=(channel,), name=f"messages-{channel.name}", daemon=True
        )
        turn.thread.start()
    return 0


def _work(channel: Channel) -> None:
    try:
        hand_over(channel)
    except Exception:
        log.exception("the channel %s could not go on; it will be tried again", channel.name)
        _turns[channel.name].not_before = time.monotonic() + FIRST_PAUSE_SECONDS


def _has_waiting(channel: str) -> bool:
    try:
        with os.scandir(_queue(channel)) as entries:
            return any(each.name.endswith(".json") for each in entries)
    except FileNotFoundError:
        return False


def hand_over(channel: Channel) -> int:
    """Gives a channel's waiting messages to its provider, the oldest first; how many it took.

    Marked after the provider took it, so a crash in between sends it a second time and never
    loses it. One process at a time works on a channel.
    """
    turn = _turns.setdefault(channel.name, _Turn())
    if not _has_waiting(channel.name):
        return 0
    taken = refused = 0
    with _alone(channel.name) as mine:
        waiting = _oldest(channel.name) if mine else []
        for place in waiting:
            tries, not_before = turn.tries.get(place.name, (0, 0.0))
            if time.monotonic() < not_before:
                continue
            if _one(channel, place, tries):
                turn.tries.pop(place.name, None)
                taken, refused, turn.pause = taken + 1, 0, 0.0
                continue
            refused += 1
            longer = min(FIRST_PAUSE_SECONDS * 2 ** min(tries, 8), LONGEST_PAUSE_SECONDS)
            turn.tries[place.name] = (tries + 1, time.monotonic() + longer)
            if refused >= AWAY_AFTER:
                turn.pause = min(turn.pause * 2 or FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS)
                turn.not_before = time.monotonic() + turn.pause
                break
    return taken


def _oldest(channel: str) -> list[Path]:
    with os.scandir(_queue(channel)) as entries:
        found = [(e.stat().st_mtime, e.path) for e in entries if e.name.endswith(".json")]
    return [Path(path) for _at, path in sorted(found)[:AT_ONCE]]


def _one(channel: Channel, place: Path, tries: int) -> bool:
    """Hands over one message; True when it is done with."""
    said = _content(place)
    if not said or _mark(channel.name, place.name).exists():
        place.unlink(missing_ok=True)
        return True
    message = Message(said["name"], said["to"], said["text"], facts=said.get("facts") or {})
    if not _taken(channel, message):
        if time.time() - place.stat().st_mtime < GIVEN_UP_AFTER_SECONDS:
            if tries == 0:
                log.warning(
                    "the channel %s did not take %s to %s; it will be tried again",
                    channel.name,
                    message.name,
                    _masked(message.to),
                )
            return False
        log.error("the channel %s never took %s; it is given up", channel.name, message.name)
    mark = _mark(channel.name, place.name)
    mark.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    _write_once(mark, {"at": now().isoformat()})
    place.unlink(missing_ok=True)
    folder = _folder()
    if not any(folder.glob(f"waiting/*/{place.name}")):
        _empty(folder / place.name)
    return True


def _taken(channel: Channel, message: Message) -> bool:
    provider = _provider(channel, message)
    if provider is None:
        return False
    return bool(provider.notify(body=message.text, title=channel.title))


def _masked(to: str) -> str:
    return to if ":" in to else mask_phone(to)


@contextlib.contextmanager
def _alone(channel: str) -> Iterator[bool]:
    """Whether this process has the channel to itself just now."""
    with (_queue(channel) / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True
