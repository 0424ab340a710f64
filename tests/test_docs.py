"""What the documents name is there: links, paths, modules, commands, tables, tests, addresses."""

from __future__ import annotations

import importlib
import re
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import click
import pytest

HOUSE = Path(__file__).resolve().parent.parent
PACKAGE = HOUSE / "maplebridge"
ROOMS = (
    "config", "applications", "web", "journey", "insight", "cases", "organisation", "connectors",
    "lib",
)  # fmt: skip
# What a run or an editor makes; a clone has none of it.
MADE = {".venv", "node_modules", "var", ".pytest_cache", ".hypothesis", ".mypy_cache"}
# A document may lead to this machine and to the licence, and to no other host.
HOSTS = {"127.0.0.1:8000", "www.apache.org", "city.example"}

LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)|<img src=\"([^\"]+)\"")
CODE = re.compile(r"`([^`\n]+)`")
BLOCK = re.compile(r"^    (\S.*)$", re.MULTILINE)
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
URL = re.compile(r"[a-z]+://(?:[^@/\s]+@)?([\w.:-]+)")
DOTTED = re.compile(rf"(?:maplebridge\.)?(?:{'|'.join(ROOMS)})(?:\.\w+)+")
PATH = re.compile(r"\.?[\w-]*(?:/[\w.*-]+)*/?")
SUFFIXES = (".py", ".md", ".csv", ".html", ".toml", ".txt", ".png", ".mjs", ".po")
TABLE = re.compile(rf"(?:{'|'.join(ROOMS)})_[a-z]+")
VARIABLE = re.compile(r"(?:MAPLEBRIDGE|DATABASE)_[A-Z_]+")
TEST = re.compile(r"test_\w+")
ADDRESS = re.compile(r"/[\w/.-]*")


def documents() -> list[Path]:
    found = [
        path
        for path in sorted(HOUSE.rglob("*.md"))
        if not MADE & set(path.relative_to(HOUSE).parts)
    ]
    return [*found, HOUSE / "LICENSE"]


def named(path: Path) -> str:
    return str(path.relative_to(HOUSE))


every_document = pytest.mark.parametrize("document", documents(), ids=named)


def codes(document: Path) -> Iterator[str]:
    """Everything between backticks, without the blocks."""
    yield from CODE.findall(FENCE.sub("", document.read_text(encoding="utf-8")))


def anchors(document: Path) -> set[str]:
    """The anchors of a document's headings, as the usual renderers make them."""
    heads = re.findall(r"^#+ (.+)$", document.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", head.lower()).replace(" ", "-") for head in heads}


@cache
def sources() -> str:
    """The text of all modules of ours, and of the two scripts that start everything."""
    files = [*PACKAGE.rglob("*.py"), HOUSE / "conftest.py", HOUSE / "run", HOUSE / "test"]
    return "\n".join(
        file.read_text(encoding="utf-8") for file in files if not MADE & set(file.parts)
    )


@cache
def names_of_tests() -> set[str]:
    files = [*(HOUSE / "tests").rglob("*.py"), *PACKAGE.rglob("tests/*.py")]
    text = "\n".join(file.read_text(encoding="utf-8") for file in files)
    return set(re.findall(r"def (test_\w+)", text)) | {file.stem for file in files}


def is_there(path: str, document: Path) -> bool:
    """Whether a path leads somewhere, from the root, the package or the document's own folder."""
    for start in (HOUSE, PACKAGE, document.parent):
        if "*" in path:
            if any(start.glob(path)):
                return True
        elif (start / path).exists():
            return True
    return False


def resolves(name: str) -> bool:
    """Whether a dotted name is a module of ours, or something in one."""
    parts = name.removeprefix("maplebridge.").split(".")
    for known in range(len(parts), 0, -1):
        try:
            thing = importlib.import_module(".".join(("maplebridge", *parts[:known])))
        except ModuleNotFoundError:
            continue
        for attribute in parts[known:]:
            if not hasattr(thing, attribute):
                return False
            thing = getattr(thing, attribute)
        return True
    return False


def command_problem(words: list[str]) -> str:
    """What is wrong with a command line of `maplebridge`, or nothing. Options must be declared."""
    from maplebridge.config.main import cli

    command: click.Command = cli
    context = click.Context(command)
    for word in words:
        if word.startswith("--"):
            names = {name for option in command.params for name in option.opts} | {"--help"}
            if word not in names:
                return f"there is no option {word}"
        elif isinstance(command, click.Group):
            found = command.get_command(context, word)
            if found is None:
                return f"there is no command {word}"
            command = found
    return ""


def said_commands(document: Path) -> Iterator[list[str]]:
    """Command lines between backticks and in indented blocks, as words after `maplebridge`."""
    text = document.read_text(encoding="utf-8")
    for said in [*codes(document), *BLOCK.findall(text)]:
        line = re.split(r" {2,}", said)[0]
        if line.startswith(("maplebridge ", ".venv/bin/maplebridge ")):
            yield shlex.split(line)[1:]
        elif line == "./run" or line.startswith("./run "):
            yield ["up", *shlex.split(line)[1:]]


@every_document
def test_every_link_leads_somewhere(document):
    for found in LINK.findall(document.read_text(encoding="utf-8")):
        target = "".join(found)
        if "://" in target or target.startswith("mailto:"):
            continue
        path, _, anchor = target.partition("#")
        aim = (document.parent / path).resolve() if path else document
        assert aim.exists(), f"{target} leads nowhere"
        assert aim.is_relative_to(HOUSE), f"{target} leads out of the house"
        if anchor:
            assert anchor in anchors(aim), f"{target}: there is no such heading"


@every_document
def test_every_path_that_is_named_is_there(document):
    for code in codes(document):
        is_path = "/" in code.strip("/") or code.endswith(SUFFIXES)
        if not is_path or not PATH.fullmatch(code) or code.startswith("/") or code.isupper():
            continue
        # Placeholders, and what a run makes in the state folder.
        if re.search(r"\b[A-Z]{3,}\b", code) or code.split("/")[0] in (*MADE, "secrets"):
            continue
        if code in STATE_FILES:
            continue
        assert is_there(code.removeprefix("./"), document), f"{code} is not there"


STATE_FILES = {"postgres.lock", "postgres.users", "django.txt", "postgres.txt"}


@every_document
def test_every_module_and_function_that_is_named_is_there(document):
    for code in codes(document):
        if DOTTED.fullmatch(code) and not code.endswith(SUFFIXES):
            assert resolves(code), f"{code} is not there"


@every_document
def test_every_command_and_option_that_is_named_is_there(document):
    for words in said_commands(document):
        assert command_problem(words) == "", " ".join(words)


@every_document
def test_every_table_variable_test_and_address_that_is_named_is_there(document):
    from django.apps import apps
    from django.urls import Resolver404, resolve

    tables = {model._meta.db_table for model in apps.get_models(include_auto_created=True)}
    for code in codes(document):
        if TABLE.fullmatch(code):
            assert code in tables, f"there is no table {code}"
        elif VARIABLE.fullmatch(code):
            assert code in sources(), f"nobody reads {code}"
        elif TEST.fullmatch(code):
            assert code in names_of_tests(), f"there is no test {code}"
        elif ADDRESS.fullmatch(code) and code != "/var/lib":
            try:
                resolve(code if code != "/api/" else "/api/v1/reports")
            except Resolver404:
                pytest.fail(f"no page has the address {code}")


@every_document
def test_no_document_names_a_machine_or_a_host_of_packages(document):
    text = document.read_text(encoding="utf-8")
    assert set(URL.findall(text)) - {"host"} <= HOSTS
    assert re.findall(r"/(?:work|root|home|Users)/\w+|[A-Z]:\\\\\w+", text) == []


@every_document
def test_a_document_begins_with_its_title_and_is_finished(document):
    text = document.read_text(encoding="utf-8")
    if document.suffix == ".md":
        assert text.startswith("# ")
    assert not re.search(r"\b(?:TODO|TBD|FIXME|XXX)\b", text)
    assert text.endswith("\n")


def test_the_two_commands_of_the_readme_exist_and_can_be_run():
    text = (HOUSE / "README.md").read_text(encoding="utf-8")
    for command in ("run", "test"):
        assert f"`./{command}`" in text
        file = HOUSE / command
        assert file.stat().st_mode & 0o111
        assert file.read_text(encoding="utf-8").startswith("#!")


def test_every_command_is_described():
    from maplebridge.config.main import cli

    context = click.Context(cli)
    text = (HOUSE / "docs/running/commands.md").read_text(encoding="utf-8")
    for name in cli.list_commands(context):
        command = cli.get_command(context, name)
        assert command is not None
        assert f"`maplebridge {name}`" in text
        kinds = command.list_commands(context) if isinstance(command, click.Group) else [None]
        for kind in kinds:
            told = command.get_command(context, kind) if kind else command
            assert told is not None
            for option in told.params:
                for spelling in option.opts:
                    if spelling.startswith("--"):
                        assert f"`{spelling}" in text, f"{name} {kind or ''} {spelling}"


def test_every_decision_stands_in_the_index():
    index = (HOUSE / "docs/index.md").read_text(encoding="utf-8")
    for page in (HOUSE / "docs/decisions").glob("*.md"):
        assert f"(decisions/{page.name})" in index


def test_the_pictures_are_small_and_used():
    texts = "".join(document.read_text(encoding="utf-8") for document in documents())
    for picture in (HOUSE / "docs/pictures").iterdir():
        assert picture.stat().st_size <= 250_000
        assert f"pictures/{picture.name}" in texts


def test_the_checks_can_fail():
    assert not resolves("journey.intake.take_out")
    assert not resolves("cases.nothing")
    assert resolves("journey.intake.take_in")
    assert command_problem(["load", "nothing"]) == "there is no command nothing"
    assert command_problem(["up", "--bold"]) == "there is no option --bold"
    assert command_problem(["load", "grids", "FILE", "--datum"]) == ""
    assert not is_there("maplebridge/nowhere.py", HOUSE / "README.md")
