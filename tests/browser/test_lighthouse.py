"""Lighthouse marks the pages of the five doors for accessibility, in a real Chromium."""

from __future__ import annotations

import hashlib
import json
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from maplebridge.config import bundle
from tests.browser.conftest import ARGUMENTS

pytestmark = [pytest.mark.browser, pytest.mark.long]
FOLDER = Path(__file__).resolve().parents[1] / "lighthouse"
LEAST = 0.95
WAIT_SECONDS = 90


@pytest.fixture(scope="session")
def lighthouse() -> list[str]:
    """The command, its packages fetched once; skipped where npm cannot be reached."""
    if shutil.which("npm") is None and bundle._wheel_of_node() is None:
        pytest.skip("needs Node.js for Lighthouse")
    kept = FOLDER / "node_modules" / ".installed-from"
    wanted = hashlib.sha256((FOLDER / "package-lock.json").read_bytes()).hexdigest()
    npm, environment = bundle._npm()
    if not kept.exists() or kept.read_text() != wanted:
        options = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
        done = subprocess.run(
            [*npm, "ci", *options], cwd=FOLDER, env=environment, capture_output=True, check=False
        )
        if done.returncode:
            pytest.skip("needs npm's registry once, which cannot be reached")
        kept.write_text(wanted)
    node = shutil.which("node", path=environment.get("PATH")) or "node"
    return [node, str(FOLDER / "node_modules" / "lighthouse" / "cli" / "index.js")]


@pytest.fixture
def window(driver: Any, chromium_program: str, tmp_path: Path) -> Iterator[tuple[Any, int]]:
    """A browser with one profile, and the port by which another program may use it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    context = driver.chromium.launch_persistent_context(
        str(tmp_path / "profile"),
        executable_path=chromium_program,
        args=[*ARGUMENTS, f"--remote-debugging-port={port}"],
        locale="zh-CN",
    )
    yield context, port
    context.close()


def marked(command: list[str], address: str, port: int) -> tuple[float, list[str]]:
    """The mark of a page, 0 to 1, and what it lost marks for."""
    done = subprocess.run(
        [
            *command, address, f"--port={port}", "--only-categories=accessibility",
            "--disable-storage-reset", "--output=json", "--quiet", "--locale=en",
        ],
        capture_output=True, text=True, timeout=WAIT_SECONDS, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    said = json.loads(done.stdout)
    assert said["finalDisplayedUrl"].rstrip("/") == address.rstrip("/"), "led elsewhere"
    lost = [
        f"{audit['id']}: {audit['title']}"
        for audit in said["audits"].values()
        if audit["score"] is not None and audit["score"] < 1
    ]
    return float(said["categories"]["accessibility"]["score"]), lost


DOORS = (
    ("", ("/", "/report/", "/r/{code}/")),
    ("夏知远", ("/desk/", "/desk/case/{case}/", "/board/")),
    ("林格格", ("/worker/",)),
)


@pytest.mark.parametrize(("person", "paths"), DOORS)
def test_a_page_is_marked_at_least_95_of_100(
    lighthouse: list[str],
    window: tuple[Any, int],
    site: str,
    committed_town: Any,
    person: str,
    paths: tuple[str, ...],
) -> None:
    context, port = window
    case = committed_town.opened("accepted")
    page = context.new_page()
    if person:
        page.goto(f"{site}/demonstration/")
        page.locator("button.role", has_text=person).click()
        page.wait_for_url(lambda url: "/demonstration/" not in url)
    low = {}
    for path in paths:
        address = site + path.format(case=case.pk, code=case.query_code)
        mark, lost = marked(lighthouse, address, port)
        if mark < LEAST:
            low[path] = (mark, lost)
    assert low == {}
