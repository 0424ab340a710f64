"""Web push: number and state to the phones that asked, sealed; gone phones are forgotten."""

from __future__ import annotations

import base64
import json
import os
import stat
from pathlib import Path
from typing import Any

import http_ece
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from django.conf import settings as configured

from maplebridge.cases import engine
from maplebridge.cases.feed import News
from maplebridge.cases.kinds import Aside
from maplebridge.cases.models import Event
from maplebridge.connectors import messages
from maplebridge.connectors import push as connector
from maplebridge.connectors.tests import providers
from maplebridge.journey import notice, push
from maplebridge.journey.models import PushSubscription
from maplebridge.lib.clock import now
from maplebridge.organisation.people import SYSTEM


def text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


class Phone:
    """A browser's side of web push."""

    def __init__(self, service: str, name: str = "one") -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.secret = os.urandom(16)
        self.endpoint = f"http://{service}/push/{name}"
        point = self.key.public_key().public_bytes(
            serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
        )
        self.keys = (text(point), text(self.secret))

    def opened(self, body: bytes) -> Any:
        plain = http_ece.decrypt(
            body, private_key=self.key, auth_secret=self.secret, version="aes128gcm"
        )
        return json.loads(plain)


@pytest.fixture
def service(settings: Any, tmp_path: Path) -> Any:
    """A push service on this machine, which the operator named."""
    with providers.posted() as found:
        place = tmp_path / "messages.toml"
        place.write_text(
            f'[push]\ncontact = "mailto:duty@city.test"\nservices = ["http://{found.address}"]\n'
        )
        place.chmod(0o600)
        settings.MESSAGES = str(place)
        settings.STATE = tmp_path
        found.status = 201
        yield found


def news_of(event: Event) -> News:
    to_state = event.to_state
    return News(
        event.case_id, event.sequence, event.area_code, "matter", event.move, to_state, event.at, ""
    )


def test_a_phone_hears_number_and_state_and_nothing_else(town: Any, service: Any) -> None:
    case = town.opened()
    phone = Phone(service.address)
    assert push.subscribe(case.pk, phone.endpoint, *phone.keys, "zh-hans")
    assert push.subscribe(case.pk, phone.endpoint, *phone.keys, "zh-hans")
    assert push.deliver() == 0
    news = news_of(town.move(case.pk, "accept", town.town))
    notice.carry_out(news)
    notice.carry_out(news)
    assert push.deliver() == 1
    assert push.deliver() == 0
    ((path, body),) = service.came
    assert path == "/push/one"
    # The words of the report and its query code stay here.
    number = case.number
    said = phone.opened(body)
    assert said == {"number": number, "state": "已受理", "sequence": str(news.sequence)}
    headers = service.headers[0]
    assert headers["Topic"] == case.pk.hex
    assert headers["Ttl"] == "86400"
    token, key = headers["Authorization"].removeprefix("vapid t=").split(",k=")
    claims = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
    assert (claims["sub"], claims["aud"]) == (
        "mailto:duty@city.test", f"http://{service.address}",
    )  # fmt: skip
    assert key == connector.public_key()
    place = Path(configured.STATE) / "secrets" / "vapid.pem"
    assert stat.S_IMODE(place.stat().st_mode) == 0o600


def test_a_move_that_is_not_public_is_not_told(town: Any, service: Any) -> None:
    case = town.opened("accepted")
    phone = Phone(service.address)
    push.subscribe(case.pk, phone.endpoint, *phone.keys, "zh-hans")
    notice.carry_out(news_of(Event.objects.get(case_id=case.pk, move="triage")))
    assert push.deliver() == 0


def test_a_phone_that_is_gone_is_forgotten_and_one_that_is_away_tried_again(
    town: Any, service: Any
) -> None:
    case = town.opened()
    phone = Phone(service.address)
    push.subscribe(case.pk, phone.endpoint, *phone.keys, "en")
    push.wish(case.pk, 3)
    service.status = 503
    assert push.deliver() == 1
    assert push.deliver() == 0
    row = PushSubscription.objects.get()
    assert (row.tries, row.told) == (1, 0)
    service.status = 410
    assert push.deliver(now() + 2 * push.FIRST_PAUSE) == 1
    assert not PushSubscription.objects.exists()


def test_what_comes_in_while_one_is_sent_is_told_after_it(
    town: Any, service: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = town.opened()
    phone = Phone(service.address)
    push.subscribe(case.pk, phone.endpoint, *phone.keys, "zh-hans")
    push.wish(case.pk, 3)
    send = connector.send

    def meanwhile(*said: Any) -> Any:
        push.wish(case.pk, 4)
        return send(*said)

    with monkeypatch.context() as busy:
        busy.setattr(push.push, "send", meanwhile)
        push.deliver()
    assert push.deliver() == 1
    told = [phone.opened(body)["sequence"] for _path, body in service.came]
    assert told == ["3", "4"]
    assert push.deliver() == 0


def test_with_the_reporter_the_phones_and_messages_are_erased(town: Any, service: Any) -> None:
    case_id = town.report(reporter={"name": "甄秀英", "phone": "13912345678"}).case_id
    town.triage(case_id)
    case = town.walk(case_id, "archived")
    phone = Phone(service.address)
    push.subscribe(case.pk, phone.endpoint, *phone.keys, "zh-hans")
    notice.carry_out(news_of(Event.objects.get(case_id=case_id, move="close")))
    kept = [each for each in messages.kept() if each.name.startswith(str(case_id))]
    assert [each.to for each in kept] == ["13912345678"]
    engine.aside(case_id, Aside.ERASE_REPORTER, SYSTEM, key="erase")
    notice.carry_out(news_of(Event.objects.get(case_id=case_id, move="erase_reporter")))
    assert not PushSubscription.objects.exists()
    assert messages.kept() == []
    assert push.deliver() == 0
    assert service.came == []


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://127.0.0.1:5432/", "https://10.0.0.1/push", "https://fcm.googleapis.com@evil.test/",
        "https://fcm.googleapis.com.evil.test/x", "https://evilpush.services.mozilla.com.x/",
        "https://updates.push.services.mozilla.com:8443/x", "file:///etc/passwd", "https://[::1/",
    ],
)  # fmt: skip
def test_nobody_makes_us_call_another_address(town: Any, service: Any, endpoint: str) -> None:
    phone = Phone(service.address)
    assert not push.subscribe(town.opened().pk, endpoint, *phone.keys, "zh-hans")
    assert not PushSubscription.objects.exists()


def test_known_services_and_sound_keys_are_taken(town: Any, service: Any) -> None:
    phone = Phone(service.address)
    case = town.opened()
    for name in ("fcm.googleapis.com", "updates.push.services.mozilla.com", "web.push.apple.com"):
        assert push.subscribe(case.pk, f"https://{name}/x", *phone.keys, "zh-hans")
    assert not push.subscribe(case.pk, phone.endpoint, phone.keys[0], "short", "zh-hans")
    for n in range(4):
        push.subscribe(case.pk, f"{phone.endpoint}{n}", *phone.keys, "zh-hans")
    assert PushSubscription.objects.count() == push.MOST_PHONES
