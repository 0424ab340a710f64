"""Keeps photos and voice notes as files under the hash of what they hold; takes nothing on trust.

What was uploaded as a photo is sealed beside it as evidence: `.original` under a data key of its
own, and `.key` with that key, wrapped by the key provider. Only the photo drawn anew is ever shown.
A voice note is kept once, as it sounds.
"""

from __future__ import annotations

import base64
import contextlib
import fcntl
import hashlib
import hmac
import io
import json
import logging
import os
import re
import tempfile
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.utils.translation import gettext as _
from PIL import Image, ImageOps

from maplebridge.connectors import voices
from maplebridge.lib import keyring, seal
from maplebridge.lib.keyring import KeyProvider, Wrapped

log = logging.getLogger(__name__)
MOST_BYTES = 15 * 1024 * 1024
MOST_PIXELS = 60_000_000
LONGEST_SIDE = 2560
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP")
DIGEST = re.compile(r"[0-9a-f]{64}")


class NotKept(ValueError):
    """The file cannot be kept; its text says why and how to mend it."""


class NoOriginal(ValueError):
    """There is no original that could be opened; its text says why."""


@dataclass(frozen=True)
class Kept:
    """A file in storage."""

    sha256: str
    media_type: str
    size: int


def keep_photo(data: bytes, name: str = "") -> Kept:
    """Checks that bytes are a photo, draws it anew without its hidden data, and keeps it.

    data: as uploaded, at most MOST_BYTES. name: what the person calls it, for the sentence only.
    The picture is turned upright, at most LONGEST_SIDE pixels long, JPEG; EXIF, GPS, comments and
    anything behind the picture are gone. The same bytes give the same file. It bears a keyed hash
    of the bytes it was drawn from, so that two originals never share a photo, and the chain of
    events, which names the photo's hash, answers for the original, too.
    Raises NotKept with a sentence.
    """
    shown = name[:60] or _("The photo")
    if len(data) > MOST_BYTES:
        raise NotKept(
            _(
                "%(name)s has %(size).1f MB; at most %(most)d MB can be kept. "
                "Please choose a smaller one."
            )
            % {"name": shown, "size": len(data) / 1024 / 1024, "most": MOST_BYTES // 1024 // 1024}
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # broken EXIF, of which nothing is kept
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(data), formats=FORMATS) as picture:
                if picture.width * picture.height > MOST_PIXELS:
                    raise NotKept(
                        _("%(name)s is larger than 60 million pixels. Please choose a smaller one.")
                        % {"name": shown}
                    )
                upright = ImageOps.exif_transpose(picture).convert("RGB")
                upright.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    except NotKept:
        raise
    except MemoryError:
        raise
    except Exception:  # Pillow raises many kinds over a broken or hostile file
        raise NotKept(
            _("%(name)s is not a photo we can read. Please send JPEG, PNG or WebP.")
            % {"name": shown}
        ) from None
    drawn = io.BytesIO()
    upright.save(drawn, "JPEG", quality=85, comment=mark_of(data))
    picture_bytes = drawn.getvalue()
    digest = hashlib.sha256(picture_bytes).hexdigest()
    place = path_of(digest)
    try:
        if not _original(digest).exists():
            _seal_original(digest, data)
    except (keyring.KeyringError, seal.NotOpened) as closed:
        log.error("an original cannot be sealed: %s", closed)
        raise NotKept(
            _("%(name)s cannot be kept just now. Please send the words without it, or try later.")
            % {"name": shown}
        ) from None
    if not place.exists():
        _draft(place, picture_bytes).replace(place)
    return Kept(digest, "image/jpeg", len(picture_bytes))


def keep_voice(data: bytes, name: str = "") -> Kept:
    """Checks that bytes are a voice note, takes what a phone hides in it away, and keeps it.

    data: as uploaded, at most `voices.MOST_BYTES`. name: for the sentence only. The type is told
    from the bytes. Raises NotKept with a sentence.
    """
    shown = name[:60] or _("The voice note")
    if len(data) > voices.MOST_BYTES:
        raise NotKept(
            _(
                "%(name)s has %(size).1f MB; at most %(most)d MB can be kept. "
                "Please choose a smaller one."
            )
            % {
                "name": shown,
                "size": len(data) / 1024 / 1024,
                "most": voices.MOST_BYTES // 1024 // 1024,
            }
        )
    try:
        media_type, sound = voices.tidied(data)
    except voices.NoSound:
        raise NotKept(
            _("%(name)s is no voice note we can play. Please send MP3 or M4A.") % {"name": shown}
        ) from None
    digest = hashlib.sha256(sound).hexdigest()
    place = path_of(digest)
    if not place.exists():
        place.parent.mkdir(parents=True, exist_ok=True)
        _draft(place, sound).replace(place)
        _sync(place.parent)
    return Kept(digest, media_type, len(sound))


def mark_of(original: bytes) -> str:
    """What a photo says of the bytes it was drawn from: 64 hexadecimal digits, keyed."""
    return hmac.new(settings.SECRET_KEY.encode(), original, hashlib.sha256).hexdigest()


def original_of(sha256: str) -> bytes:
    """The bytes as uploaded, of the photo kept under this hash; at most MOST_BYTES.

    They may hold anything, scripts too: hand them out as a download, never as a picture, and only
    after the reader's right, a reason and a Look. Raises NoOriginal with a sentence.
    """
    try:
        data_key = _provider().unwrap(_read_key(_key(sha256)), _about(sha256))
        return seal.opened(data_key, _original(sha256).read_bytes(), _about(sha256))
    except FileNotFoundError:
        raise NoOriginal(_("The original of this photo was not kept, or was destroyed.")) from None
    except keyring.KeyringError as wrong:
        log.error("original %s: %s", sha256, wrong)
        raise NoOriginal(
            _("The original cannot be read just now: its key is missing. Nothing is lost.")
        ) from None
    except (seal.NotOpened, ValueError, KeyError):
        log.error("original %s does not open", sha256)
        raise NoOriginal(_("The original does not open: it was changed or moved.")) from None


def destroy_original(sha256: str) -> bool:
    """Destroys an original with its data key, for good; says whether there was one.

    The photo drawn from it stays.
    """
    with _alone():
        there = _key(sha256).exists()
        # The key first: without it what a crash leaves behind is noise.
        for path in (_key(sha256), _original(sha256)):
            path.unlink(missing_ok=True)
        if there:
            _sync(_key(sha256).parent)
        return there


def destroy_photo(sha256: str) -> bool:
    """Removes a kept photo and its original, for good; says whether the photo was there."""
    destroy_original(sha256)
    path = path_of(sha256)
    there = path.exists()
    path.unlink(missing_ok=True)
    if there:
        _sync(path.parent)
    return there


def originals_by_key() -> dict[str, int]:
    """How many originals need each key of the provider; reads every key beside a photo."""
    found: dict[str, int] = {}
    for path in _keys():
        with contextlib.suppress(FileNotFoundError, ValueError, KeyError):
            key_id = _read_key(path).key_id
            found[key_id] = found.get(key_id, 0) + 1
    return found


def rewrap_originals() -> Iterator[bool]:
    """Wraps the data key of every original under the current key; one step each, true when done.

    False for one that does not open; it is left as it is. Again changes nothing.
    """
    keys = _provider()
    for path in _keys():
        with _alone():
            try:
                wrapped = _read_key(path)
                if wrapped.key_id == keys.current():
                    continue
                about = _about(path.stem)
                _data_key, fresh = keys.wrap(about, keys.unwrap(wrapped, about))
                _draft(path, _written(fresh)).replace(path)
            except FileNotFoundError:
                continue  # destroyed since it was listed
            except (keyring.KeyMissing, seal.NotOpened, ValueError, KeyError):
                yield False
                continue
        yield True


def _seal_original(sha256: str, data: bytes) -> None:
    """Seals under the data key that lies there, or under a fresh one; the first who comes draws."""
    keys, about = _provider(), _about(sha256)
    data_key, wrapped = keys.wrap(about)
    place = _key(sha256)
    place.parent.mkdir(parents=True, exist_ok=True)
    draft = _draft(place, _written(wrapped))
    try:
        os.link(draft, place)
    except FileExistsError:
        data_key = keys.unwrap(_read_key(place), about)
    finally:
        draft.unlink()
    _draft(_original(sha256), seal.seal(data_key, data, about)).replace(_original(sha256))
    _sync(place.parent)


def _draft(place: Path, data: bytes) -> Path:
    """The bytes on disk beside where they shall lie, for a renaming: whole or not at all."""
    with tempfile.NamedTemporaryFile(dir=place.parent, delete=False) as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    return Path(file.name)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """No key is wrapped anew while one is destroyed, in no process."""
    root = Path(settings.MEDIA_ROOT)
    root.mkdir(parents=True, exist_ok=True)
    with (root / "originals.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _provider() -> KeyProvider:
    return keyring.at(settings.SEAL_KEYS)


def _about(sha256: str) -> bytes:
    return f"maplebridge original {sha256}".encode()


def _written(wrapped: Wrapped) -> bytes:
    said = {"key_id": wrapped.key_id, "wrapped": base64.b64encode(wrapped.data).decode()}
    return json.dumps(said).encode()


def _read_key(path: Path) -> Wrapped:
    said = json.loads(path.read_bytes())
    return Wrapped(str(said["key_id"]), base64.b64decode(said["wrapped"], validate=True))


def _keys() -> Iterator[Path]:
    return Path(settings.MEDIA_ROOT).glob("*/*.key")


def _key(sha256: str) -> Path:
    return path_of(sha256).with_suffix(".key")


def _original(sha256: str) -> Path:
    return path_of(sha256).with_suffix(".original")


def path_of(sha256: str) -> Path:
    """Where a kept file lies, whatever it holds: the ending is a habit, its row says the type.

    Raises ValueError for anything but a SHA-256 in hexadecimal.
    """
    if not DIGEST.fullmatch(sha256):
        raise ValueError("a kept file is named by its SHA-256")
    return Path(settings.MEDIA_ROOT) / sha256[:2] / f"{sha256}.jpg"
