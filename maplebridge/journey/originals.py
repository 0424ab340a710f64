"""The originals of a case's photos: opened as evidence, destroyed when the case is erased."""

from __future__ import annotations

from uuid import UUID

from maplebridge.cases.models import Attachment
from maplebridge.connectors import storage


def original_of(case_id: UUID, number: int) -> bytes:
    """The bytes as uploaded of a case's photo, at most storage.MOST_BYTES.

    Whether the reader may is asked before (`permissions.may_see_reporter`, proof of who it is, a
    reason, a Look): a photo as uploaded may tell where and with whose telephone it was taken. Hand
    it out as a download, never as a picture. Raises storage.NoOriginal with a sentence, also for a
    photo that is not there.
    """
    found = Attachment.objects.filter(case_id=case_id, number=number).first()
    return storage.original_of(found.sha256 if found else "0" * 64)


def destroy_photos(case_id: UUID) -> int:
    """Removes the photos of a case and their originals; returns how many there were.

    One that was sent with another case as well, byte for byte the same, stays until that case is
    erased. Call it where all cases are seen. Again changes nothing.
    """
    return sum(storage.destroy_photo(sha256) for sha256 in _of_this_case_alone(case_id))


def destroy_originals(case_id: UUID) -> int:
    """Destroys the originals of a case's photos and leaves the photos; as `destroy_photos`."""
    return sum(storage.destroy_original(sha256) for sha256 in _of_this_case_alone(case_id))


def _of_this_case_alone(case_id: UUID) -> set[str]:
    own = set(Attachment.objects.filter(case_id=case_id).values_list("sha256", flat=True))
    others = Attachment.objects.filter(sha256__in=own).exclude(case_id=case_id)
    shared = set(others.values_list("sha256", flat=True))
    return own - shared
