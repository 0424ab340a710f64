"""The key file: read by nobody else, changed beside running processes, refused when unsound."""

from __future__ import annotations

import datetime as dt
import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from maplebridge.lib import keyring, seal
from maplebridge.lib.keyring import KeyFile, KeyMissing, KeyringError


@pytest.fixture
def path(tmp_path):
    keyring.create(tmp_path / "secrets" / "keys.json", "aes")
    return tmp_path / "secrets" / "keys.json"


@pytest.fixture
def at_once(monkeypatch):
    monkeypatch.setattr(keyring, "READ_AGAIN_SECONDS", 0.0)


def test_a_fresh_file_is_the_owners_alone_and_making_it_again_changes_nothing(path):
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    before = path.read_bytes()
    keyring.create(path, "sm4")
    assert path.read_bytes() == before
    assert [file.name for file in path.parent.iterdir()] == ["keys.json"]


def test_a_data_key_unwraps_only_where_it_was_wrapped(path):
    keys = KeyFile(path)
    data_key, wrapped = keys.wrap(b"case 1")
    assert wrapped.key_id == keys.current()
    assert keys.unwrap(wrapped, b"case 1") == data_key
    with pytest.raises(seal.NotOpened):
        keys.unwrap(wrapped, b"case 2")
    with pytest.raises(KeyMissing, match="no key nowhere"):
        keys.unwrap(keyring.Wrapped("nowhere", wrapped.data), b"case 1")


def test_a_new_key_of_either_cipher_is_seen_without_a_restart(path, at_once):
    running, operator = KeyFile(path), KeyFile(path)
    first = running.current()
    data_key, wrapped = running.wrap(b"case 1")
    added = operator.add("sm4")
    assert running.current() == added.id
    assert running.ids() == (first, added.id)
    assert running.wrap(b"case 2")[1].key_id == added.id
    assert running.unwrap(wrapped, b"case 1") == data_key
    assert operator.blind(added.id, "1") != operator.blind(first, "1")


def test_a_key_drawn_a_moment_ago_is_looked_up_at_once(path):
    running, operator = KeyFile(path), KeyFile(path)
    running.current()
    operator.add("aes")
    data_key, wrapped = operator.wrap(b"case 1")
    assert running.unwrap(wrapped, b"case 1") == data_key


def test_what_runs_goes_on_when_the_file_is_gone_and_what_begins_does_not(path, at_once, caplog):
    running = KeyFile(path)
    data_key, wrapped = running.wrap(b"case 1")
    path.unlink()
    assert running.unwrap(wrapped, b"case 1") == data_key
    assert running.wrap(b"case 2")[1].key_id == wrapped.key_id
    assert "going on with the keys read before" in caplog.text
    with pytest.raises(KeyringError, match="cannot be read"):
        KeyFile(path).current()


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660])
def test_a_file_that_others_may_read_is_refused(path, mode):
    path.chmod(mode)
    with pytest.raises(KeyringError, match=rf"can be read by others \(mode {mode:o}\); chmod 600"):
        KeyFile(path).current()


@pytest.mark.parametrize(
    "spoil",
    [
        lambda said: said.update(current="nowhere"),
        lambda said: said.update(keys=[]),
        lambda said: said["keys"].append(said["keys"][0]),
        lambda said: said["keys"][0].update(secret="c2hvcnQ="),
        lambda said: said["keys"][0].update(secret="%"),
        lambda said: said["keys"][0].update(cipher="rot13"),
        lambda said: said["keys"][0].update(id="../keys"),
        lambda said: said["keys"][0].pop("made"),
    ],
    ids=range(8),
)
def test_an_unsound_file_is_refused(path, spoil):
    said = json.loads(path.read_text())
    spoil(said)
    path.write_text(json.dumps(said))
    with pytest.raises(KeyringError, match="holds no sound keys"):
        KeyFile(path).current()
    path.write_text("{")
    with pytest.raises(KeyringError, match="is no JSON"):
        KeyFile(path).current()


def test_keys_drawn_at_once_are_all_kept(path):
    with ThreadPoolExecutor(4) as threads:
        added = list(threads.map(lambda _n: KeyFile(path).add("aes").id, range(8)))
    keys = keyring.read(path)
    assert set(added) < set(keys.by_id)
    assert len(keys.by_id) == 9
    assert [key.id for key in keys.by_id.values() if key.retired is None] == [keys.current]


def test_a_key_is_dropped_only_when_nobody_may_still_use_it(path, monkeypatch):
    keys = KeyFile(path)
    first = keys.current()
    with pytest.raises(KeyringError, match="is the current key"):
        keys.drop(first)
    keys.add("aes")
    with pytest.raises(KeyringError, match="was the current key a moment ago"):
        keys.drop(first)
    with pytest.raises(KeyMissing):
        keys.drop("nowhere")
    later = keyring.now() + dt.timedelta(seconds=keyring.SETTLED_SECONDS)
    monkeypatch.setattr(keyring, "now", lambda: later)
    keys.drop(first)
    assert first not in keys.ids()
    assert path.stat().st_mode & 0o777 == 0o600


def test_no_secret_stands_in_a_log(path):
    secret = json.loads(path.read_text())["keys"][0]["secret"]
    keys = KeyFile(path)
    (key,) = keys.keys().by_id.values()
    assert secret not in repr(keys.keys())
    assert repr(key.secret) not in repr(key)
