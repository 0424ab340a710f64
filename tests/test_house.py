"""The rules of the house, asked of the tree itself: docs/house.md and CONTRIBUTING.md say why."""

from __future__ import annotations

import ast
import io
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from django.apps import apps
from django.core import checks
from django.core.management import call_command
from django.utils import translation

from maplebridge.cases.deadlines import CLOCK_LABELS
from maplebridge.cases.grades import (
    Confidentiality,
    Duty,
    Level,
    Progress,
    Scale,
    Supervision,
    Urgency,
)
from maplebridge.cases.kinds import registry
from maplebridge.cases.models import HOT, FeedCursor
from maplebridge.journey.models import Step
from maplebridge.organisation.models import UnitKind
from maplebridge.organisation.people import Role, Tier

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "maplebridge"
NAMELESS = {"utils", "helpers", "common", "base", "manager", "managers", "misc", "services"}
WEB_ONLY = (
    "django.http", "django.shortcuts", "django.urls", "django.views", "django.forms",
    "django.template",
)  # fmt: skip


@cache
def kept_files() -> list[Path]:
    """What git keeps or would keep of this checkout."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
    if done.returncode:
        pytest.skip("needs a git checkout")
    names = done.stdout.decode().split("\0")
    return [ROOT / name for name in names if name and (ROOT / name).is_file()]


@cache
def modules() -> list[Path]:
    """The modules of the package, tests and migrations aside."""
    found = PACKAGE.rglob("*.py")
    unwanted = {"tests", "migrations", "node_modules"}
    return sorted(path for path in found if not unwanted & set(path.relative_to(PACKAGE).parts))


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_bytes())


def shown(path: Path) -> str:
    return str(path.relative_to(ROOT))


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0]


def calls(tree: ast.AST) -> Iterator[ast.Call]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def called(call: ast.Call) -> str:
    """The last name of what is called: `save` of case.save()."""
    if isinstance(call.func, ast.Attribute):
        return call.func.attr
    return call.func.id if isinstance(call.func, ast.Name) else ""


def imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{name.name}" for name in node.names)


# -- names and docstrings -------------------------------------------------------------------


def test_no_folder_or_module_has_a_name_without_a_purpose():
    wrong = [
        shown(path)
        for path in kept_files()
        if NAMELESS & {*path.relative_to(ROOT).parts[:-1], path.name.split(".")[0]}
    ]
    assert wrong == []


def test_the_rooms_are_the_nine_and_the_words_for_them():
    found = {path.name for path in PACKAGE.iterdir() if (path / "__init__.py").exists()}
    assert found == {
        "config", "applications", "web", "journey", "insight", "cases", "organisation",
        "connectors", "lib",
    }  # fmt: skip


def test_every_module_opens_with_a_sentence():
    wrong = []
    for path in modules():
        first = (ast.get_docstring(tree_of(path)) or "").split("\n\n")[0].strip()
        if not first.endswith((".", ":")):
            wrong.append(shown(path))
    assert wrong == []


def test_every_test_module_opens_with_a_sentence():
    wrong = [
        shown(path)
        for path in kept_files()
        if path.name.startswith("test_") and path.suffix == ".py"
        and not ast.get_docstring(tree_of(path))
    ]  # fmt: skip
    assert wrong == []


def test_tests_are_sentences():
    wrong = [
        f"{shown(path)}: {node.name}"
        for path in kept_files()
        if path.name.startswith("test_") and path.suffix == ".py"
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.FunctionDef)
        and node.name.startswith("test_")
        and node.name.count("_") < 3
    ]
    assert wrong == []


# -- consequences, imports, writes ----------------------------------------------------------


def receivers_in(tree: ast.AST) -> list[str]:
    """Ways of doing something behind the reader's back."""
    names = {"post_save", "pre_save", "post_delete", "pre_delete", "m2m_changed", "on_commit"}
    found = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and n.id in names}
    found |= {n.attr for n in ast.walk(tree) if isinstance(n, ast.Attribute) and n.attr in names}
    found |= {name.rsplit(".", 1)[-1] for name in imported(tree)} & names
    return sorted(found)


def test_nothing_hangs_on_a_signal_or_a_commit():
    wrong = {shown(path): receivers_in(tree_of(path)) for path in modules()}
    assert {path: found for path, found in wrong.items() if found} == {}


def string_imports_in(tree: ast.AST) -> bool:
    return any(
        called(call) in ("import_module", "import_string", "__import__") for call in calls(tree)
    )


def test_applications_are_found_in_two_places_only():
    """Commands of the command line are found by their file; no other module imports by a string."""
    allowed = {
        "config/applications.py",
        "cases/apps.py",
        "config/main.py",
        "config/commands/load.py",
    }
    found = {str(p.relative_to(PACKAGE)) for p in modules() if string_imports_in(tree_of(p))}
    assert found <= allowed
    by_name = {
        str(path.relative_to(PACKAGE))
        for path in modules()
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and re.search(r"maplebridge\.applications\.", node.value)
    }
    assert by_name == {"config/applications.py", "cases/apps.py"}


def test_requests_and_pages_stay_in_the_doors():
    wrong = []
    for path in modules():
        parts = path.relative_to(PACKAGE).parts
        allowed = parts[0] in ("web", "config") or (
            parts[0] == "applications" and parts[-1] == "pages.py"
        )
        if not allowed:
            wrong += [
                f"{shown(path)}: {name}"
                for name in imported(tree_of(path))
                if name in WEB_ONLY or name.startswith(tuple(f"{w}." for w in WEB_ONLY))
            ]
    assert wrong == []


WRITES = {
    "save", "create", "bulk_create", "bulk_update", "get_or_create", "update_or_create", "delete",
    "update", "acreate", "asave", "adelete", "aupdate", "_raw_delete",
}  # fmt: skip
ENGINE_MODELS = {model.__name__ for model in (*HOT, FeedCursor)}
ENGINE_TABLES = "|".join(model._meta.db_table for model in (*HOT, FeedCursor))
WRITING_SQL = re.compile(
    rf'(INSERT\s+INTO|UPDATE|DELETE\s+FROM|TRUNCATE|MERGE\s+INTO)\s+(ONLY\s+)?"?({ENGINE_TABLES})\b',
    re.IGNORECASE,
)


def models_below(node: ast.AST, known: dict[str, set[str]]) -> set[str]:
    """The engine's models that an expression comes from, also through a name given before."""
    found: set[str] = set()
    for inner in ast.walk(node):
        if isinstance(inner, ast.Name):
            found |= ENGINE_MODELS & {inner.id}
            found |= known.get(inner.id, set())
        elif isinstance(inner, ast.Attribute):
            found |= ENGINE_MODELS & {inner.attr}
    return found


def writes_in(tree: ast.AST) -> list[str]:
    """Calls that write a row of the engine, and SQL that does, as `line: what`."""
    wrong = []
    for scope in ast.walk(tree):
        if not isinstance(scope, ast.FunctionDef | ast.AsyncFunctionDef | ast.Module):
            continue
        known: dict[str, set[str]] = {}
        for argument in getattr(getattr(scope, "args", None), "args", []):
            if argument.annotation is not None:
                known[argument.arg] = models_below(argument.annotation, {})
        for node in ast.walk(scope):
            if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                for target in targets:
                    if isinstance(target, ast.Name):
                        known[target.id] = models_below(node.value, known)
            elif isinstance(node, ast.For) and isinstance(node.target, ast.Name):
                known[node.target.id] = models_below(node.iter, known)
        for call in calls(scope):
            if isinstance(call.func, ast.Attribute) and call.func.attr in WRITES:
                models = models_below(call.func.value, known)
                wrong += [f"{call.lineno}: {call.func.attr} of {name}" for name in sorted(models)]
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            wrong += [f"{node.lineno}: {m[0]}" for m in WRITING_SQL.finditer(node.value)]
    return sorted(set(wrong))


def test_only_the_engine_writes_cases():
    """Statements are the engine's own SQL; the feed has cursors, timers ring, looks are noted,
    seals are wrapped anew and destroyed, the words of leads are closed; what another node wrote
    comes as it stands."""
    allowed = {"cases/engine.py", "cases/statements.py", "cases/feed.py", "cases/timers.py"}
    allowed |= {"cases/looks.py", "cases/reporters.py", "cases/leads.py", "cases/erasure.py"}
    allowed |= {"cases/leases.py"}
    wrong = {
        shown(path): writes_in(tree_of(path))
        for path in modules()
        if str(path.relative_to(PACKAGE)) not in allowed
    }
    assert {path: found for path, found in wrong.items() if found} == {}
    feed = {found.rsplit(" ", 1)[-1] for found in writes_in(tree_of(PACKAGE / "cases/feed.py"))}
    assert feed == {"cases_feedcursor"}
    rung = {found.rsplit(" ", 1)[-1] for found in writes_in(tree_of(PACKAGE / "cases/timers.py"))}
    assert rung == {"cases_timer", "cases_alarm", "Alarm", "Timer"}
    looked = {f.rsplit(" ", 1)[-1] for f in writes_in(tree_of(PACKAGE / "cases/looks.py"))}
    assert looked <= {"Look", "cases_look"}
    seals = {f.rsplit(" ", 1)[-1] for f in writes_in(tree_of(PACKAGE / "cases/reporters.py"))}
    assert seals == {"Seal", "cases_seal"}
    erased = {f.rsplit(" ", 1)[-1] for f in writes_in(tree_of(PACKAGE / "cases/erasure.py"))}
    assert erased == {"Payload"}
    closed = {f.rsplit(" ", 1)[-1] for f in writes_in(tree_of(PACKAGE / "cases/leads.py"))}
    assert closed == {"Payload"}


def test_the_search_for_writes_finds_them():
    for source, found in {
        "Case.objects.filter(pk=1).update(state='x')": ["1: update of Case"],
        "def f(case: Case):\n    case.save()": ["2: save of Case"],
        "def f():\n    c = Case.objects.get()\n    c.delete()": ["3: delete of Case"],
        "def f():\n    for e in Event.objects.all():\n        e.save()": ["3: save of Event"],
        "models.Feed(x=1).save()": ["1: save of Feed"],
        "cursor.execute('update cases_case set state = 1')": ["1: update cases_case"],
        "Q = 'INSERT INTO \"cases_event\" (x)'": ['1: INSERT INTO "cases_event'],
        "Area.objects.create(code='1')": [],
        "kept.update({'a': 1})": [],
    }.items():
        assert writes_in(ast.parse(source)) == found, source


# -- what must not be in git ----------------------------------------------------------------


LOCKS = re.compile(r"(lock|requirements|package-lock|\.npmrc|pip\.conf|\.txt|pyproject\.toml)")
HOSTS = re.compile(
    r'("resolved"\s*:)|(^\s*(--)?(extra-)?index-url)|(^\s*registry\s*=)|(--find-links)',
    re.MULTILINE,
)


def test_lock_files_name_no_package_host():
    wrong = []
    for path in kept_files():
        if LOCKS.search(path.name) or "requirements" in path.relative_to(ROOT).parts:
            found = HOSTS.search(path.read_text(encoding="utf-8", errors="replace"))
            if found:
                wrong.append(f"{shown(path)}: {found[0].strip()}")
    assert wrong == []


def test_no_file_names_a_place_on_somebodys_machine():
    place = re.compile(r"/(home|Users|root)/\w+")
    wrong = []
    for path in kept_files():
        if path.suffix not in {".png", ".jpg", ".webp", ".woff2", ".ico"}:
            text = path.read_text(encoding="utf-8", errors="replace")
            wrong += [f"{shown(path)}: {found[0]}" for found in place.finditer(text)]
    assert wrong == []


def test_locked_packages_have_hashes():
    for name in ("run.txt", "test.txt"):
        text = (ROOT / "requirements" / name).read_text(encoding="utf-8")
        entries = re.split(r"\n(?=[a-zA-Z0-9])", re.sub(r"^#.*\n", "", text, flags=re.MULTILINE))
        wanted = [entry for entry in entries if re.match(r"[a-zA-Z0-9]", entry)]
        assert wanted
        assert [entry.split()[0] for entry in wanted if "--hash=sha256:" not in entry] == []


# -- guardrails -----------------------------------------------------------------------------


# No search by face, plate or voice, no trails, no scores. Source: domain guide, section 8.
NEVER = {
    "face", "faces", "plate", "plates", "licence", "license", "mileage", "point", "points",
    "checkin", "score", "scores", "scoring", "trail", "track", "tracks", "biometric", "biometrics",
    "identity", "religion", "ethnicity", "blacklist", "watchlist", "credit", "rank", "ranking",
    "suspect", "voiceprint",
}  # fmt: skip


def is_refused(name: str) -> bool:
    """Whether a table or column of that name would follow people or score them."""
    parts = [part.lower() for part in re.findall(r"[A-Z]?[a-z]+|[A-Z]+", name)]
    return bool(NEVER & set(parts)) or "check_in" in name.lower() or "id_number" in name.lower()


def test_no_table_or_column_follows_or_scores_people():
    wrong = []
    for model in apps.get_models(include_auto_created=True):
        if not model.__module__.startswith("maplebridge."):
            continue
        names = [model.__name__, model._meta.db_table]
        names += [field.name for field in model._meta.get_fields()]
        wrong += [f"{model.__name__}: {name}" for name in names if is_refused(name)]
    assert wrong == []


def test_there_is_no_register_of_persons():
    """Staff have accounts with work data; whoever reports lives inside a case and can be erased."""
    named = {model.__name__ for model in apps.get_models() if "maplebridge" in model.__module__}
    assert not named & {"Person", "Resident", "Citizen", "People", "Household", "Suspect"}
    account = apps.get_model("organisation", "Account")
    fields = {field.name for field in account._meta.get_fields() if not field.is_relation}
    assert fields == {
        "id", "username", "password", "last_login", "display_name", "language", "is_active",
        "synthetic", "secret_until", "made_at",
    }  # fmt: skip


@pytest.mark.parametrize(
    "name",
    ["face_id", "plate", "check_in", "ResidentScore", "daily_mileage", "points", "id_number"],
)
def test_the_guardrail_refuses(name):
    assert is_refused(name)


@pytest.mark.parametrize("name", ["platform", "place", "rating", "surface", "handler_id", "Feed"])
def test_the_guardrail_lets_pass(name):
    assert not is_refused(name)


# -- Django's own checks --------------------------------------------------------------------


@pytest.mark.django_db
def test_no_migration_is_missing():
    said = io.StringIO()
    call_command("makemigrations", check=True, dry_run=True, stdout=said, verbosity=1)
    assert said.getvalue().strip() == "No changes detected"


@pytest.mark.django_db
def test_the_checks_find_nothing():
    found = checks.run_checks()
    assert [str(message) for message in found] == []


def test_migrations_are_named_for_their_purpose():
    wrong = [
        shown(path)
        for path in PACKAGE.rglob("migrations/0*.py")
        if "auto" in path.stem or not re.fullmatch(r"\d{4}_[a-z][a-z0-9_]+", path.stem)
    ]
    assert wrong == []


# -- the words ------------------------------------------------------------------------------


WORDS = ROOT / "docs" / "words.md"


@cache
def words() -> dict[str, list[tuple[str, str]]]:
    """Every name in code letters of docs/words.md, with the English and the Chinese beside it."""
    found: dict[str, list[tuple[str, str]]] = {}
    for line in WORDS.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if line.startswith("|") and len(cells) >= 3:
            for name in re.findall(r"`([^`]+)`", cells[2]):
                found.setdefault(name, []).append((cells[0], cells[1]))
    return found


def names_in_code() -> Iterator[tuple[str, str, object]]:
    """What it is, its name in the code, and the words for it where the code holds them."""
    for kind in registry.all():
        yield "kind", kind.name, kind.label
        yield "move", kind.opening, None
        yield from (("move", move.name, move.label) for move in kind.moves)
        yield from (("state", state.name, state.label) for state in kind.states)
    yield from (("role", role.value, role.label) for role in Role)
    yield from (("tier", tier.name.lower(), tier.label) for tier in Tier)
    yield from (("unit kind", kind.value, kind.label) for kind in UnitKind)
    yield from (("clock", name, label) for name, label in CLOCK_LABELS.items())
    yield from (("step", step.value, step.label) for step in Step)
    for grade in (Urgency, Scale, Level, Confidentiality, Duty, Progress):
        yield from ((grade.__name__, str(g.value), g.label) for g in grade)
    yield from (("Supervision", grade.name.lower(), grade.label) for grade in Supervision)


def test_every_name_of_the_code_stands_among_the_words():
    missing = {f"{what} {name}" for what, name, _label in names_in_code() if name not in words()}
    assert missing == set()


def test_the_words_are_those_that_the_pages_say():
    wrong = set()
    for what, name, label in names_in_code():
        if label is not None:
            with translation.override("en"):
                english = str(label)
            with translation.override("zh-hans"):
                chinese = str(label)
            if (english, chinese) not in words().get(name, []):
                wrong.add(f"{what} {name}: {english} {chinese}")
    assert wrong == set()


def test_every_word_stands_beside_its_chinese():
    bare = {
        name: pairs
        for name, pairs in words().items()
        for _english, chinese in pairs
        if not any("一" <= sign <= "鿿" for sign in chinese)
    }
    assert bare == {}


def test_a_server_loads_no_library_that_only_learning_needs():
    """Each costs half a second of every start and 100 MB of every process."""
    told = (
        "import os, sys, django\n"
        "os.environ['DJANGO_SETTINGS_MODULE'] = 'maplebridge.config.settings'\n"
        "os.environ['MAPLEBRIDGE_SECRET_KEY'] = 'a secret of this test and of nothing else'\n"
        "django.setup()\n"
        "from django.urls import get_resolver\n"
        "get_resolver().url_patterns\n"
        "print(*sorted({'sklearn', 'scipy', 'pandas', 'esda'} & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", told], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == []
