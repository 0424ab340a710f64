"""Identifiers that need no counter: case ids, readable numbers, query codes, buckets."""

from __future__ import annotations

import hashlib
import hmac
import uuid

import uuid_utils

BUCKETS = 64
# Crockford's alphabet: no I, L, O, U, so a code can be read over the telephone.
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_MISREAD = str.maketrans("ILOU", "110V")


def new_id() -> uuid.UUID:
    """A time-ordered identifier, version 7. Source: RFC 9562, 5.7."""
    return uuid.UUID(bytes=uuid_utils.uuid7().bytes)


def keyed_id(secret: str, *parts: str) -> uuid.UUID:
    """The identifier that the same parts always give, and nobody without the secret can guess.

    Version 8 (RFC 9562, 5.8) from HMAC-SHA-256 over the parts, each with its length, so that
    ("ab", "c") and ("a", "bc") differ.
    """
    if not secret:
        raise ValueError("a keyed identifier needs a secret")
    message = b"".join(
        len(raw).to_bytes(4, "big") + raw for raw in (part.encode() for part in parts)
    )
    raw = bytearray(hmac.new(secret.encode(), message, hashlib.sha256).digest()[:16])
    raw[6] = (raw[6] & 0x0F) | 0x80
    raw[8] = (raw[8] & 0x3F) | 0x80
    return uuid.UUID(bytes=bytes(raw))


def bucket_of(case_id: uuid.UUID) -> int:
    """The feed bucket of a case, 0 to BUCKETS-1; from the id's last two bytes, which are random."""
    return int.from_bytes(case_id.bytes[-2:], "big") % BUCKETS


def readable(raw: bytes, length: int) -> str:
    """`length` characters of the alphabet from raw bytes, the last of them a check character."""
    value = int.from_bytes(raw, "big")
    body = ""
    for _ in range(length - 1):
        value, digit = divmod(value, 32)
        body += ALPHABET[digit]
    return body + _check_character(body)


def _check_character(body: str) -> str:
    """Weighted sum modulo 31 (prime): finds every single wrong character but 0 for Z, and swaps."""
    total = sum(position * ALPHABET.index(char) for position, char in enumerate(body, start=1))
    return ALPHABET[total % 31]


def query_code(secret: str, case_id: uuid.UUID) -> str:
    """The reporter's code: 12 characters in groups of four, 55 secret bits and a check.

    The same case always gives the same code, so a repeated report shows the same receipt.
    """
    raw = hmac.new(secret.encode(), b"query-code" + case_id.bytes, hashlib.sha256).digest()
    code = readable(raw[:12], 12)
    return f"{code[:4]}-{code[4:8]}-{code[8:]}"


def tidy_code(typed: str) -> str | None:
    """What a person typed, as a query code; None when the check character says it is none."""
    letters = "".join(c for c in typed.upper().translate(_MISREAD) if c in ALPHABET)
    if len(letters) != 12 or _check_character(letters[:-1]) != letters[-1]:
        return None
    return f"{letters[:4]}-{letters[4:8]}-{letters[8:]}"


def case_number(area_code: str, day: str, case_id: uuid.UUID) -> str:
    """案卷号: area, day and six characters, like 330825-20261122-7K3M9Q; needs no counter.

    area_code: of the place first known, at most its first six digits are shown.
    day: YYYYMMDD in the city's time zone.
    """
    return f"{area_code[:6]}-{day}-{readable(hashlib.sha256(case_id.bytes).digest()[:8], 6)}"
