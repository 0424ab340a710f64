"""Keeps photos as files under the hash of what they hold; takes nothing on trust."""

from __future__ import annotations

import hashlib
import io
import os
import re
import tempfile
import warnings
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.utils.translation import gettext as _
from PIL import Image, ImageOps

MOST_BYTES = 15 * 1024 * 1024
MOST_PIXELS = 60_000_000
LONGEST_SIDE = 2560
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP")
DIGEST = re.compile(r"[0-9a-f]{64}")


class NotKept(ValueError):
    """The file cannot be kept; its text says why and how to mend it."""


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
    anything behind the picture are gone. The same bytes give the same file.
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
    upright.save(drawn, "JPEG", quality=85)
    return _keep(drawn.getvalue(), "image/jpeg")


def _keep(data: bytes, media_type: str) -> Kept:
    digest = hashlib.sha256(data).hexdigest()
    place = path_of(digest)
    if not place.exists():
        place.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=place.parent, delete=False) as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(file.name).replace(place)
    return Kept(digest, media_type, len(data))


def path_of(sha256: str) -> Path:
    """Where a kept file lies. Raises ValueError for anything but a SHA-256 in hexadecimal."""
    if not DIGEST.fullmatch(sha256):
        raise ValueError("a kept file is named by its SHA-256")
    return Path(settings.MEDIA_ROOT) / sha256[:2] / f"{sha256}.jpg"
