"""How soon an operator of the hotline sees the caller's matters and likely twins while typing."""

from __future__ import annotations

import datetime as dt
import http.client
import random
import re
import threading
from collections.abc import Mapping
from urllib.parse import urlencode

from maplebridge.config.measures.figures import timed
from maplebridge.config.measures.journey import served
from maplebridge.config.measures.made_up import place_names, texts

CASES = 100_000
CALLERS = 20_000
TOLD = 4_000
# Who takes calls, from the widest sight to the narrowest; they are asked in turn.
OPERATORS = ("city", "county", "town")
GRADES = ("C0", "C1", "C1", "C2")
OLDEST_DAYS = 120
VILLAGE_DIGITS = 12
AT_ONCE = 2_000


def callers(n: int, clients: int) -> dict[str, float]:
    """What stands beside the form, over HTTP, among a hundred thousand made-up cases."""
    said = list(texts(TOLD, place_names(), seed=4))
    numbers = [f"139{number:08d}" for number in range(CALLERS)]
    fill(CASES, said, numbers)
    draw = random.Random(11)  # noqa: S311
    asked = []
    for number, text in enumerate(texts(n, place_names(), seed=5)):
        # Half a sentence, as it stands while somebody types; every third without its place.
        told = text[len(text) // 3 :] if number % 3 == 0 else text[: 2 * len(text) // 3]
        phone = draw.choice(numbers)
        asked.append((OPERATORS[number % len(OPERATORS)], {"phone": phone, "text": told}))
    with served() as port:
        desks = {login: Desk(port, login) for login in OPERATORS}
        for login, question in asked[:30]:
            desks[login].ask(question)
        begun = [desk.found for desk in desks.values()]
        times = timed(lambda one: desks[one[0]].ask(one[1]), asked, clients)
    found = sum(desk.found for desk in desks.values()) - sum(begun)
    return {**times.figures(), "cases": CASES, "clients": clients, "found": found}


class Desk:
    """A signed-in operator at the page of calls. found: how many matters and twins came back."""

    def __init__(self, port: int, login: str) -> None:
        from django.test import Client

        from maplebridge.organisation.models import Account

        client = Client()
        client.force_login(Account.objects.get(username=login))
        self.port = port
        self.found = 0
        self._kept = threading.local()
        self._cookie = f"sessionid={client.cookies['sessionid'].value}"
        status, page, cookies = self._send("GET", "/desk/hotline/", "")
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
        if status != http.client.OK or token is None:
            raise RuntimeError(f"the page of calls answered {status}")
        self._cookie += "; " + "; ".join(one.partition(";")[0] for one in cookies)
        self._token = token[1]

    def ask(self, said: Mapping[str, str]) -> None:
        """One look. Raises RuntimeError when it is refused."""
        body = urlencode({**said, "csrfmiddlewaretoken": self._token})
        status, page, _cookies = self._send("POST", "/desk/hotline/beside/", body)
        if status != http.client.OK:
            raise RuntimeError(f"answered {status}")
        self.found += page.count('class="beside-row"')

    def _send(self, method: str, address: str, body: str) -> tuple[int, str, list[str]]:
        """Over one kept connection a thread."""
        if not hasattr(self._kept, "connection"):
            self._kept.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        headers = {"Cookie": self._cookie, "Content-Type": "application/x-www-form-urlencoded"}
        self._kept.connection.request(method, address, body, headers)
        answer = self._kept.connection.getresponse()
        page = answer.read().decode()
        return answer.status, page, answer.headers.get_all("Set-Cookie") or []


def fill(cases: int, said: list[str], numbers: list[str]) -> None:
    """Opens cases over all villages, each with words, marks and the number of one of the callers.

    said: texts that the cases take in turn. numbers: telephones, sealed as in service.
    """
    from django.db import connections

    from maplebridge.cases import engine
    from maplebridge.journey import classify, learn
    from maplebridge.journey.models import Fingerprint
    from maplebridge.lib.clock import now
    from maplebridge.lib.text import fingerprint
    from maplebridge.organisation.models import Area

    codes = Area.objects.order_by("code").values_list("code", flat=True)
    villages = [code for code in codes if len(code) == VILLAGE_DIGITS]
    marks = [fingerprint(text) for text in said]
    kinds = [classify.classify_text(text).value or "" for text in said]
    known = {kind: learn.category_of(kind).facts() if kind else {} for kind in set(kinds)}
    begun = now()

    def at(n: int) -> dt.datetime:
        return begun - dt.timedelta(days=n % OLDEST_DAYS, seconds=n % 86_400)

    def opening(n: int) -> engine.Opening:
        village, told = villages[n % len(villages)], n * 7919 % len(said)
        return engine.Opening(
            kind="matter",
            channel="bench",
            account="callers",
            key=f"callers-{n}",
            area_code=village,
            unit_code=f"{village[:9]}-room",
            words={"text": said[told]},
            reporter={"phone": numbers[n % len(numbers)]},
            facts={**known[kinds[told]], "confidentiality": GRADES[n % len(GRADES)]},
            at=at(n),
            synthetic=True,
        )

    for first in range(0, cases, AT_ONCE):
        numbered = range(first, min(first + AT_ONCE, cases))
        opened = engine.load(opening(n) for n in numbered)
        Fingerprint.objects.bulk_create(
            Fingerprint(
                case_id=receipt.case_id,
                area_code=villages[n % len(villages)],
                category=kinds[n * 7919 % len(said)],
                opened_at=at(n),
                marks=marks[n * 7919 % len(said)],
            )
            for n, receipt in zip(numbered, opened, strict=True)
            if GRADES[n % len(GRADES)] != "C2"
        )
    with connections["owner"].cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
