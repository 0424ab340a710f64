"""Tells a browser that asked for it: web push, over the service that the browser itself named.

What is told is sealed for that browser alone; its service carries bytes it cannot read.
Source: RFC 8030 (push), RFC 8291 (sealing), RFC 8292 (VAPID).
"""

from __future__ import annotations

import base64
import contextlib
import enum
import json
import logging
import os
import tempfile
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from django.conf import settings

from maplebridge.connectors.messages import push_settings

log = logging.getLogger(__name__)
TIMEOUT_SECONDS: Final = 10
# A phone that is off for longer hears of the state it finds when it looks itself.
KEPT_SECONDS: Final = 24 * 3600
LONGEST_ENDPOINT: Final = 1000
P256DH_BYTES, AUTH_BYTES = 65, 16
# Whom we would ever send to: anybody may write an address into a form. An operator adds others.
SERVICES: Final = (
    "fcm.googleapis.com",
    ".push.services.mozilla.com",
    ".push.apple.com",
    ".notify.windows.com",
)


class Outcome(enum.Enum):
    """What became of one push. GONE: the browser is not there any more, forget it."""

    TAKEN = "taken"
    GONE = "gone"
    LATER = "later"


def public_key() -> str:
    """The public key that a browser subscribes with, as URL-safe base64 without padding."""
    point = (
        _key(_place())
        .public_key()
        .public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
    )
    return base64.urlsafe_b64encode(point).rstrip(b"=").decode()


def _place() -> Path:
    """The file of the private key, made at the first call; nobody else may read it."""
    folder = Path(settings.STATE) / "secrets"
    place = folder / "vapid.pem"
    if not place.exists():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, name_of_draft = tempfile.mkstemp(dir=folder)
        draft = Path(name_of_draft)
        with os.fdopen(descriptor, "wb") as file:
            file.write(
                ec.generate_private_key(ec.SECP256R1()).private_bytes(
                    serialization.Encoding.PEM,
                    serialization.PrivateFormat.PKCS8,
                    serialization.NoEncryption(),
                )
            )
            file.flush()
            os.fsync(descriptor)
        # A link leaves the key of a faster process alone.
        with contextlib.suppress(FileExistsError):
            place.hardlink_to(draft)
        draft.unlink()
    return place


@lru_cache(maxsize=4)
def _key(place: Path) -> ec.EllipticCurvePrivateKey:
    key = serialization.load_pem_private_key(place.read_bytes(), password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ValueError(f"{place} holds no key for web push.")
    return key


def is_sound(endpoint: str, p256dh: str, auth: str) -> bool:
    """Whether this is a subscription: of a known service, with keys of the right length."""
    if len(endpoint) > LONGEST_ENDPOINT or not _is_known(endpoint):
        return False
    return len(_bytes(p256dh)) == P256DH_BYTES and len(_bytes(auth)) == AUTH_BYTES


def _is_known(endpoint: str) -> bool:
    try:
        said = urlsplit(endpoint)
        host, port = said.hostname or "", said.port
    except ValueError:
        return False
    more = [str(each) for each in push_settings().get("services", [])]
    if f"{said.scheme}://{said.netloc}" in more:
        return True
    if said.scheme != "https" or port not in (None, 443) or said.username is not None:
        return False
    return any(host == name or (name[0] == "." and host.endswith(name)) for name in SERVICES)


def _bytes(text: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        return b""


def send(endpoint: str, p256dh: str, auth: str, said: Mapping[str, str], topic: str) -> Outcome:
    """Sends one push. topic: a later one of the same topic takes the place of one still waiting.

    said: what the browser's own script shows; sealed on the way.
    """
    from py_vapid import Vapid  # type: ignore[import-untyped]
    from pywebpush import WebPushException, webpush  # type: ignore[import-untyped]

    if not _is_known(endpoint):
        return Outcome.GONE
    contact = str(push_settings().get("contact", "mailto:operator@localhost.localdomain"))
    try:
        with requests.Session() as session:
            # A service has no reason to lead elsewhere.
            session.max_redirects = 0
            webpush(
                {"endpoint": endpoint, "keys": {"p256dh": p256dh, "auth": auth}},
                json.dumps(dict(said), ensure_ascii=False),
                vapid_private_key=Vapid(_key(_place())),
                vapid_claims={"sub": contact},
                ttl=KEPT_SECONDS,
                timeout=TIMEOUT_SECONDS,
                headers={"Topic": topic, "Urgency": "normal"},
                requests_session=session,
            )
    except WebPushException as refused:
        status = refused.status_code
        log.info("a push service answered %s", status)
        return Outcome.GONE if status in (404, 410) else Outcome.LATER
    except (requests.RequestException, ValueError) as failed:
        log.info("a push could not be sent: %s", type(failed).__name__)
        return Outcome.LATER
    return Outcome.TAKEN
