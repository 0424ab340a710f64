"""The administration shows units, places and texts, and no case; a phone hears of its own."""

from __future__ import annotations

from typing import Any

from django.test import Client

from maplebridge.cases.models import Assignment, Case
from maplebridge.connectors import push
from maplebridge.insight.indicators import FEWEST
from maplebridge.journey.models import PushSubscription
from maplebridge.organisation.models import Unit
from maplebridge.organisation.unit_changes import cells_of, mark_of
from tests.gate.test_every_way_out import steady
from tests.gate.test_six_strangers import stranger
from tests.gate.world import COUNTY, World

ENDPOINT = "https://updates.push.services.mozilla.com/wpush/v2/abc"
KEYS = {"p256dh": "B" + "A" * 86, "auth": "A" * 22}


def test_a_phone_is_noted_for_the_own_report_alone(world: World) -> None:
    own = world.row(20)
    client = Client()
    answer = client.post(f"/push/{own['query_code']}/", {"endpoint": ENDPOINT, **KEYS})
    assert (answer.status_code, answer.content) == (204, b"")
    assert push.is_sound(ENDPOINT, **KEYS)
    assert [row.case_id for row in PushSubscription.objects.all()] == [own["id"]]
    # A code that is nobody's: the same answer whatever is asked.
    none = [client.post("/push/2222-2222-2222/", said) for said in ({}, {"wish": "off"})]
    assert {answer.status_code for answer in none} == {404}
    assert len({steady(answer.content.decode()) for answer in none}) == 1
    client.post(f"/push/{world.row(21)['query_code']}/", {"endpoint": ENDPOINT, "wish": "off"})
    assert PushSubscription.objects.count() == 1
    client.post(f"/push/{own['query_code']}/", {"endpoint": ENDPOINT, "wish": "off"})
    assert not PushSubscription.objects.exists()


def test_what_is_no_subscription_is_refused(world: World) -> None:
    own: Any = world.row(20)
    for said in ({}, {"endpoint": "https://10.0.0.1/", **KEYS}, {"endpoint": ENDPOINT}):
        assert Client().post(f"/push/{own['query_code']}/", said).status_code == 422
    assert not PushSubscription.objects.exists()


PAGES = (
    "areas/", "areas/?at=330825209", "areas/?q=龙游", "posts/", "posts/?held=no", "units/",
    "units/?state=all", f"units/{COUNTY}-hsc/", "units/new/", "texts/", "texts/edit/?move=close",
    "changes/", "changes/?of=units",
)  # fmt: skip


def test_the_administration_of_places_and_texts_names_no_case(world: World) -> None:
    client = stranger(world, "administrator")
    for address in PAGES:
        answer = client.get(f"/configuration/{address}")
        assert answer.status_code == 200, address
        assert world.found_in_answer(answer).everything == set(), address
    for name in ("visitor", "resident", "next grid", "neighbour", "complained about"):
        other = stranger(world, name)
        for address in PAGES:
            status = other.get(f"/configuration/{address}").status_code
            assert status == (302 if name in ("visitor", "resident") else 403), (name, address)


def test_ending_a_unit_tells_a_rough_count_and_no_case(world: World) -> None:
    client = stranger(world, "administrator")
    code = f"{COUNTY}-hsc"
    unit = Unit.objects.get(pk=code)
    said = {**cells_of(unit), "mark": mark_of(unit), "ends": world.today.isoformat()}
    Assignment.objects.filter(unit_code=code).update(progress="done")
    Case.objects.filter(unit_code=code).update(ended=True)

    def answers(cases: int) -> Any:
        chosen = world.ids[:cases]
        Case.objects.filter(pk__in=chosen).update(unit_code=code, ended=False)
        answer = client.post(f"/configuration/units/{code}/", said)
        assert answer.status_code == 422
        assert world.found_in_answer(answer).everything == set()
        return steady(answer.content.decode())

    # One and four read alike, and so do six and nine: no count tells of a single case.
    assert answers(1) == answers(FEWEST - 1)
    some = answers(FEWEST + 1)
    assert some == answers(2 * FEWEST - 1)
    assert str(FEWEST) in some
    Case.objects.filter(unit_code=code).update(ended=True)
    assert client.post(f"/configuration/units/{code}/", said).status_code == 302
    assert Unit.objects.get(pk=code).ends == world.today
