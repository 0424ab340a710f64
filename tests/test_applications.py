"""Every folder of `applications/` is whole, and a new one needs no change outside itself."""

from __future__ import annotations

import ast
import importlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
from django.utils import translation

import maplebridge.applications
from maplebridge.cases import engine
from maplebridge.cases.checks import problems_of
from maplebridge.cases.kinds import Kind, registry
from maplebridge.cases.models import Case, Event
from maplebridge.cases.permissions import moves_for
from maplebridge.config.applications import application_apps, application_names, manifests
from maplebridge.config.bundle import compile_translations

FOLDER = Path(maplebridge.applications.__path__[0])
ROOT = FOLDER.parent.parent
NAMES = sorted(path.parent.name for path in FOLDER.glob("*/__init__.py"))
KINDS = [kind for module in manifests().values() for kind in module.KINDS]


def manifest_of(name: str) -> ModuleType:
    return importlib.import_module(f"maplebridge.applications.{name}.manifest")


def test_every_folder_is_found():
    folders = {p.name for p in FOLDER.iterdir() if p.is_dir() and not p.name.startswith("_")}
    assert set(NAMES) == folders
    assert application_names() == NAMES
    assert application_apps() == [f"maplebridge.applications.{name}" for name in NAMES]
    assert "matters" in NAMES


@pytest.mark.parametrize("name", NAMES)
def test_it_has_a_manifest_with_kinds(name):
    kinds = manifest_of(name).KINDS
    assert isinstance(kinds, tuple)
    assert kinds
    assert all(isinstance(kind, Kind) for kind in kinds)


@pytest.mark.parametrize("name", NAMES)
def test_it_opens_with_one_sentence(name):
    said = importlib.import_module(f"maplebridge.applications.{name}").__doc__ or ""
    assert said.strip().endswith(".")
    assert len(re.findall(r"\.(\s|$)", said.strip())) == 1
    assert "\n" not in said.strip()


@pytest.mark.parametrize("name", NAMES)
def test_it_tells_who_uses_it_and_is_tested(name):
    text = (FOLDER / name / "README.md").read_text(encoding="utf-8")
    assert text.startswith("# ")
    assert len(text) > 200
    tests = [path.name for path in (FOLDER / name / "tests").glob("test_*.py")]
    assert "test_manifest.py" in tests


@pytest.mark.parametrize("name", NAMES)
def test_its_manifest_is_data_only(name):
    """Values, imports and nothing that runs: no function, class, loop or condition."""
    tree = ast.parse((FOLDER / name / "manifest.py").read_bytes())
    wrong = [
        type(node).__name__
        for node in ast.walk(tree)
        if isinstance(
            node,
            ast.FunctionDef | ast.ClassDef | ast.For | ast.While | ast.If | ast.Try | ast.Lambda,
        )
    ]
    assert wrong == []


@pytest.mark.parametrize("name", NAMES)
def test_it_imports_no_other_application(name):
    wrong = []
    for path in (FOLDER / name).rglob("*.py"):
        for found in re.finditer(r"maplebridge\.applications\.(\w+)", path.read_text("utf-8")):
            if found[1] != name:
                wrong.append(f"{path.name}: {found[0]}")
    assert wrong == []


def test_no_two_applications_declare_the_same_kind():
    declared = [(kind.name, kind.version) for kind in KINDS]
    assert len(declared) == len(set(declared))
    assert {(kind.name, kind.version) for kind in registry.all()} >= set(declared)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_its_kinds_are_sound(kind):
    assert problems_of(kind) == []


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_its_words_are_there_in_both_languages(kind):
    said = [("kind", kind.label)]
    said += [(f"state {state.name}", state.label) for state in kind.states]
    said += [(f"next of {state.name}", state.next) for state in kind.states]
    said += [(f"move {move.name}", move.label) for move in kind.moves]
    said += [(f"{m.name} {need.name}", need.label) for m in kind.moves for need in m.needs]
    said += [(f"intake {need.name}", need.label) for need in kind.intake]
    said += [(f"rating {name}", label) for name, label in kind.ratings]
    for what, label in said:
        with translation.override("en"):
            assert re.search("[a-z]", str(label)), what
        with translation.override("zh-hans"):
            assert re.search("[一-鿿]", str(label)), what


@pytest.mark.django_db
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_case_of_it_can_be_opened_and_somebody_may_move_it(kind, town):
    receipt = engine.open(
        engine.Opening(
            kind=kind.name,
            channel="web",
            account="somebody",
            key=f"{kind.name}-opened-once",
            area_code=town.town_code,
            unit_code=f"{town.town_code}-room",
            words={"text": "编的一件事"},
        )
    )
    case = Case.objects.get(pk=receipt.case_id)
    latest = registry.latest(kind.name)
    assert (case.kind, case.kind_version, case.state) == (kind.name, latest.version, kind.initial)
    assert case.due_at is not None
    assert Event.objects.get(case_id=case.pk).move == kind.opening
    assert moves_for(town.town, case, []) != []
    assert moves_for(town.stranger, case, []) == []


NEW = "lanterns"
SAY = """
import django
django.setup()
from django.core.management import call_command
from maplebridge.cases.kinds import registry
from maplebridge.config.applications import application_names
call_command("check")
print(application_names(), sorted(kind.name for kind in registry.all()))
"""


LIVE = """
import django
django.setup()
from django.test import Client
from django.utils import translation
from maplebridge.cases import wall
from maplebridge.organisation.models import Account
from maplebridge.organisation.people import SYSTEM
from tests.town import Town
wall.open_process()
with wall.standing(SYSTEM):
    town = Town()
    case_id = town.report(kind="lantern").case_id
    town.triage(case_id)
    case = town.walk(case_id, "archived")
clerk = Client(headers={"accept-language": "zh-CN"})
clerk.force_login(Account.objects.get(username="town"))
page = clerk.get(f"/desk/case/{case_id}/", headers={"host": "localhost"})
assert case.number in page.content.decode()
with translation.override("zh-hans"):
    print(case.kind, case.state, case.rating, case.now.label, page.status_code)
"""


@pytest.fixture
def copied_house(tmp_path):
    """The package in a folder of its own, as an operator would have it."""
    unwanted = shutil.ignore_patterns("node_modules", "__pycache__", "bundle", "*.mo")
    shutil.copytree(FOLDER.parent, tmp_path / "maplebridge", ignore=unwanted)
    return tmp_path


def start(house: Path, script: str = SAY, **more: str) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "PYTHONPATH": f"{house}{os.pathsep}{ROOT}",
        "DJANGO_SETTINGS_MODULE": "maplebridge.config.settings",
        **more,
    }
    return subprocess.run(
        [sys.executable, "-c", script],
        cwd=house,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def rename(house: Path, change: tuple[str, str] = ("", "")) -> None:
    """Puts a copy of the standard application beside it, with another name and kind."""
    folder = house / "maplebridge" / "applications" / NEW
    shutil.copytree(folder.parent / "matters", folder)
    manifest = folder / "manifest.py"
    text = manifest.read_text(encoding="utf-8").replace('name="matter"', 'name="lantern"')
    manifest.write_text(text.replace(*change) if change[0] else text, encoding="utf-8")


def test_a_new_folder_is_a_new_application_and_nothing_else_changes(copied_house):
    rename(copied_house)
    done = start(copied_house, MAPLEBRIDGE_STATE=str(copied_house / "var"))
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.splitlines()[-1] == (
        f"{sorted([*NAMES, NEW])} {sorted([*(kind.name for kind in KINDS), 'lantern'])}"
    )


def test_a_case_of_a_new_folder_lives_from_report_to_rating(copied_house, committed_town):
    rename(copied_house)
    compile_translations(*copied_house.glob("maplebridge/**/locale"))
    done = start(copied_house, LIVE)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.split() == ["lantern", "archived", "5", "已归档", "200"]


def test_a_new_folder_with_an_unsound_manifest_stops_the_start_with_a_sentence(copied_house):
    rename(copied_house, ('initial="reported"', 'initial="dawn"'))
    done = start(copied_house, MAPLEBRIDGE_STATE=str(copied_house / "var"))
    assert done.returncode != 0
    assert "Kind lantern version 1: the initial state dawn is not declared." in done.stderr
