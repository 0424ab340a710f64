"""Who reported: sealed where it is written, opened by one function, destroyed for good."""

from __future__ import annotations

import datetime as dt
import uuid

import pytest
from django.utils import translation

from maplebridge.cases import chain, engine, reporters
from maplebridge.cases.models import Event, Payload, Seal
from maplebridge.cases.reporters import (
    Destroyed,
    KeyGone,
    Reporter,
    Tampered,
    cases_of_phone,
    reporter_of_case,
)
from maplebridge.cases.tests import machine
from maplebridge.lib import keyring, seal

WHO = {"name": "赵小满", "phone": "139 0000 0000"}
KNOWN = Reporter("赵小满", "139 0000 0000")

pytestmark = pytest.mark.django_db


@pytest.fixture
def keys(settings, tmp_path):
    settings.SEAL_KEYS = tmp_path / "keys.json"
    keyring.create(settings.SEAL_KEYS, "aes")
    return keyring.at(settings.SEAL_KEYS)


@pytest.fixture(autouse=True)
def english():
    with translation.override("en"):
        yield


def row(case_id, sequence=1):
    return Seal.objects.get(case_id=case_id, sequence=sequence)


def stored(case_id, sequence=1):
    return Payload.objects.get(case_id=case_id, sequence=sequence, part="reporter")


def put(case_id, **values):
    Seal.objects.filter(case_id=case_id).update(**values)


@pytest.mark.parametrize("cipher", list(seal.SUITES))
def test_it_is_sealed_when_a_case_is_opened_and_the_chain_holds_without_keys(town, keys, cipher):
    key = keys.add(cipher)
    case_id = town.report(reporter=WHO).case_id
    assert list(stored(case_id).content) == ["sealed"]
    assert row(case_id).key_id == key.id
    assert reporter_of_case(case_id) == KNOWN
    keys.path.unlink()
    machine.check(machine.picture(case_id))
    assert chain.verify(Event.objects.filter(case_id=case_id)) == []


def test_many_cases_loaded_at_once_are_sealed_each_for_itself(town, keys):
    receipts = engine.load(
        engine.Opening(
            kind="matter", channel="file", account="f", key=f"row {n}", area_code="330825",
            unit_code="330825-center", words={"text": "路灯不亮"},
            reporter={"name": f"赵{n}", "phone": f"1390000000{n}"} if n else {},
        )
        for n in range(3)
    )  # fmt: skip
    ids = [receipt.case_id for receipt in receipts]
    said = [(r.name, r.phone) for r in map(reporter_of_case, ids)]
    assert said == [("", ""), ("赵1", "13900000001"), ("赵2", "13900000002")]
    assert Seal.objects.filter(case_id__in=ids).count() == 2
    assert len({bytes(row(case_id).wrapped) for case_id in ids[1:]}) == 2


def test_the_length_of_what_is_sealed_does_not_tell_that_of_the_name(town, keys):
    names = ("赵", "赵小满", "欧阳小满")
    ids = [town.report(reporter={"name": name, "phone": "1"}).case_id for name in names]
    assert len({len(stored(case_id).content["sealed"]) for case_id in ids}) == 1


def test_a_report_that_is_sent_again_changes_nothing(town, keys):
    first = town.report(reporter=WHO, key="again")
    before = stored(first.case_id).content
    assert not town.report(reporter={"name": "别人"}, key="again").fresh
    assert stored(first.case_id).content == before
    assert reporter_of_case(first.case_id) == KNOWN


def test_a_move_may_say_anew_who_reported(town, keys):
    case_id = town.report(reporter=WHO).case_id
    town.triage(case_id)
    event = town.move(case_id, "accept", town.town, reporter={"name": "赵大满", "phone": "137"})
    assert reporter_of_case(case_id) == Reporter("赵大满", "137")
    assert row(case_id, event.sequence).blind
    machine.check(machine.picture(case_id))


def test_rows_from_before_the_sealing_are_read_in_clear(town, keys):
    case_id = town.report(reporter=WHO).case_id
    Seal.objects.filter(case_id=case_id).delete()
    Payload.objects.filter(case_id=case_id, part="reporter").update(content=WHO)
    assert reporter_of_case(case_id) == KNOWN


def test_nobody_left_a_name_and_no_such_case(town, keys):
    assert not reporter_of_case(town.report().case_id)
    assert reporter_of_case(uuid.uuid4()) == Reporter()


def test_what_is_moved_to_another_row_does_not_open(town, keys):
    one = town.report(reporter=WHO).case_id
    other = town.report(reporter={"name": "别人", "phone": "137"}).case_id
    parts = Payload.objects.filter(part="reporter")
    parts.filter(case_id=other).update(content=stored(one).content)
    with pytest.raises(Tampered, match="does not open here"):
        reporter_of_case(other)
    put(other, wrapped=row(one).wrapped)
    with pytest.raises(Tampered):
        reporter_of_case(other)
    # To another event of the same case, with its seal.
    parts.filter(case_id=one).update(sequence=2)
    Seal.objects.filter(case_id=one).update(sequence=2)
    with pytest.raises(Tampered):
        reporter_of_case(one)
    # As another part of the same event.
    sealed = reporters.seal_part(one, 2, WHO, "lead")
    parts.filter(case_id=one).update(content=sealed.content)
    put(one, wrapped=sealed.wrapped, key_id=sealed.key_id)
    with pytest.raises(Tampered):
        reporter_of_case(one)


def test_a_key_that_is_missing_or_another_is_a_sentence_and_nothing_is_lost(
    town, keys, settings, tmp_path
):
    case_id = town.report(reporter=WHO).case_id
    right = settings.SEAL_KEYS
    settings.SEAL_KEYS = tmp_path / "others.json"
    keyring.create(settings.SEAL_KEYS, "aes")
    with pytest.raises(KeyGone, match="its key is missing"):
        reporter_of_case(case_id)
    assert reporter_of_case(town.report(reporter=WHO).case_id) == KNOWN
    settings.SEAL_KEYS = tmp_path / "nowhere.json"
    with pytest.raises(KeyGone):
        reporter_of_case(case_id)
    with pytest.raises(keyring.KeyringError):
        town.report(reporter=WHO, key="not in clear")
    assert town.report(key="nobody named").fresh
    settings.SEAL_KEYS = right
    assert reporter_of_case(case_id) == KNOWN
    Seal.objects.filter(case_id=case_id).delete()
    with pytest.raises(KeyGone, match="its seal is missing"):
        reporter_of_case(case_id)


def test_once_destroyed_it_opens_for_nobody_with_all_keys_and_a_copy(town, keys):
    case_id = town.report(reporter=WHO).case_id
    town.triage(case_id)
    town.move(case_id, "accept", town.town, reporter={"name": "赵大满"})
    copies = [stored(case_id), stored(case_id, 3)]
    assert reporters.destroy(case_id, 1) == 1
    assert reporter_of_case(case_id) == Reporter("赵大满")
    assert reporters.destroy(case_id) == 1
    assert reporters.destroy(case_id) == 0
    with pytest.raises(Destroyed, match="cannot be read any more"):
        reporter_of_case(case_id)
    for kept in Seal.objects.filter(case_id=case_id):
        left = (kept.key_id, kept.wrapped, kept.blind, kept.blind_key_id)
        assert left == ("", None, "", "")
        assert kept.destroyed_at is not None
    assert cases_of_phone(WHO["phone"]) == []
    # The copy of the payload, under every key there is, and under every data key we could draw.
    for copy in copies:
        copy.save(force_update=True)
        for key in keys.keys().by_id.values():
            for purpose in ("wrap", "blind"):
                with pytest.raises(seal.NotOpened):
                    reporters._opened(
                        case_id, copy.sequence, "reporter", copy.content, key.derived(purpose)
                    )
    with pytest.raises(Destroyed):
        reporter_of_case(case_id)
    assert list(reporters.rewrap()) == []
    machine.check(machine.picture(case_id))


def test_a_telephone_is_found_in_any_spelling_and_under_any_key(town, keys):
    one = town.report(reporter={"name": "赵", "phone": "139 0000 0000"}).case_id
    keys.add("sm4")
    two = town.report(reporter={"name": "钱", "phone": "+86-13900000000"}).case_id
    town.report(reporter={"name": "孙", "phone": "13900000001"})
    town.report(reporter={"name": "139 0000 0000"})
    for said in ("13900000000", "１３９ ００００ ００００", "0086 139-0000-0000"):
        assert cases_of_phone(said) == sorted([one, two])
    assert cases_of_phone("") == cases_of_phone("1390000000") == []
    assert row(one).blind != row(two).blind


def test_rotation_moves_every_seal_and_may_be_stopped_anywhere(town, keys, monkeypatch):
    monkeypatch.setattr(reporters, "REWRAPPED_AT_ONCE", 3)
    before = keys.current()
    ids = [town.report(reporter={"name": "赵", "phone": f"13{n}"}).case_id for n in range(8)]
    contents = {case_id: stored(case_id).content for case_id in ids}
    gone, strange = ids[0], ids[1]
    reporters.destroy(gone)
    put(strange, wrapped=b"\0" * 60)
    key = keys.add("sm4")
    first = next(reporters.rewrap())
    assert first.done + len(first.failed) == 3
    assert reporters.seals_by_key()[before] == 7 - first.done  # stopped after the first batch
    assert [case for batch in reporters.rewrap() for case in batch.failed] == [strange]
    assert reporters.seals_by_key() == {before: 1, key.id: 6}
    assert [b.done for b in reporters.rewrap()] == [0]
    put(strange, key_id=key.id)
    with monkeypatch.context() as later:
        at = keyring.now() + dt.timedelta(minutes=2)
        later.setattr(keyring, "now", lambda: at)
        keys.drop(before)
    for n, case_id in enumerate(ids[2:], start=2):
        assert stored(case_id).content == contents[case_id]
        assert reporter_of_case(case_id) == Reporter("赵", f"13{n}")
        assert cases_of_phone(f"13{n}") == [case_id]
    with pytest.raises(Destroyed):
        reporter_of_case(gone)


def test_a_seal_destroyed_during_the_rotation_stays_destroyed(town, keys, monkeypatch):
    case_id = town.report(reporter=WHO).case_id
    keys.add("aes")
    read = reporters._under

    def read_and_then_destroyed(key_id, after):
        rows = read(key_id, after)
        reporters.destroy(case_id)
        return rows

    monkeypatch.setattr(reporters, "_under", read_and_then_destroyed)
    assert [batch.done for batch in reporters.rewrap()] == [0]
    assert row(case_id).wrapped is None


def test_the_start_is_told_of_keys_that_are_missing_or_others(town, keys, settings, tmp_path):
    town.report(reporter=WHO)
    first = keys.current()
    second = keys.add("aes").id
    town.report(reporter=WHO)
    assert reporters.problems(keys) == []
    whole = keys.path.read_text()
    keyring_with = {first: whole.replace(second, "k-other")}
    keys.path.write_text(keyring_with[first])
    other = keyring.KeyFile(keys.path)
    assert reporters.problems(other) == [
        f"Who reported is sealed under {second}, and the key file holds no such key; put the "
        f"right file back from its backup."
    ]
    strange = tmp_path / "strange.json"
    keyring.create(strange, "aes")
    fresh = keyring.read(strange).current
    strange.write_text(strange.read_text().replace(fresh, second))
    put_all = Seal.objects.filter(key_id=first)
    put_all.delete()
    assert reporters.problems(keyring.KeyFile(strange)) == [
        f"The key {second} of the key file is not the one under which who reported is sealed; "
        f"put the right file back from its backup."
    ]


def test_a_text_is_freed_of_who_reported(town, keys):
    case_id = town.report(reporter=WHO).case_id
    hide = reporters.without_reporter(case_id)
    assert hide("赵小 满说，电话13900000000，路灯坏了") == "＊＊说，电话＊＊，路灯坏了"
    reporters.destroy(case_id)
    assert reporters.without_reporter(case_id)("赵小满") == "赵小满"


def test_who_reported_does_not_stand_in_a_log(town, keys):
    assert "赵" not in repr(reporter_of_case(town.report(reporter=WHO).case_id))
