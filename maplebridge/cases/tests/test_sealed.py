"""Words of a sealed field: a part of its own, opened on purpose, erased with the case."""

from __future__ import annotations

import uuid

import pytest
from django.utils import timezone

from maplebridge.cases import chain, engine, erasure, reporters, sealed
from maplebridge.cases.kinds import Field, Kind, Move, State, Type, Who, registry
from maplebridge.cases.models import Case, Event, Payload, Seal
from maplebridge.lib import keyring
from maplebridge.organisation.people import Role

pytestmark = pytest.mark.django_db
SECRET = "只对调解员说的话"
BY = frozenset({Role.CLERK})
WHISPER = Kind(
    name=f"whisper-{uuid.uuid4().hex[:6]}",
    version=1,
    label="Whisper",
    initial="reported",
    states=(State("reported", "Open", "Next", clocks=("accept",)),),
    moves=(
        Move(
            "tell", "Tell", ("reported",), None, BY, Who.OWNER,
            needs=(Field("note", Type.NOTE, "Note"), Field("page", Type.SEALED, "Page")),
        ),
    ),
)  # fmt: skip


@pytest.fixture
def keys(settings, tmp_path):
    settings.SEAL_KEYS = tmp_path / "keys.json"
    keyring.create(settings.SEAL_KEYS, "aes")
    return keyring.at(settings.SEAL_KEYS)


@pytest.fixture
def told(town, keys):
    registry.register([WHISPER])
    case_id = town.report(kind=WHISPER.name).case_id
    town.move(case_id, "tell", town.town, {"note": "记下了", "page": SECRET})
    yield case_id
    registry._kinds.pop((WHISPER.name, 1))
    registry._latest.pop(WHISPER.name)


def test_a_sealed_field_stands_in_no_row_in_clear_and_is_opened_by_one_function(town, told):
    words, shut = Payload.objects.filter(case_id=told, sequence=2).order_by("-part")
    assert (words.part, words.content) == ("words", {"note": "记下了"})
    assert (shut.part, list(shut.content)) == ("sealed", ["sealed"])
    assert SECRET not in str(shut.content)
    assert "page" not in Event.objects.get(case_id=told, sequence=2).facts
    assert sealed.pages(told) == [sealed.Page(2, {"page": SECRET})]
    assert chain.verify(Event.objects.filter(case_id=told)) == []


def test_a_new_key_wraps_it_anew_and_erasing_the_case_destroys_it(town, keys, told):
    before = Seal.objects.get(case_id=told, sequence=2).key_id
    keys.add("aes")
    assert [batch.failed for batch in reporters.rewrap()] == [[]]
    assert Seal.objects.get(case_id=told, sequence=2).key_id != before
    assert sealed.pages(told)[0].content["page"] == SECRET
    erasure.erase_words(told, timezone.now())
    assert sealed.pages(told) == []
    assert Seal.objects.filter(case_id=told, wrapped__isnull=False).count() == 0


def test_what_is_too_long_is_refused_with_a_sentence(town, told):
    with pytest.raises(engine.FactsError, match="5001"):
        town.move(told, "tell", town.town, {"note": "记", "page": "话" * 5001})
    assert Case.objects.get(pk=told).sequence == 2
