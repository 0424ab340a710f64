"""A matter that a township cut off writes on its own node: read at the desk, with notes for it."""

from __future__ import annotations

from typing import Any

import pytest

from maplebridge.cases import leases
from maplebridge.cases.models import Event, LeftNote
from maplebridge.web.command.tests.test_desk import desk_of, page

pytestmark = pytest.mark.django_db
NOTE = "县里来电：排水队明早八点到。"


def test_the_desk_reads_it_and_leaves_a_note_once(town: Any) -> None:
    case = town.opened("accepted")
    leases.lend("330825209", "330825")
    county = desk_of("county")
    address = f"/desk/case/{case.pk}/"
    shown = page(county.get(address))
    assert "社阳乡" in shown
    assert f"/desk/case/{case.pk}/move/" not in shown
    for _turn in range(2):
        answer = county.post(f"{address}note/", {"note": NOTE, "key": "form"})
        assert (answer.status_code, answer["Location"]) == (302, address)
    note = LeftNote.objects.get()
    assert (note.text, note.unit_code, note.role) == (NOTE, "330825-center", "dispatcher")
    assert NOTE in page(desk_of("town").get(address))
    wrong = county.post(f"{address}note/", {"note": " ", "key": "other"})
    assert (wrong.status_code, LeftNote.objects.count()) == (422, 1)


def test_what_joined_is_read_in_the_timeline(town: Any) -> None:
    case = town.opened("accepted")
    leases.lend("330825209", "330825")
    leases.leave_note(town.case(case.pk), town.county, NOTE, "form")
    for model in (leases.Lease, leases.Case):
        assert model.objects.exists()
    leases.Case.objects.filter(pk=case.pk).update(lent_to="")
    assert leases._join_notes(case.pk) == 1
    assert Event.objects.get(case_id=case.pk, move="join").role == "dispatcher"
    shown = page(desk_of("town").get(f"/desk/case/{case.pk}/"))
    assert NOTE in shown
    assert "龙一舟" in shown
