"""The platform on a PostgreSQL that is the operator's: prepared, migrated, and served from it."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from maplebridge.connectors import postgres
from tests.test_up import Running

# As docs/running/start.md tells the operator.
BUILTIN = "LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8' LOCALE 'C'"
TEXT = "龙游县社阳乡社阳村村口下水道堵了，污水漫到路上"


@pytest.fixture
def outside(postgres_programs: Path | None) -> Iterator[str]:
    """A server of somebody else, with a role that owns its database and may create roles."""
    with postgres.throwaway(postgres_programs) as server:
        whole = replace(server, database="postgres")
        with psycopg.connect(whole.superuser_url, autocommit=True) as db:
            db.execute("DROP DATABASE maplebridge")
            db.execute("DROP ROLE maplebridge, maplebridge_owner")
            db.execute("CREATE ROLE city LOGIN CREATEROLE PASSWORD 'city-word'")
            locale = BUILTIN if db.info.server_version >= 170_000 else "LOCALE 'C.UTF-8'"
            made = "CREATE DATABASE city_matters OWNER city TEMPLATE template0 ENCODING 'UTF8'"
            db.execute(f"{made} {locale}")
            db.execute("REVOKE ALL ON DATABASE city_matters FROM PUBLIC")
        yield postgres.database_url(
            user="city", password="city-word", dbname="city_matters", host=server.socket
        )


def test_a_report_goes_its_way_on_the_operators_postgresql(outside: str, tmp_path: Path) -> None:
    state = tmp_path / "state"
    running = Running(state, {"DATABASE_URL": outside})
    try:
        receipt = running.report(TEXT, f"{uuid.uuid4()}")
        for _ in range(150):
            followed = running.follow(receipt["query_code"])
            if "社阳乡" in followed["unit"]:
                break
            time.sleep(0.2)
        assert followed["unit"] == "社阳乡综合信息指挥室"
    finally:
        code = running.stop()
    assert code == 0
    assert running.processes() == {}
    assert not (state / "postgres").exists()

    # Behind the wall there is nothing to see until the settings are given.
    with psycopg.connect(outside) as db:
        assert db.execute("SELECT count(*) FROM cases_case").fetchone() == (0,)
    open_wall = "-c maplebridge.area= -c maplebridge.area_end=:"
    with psycopg.connect(outside, options=open_wall) as db:
        owners = db.execute("SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'public'")
        assert owners.fetchall() == [("city",)]
        asked = "SELECT state FROM cases_case WHERE number = %s"
        assert db.execute(asked, [receipt["number"]]).fetchall() == [("reported",)]
    ours = postgres.prepare_roles(outside, postgres.secret(state, "application"))
    with psycopg.connect(ours, autocommit=True, options=open_wall) as db:
        asked = "SELECT move FROM cases_event JOIN cases_case ON cases_case.id = case_id"
        moves = db.execute(
            f"{asked} WHERE number = %s ORDER BY cases_event.sequence", [receipt["number"]]
        )
        assert moves.fetchall() == [("report",), ("triage",)]
        for refused in (
            "UPDATE cases_event SET move = 'accept'",
            "DELETE FROM cases_event",
            "CREATE TABLE mine (word text)",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                db.execute(refused)
