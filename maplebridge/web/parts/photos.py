"""Photos of a form: kept before anything else happens, so that a second try need not send them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.core import signing
from django.http import FileResponse, Http404, HttpResponseBase
from django.utils.translation import gettext as _

from maplebridge.cases.engine import Photo
from maplebridge.connectors.storage import MOST_BYTES, NotKept, keep_photo, path_of
from maplebridge.journey.intake import MOST_PHOTOS

if TYPE_CHECKING:
    from django.core.files.uploadedfile import UploadedFile

SALT = "maplebridge.photo"
KEPT_SECONDS = 24 * 3600


@dataclass(frozen=True)
class ReadPhotos:
    """What became of the photos of a form. tokens: to send again; problem: a sentence or empty."""

    photos: tuple[Photo, ...]
    tokens: list[str]
    problem: str


def read_photos(files: Iterable[UploadedFile[Any]], tokens: Iterable[str]) -> ReadPhotos:
    """Keeps the uploaded photos and finds those kept at an earlier try.

    tokens: signed at the earlier try; one that is forged or a day old is passed over.
    """
    photos = [photo for photo in map(_kept_before, tokens) if photo is not None]
    problems: list[str] = []
    for file in files:
        if len(photos) >= MOST_PHOTOS:
            problems.append(_("At most %(most)d photos can be sent.") % {"most": MOST_PHOTOS})
            break
        try:
            # One byte more than may be kept is enough to see that it is too much.
            kept = keep_photo(_content(file), file.name or "")
        except NotKept as refused:
            problems.append(str(refused))
            continue
        photo = Photo(kept.sha256, kept.media_type, kept.size)
        if photo not in photos:
            photos.append(photo)
    return ReadPhotos(tuple(photos), [_token(photo) for photo in photos], " ".join(problems))


def _content(file: UploadedFile[Any]) -> bytes:
    if file.size is not None and file.size > MOST_BYTES:
        megabytes = file.size / 1024 / 1024
        raise NotKept(
            _(
                "%(name)s has %(size).1f MB; at most %(most)d MB can be kept. "
                "Please choose a smaller one."
            )
            % {"name": file.name, "size": megabytes, "most": MOST_BYTES // 1024 // 1024}
        )
    content: bytes = file.read()
    return content


def _token(photo: Photo) -> str:
    return signing.dumps([photo.sha256, photo.media_type, photo.size], salt=SALT, compress=True)


def _kept_before(token: str) -> Photo | None:
    try:
        sha256, media_type, size = signing.loads(token, salt=SALT, max_age=KEPT_SECONDS)
    except (signing.BadSignature, ValueError):
        return None
    return Photo(str(sha256), str(media_type), int(size)) if path_of(str(sha256)).exists() else None


def shown_photo(sha256: str, media_type: str) -> HttpResponseBase:
    """The bytes of a photo, for a reader whose right to see it has been asked; 404 when gone."""
    path = path_of(sha256)
    if not path.exists():
        raise Http404
    answer = FileResponse(path.open("rb"), content_type=media_type)
    answer["Cache-Control"] = "private, max-age=3600, immutable"
    answer["Content-Security-Policy"] = "default-src 'none'; sandbox"
    answer["Content-Disposition"] = "inline"
    return answer
