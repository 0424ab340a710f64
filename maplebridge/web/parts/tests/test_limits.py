"""Budgets of tries: guessing stops, a village does not, and it is forgotten in time."""

from __future__ import annotations

import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.core import signing
from django.db import connection
from django.test import Client, RequestFactory

from maplebridge.cases.models import Case
from maplebridge.web.parts import limits
from maplebridge.web.parts.models import Spent

BUDGET = limits.Budget("of-a-test", 3, 60)
ADDRESS = "203.0.113.7"
TEXT = "翠光路菜市场门口的下水道堵了，污水漫到人行道上。"


def later(seconds: float) -> None:
    """As if so much time had passed."""
    with connection.cursor() as cursor:
        cursor.execute("UPDATE parts_spent SET until = until - %s * interval '1 s'", [seconds])


@pytest.mark.django_db
def test_tries_run_out_and_grow_back_one_by_one() -> None:
    for _try in range(3):
        limits.spend(BUDGET, "somebody")
    with pytest.raises(limits.TooMany) as full:
        limits.spend(BUDGET, "somebody")
    assert 1190 < full.value.seconds <= 1200
    limits.spend(BUDGET, "somebody else")
    later(1200)
    limits.spend(BUDGET, "somebody")
    with pytest.raises(limits.TooMany):
        limits.spend(BUDGET, "somebody")


@pytest.mark.django_db
def test_a_try_that_was_right_is_given_back() -> None:
    for _try in range(20):
        limits.spend(BUDGET, "somebody")
        limits.give_back(BUDGET, "somebody")


@pytest.mark.django_db
def test_what_is_kept_names_nobody_and_is_swept_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "SWEEP_ONE_IN", 1)
    limits.spend(BUDGET, ADDRESS)
    (row,) = Spent.objects.filter(key__startswith="of-a-test:")
    assert ADDRESS not in row.key
    later(7200)
    limits.spend(BUDGET, "somebody else")
    assert Spent.objects.filter(pk=row.pk).count() == 0


@pytest.mark.django_db
def test_there_are_never_more_rows_than_agreed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "SWEEP_ONE_IN", 1)
    monkeypatch.setattr(limits, "MOST_ROWS", 10)
    for number in range(30):
        limits.spend(BUDGET, f"number {number}")
    assert Spent.objects.count() == 10


def test_many_processes_share_one_budget(committed: None) -> None:
    def one(_number: int) -> bool:
        try:
            limits.spend(BUDGET, "everybody")
        except limits.TooMany:
            return False
        finally:
            connection.close()
        return True

    try:
        with ThreadPoolExecutor(8) as threads:
            assert sum(threads.map(one, range(40))) == 3
    finally:
        Spent.objects.all().delete()


@pytest.mark.parametrize(
    ("address", "known_as"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3::9", "2001:db8:1::/56"),
        ("2001:db8:1:ff::1", "2001:db8:1::/56"),
        ("127.0.0.1", ""),
        ("::1", ""),
        ("10.9.8.7", ""),
    ],
)
def test_a_network_is_known_by_its_address(settings: Any, address: str, known_as: str) -> None:
    from ipaddress import ip_network

    settings.TRUSTED_NETWORKS = [ip_network("10.9.0.0/16")]
    assert limits.network(address) == known_as


@pytest.mark.parametrize(
    ("proxies", "forwarded", "found"),
    [
        (0, "198.51.100.1", "203.0.113.7"),
        (1, "198.51.100.1", "198.51.100.1"),
        (1, "6.6.6.6, 198.51.100.1", "198.51.100.1"),
        (2, "6.6.6.6, 198.51.100.1, 192.0.2.2", "198.51.100.1"),
        (2, "198.51.100.1", "203.0.113.7"),
    ],
)
def test_a_header_is_believed_as_far_as_our_proxies(
    settings: Any, proxies: int, forwarded: str, found: str
) -> None:
    settings.PROXIES = proxies
    assert limits.outer_address("203.0.113.7", forwarded) == found


def reported(client: Client) -> int:
    said = {"text": TEXT, "key": str(uuid.uuid4())}
    return client.post("/report/", said, REMOTE_ADDR=ADDRESS).status_code


def by_program(client: Client) -> Any:
    said = {"text": TEXT, "key": str(uuid.uuid4())}
    return client.post(
        "/api/v1/reports", said, content_type="application/json", REMOTE_ADDR=ADDRESS
    )


@pytest.mark.django_db
def test_three_hundred_villagers_behind_one_address_all_report(town: Any) -> None:
    """Within one hour, half on the page and half by a program, each on a device of one's own."""
    before = Case.objects.count()
    pages = [reported(Client()) for _villager in range(150)]
    programs = [by_program(Client()).status_code for _villager in range(150)]
    assert set(pages) == {302}
    assert set(programs) == {201}
    assert Case.objects.count() == before + 300


@pytest.mark.django_db
def test_a_flood_of_reports_is_told_to_wait_and_keeps_its_words(
    town: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "REPORT_NETWORK", limits.Budget("report-network", 2, 60))
    before = Case.objects.count()
    assert [reported(Client()), reported(Client())] == [302, 302]
    answer = Client().post(
        "/report/", {"text": TEXT, "key": str(uuid.uuid4())}, REMOTE_ADDR=ADDRESS
    )
    assert answer.status_code == 429
    assert 1 <= int(answer["Retry-After"]) <= 1800
    shown = answer.content.decode()
    assert "上报非常多" in shown
    assert TEXT in shown
    other = Client().post(
        "/report/", {"text": TEXT, "key": str(uuid.uuid4())}, REMOTE_ADDR="198.51.100.3"
    )
    assert other.status_code == 302
    assert Case.objects.count() == before + 3


@pytest.mark.django_db
def test_a_program_that_floods_is_told_to_wait(
    town: Any, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "REPORT_NETWORK", limits.Budget("report-network", 1, 60))
    sent = [by_program(client), by_program(client)]
    assert [answer.status_code for answer in sent] == [201, 429]
    assert sent[1]["Content-Type"] == "application/problem+json"
    assert 1 <= int(sent[1]["Retry-After"]) <= 3600


def guess(address: str, number: int) -> int:
    """One wrong code at one of the doors that take codes."""
    code = f"WRNG{number:08d}"
    ways = (
        ("post", "/follow/", {"code": code}),
        ("get", f"/r/{code}/", {}),
        ("get", f"/api/v1/reports/{code}", {}),
        ("get", "/live/since/", {"code": code}),
        ("get", f"/r/{code}/photo/1/", {}),
    )
    way, path, said = ways[number % len(ways)]
    answer = getattr(Client(), way)(path, said, REMOTE_ADDR=address)
    return int(answer.status_code)


@pytest.mark.django_db
def test_a_thousand_guesses_of_codes_from_one_address_are_stopped(town: Any) -> None:
    found = [guess(ADDRESS, number) for number in range(1000)]
    looked_at = [status for status in found if status != 429]
    # What grows back while the guesses come is at most a few.
    assert 120 <= len(looked_at) <= 125
    assert set(looked_at) <= {403, 404}
    assert set(found[130:]) <= {429, 403, 404}
    assert found[-20:].count(429) >= 19


@pytest.mark.django_db
def test_who_followed_a_report_before_is_not_stopped_by_a_guesser_next_door(town: Any) -> None:
    case = town.opened("reported")
    owner = Client()
    assert owner.get(f"/r/{case.query_code}/", REMOTE_ADDR=ADDRESS).status_code == 200
    signed = signing.loads(owner.cookies["device"].value, salt=limits.DEVICE_SALT)
    signed["s"] = int(time.time()) - limits.SETTLED_SECONDS
    owner.cookies["device"] = signing.dumps(signed, salt=limits.DEVICE_SALT)
    for number in range(limits.FOLLOW_NETWORK.number):
        guess(ADDRESS, number)
    stranger = Client()
    assert stranger.get(f"/r/{case.query_code}/", REMOTE_ADDR=ADDRESS).status_code == 429
    assert owner.get(f"/r/{case.query_code}/", REMOTE_ADDR=ADDRESS).status_code == 200


@pytest.mark.django_db
def test_a_right_code_costs_nothing(town: Any, client: Client) -> None:
    case = town.opened("reported")
    for _look in range(limits.FOLLOW_NETWORK.number + 5):
        assert client.post("/follow/", {"code": case.query_code}, REMOTE_ADDR=ADDRESS)
    assert client.get(f"/r/{case.query_code}/", REMOTE_ADDR=ADDRESS).status_code == 200


def test_a_forged_device_is_none() -> None:
    request = RequestFactory().get("/")
    request.COOKIES["device"] = signing.dumps({"d": "x", "s": 0, "a": []}, salt="another")
    assert limits.device_of(request) is None
    request.COOKIES["device"] = signing.dumps(["x"], salt=limits.DEVICE_SALT)
    assert limits.device_of(request) is None
