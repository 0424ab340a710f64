"""Who holds the keys under which data keys are wrapped: an interface, and a file that keeps it.

A key never leaves its provider; a provider of another kind (a box, a service) needs the same five
functions and nothing else changes.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import datetime as dt
import fcntl
import json
import logging
import os
import re
import secrets
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

from maplebridge.lib import seal
from maplebridge.lib.clock import now

log = logging.getLogger(__name__)
# How long a running process may go on with the keys it read.
READ_AGAIN_SECONDS = 5.0
# By then every process has seen that a key is no longer the current one.
SETTLED_SECONDS = 60
KEY_ID = re.compile(r"[A-Za-z0-9._-]{1,24}")
OTHERS = 0o077


class KeyringError(Exception):
    """The keys cannot be used; the text is a sentence for whoever runs the platform."""


class KeyMissing(KeyringError):
    """There is no key of this id."""

    def __init__(self, key_id: str) -> None:
        super().__init__(f"There is no key {key_id}.")
        self.key_id = key_id


@dataclass(frozen=True)
class Wrapped:
    """A data key sealed under the provider's key of this id."""

    key_id: str
    data: bytes


class KeyProvider(Protocol):
    """What holds keys. Errors: KeyMissing, another KeyringError, or seal.NotOpened."""

    def current(self) -> str:
        """The id of the key that wraps from now on."""

    def ids(self) -> tuple[str, ...]:
        """The ids of all keys there are, the oldest first."""

    def wrap(self, about: bytes, data_key: bytes | None = None) -> tuple[bytes, Wrapped]:
        """A data key, a fresh one unless it is given, and the same wrapped under the current key.

        about: bound to it; without the same words it does not unwrap.
        """

    def unwrap(self, wrapped: Wrapped, about: bytes) -> bytes:
        """The data key."""

    def blind(self, key_id: str, said: str) -> str:
        """The keyed hash of a text under a key, 64 hexadecimal digits."""


@dataclass(frozen=True)
class Key:
    """One key of a file. retired: since when it is no longer the current one."""

    id: str
    cipher: str
    secret: bytes = field(repr=False)
    made: dt.datetime
    retired: dt.datetime | None = None

    def derived(self, purpose: str) -> bytes:
        """The key for one purpose."""
        return _derived(self.cipher, self.secret, f"maplebridge {purpose} {self.id}")


@lru_cache(maxsize=256)
def _derived(cipher: str, secret: bytes, purpose: str) -> bytes:
    return seal.derived_key(cipher, secret, purpose)


@dataclass(frozen=True)
class Keys:
    """All keys of a file, by id, the oldest first, and which of them is the current one."""

    current: str
    by_id: dict[str, Key]


class KeyFile:
    """Keys in one file of JSON that nobody else may read; a change is seen within seconds.

    A process that has read the keys goes on with them when the file becomes unreadable, so that
    reports are still taken in; a process that begins then does not begin.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._held: Keys | None = None
        self._looked = 0.0
        self._stamp: tuple[int, int, int] | None = None

    # -- what a provider does -------------------------------------------------------------------

    def current(self) -> str:
        """The id of the key that wraps from now on."""
        return self.keys().current

    def ids(self) -> tuple[str, ...]:
        """The ids of all keys in the file, the oldest first."""
        return tuple(self.keys().by_id)

    def wrap(self, about: bytes, data_key: bytes | None = None) -> tuple[bytes, Wrapped]:
        """A data key, fresh unless given, and the same wrapped under the current key."""
        keys = self.keys()
        key = keys.by_id[keys.current]
        data_key = data_key or seal.fresh_key(key.cipher)
        return data_key, Wrapped(key.id, seal.seal(key.derived("wrap"), data_key, about))

    def unwrap(self, wrapped: Wrapped, about: bytes) -> bytes:
        """The data key. Raises KeyMissing, KeyringError or seal.NotOpened."""
        return seal.opened(self._key(wrapped.key_id).derived("wrap"), wrapped.data, about)

    def blind(self, key_id: str, said: str) -> str:
        """The keyed hash of a text under a key. Raises KeyMissing or KeyringError."""
        return seal.blind(self._key(key_id).derived("blind"), said)

    # -- the file -------------------------------------------------------------------------------

    def keys(self, *, afresh: bool = False) -> Keys:
        """The keys, at most READ_AGAIN_SECONDS old. Raises KeyringError when there are none."""
        held = self._held
        if held is not None and not afresh and self._is_fresh():
            return held
        with self._lock:
            if self._held is not None and not afresh and self._is_fresh():
                return self._held
            try:
                stamp = self._stamp_of_file()
                if self._held is None or stamp != self._stamp:
                    self._held, self._stamp = read(self.path), stamp
            except KeyringError as wrong:
                if self._held is None:
                    raise
                log.error("going on with the keys read before: %s", wrong)
            self._looked = time.monotonic()
            return self._held

    def add(self, cipher: str) -> Key:
        """Draws a key, makes it the current one and returns it. Raises KeyringError."""
        with self._changing() as keys:
            key = _fresh(cipher)
            kept = {**keys.by_id, key.id: key}
            kept[keys.current] = replace(keys.by_id[keys.current], retired=key.made)
            self._write(Keys(key.id, kept))
        return key

    def drop(self, key_id: str) -> None:
        """Removes a key for good. Whoever calls has made sure that nothing needs it.

        Raises KeyMissing, or KeyringError for the current key and one that was it a moment ago.
        """
        with self._changing() as keys:
            key = keys.by_id.get(key_id)
            if key is None:
                raise KeyMissing(key_id)
            if key_id == keys.current:
                raise KeyringError(f"{key_id} is the current key; draw a new one first.")
            left = SETTLED_SECONDS - (now() - (key.retired or key.made)).total_seconds()
            if left > 0:
                raise KeyringError(
                    f"{key_id} was the current key a moment ago and running processes may still "
                    f"use it; try again in {left:.0f} seconds."
                )
            self._write(Keys(keys.current, {k: v for k, v in keys.by_id.items() if k != key_id}))

    def _key(self, key_id: str) -> Key:
        found = self.keys().by_id.get(key_id) or self.keys(afresh=True).by_id.get(key_id)
        if found is None:
            raise KeyMissing(key_id)
        return found

    def _is_fresh(self) -> bool:
        return time.monotonic() - self._looked < READ_AGAIN_SECONDS

    def _stamp_of_file(self) -> tuple[int, int, int]:
        try:
            found = self.path.stat()
        except OSError as error:
            raise KeyringError(f"The key file {self.path} cannot be read: {error}.") from error
        # The mode stands in the time of the last change of the file's entry, too.
        return (found.st_mtime_ns, found.st_ctime_ns, found.st_ino)

    @contextlib.contextmanager
    def _changing(self) -> Iterator[Keys]:
        """The keys as they are now, and nobody else changes them meanwhile."""
        try:
            with self.path.with_name(f"{self.path.name}.lock").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                yield read(self.path)
        except OSError as error:
            raise KeyringError(f"The key file {self.path} cannot be changed: {error}.") from error
        self.keys(afresh=True)

    def _write(self, keys: Keys) -> None:
        draft = _draft(self.path, keys)
        draft.replace(self.path)
        _sync(self.path.parent)


@lru_cache(maxsize=16)
def at(path: Path) -> KeyFile:
    """The provider of a key file, one in each process."""
    return KeyFile(path)


def create(path: Path, cipher: str) -> None:
    """Draws a first key into a new file that only its owner may read; leaves one that is there.

    Raises KeyringError.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        key = _fresh(cipher)
        draft = _draft(path, Keys(key.id, {key.id: key}))
        # A link, unlike a renaming, leaves the file of a faster caller alone.
        with contextlib.suppress(FileExistsError):
            path.hardlink_to(draft)
        draft.unlink()
        _sync(path.parent)
    except OSError as error:
        raise KeyringError(f"The key file {path} cannot be made: {error}.") from error


def read(path: Path) -> Keys:
    """The keys of a file. Raises KeyringError with a sentence that says how to mend it."""
    try:
        mode = path.stat().st_mode
        if mode & OTHERS:
            raise KeyringError(
                f"The key file {path} can be read by others (mode {mode & 0o777:o}); "
                f"chmod 600 it, and draw a new key if others have access to this machine."
            )
        said = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise KeyringError(f"The key file {path} cannot be read: {error}.") from error
    except ValueError as error:
        raise KeyringError(f"The key file {path} is no JSON; restore it: {error}.") from error
    try:
        found = [_key_of(row) for row in said["keys"]]
        keys = Keys(str(said["current"]), {key.id: key for key in found})
        sound = keys.current in keys.by_id and len(keys.by_id) == len(found)
    except (KeyError, TypeError, ValueError, binascii.Error):
        sound = False
    if not sound:
        raise KeyringError(f"The key file {path} holds no sound keys; restore it from a backup.")
    return keys


def _key_of(row: dict[str, Any]) -> Key:
    secret = base64.b64decode(row["secret"], validate=True)
    if (
        not KEY_ID.fullmatch(row["id"])
        or row["cipher"] not in seal.SUITES
        or len(secret) != seal.SECRET_BYTES
    ):
        raise ValueError("no key")
    retired = row.get("retired")
    return Key(
        row["id"],
        row["cipher"],
        secret,
        dt.datetime.fromisoformat(row["made"]),
        dt.datetime.fromisoformat(retired) if retired else None,
    )


def _fresh(cipher: str) -> Key:
    made = now()
    name = f"k{made:%Y%m%d}-{secrets.token_hex(4)}"
    return Key(name, cipher, secrets.token_bytes(seal.SECRET_BYTES), made)


def _draft(path: Path, keys: Keys) -> Path:
    rows = [
        {
            "id": key.id,
            "cipher": key.cipher,
            "secret": base64.b64encode(key.secret).decode(),
            "made": key.made.isoformat(),
            "retired": key.retired.isoformat() if key.retired else None,
        }
        for key in keys.by_id.values()
    ]
    # mkstemp gives the owner alone the right to read.
    descriptor, name = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump({"current": keys.current, "keys": rows}, file, indent=1)
        file.flush()
        os.fsync(descriptor)
    return Path(name)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
