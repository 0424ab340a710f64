"""Sealing from end to end: the start, keys beside running work, and nothing in clear anywhere."""

from __future__ import annotations

import datetime as dt
import io
import json
import threading
import time
import zipfile
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner
from django.apps import apps
from django.db import connection, connections
from django.test import Client
from PIL import Image

from maplebridge.cases import reporters
from maplebridge.cases.models import Case, Payload, Seal
from maplebridge.cases.reporters import Reporter, reporter_of_case
from maplebridge.config.main import _check_keys, cli
from maplebridge.config.worker import carry_out_all
from maplebridge.connectors import storage
from maplebridge.journey import originals
from maplebridge.lib import keyring
from maplebridge.organisation.models import Account
from tests.test_many_machines import problems_of

# Made up; no telephone has it.
NAME, PHONE = "欧阳小芃", "19900001234"
DESK = ("", "alarms/", "figures/", "looks/", "map/", "map/cases.json", "papers/")


@pytest.fixture
def keys(settings: Any, tmp_path: Path) -> keyring.KeyFile:
    settings.SEAL_KEYS = tmp_path / "secrets" / "keys.json"
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.STATE = tmp_path
    keyring.create(settings.SEAL_KEYS, "aes")
    return keyring.at(settings.SEAL_KEYS)


def asked(*words: str) -> tuple[int, str, Any]:
    """Exit code, what was said on stderr, and the JSON of a command."""
    found = CliRunner().invoke(cli, ["keys", *words, "--json"])
    lines = found.stdout.strip().splitlines()
    return found.exit_code, found.stderr, json.loads(lines[-1]) if lines else None


# -- the start ------------------------------------------------------------------------------------


def refusal() -> str:
    with pytest.raises(click.ClickException) as refused:
        _check_keys()
    return refused.value.message


@pytest.mark.django_db
def test_the_first_start_draws_a_key_and_says_so(town, settings, tmp_path, capsys):
    settings.SEAL_KEYS = tmp_path / "fresh" / "keys.json"
    _check_keys()
    assert settings.SEAL_KEYS.stat().st_mode & 0o777 == 0o600
    assert "A new key file" in capsys.readouterr().err
    before = settings.SEAL_KEYS.read_bytes()
    _check_keys()
    assert settings.SEAL_KEYS.read_bytes() == before


@pytest.mark.django_db
def test_the_start_is_refused_without_the_right_keys(town, keys, settings, tmp_path):
    case_id = town.report(reporter={"name": NAME, "phone": PHONE}).case_id
    _check_keys()
    right = settings.SEAL_KEYS
    settings.SEAL_KEYS = tmp_path / "gone.json"
    assert "is missing, and who reported is sealed under its keys" in refusal()
    assert not settings.SEAL_KEYS.exists()
    settings.SEAL_KEYS = tmp_path / "others.json"
    keyring.create(settings.SEAL_KEYS, "aes")
    assert f"sealed under {Seal.objects.get(case_id=case_id).key_id}" in refusal()
    fresh = keyring.read(settings.SEAL_KEYS).current
    named = settings.SEAL_KEYS.read_text().replace(fresh, keys.current())
    settings.SEAL_KEYS = tmp_path / "named.json"
    settings.SEAL_KEYS.write_text(named)
    settings.SEAL_KEYS.chmod(0o600)
    assert "is not the one under which who reported is sealed" in refusal()
    settings.SEAL_KEYS.chmod(0o644)
    assert "can be read by others (mode 644)" in refusal()
    settings.SEAL_KEYS = right
    _check_keys()
    assert reporter_of_case(case_id) == Reporter(NAME, PHONE)


@pytest.mark.django_db
def test_the_start_asks_few_rows(town, keys, django_assert_num_queries):
    for n in range(20):
        town.report(reporter={"phone": f"{n}"})
    with django_assert_num_queries(2):
        assert reporters.problems(keys) == []


def test_wrapping_anew_joins_rows_of_one_case_and_touches_no_other_table():
    assert problems_of(reporters.REWRAP) == ["changes cases_seal without naming one case"]
    assert problems_of(reporters.LAST_SAID) == problems_of(reporters.KEYS_IN_USE) == []


# -- the command ----------------------------------------------------------------------------------


@pytest.mark.django_db
def test_keys_are_shown_drawn_rotated_and_dropped(town, keys, monkeypatch):
    monkeypatch.setattr(keyring, "READ_AGAIN_SECONDS", 0.0)
    case_id = town.report(reporter={"name": NAME, "phone": PHONE}).case_id
    drawn = io.BytesIO()
    Image.new("RGB", (8, 8)).save(drawn, "PNG")
    kept = storage.keep_photo(drawn.getvalue())
    first = keys.current()
    code, _said, shown = asked("show")
    assert code == 0
    assert [(k["id"], k["current"], k["seals"], k["originals"]) for k in shown["keys"]] == [
        (first, True, 1, 1)
    ]
    code, said, fresh = asked("new")
    assert (code, fresh["cipher"]) == (0, "aes")
    assert "Copy the key file" in said
    code, said, _none = asked("drop", first)
    assert code == 1
    assert f"2 seals need the key {first}; run `maplebridge keys rotate` first." in said
    code, _said, turned = asked("rotate")
    assert code == 0
    del turned["seconds"]
    assert turned == {"key": fresh["id"], "seals": 1, "originals": 1, "failed": 0, "left": 0}
    code, said, _none = asked("drop", first)
    assert code == 1
    assert "was the current key a moment ago" in said
    later = keyring.now() + dt.timedelta(minutes=2)
    monkeypatch.setattr(keyring, "now", lambda: later)
    assert asked("drop", fresh["id"])[0] == 1
    assert asked("drop", first)[::2] == (0, {"dropped": first})
    assert asked("drop", first)[0] == 1
    assert reporter_of_case(case_id) == Reporter(NAME, PHONE)
    assert storage.original_of(kept.sha256) == drawn.getvalue()
    assert Seal.objects.get(case_id=case_id).key_id == fresh["id"]


@pytest.mark.django_db
def test_a_seal_that_does_not_open_is_named_and_left(town, keys, monkeypatch):
    monkeypatch.setattr(keyring, "READ_AGAIN_SECONDS", 0.0)
    case_id = town.report(reporter={"name": NAME}).case_id
    Seal.objects.filter(case_id=case_id).update(wrapped=b"\0" * 60)
    keys.add("aes")
    code, said, figures = asked("rotate")
    assert (code, figures["failed"], figures["left"]) == (1, 1, 1)
    assert f"case {case_id}: its seal does not open and was left as it is" in said


def test_reports_and_readers_go_on_while_keys_are_rotated(committed_town, keys, monkeypatch):
    monkeypatch.setattr(keyring, "READ_AGAIN_SECONDS", 0.1)
    monkeypatch.setattr(reporters, "REWRAPPED_AT_ONCE", 10)
    town, here = committed_town, keys
    known = {
        town.report(reporter={"name": NAME, "phone": f"199{n}"}).case_id: f"199{n}"
        for n in range(60)
    }
    failures: list[BaseException] = []
    counts = {"reports": 0, "reads": 0, "looked_up": 0}
    stop, lock = threading.Event(), threading.Lock()

    def busy(act: Any, name: str) -> None:
        number = 0
        try:
            while not stop.is_set():
                act(number)
                number += 1
        except BaseException as wrong:
            failures.append(wrong)
        finally:
            counts[name] += number
            connections.close_all()

    def report(number: int) -> None:
        phone = f"198{threading.get_ident()}{number}"
        receipt = town.report(reporter={"name": NAME, "phone": phone})
        with lock:
            known[receipt.case_id] = phone

    def read(number: int) -> None:
        with lock:
            case_id, phone = list(known.items())[-1 - number % len(known)]
        assert reporter_of_case(case_id) == Reporter(NAME, phone)

    def look_up(number: int) -> None:
        with lock:
            case_id, phone = list(known.items())[number % 60]
        assert reporters.cases_of_phone(phone) == [case_id]

    threads = [
        threading.Thread(target=busy, args=(act, name))
        for act, name in (
            (report, "reports"),
            (read, "reads"),
            (read, "reads"),
            (look_up, "looked_up"),
        )
    ]
    for thread in threads:
        thread.start()
    old = []
    try:
        for cipher in ("aes", "sm4"):
            old.append(here.current())
            keyring.KeyFile(here.path).add(cipher)  # as another process does
            time.sleep(0.3)
            code, said, figures = asked("rotate")
            assert (code, figures["failed"], figures["left"]) == (0, 0, 0), said
            assert figures["seals"] >= 60
    finally:
        stop.set()
        for thread in threads:
            thread.join(30)
    assert failures == []
    assert min(counts.values()) >= 20, counts
    assert reporters.seals_by_key() == {here.current(): len(known)}
    later = keyring.now() + dt.timedelta(minutes=2)
    monkeypatch.setattr(keyring, "now", lambda: later)
    for key_id in old:
        keyring.KeyFile(here.path).drop(key_id)
    for case_id, phone in known.items():
        assert reporter_of_case(case_id) == Reporter(NAME, phone)
        assert reporters.cases_of_phone(phone) == [case_id]


# -- a page, and nothing in clear -----------------------------------------------------------------


def desk_of(name: str) -> Client:
    client = Client()
    client.force_login(Account.objects.get(username=name))
    return client


@pytest.mark.django_db
def test_a_page_with_a_seal_that_does_not_open_is_whole_and_a_report_comes_in(
    town, keys, settings, tmp_path, client
):
    case_id = town.report(reporter={"name": NAME, "phone": PHONE}).case_id
    town.triage(case_id)
    settings.SEAL_KEYS = tmp_path / "others.json"
    keyring.create(settings.SEAL_KEYS, "aes")
    answer = desk_of("town").get(f"/desk/case/{case_id}/")
    assert answer.status_code == 200
    page = answer.content.decode()
    assert "村口下水道堵了" in page
    assert "受理" in page
    assert NAME not in page
    sent = client.post(
        "/report/",
        {"text": "龙游县社阳乡社阳村路灯坏了", "name": NAME, "phone": PHONE, "key": "k-20261123"},
    )
    assert sent.status_code == 302
    fresh = Case.objects.get(query_code=sent["Location"].split("/")[2])
    assert reporter_of_case(fresh.pk) == Reporter(NAME, PHONE)


@pytest.mark.django_db
def test_without_any_key_a_report_with_a_name_waits_and_no_word_is_lost(
    town, keys, settings, tmp_path, client
):
    settings.SEAL_KEYS = tmp_path / "nowhere.json"
    form = {"text": "龙游县社阳乡社阳村路灯坏了", "name": NAME, "key": "k-20261123-2"}
    answer = client.post("/report/", form)
    assert answer.status_code == 503
    assert form["text"] in answer.content.decode()
    sent = client.post("/api/v1/reports", form, content_type="application/json")
    assert sent.status_code in (429, 503, 422)
    assert not Payload.objects.filter(content__has_key="name").exists()
    settings.SEAL_KEYS = keys.path
    assert client.post("/report/", form).status_code == 302


def dumped() -> dict[str, str]:
    """Every row of every table, as text."""
    found = {}
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT coalesce(string_agg(t::text, chr(10)), '') FROM \"{table}\" t")
            (found[table],) = cursor.fetchone()
    return found


def shows(text: str) -> bool:
    """Whether a text holds the name or the number, spelled or as bytes in hexadecimal."""
    plain = "".join(text.split())
    spellings = (NAME, PHONE, NAME.encode().hex(), PHONE.encode().hex())
    return any(s in plain for s in (*spellings, NAME.encode("unicode_escape").decode()))


def test_nothing_keeps_or_shows_who_reported_in_clear(committed_town, keys, client, caplog, capfd):
    town = committed_town
    caplog.set_level("DEBUG")
    said = "龙游县社阳乡社阳村村口下水道堵了，污水漫到路上"
    form = {"text": said, "name": NAME, "phone": PHONE, "key": "k-20261123-1"}
    receipt = client.post("/report/", form)["Location"]
    pages = [client.get(receipt).content]
    carry_out_all("tester")
    case = town.case(town.report(said, reporter={"name": NAME, "phone": PHONE}).case_id)
    carry_out_all("tester")
    if town.case(case.pk).line != "HSC":
        town.triage(case.pk)
    for state in ("accepted", "filed", "dispatched", "handling", "feedback", "verified", "closed"):
        case = town.walk_from(case.pk, case.state, state)
        if state not in ("accepted", "handling", "closed"):
            continue
        carry_out_all("tester")
        for name in ("county", "leader", "supervisor", "grid", "auditor", "administrator"):
            desk = desk_of(name)
            for address in DESK:
                pages.append(desk.get(f"/desk/{address}").content)
            pages.append(desk.get(f"/desk/case/{case.pk}/").content)
        for name in ("town", "housing"):
            pages.append(desk_of(name).get("/desk/").content)
            if state == "handling":
                slip = desk_of(name).get(f"/desk/case/{case.pk}/dispatch-slip.docx")
                with zipfile.ZipFile(io.BytesIO(b"".join(slip))) as parts:
                    document = parts.read("word/document.xml")
                assert case.number in document.decode()
                pages.append(document)
    town.walk_from(case.pk, "closed", "archived")
    pages += [client.get(receipt).content, client.get(f"/r/{case.query_code}/").content]
    pages.append(client.get(f"/api/v1/reports/{case.query_code}").content)
    assert reporter_of_case(case.pk) == Reporter(NAME, PHONE)
    tables = dumped()
    assert len(tables) > 30
    assert case.query_code in tables["cases_case"]
    assert [table for table, text in tables.items() if shows(text)] == []
    assert [p[:200] for p in pages if shows(p.decode(errors="ignore"))] == []
    printed = capfd.readouterr()
    assert not shows(caplog.text + printed.out + printed.err)


@pytest.mark.django_db
def test_the_search_for_it_in_clear_can_fail(town, keys):
    case_id = town.report(words={"text": f"我是{NAME}"}, reporter={"name": NAME}).case_id
    assert [table for table, text in dumped().items() if shows(text)] == ["cases_payload"]
    Payload.objects.filter(case_id=case_id, part="words").update(content={"text": "路灯"})
    assert [table for table, text in dumped().items() if shows(text)] == []
    assert shows(f"\\x00{PHONE.encode().hex()}ff")
    assert not shows("13900000000 赵小满")


@pytest.mark.django_db
def test_originals_of_an_erased_case_go_and_what_another_case_sent_stays(town, keys):
    from maplebridge.cases.engine import Photo

    def kept(colour: int) -> Photo:
        drawn = io.BytesIO()
        Image.new("RGB", (8, 8), (colour, 0, 0)).save(drawn, "PNG")
        found = storage.keep_photo(drawn.getvalue())
        return Photo(found.sha256, found.media_type, found.size)

    own, shared = kept(10), kept(200)
    case_id = town.report(photos=(own, shared)).case_id
    other = town.report(photos=(shared,)).case_id
    assert originals.original_of(case_id, 1).startswith(b"\x89PNG")
    assert originals.destroy_originals(case_id) == 1
    assert originals.destroy_originals(case_id) == 0
    assert originals.original_of(other, 1) == originals.original_of(case_id, 2)
    for number in (1, 9):
        with pytest.raises(storage.NoOriginal):
            originals.original_of(case_id, number)
    assert originals.destroy_originals(other) == 0
    assert apps.get_model("cases", "Attachment").objects.filter(case_id=case_id).count() == 2
