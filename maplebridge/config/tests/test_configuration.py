"""The commands over configuration and responsibilities: files in, files out, exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from maplebridge.config.main import cli
from maplebridge.journey import route
from maplebridge.journey.configuration import TABLES
from maplebridge.organisation import editions
from maplebridge.organisation.models import Edition

pytestmark = pytest.mark.django_db


def present(name: str) -> list[dict[str, str]]:
    return editions.rows_of(TABLES[name], TABLES[name].number())


def changed(name: str, key: dict[str, str], /, **cells: str) -> list[dict[str, str]]:
    """The rows in force with one of them changed."""
    rows = present(name)
    found = [row for row in rows if all(row[column] == cell for column, cell in key.items())]
    assert len(found) == 1
    found[0].update(cells)
    return rows


DRAINS = {"category": "1004", "area_code": "330825"}


def run(*words: str) -> tuple[int, dict]:
    done = CliRunner().invoke(cli, [*words, "--json"])
    lines = done.output.strip().splitlines()
    return done.exit_code, json.loads(lines[-1]) if lines and lines[-1].startswith("{") else {}


def test_what_is_exported_comes_in_again_and_changes_nothing(town, tmp_path: Path):
    code, said = run("configuration", "export", str(tmp_path / "a"))
    assert (code, set(said["files"])) == (0, set(TABLES))
    run("configuration", "export", str(tmp_path / "b"))
    for name in TABLES:
        assert (tmp_path / f"a/{name}.csv").read_bytes() == (
            tmp_path / f"b/{name}.csv"
        ).read_bytes()
    before = Edition.objects.count()
    code, said = run("configuration", "import", str(tmp_path / "a"), "--note", "nothing")
    assert (code, said["published"]) == (0, {})
    assert Edition.objects.count() == before
    code, said = run("configuration", "diff", "present", str(tmp_path / "a"))
    assert all(
        (found["added"], found["removed"], found["changed"]) == (0, 0, 0)
        for found in said["tables"].values()
    )


def test_an_import_publishes_all_files_or_none(town, tmp_path: Path):
    rows = changed("responsibilities", DRAINS, unit_code="330825-enf")
    good = tmp_path / "responsibilities.csv"
    good.write_bytes(editions.as_csv(route.RESPONSIBILITIES, rows))
    bad = tmp_path / "calendar.csv"
    bad.write_text("day,what,reason\n2026-08-12,closed,台风\n")
    code, said = run("configuration", "import", str(tmp_path), "--note", "改")
    assert (code, said["refused"], said["published"]) == (1, 1, {})
    assert (said["problems"][0]["file"], said["problems"][0]["line"]) == ("calendar.csv", 2)
    assert route.RESPONSIBILITIES.number() == 1
    bad.write_text("day,what,reason\n2026-08-12,off,台风\n")
    town.opened()
    code, said = run("configuration", "import", str(tmp_path), "--dry-run")
    assert (code, said["published"], route.RESPONSIBILITIES.number()) == (0, {}, 1)
    effect = said["tables"]["responsibilities"]["effect"]
    assert (effect["cases"], effect["changed"]) == (1, 1)
    code, said = run("configuration", "import", str(tmp_path), "--note", "改")
    assert said["published"] == {"calendar": 1, "responsibilities": 2}
    code, said = run("configuration", "list", "responsibilities")
    assert [(e["number"], e["in_force"], e["note"]) for e in said["editions"]][1] == (2, True, "改")
    code, said = run("configuration", "diff", "responsibilities:1", "responsibilities:2")
    assert (
        said["tables"]["responsibilities"]["rows_changed"][0]["after"]["unit_code"] == "330825-enf"
    )


def test_wrong_usage_of_the_commands_leaves_with_two(town, tmp_path: Path):
    (tmp_path / "colours.csv").write_text("a\n1\n")
    for words, code in (
        (("import", str(tmp_path)), 2),
        (("import", str(tmp_path), "--dry-run"), 1),
        (("diff", "durations", "categories"), 2),
        (("diff", "durations", "nothing"), 2),
        (("show", "nothing"), 2),
        (("show", "durations:99"), 1),
        (("list", "nothing"), 2),
    ):
        assert (words, run("configuration", *words)[0]) == (words, code)
    assert run("responsibilities", "gaps", "--area", "12345")[0] == 2


def test_the_gaps_are_printed(town):
    code, said = run("responsibilities", "gaps", "--area", "330825", "--on", "2026-11-23")
    assert (code, said["gap"], said["overlap"], said["doubtful"]) == (0, 15, 0, 0)
    assert (said["townships"], said["categories"], said["edition"]) == (15, 120, 1)
    assert said["findings"][0]["category"] == "1507"


def test_files_are_loaded_by_their_kind(town, tmp_path: Path):
    file = tmp_path / "duties.csv"
    file.write_text("category,area_code,unit_code\n1004,330825,330825-enf\n")
    code, said = run("load", "responsibilities", str(file), "--note", "新清单")
    assert (code, said["rows"], said["loaded"], said["edition"]) == (0, 1, 1, 2)
    assert Edition.objects.get(name="responsibilities", number=2).note == "新清单"
    file.write_text("code,name,kind,area_code\n330825-new,新单位,department,330825\n")
    code, said = run("load", "units", str(file), "--dry-run")
    assert (code, said["rows"], said["loaded"], said["changed"]) == (0, 1, 0, 1)
