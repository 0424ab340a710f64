"""Photos and the voice note of a form: kept first, so that a second try need not send them."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.core import signing
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.utils.translation import gettext as _

from maplebridge.cases.engine import Photo
from maplebridge.connectors import voices
from maplebridge.connectors.storage import MOST_BYTES, NotKept, keep_photo, keep_voice, path_of
from maplebridge.journey.intake import MOST_PHOTOS

if TYPE_CHECKING:
    from django.core.files.uploadedfile import UploadedFile

log = logging.getLogger(__name__)
SALT, VOICE_SALT = "maplebridge.photo", "maplebridge.voice"
KEPT_SECONDS = 24 * 3600
RANGE = re.compile(r"bytes=(\d{1,12})-(\d{1,12})?")


@dataclass(frozen=True)
class ReadPhotos:
    """What became of the photos of a form. tokens: to send again; problem: a sentence or empty."""

    photos: tuple[Photo, ...]
    tokens: list[str]
    problem: str


@dataclass(frozen=True)
class ReadVoice:
    """What became of the voice note of a form. token: to send again; problem: a sentence."""

    voice: Photo | None = None
    token: str = ""
    problem: str = ""


def read_voice(file: UploadedFile[Any] | None, token: str) -> ReadVoice:
    """Keeps the uploaded voice note, or finds the one kept at an earlier try."""
    if not file:
        voice = _kept_before(token, VOICE_SALT)
        return ReadVoice(voice, token) if voice else ReadVoice()
    try:
        kept = keep_voice(_content(file, voices.MOST_BYTES), file.name or "")
    except NotKept as refused:
        return ReadVoice(problem=str(refused))
    except OSError as full:
        return ReadVoice(problem=_no_room(file, full))
    voice = Photo(kept.sha256, kept.media_type, kept.size)
    return ReadVoice(voice, _token(voice, VOICE_SALT))


def read_photos(files: Iterable[UploadedFile[Any]], tokens: Iterable[str]) -> ReadPhotos:
    """Keeps the uploaded photos and finds those kept at an earlier try.

    tokens: signed at the earlier try; one that is forged or a day old is passed over.
    """
    before = (_kept_before(token, SALT) for token in tokens)
    photos = [photo for photo in before if photo is not None]
    problems: list[str] = []
    for file in files:
        if len(photos) >= MOST_PHOTOS:
            problems.append(_("At most %(most)d photos can be sent.") % {"most": MOST_PHOTOS})
            break
        try:
            # One byte more than may be kept is enough to see that it is too much.
            kept = keep_photo(_content(file, MOST_BYTES), file.name or "")
        except NotKept as refused:
            problems.append(str(refused))
            continue
        except OSError as full:
            problems.append(_no_room(file, full))
            continue
        photo = Photo(kept.sha256, kept.media_type, kept.size)
        if photo not in photos:
            photos.append(photo)
    return ReadPhotos(tuple(photos), [_token(photo, SALT) for photo in photos], " ".join(problems))


def _no_room(file: UploadedFile[Any], full: OSError) -> str:
    log.error("a file cannot be kept: %s", full)
    return _(
        "%(name)s cannot be kept just now. Please send the words without it, or try later."
    ) % {"name": (file.name or "")[:60]}


def _content(file: UploadedFile[Any], most_bytes: int) -> bytes:
    if file.size is not None and file.size > most_bytes:
        megabytes = file.size / 1024 / 1024
        raise NotKept(
            _(
                "%(name)s has %(size).1f MB; at most %(most)d MB can be kept. "
                "Please choose a smaller one."
            )
            % {"name": file.name, "size": megabytes, "most": most_bytes // 1024 // 1024}
        )
    content: bytes = file.read()
    return content


def _token(photo: Photo, salt: str) -> str:
    return signing.dumps([photo.sha256, photo.media_type, photo.size], salt=salt, compress=True)


def _kept_before(token: str, salt: str) -> Photo | None:
    try:
        sha256, media_type, size = signing.loads(token, salt=salt, max_age=KEPT_SECONDS)
    except (signing.BadSignature, ValueError):
        return None
    return Photo(str(sha256), str(media_type), int(size)) if path_of(str(sha256)).exists() else None


def shown_photo(
    sha256: str, media_type: str, request: HttpRequest | None = None
) -> HttpResponseBase:
    """The bytes of a photo or voice note, for a reader whose right has been asked; 404 when gone.

    request: for a voice note, of which some browsers play only what they get in ranges.
    """
    path = path_of(sha256)
    if not path.exists():
        raise Http404
    asked = RANGE.fullmatch(request.headers.get("Range", "")) if request else None
    answer: HttpResponseBase
    if asked:
        answer = _part(path.read_bytes(), media_type, int(asked[1]), asked[2])
    else:
        answer = FileResponse(path.open("rb"), content_type=media_type)
        answer["Content-Disposition"] = "inline"
    if request:
        answer["Accept-Ranges"] = "bytes"
    answer["Cache-Control"] = "private, max-age=3600, immutable"
    answer["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return answer


def _part(data: bytes, media_type: str, first: int, last: str | None) -> HttpResponse:
    """The bytes from first to last, both included; 416 when there are none."""
    stop = min(int(last) + 1 if last else len(data), len(data))
    if first >= stop:
        return HttpResponse(status=416, headers={"Content-Range": f"bytes */{len(data)}"})
    answer = HttpResponse(data[first:stop], status=206, content_type=media_type)
    answer["Content-Range"] = f"bytes {first}-{stop - 1}/{len(data)}"
    answer["Content-Disposition"] = "inline"
    return answer
