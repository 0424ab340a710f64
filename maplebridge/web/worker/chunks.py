"""Photos on their way: pieces lie here, each account's apart, until the photo is whole and taken.

A piece is added only where the last one ended, and the whole must have the hash it was named by.
"""

from __future__ import annotations

import fcntl
import hashlib
import random
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.utils.translation import gettext as _

from maplebridge.connectors.storage import DIGEST, MOST_BYTES

# A phone sends 256 KiB at a time.
MOST_PIECE_BYTES = 1024 * 1024
# What one account may have lying here: several full entries of five photos each.
MOST_WAITING_BYTES = 300 * 1024 * 1024
KEPT_SECONDS = 7 * 24 * 3600
SWEEP_ONE_IN = 32


class NotTaken(Exception):
    """A piece that cannot be added; `received` says from where to go on, the text is a sentence."""

    def __init__(self, said: str, received: int) -> None:
        super().__init__(said)
        self.received = received


class OutOfPlace(NotTaken):
    """The piece begins where no piece ended; nothing is wrong otherwise."""


class TooLarge(NotTaken):
    """More than can be kept."""


class NotThePhoto(NotTaken):
    """All bytes are there, and they are others than the hash says; they were thrown away."""


class NoRoom(NotTaken):
    """This account has too much lying here that was never finished."""


def received(account_id: UUID, sha256: str) -> int:
    """How many bytes of a photo are here."""
    path = _path(account_id, sha256)
    return path.stat().st_size if path.exists() else 0


def lacking(account_id: UUID, digests: Iterable[str]) -> dict[str, int]:
    """The photos that are not here whole, each with the number of bytes that are."""
    return {
        sha256: received(account_id, sha256)
        for sha256 in digests
        if not _whole(account_id, sha256).exists()
    }


def add(account_id: UUID, sha256: str, piece: bytes, begin: int, total: int) -> int:
    """Adds a piece that begins at a byte; returns how many bytes are here then.

    total: the size of the whole. Again changes nothing. Raises NotTaken.
    """
    if total > MOST_BYTES or len(piece) > MOST_PIECE_BYTES:
        raise TooLarge(
            _("A photo may have at most %(most)d MB. Please choose a smaller one.")
            % {"most": MOST_BYTES // 1024 // 1024},
            0,
        )
    if random.randrange(SWEEP_ONE_IN) == 0:  # noqa: S311  no secret hangs on it
        sweep()
    whole = _whole(account_id, sha256)
    if whole.exists():
        return total
    path = _path(account_id, sha256)
    path.parent.mkdir(parents=True, exist_ok=True)
    if begin == 0 and sum(f.stat().st_size for f in _files(path.parent)) > MOST_WAITING_BYTES:
        raise NoRoom(_("Too many photos of this account were begun and not finished."), 0)
    with _alone(path), path.open("ab") as file:
        here = file.tell()
        if begin != here or here + len(piece) > total or not piece:
            raise OutOfPlace(_("Go on from where the last piece ended."), min(here, total))
        file.write(piece)
        file.flush()
        here += len(piece)
        if here == total:
            if hashlib.sha256(path.read_bytes()).hexdigest() != sha256:
                file.truncate(0)
                raise NotThePhoto(_("The photo arrived damaged; it is sent once more."), 0)
            path.rename(whole)
        return here


def whole(account_id: UUID, sha256: str) -> bytes:
    """The bytes of a photo that is here whole. Raises FileNotFoundError."""
    return _whole(account_id, sha256).read_bytes()


def forget(account_id: UUID, digests: Iterable[str]) -> None:
    """Removes what was taken; the kept photo lies elsewhere."""
    for sha256 in digests:
        for path in (_whole(account_id, sha256), _path(account_id, sha256)):
            path.unlink(missing_ok=True)
            _lock(path).unlink(missing_ok=True)


def sweep() -> int:
    """Removes what nobody finished within a week; returns how many files that were."""
    oldest = time.time() - KEPT_SECONDS
    gone = 0
    for path in _files(Path(settings.MEDIA_ROOT) / "parts"):
        try:
            if path.stat().st_mtime < oldest:
                path.unlink()
                gone += 1
        except FileNotFoundError:
            continue  # taken meanwhile
    return gone


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file())


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    with _lock(path).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _lock(path: Path) -> Path:
    return path.with_suffix(".lock")


def _whole(account_id: UUID, sha256: str) -> Path:
    return _path(account_id, sha256).with_suffix(".whole")


def _path(account_id: UUID, sha256: str) -> Path:
    if not DIGEST.fullmatch(sha256):
        raise ValueError("a photo is named by its SHA-256")
    return Path(settings.MEDIA_ROOT) / "parts" / account_id.hex / f"{sha256}.part"
