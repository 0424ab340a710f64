"""Sealing bytes so that they can neither be read nor moved: AES-256-GCM or SM4-GCM, blind hashes.

A key here is one byte that names its cipher, and the secret. What is sealed is a nonce of 12 bytes,
the ciphertext and a tag of 16; `about` is bound to it and must be said again to open it.
Sources: NIST SP 800-38D; GB/T 32907, GB/T 32905 and RFC 8998 for SM4 and SM3; RFC 5869.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

NONCE_BYTES = 12
TAG_BYTES = 16
SECRET_BYTES = 32


@dataclass(frozen=True)
class Suite:
    """A cipher with the hash that goes with it. tag: its byte before a key."""

    tag: int
    key_bytes: int
    digest: type[hashes.HashAlgorithm]


SUITES: Mapping[str, Suite] = {
    "aes": Suite(1, 32, hashes.SHA256),
    "sm4": Suite(2, 16, hashes.SM3),
}
_BY_TAG = {suite.tag: name for name, suite in SUITES.items()}


class NotOpened(ValueError):
    """Another key, another place, or changed bytes; which of them cannot be told."""


def fresh_key(cipher: str) -> bytes:
    """A random key for a cipher of SUITES."""
    suite = SUITES[cipher]
    return bytes([suite.tag]) + secrets.token_bytes(suite.key_bytes)


def derived_key(cipher: str, secret: bytes, purpose: str) -> bytes:
    """The key for one purpose that follows from a secret (HKDF); others tell nothing of it."""
    suite = SUITES[cipher]
    made = HKDF(suite.digest(), suite.key_bytes, salt=None, info=purpose.encode())
    return bytes([suite.tag]) + made.derive(secret)


def seal(key: bytes, plain: bytes, about: bytes) -> bytes:
    """Seals bytes under a key, bound to what they are about; every call gives other bytes."""
    cipher, secret = _parts(key)
    nonce = secrets.token_bytes(NONCE_BYTES)
    if cipher == "aes":
        return nonce + AESGCM(secret).encrypt(nonce, plain, about)
    turned = Cipher(algorithms.SM4(secret), modes.GCM(nonce)).encryptor()
    turned.authenticate_additional_data(about)
    return nonce + turned.update(plain) + turned.finalize() + turned.tag


def opened(key: bytes, sealed: bytes, about: bytes) -> bytes:
    """What was sealed. Raises NotOpened when key, bytes or `about` are not those of the sealing."""
    if len(sealed) < NONCE_BYTES + TAG_BYTES:
        raise NotOpened("too short to have been sealed")
    cipher, secret = _parts(key)
    nonce = sealed[:NONCE_BYTES]
    try:
        if cipher == "aes":
            return AESGCM(secret).decrypt(nonce, sealed[NONCE_BYTES:], about)
        mode = modes.GCM(nonce, sealed[-TAG_BYTES:])
        turned = Cipher(algorithms.SM4(secret), mode).decryptor()
        turned.authenticate_additional_data(about)
        return turned.update(sealed[NONCE_BYTES:-TAG_BYTES]) + turned.finalize()
    except InvalidTag:
        raise NotOpened("another key, another place, or changed bytes") from None


def blind(key: bytes, said: str) -> str:
    """A keyed hash, 64 hexadecimal digits: equal for equal texts, nothing without the key."""
    cipher, secret = _parts(key)
    turned = hmac.HMAC(secret, SUITES[cipher].digest())
    turned.update(said.encode())
    return turned.finalize().hex()


def _parts(key: bytes) -> tuple[str, bytes]:
    cipher = _BY_TAG.get(key[0]) if key else None
    if cipher is None or len(key) != 1 + SUITES[cipher].key_bytes:
        raise NotOpened("no key of a known cipher")
    return cipher, key[1:]
