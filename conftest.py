"""One database for all tests: a throw-away PostgreSQL, migrated, with the demonstration town."""

from __future__ import annotations

import os
import re
import tempfile
import time
from collections.abc import Generator, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hypothesis
import pytest

from maplebridge.connectors import postgres
from maplebridge.lib import keyring

if TYPE_CHECKING:
    from tests.town import Town

OTHER_PROGRAMS = "MAPLEBRIDGE_TEST_POSTGRES"

# Fixtures by which a test reaches a PostgreSQL.
DATABASE_FIXTURES = {"db", "transactional_db", "django_db_setup", "postgres_programs"}

NO_DATA = "needs the folder of real data beside the checkout"
# Why a test may be left out in continuous integration: what no script of ours can bring along.
MAY_BE_LEFT_OUT = (NO_DATA, "only root")

UUID_TEXT = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

# The same examples in every run; `--hypothesis-profile default` looks for new ones.
hypothesis.settings.register_profile("steady", derandomize=True, deadline=None)
hypothesis.settings.load_profile("steady")

_open = ExitStack()
_as_opened: list[tuple[Any, Any]] = []
_places: dict[str, Any] = {}


def _other_programs() -> Path | None:
    """The folder of programs that MAPLEBRIDGE_TEST_POSTGRES names; None: the embedded ones."""
    named = os.environ.get(OTHER_PROGRAMS)
    return Path(named) if named else None


def pytest_configure(config: pytest.Config) -> None:
    """Starts the server before Django reads its settings, once for each test process."""
    if os.environ.get("MAPLEBRIDGE_TESTING") == str(os.getpid()):
        return
    from maplebridge.config.bundle import compile_translations

    compile_translations()
    if config.getoption("numprocesses", None) and not hasattr(config, "workerinput"):
        # The tests run in processes of their own, each with its own server and settings.
        return
    os.environ["MAPLEBRIDGE_TESTING"] = str(os.getpid())
    os.environ["MAPLEBRIDGE_SECRET_KEY"] = "only-for-tests"
    os.environ["MAPLEBRIDGE_DEMONSTRATION"] = "1"
    os.environ["MAPLEBRIDGE_POOL"] = "0"
    os.environ["MAPLEBRIDGE_STATE"] = _open.enter_context(
        tempfile.TemporaryDirectory(prefix="maplebridge-state-")
    )
    os.environ["DJANGO_SETTINGS_MODULE"] = "maplebridge.config.settings"
    (Path(os.environ["MAPLEBRIDGE_STATE"]) / "static").mkdir()
    os.environ.pop("MAPLEBRIDGE_KEYS", None)
    keyring.create(Path(os.environ["MAPLEBRIDGE_STATE"]) / "secrets" / "keys.json", "aes")
    server = _open.enter_context(postgres.throwaway(_other_programs()))
    os.environ["DATABASE_OWNER_URL"] = server.owner_url
    os.environ["DATABASE_APP_URL"] = server.app_url
    import django

    django.setup()

    from django.db import connections

    from maplebridge.cases import wall
    from maplebridge.organisation import editions

    wall.open_process()
    # A test without a database counts by the published calendar, however long it takes.
    editions.kept._seconds = 3600.0
    editions.kept.put(editions.Shelf({}, {}))
    _open.callback(connections.close_all)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> Generator[None, None, None]:
    """Marks what touches database or browser; lets processes begin with the longest files."""
    for item in items:
        fixtures = set(getattr(item, "fixturenames", ()))
        if DATABASE_FIXTURES & fixtures or item.get_closest_marker("django_db"):
            item.add_marker("database")
        if "chromium" in fixtures:
            item.add_marker("browser")
    yield
    if hasattr(config, "workerinput"):
        items.sort(key=_comes_late)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Lets continuous integration leave out only what it cannot bring along itself."""
    report = yield
    if report.skipped and os.environ.get("CI") == "true" and isinstance(report.longrepr, tuple):
        why = report.longrepr[2]
        if not any(reason in why for reason in MAY_BE_LEFT_OUT):
            report.outcome = "failed"
            report.longrepr = f"Continuous integration leaves nothing out. {why}"
    return report


def pytest_make_parametrize_id(val: object) -> str | None:
    """A random UUID among the parameters is not part of a test's name.

    Processes that share the tests have to agree on their names.
    """
    if isinstance(val, str) and UUID_TEXT.search(val):
        return UUID_TEXT.sub("uuid", val)
    return None


def _comes_late(item: pytest.Item) -> bool:
    return not any(item.get_closest_marker(name) for name in ("browser", "long"))


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stops the server."""
    _open.close()


@pytest.fixture(scope="session")
def postgres_programs() -> Path | None:
    """Which PostgreSQL the tests run on: its folder of programs, None for the embedded one."""
    return _other_programs()


@pytest.fixture(scope="session")
def django_db_setup(django_db_blocker: Any) -> None:
    """Migrates as the owner, grants, and opens the town; rolled-back tests all share it."""
    from django.core.management import call_command

    from maplebridge.config.demonstration import open_town
    from maplebridge.config.grants import grant

    with django_db_blocker.unblock():
        call_command("migrate", database="owner", verbosity=0, interactive=False)
        grant()
        open_town(matters=False)
        _remember()


@pytest.fixture(autouse=True)
def kept_afresh() -> None:
    """No test sees configuration that another one kept in memory and then rolled back."""
    from maplebridge.journey import gazetteer

    for kept, value in _as_opened:
        kept.put(value)
    for name, value in _places.items():
        setattr(gazetteer._Kept, name, value)
    gazetteer._Kept.checked = time.monotonic()


@pytest.fixture(autouse=True, scope="session")
def closed_doors() -> Iterator[None]:
    """A page asked for by a test's client stands nowhere until it says so, as in a web server."""
    from django.test.client import ClientHandler

    from maplebridge.cases import wall

    answers = ClientHandler.get_response

    def answer(self: ClientHandler, request: Any) -> Any:
        with wall.begun_closed():
            return answers(self, request)

    ClientHandler.get_response = answer  # type: ignore[method-assign]
    yield
    ClientHandler.get_response = answers  # type: ignore[method-assign]


def _remember() -> None:
    """Keeps what the rooms hold of the freshly opened town."""
    from maplebridge.journey import gazetteer, labels, proposals
    from maplebridge.organisation import editions, units

    everything = (
        editions.kept,
        labels.kept_labels,
        proposals.kept_proposals,
        units.kept,
    )
    for kept in everything:
        kept.forget()
        _as_opened.append((kept, kept.get()))
    gazetteer.gazetteer()
    _places.update(places=gazetteer._Kept.places, fingerprint=gazetteer._Kept.fingerprint)


@pytest.fixture
def committed(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """A test whose writes are committed, as the feed and other processes need; cleared after."""
    from django.apps import apps
    from django.db import connections

    from maplebridge.cases import feed
    from maplebridge.cases.models import (
        BESIDE,
        HOT,
        Destruction,
        Digest,
        FeedCursor,
        FeedFailure,
        Lease,
    )
    from maplebridge.config.worker import READERS
    from maplebridge.organisation.models import Act

    with django_db_blocker.unblock():
        yield
        models = [
            *HOT,
            *BESIDE,
            Destruction,
            Act,
            Digest,
            FeedCursor,
            FeedFailure,
            Lease,
            *(
                apps.get_model("journey", name)
                for name in ("DecisionRecord", "Fingerprint", "LearnedHandlers", "LearnedLabels")
            ),
            *apps.get_app_config("insight").get_models(),
            *apps.get_app_config("command").get_models(),
            *apps.get_app_config("connectors").get_models(),
            *apps.get_app_config("parts").get_models(),
            *apps.get_app_config("worker").get_models(),
            *(
                model
                for config in apps.get_app_configs()
                if config.name.startswith("maplebridge.applications.")
                for model in config.get_models()
            ),
        ]
        tables = ", ".join(model._meta.db_table for model in models)
        with connections["owner"].cursor() as cursor:
            cursor.execute(f"TRUNCATE {tables}")
        for reader in READERS:
            feed.enrol(reader)


@pytest.fixture
def town(db: None) -> Town:
    """The cast of the demonstration town, and a stranger who may see nothing."""
    from tests.town import Town

    return Town()


@pytest.fixture
def committed_town(committed: None) -> Town:
    """The same cast, in a test whose writes are committed."""
    from tests.town import Town

    return Town()


@pytest.fixture
def shared_data() -> Path:
    """The folder of real data beside the checkout; tests that need it skip without it."""
    folder = Path(__file__).resolve().parent.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(NO_DATA)
    return folder
