"""Who reported: sealed when it is written, opened by one function, destroyed for good by another.

Each payload has a data key of its own, wrapped by the key provider and kept in `cases_seal`. What
is sealed is bound to its case, its event and its part, so that a row moved elsewhere does not open.
Source: domain guide, 5 (PIPL, articles 19, 28 and 51; 国密).
"""

from __future__ import annotations

import base64
import json
import logging
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.utils.translation import gettext as _

from maplebridge.cases.models import Payload, Seal
from maplebridge.lib import keyring, seal
from maplebridge.lib.clock import now
from maplebridge.lib.keyring import KeyProvider, Wrapped
from maplebridge.lib.text import normalise

log = logging.getLogger(__name__)
PART = "reporter"
SEALED = "sealed"
REWRAPPED_AT_ONCE = 500
NEWEST = 3
PADDED_BYTES = 64
HIDDEN = "＊＊"
# 0086 139..., +86 139...: the same telephone as 139...
COUNTRY = re.compile(r"^(?:00)?86(?=1\d{10}$)")

# The last that was said of who reported, with its seal. Parameter: the case.
LAST_SAID = """
SELECT p.sequence, p.content::text, s.case_id IS NOT NULL, s.key_id, s.wrapped
FROM cases_payload p
LEFT JOIN cases_seal s ON s.case_id = p.case_id AND s.sequence = p.sequence
WHERE p.case_id = %s AND p.part = 'reporter'
ORDER BY p.sequence DESC LIMIT 1
"""
# The keys that seals need, found by leaps over the index `seal_key`, however many seals there are.
KEYS_IN_USE = """
WITH RECURSIVE used AS (
    (SELECT key_id FROM cases_seal WHERE key_id > '' ORDER BY key_id LIMIT 1)
    UNION ALL
    SELECT (
        SELECT s.key_id FROM cases_seal s WHERE s.key_id > used.key_id ORDER BY s.key_id LIMIT 1
    )
    FROM used WHERE used.key_id IS NOT NULL
)
SELECT key_id FROM used WHERE key_id IS NOT NULL
"""
# One JSON parameter: rows as `_rewrap_batch` makes them. A seal that was destroyed or wrapped anew
# since it was read is left alone. In one order everywhere, as all that locks several rows.
REWRAP = """
UPDATE cases_seal SET key_id = r.key_id, wrapped = decode(r.wrapped, 'hex'), blind = r.blind,
    blind_key_id = r.blind_key_id
FROM jsonb_to_recordset(%s::jsonb) AS r(
    case_id uuid, sequence int, before text, key_id text, wrapped text, blind text,
    blind_key_id text
)
WHERE cases_seal.case_id = r.case_id AND cases_seal.sequence = r.sequence
    AND cases_seal.wrapped = decode(r.before, 'hex')
"""


class Unreadable(Exception):
    """It is known that somebody left a name, but not whose; the text is a sentence for a page."""


class Destroyed(Unreadable):
    """It was erased; nobody can read it any more."""


class KeyGone(Unreadable):
    """The key that wraps it is not there, or the keys cannot be read."""


class Tampered(Unreadable):
    """It does not open where it stands: changed, moved, or sealed under another key."""


@dataclass(frozen=True)
class Reporter:
    """Who reported, in clear; either may be empty. Not to be kept, logged or put into a row."""

    name: str = field(default="", repr=False)
    phone: str = field(default="", repr=False)

    def __bool__(self) -> bool:
        """Whether anything was left at all."""
        return bool(self.name or self.phone)


@dataclass(frozen=True)
class SealedPart:
    """The values of a payload and its seal. content: what stands in the payload row."""

    content: dict[str, str]
    key_id: str
    wrapped: bytes
    blind: str
    blind_key_id: str


def provider() -> KeyProvider:
    """The provider that the settings name."""
    return keyring.at(settings.SEAL_KEYS)


def seal_part(
    case_id: UUID, sequence: int, said: Mapping[str, Any], part: str = PART
) -> SealedPart:
    """Seals what was said of the reporter, or another part of an event; no statement.

    An event has one seal, so one part of it is sealed.
    Raises keyring.KeyringError when there is no key: then nothing may be written.
    """
    keys = provider()
    data_key, wrapped = keys.wrap(_about(case_id, sequence, "key"))
    plain = json.dumps(dict(said), ensure_ascii=False).encode()
    # White space after JSON means nothing; without it the length would tell that of the name.
    plain = plain.ljust(-(-len(plain) // PADDED_BYTES) * PADDED_BYTES)
    sealed = seal.seal(data_key, plain, _about(case_id, sequence, part))
    phone = telephone(str(said.get("phone", "")))
    return SealedPart(
        content={SEALED: base64.b64encode(sealed).decode()},
        key_id=wrapped.key_id,
        wrapped=wrapped.data,
        blind=keys.blind(wrapped.key_id, phone) if phone else "",
        blind_key_id=wrapped.key_id if phone else "",
    )


def reporter_of_case(case_id: UUID) -> Reporter:
    """Who reported a case, as last said; an empty Reporter when nothing was left. One statement.

    Whether somebody may know is asked before: `permissions.may_see_reporter`, and for a person a
    reason and a Look. Raises Destroyed, KeyGone or Tampered, each with a sentence.
    """
    with connection.cursor() as cursor:
        cursor.execute(LAST_SAID, [case_id])
        return as_said(case_id, cursor.fetchone())


def as_said(case_id: UUID, found: Sequence[Any] | None) -> Reporter:
    """What a row of LAST_SAID holds; for a statement that gathers it for many cases.

    found: sequence, content as text, whether there is a seal, key_id, wrapped. Raises as
    `reporter_of_case`.
    """
    if found is None:
        return Reporter()
    sequence, text, has_seal, key_id, wrapped = found
    content = json.loads(text) if text is not None else None
    if content is not None and SEALED not in content:
        said = content  # from before the sealing
    elif content is None or (has_seal and wrapped is None):
        raise Destroyed(_("Who reported was erased and cannot be read any more."))
    elif not has_seal:
        raise KeyGone(_("Who reported cannot be read: its seal is missing."))
    else:
        said = _unsealed(case_id, sequence, PART, content, Wrapped(key_id, bytes(wrapped)))
    return Reporter(str(said.get("name", "")), str(said.get("phone", "")))


def without_reporter(case_id: UUID) -> Callable[[str], str]:
    """A function that takes the reporter's name and telephone out of a text; one statement.

    For whoever must not tell who reported, and so need not know it. Raises KeyGone or Tampered:
    then no words may be shown where the name must not stand.
    """
    try:
        reporter = reporter_of_case(case_id)
    except Destroyed:
        reporter = Reporter()
    spaced = [
        r"\s*".join(re.escape(letter) for letter in letters)
        for value in (reporter.name, reporter.phone)
        if len(letters := "".join(value.split())) > 1
    ]
    if not spaced:
        return str
    there = re.compile("|".join(spaced))
    return lambda text: there.sub(HIDDEN, text)


def destroy(case_id: UUID, sequence: int | None = None) -> int:
    """Destroys the data keys of a case, or of one event of it; returns how many there were.

    Afterwards nobody can read what they sealed, not from an old copy of the payload either. A copy
    of `cases_seal` itself opens until the key that wrapped it is dropped: docs/running/keys.md.
    Again changes nothing. Photos have seals of their own: `journey.originals`.
    """
    seals = Seal.objects.filter(case_id=case_id, destroyed_at=None)
    if sequence is not None:
        seals = seals.filter(sequence=sequence)
    return seals.update(
        key_id="", wrapped=None, blind="", blind_key_id="", destroyed_at=now()
    )  # fmt: skip


def cases_of_phone(phone: str) -> list[UUID]:
    """The cases whose reporter left exactly this telephone number, in any of its spellings.

    Through the blind index under every key there is; cases from before the sealing are not found.
    Raises keyring.KeyringError.
    """
    wanted = telephone(phone)
    if not wanted:
        return []
    keys = provider()
    blinds = [keys.blind(key_id, wanted) for key_id in keys.ids()]
    found = Seal.objects.filter(blind__in=blinds).order_by("case_id")
    return list(found.values_list("case_id", flat=True).distinct())


def telephone(said: str) -> str:
    """The digits of a telephone number in one form; empty when there are none."""
    return COUNTRY.sub("", "".join(c for c in normalise(said) if c.isdecimal()))


def problems(keys: KeyProvider) -> list[str]:
    """Why the platform must not start with these keys, a sentence each; few cheap statements."""
    with connection.cursor() as cursor:
        cursor.execute(KEYS_IN_USE)
        used = [str(key_id) for (key_id,) in cursor.fetchall()]
    missing = sorted(set(used) - set(keys.ids()))
    if missing:
        return [
            f"Who reported is sealed under {', '.join(missing)}, and the key file holds no such "
            f"key; put the right file back from its backup."
        ]
    for key_id in used:
        newest = Seal.objects.filter(key_id=key_id).order_by("-case_id")[:NEWEST]
        for row in newest:
            try:
                keys.unwrap(_wrapped(row), _about(row.case_id, row.sequence, "key"))
            except seal.NotOpened:
                return [
                    f"The key {key_id} of the key file is not the one under which who reported is "
                    f"sealed; put the right file back from its backup."
                ]
    return []


def seals_by_key() -> dict[str, int]:
    """How many seals need each key, for wrapping or for the blind index."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT key_id, count(*) FROM cases_seal WHERE key_id <> '' GROUP BY key_id"
            " ORDER BY key_id"
        )
        return {str(key_id): int(count) for key_id, count in cursor.fetchall()}


@dataclass(frozen=True)
class Rewrapped:
    """One batch of a rotation. done: seals now under the current key; failed: cases left alone."""

    done: int
    failed: list[UUID]


def rewrap() -> Iterator[Rewrapped]:
    """Wraps every data key under the current key, with its blind hash; a batch at a time.

    Each batch is one statement and stands when it is yielded, so that it may be stopped and begun
    again at any moment. Whoever reads or reports meanwhile is not disturbed: the payloads stay as
    they are, and the old key stays until it is dropped.
    """
    keys = provider()
    current = keys.current()
    for key_id in [k for k in seals_by_key() if k != current]:
        after: tuple[UUID, int] | None = None
        while rows := _under(key_id, after):
            after = rows[-1].case_id, rows[-1].sequence
            yield _rewrap_batch(keys, rows)


def _under(key_id: str, after: tuple[UUID, int] | None) -> list[Seal]:
    rows = Seal.objects.filter(key_id=key_id, wrapped__isnull=False)
    if after is not None:
        # The first condition alone is a range of the index; a case has few seals.
        rows = rows.filter(case_id__gte=after[0]).exclude(case_id=after[0], sequence__lte=after[1])
    return list(rows.order_by("case_id", "sequence")[:REWRAPPED_AT_ONCE])


def _rewrap_batch(keys: KeyProvider, rows: list[Seal]) -> Rewrapped:
    payloads = {
        (p.case_id, p.sequence): p
        for p in Payload.objects.filter(case_id__in={row.case_id for row in rows}, part=PART)
    }
    made: list[dict[str, Any]] = []
    failed: list[UUID] = []
    for row in rows:
        about = _about(row.case_id, row.sequence, "key")
        try:
            data_key, wrapped = keys.wrap(about, keys.unwrap(_wrapped(row), about))
            phone = ""
            payload = payloads.get((row.case_id, row.sequence))
            if row.blind and payload is not None and payload.content:
                said = _opened(row.case_id, row.sequence, PART, payload.content, data_key)
                phone = telephone(str(said.get("phone", "")))
        except (keyring.KeyMissing, seal.NotOpened):
            failed.append(row.case_id)
            continue
        made.append(
            {
                "case_id": str(row.case_id),
                "sequence": row.sequence,
                "before": bytes(row.wrapped or b"").hex(),
                "key_id": wrapped.key_id,
                "wrapped": wrapped.data.hex(),
                "blind": keys.blind(wrapped.key_id, phone) if phone else "",
                "blind_key_id": wrapped.key_id if phone else "",
            }
        )
    with connection.cursor() as cursor:
        cursor.execute(REWRAP, [json.dumps(made)])
        return Rewrapped(cursor.rowcount, failed)


def open_part(payload: Payload, row: Seal | None) -> Mapping[str, Any]:
    """What a payload sealed by `seal_part` holds. Raises Destroyed, KeyGone or Tampered."""
    if payload.content is None or row is None or row.wrapped is None:
        raise Destroyed(_("It was erased and cannot be read any more."))
    place = payload.case_id, payload.sequence, payload.part
    return _unsealed(*place, payload.content, _wrapped(row))


def _unsealed(
    case_id: UUID, sequence: int, part: str, content: Mapping[str, Any], wrapped: Wrapped
) -> Mapping[str, Any]:
    try:
        data_key = provider().unwrap(wrapped, _about(case_id, sequence, "key"))
        return _opened(case_id, sequence, part, content, data_key)
    except keyring.KeyringError as wrong:
        log.error("case %s: %s", case_id, wrong)
        raise KeyGone(
            _("Who reported cannot be read just now: its key is missing. Nothing is lost.")
        ) from None
    except seal.NotOpened:
        log.error("case %s: the seal of event %s does not open", case_id, sequence)
        raise Tampered(_("Who reported cannot be read: the seal does not open here.")) from None


def _opened(
    case_id: UUID, sequence: int, part: str, content: Mapping[str, Any], data_key: bytes
) -> dict[str, Any]:
    """The content under its seal. Raises seal.NotOpened."""
    try:
        sealed = base64.b64decode(content[SEALED], validate=True)
    except (KeyError, TypeError, ValueError):
        raise seal.NotOpened("no sealed content") from None
    said = json.loads(seal.opened(data_key, sealed, _about(case_id, sequence, part)))
    return dict(said)


def _about(case_id: UUID, sequence: int, what: str) -> bytes:
    """What is bound to the wrapped key ("key"), or to the content of a part (its name)."""
    return f"maplebridge {what} {case_id} {sequence}".encode()


def _wrapped(row: Seal) -> Wrapped:
    return Wrapped(row.key_id, bytes(row.wrapped or b""))
