"""The outbox's module under node: a thousand lives with every trouble lose nothing, double nothing.

A life that fails is seen again with `node tests/outbox/run.mjs SEED SEED`.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from maplebridge.config import bundle

HERE = Path(__file__).parent / "outbox"
SOURCE = bundle.FRONT_END / "src" / "outbox"
LIVES, AT_ONCE = 1000, 2
# Faults as somebody might make them: what stands in the module, what would stand there instead.
PLANTED = {
    "said to be sent when nothing came back": (
        'outcome = { code: "offline", stop: true };',
        'outcome = { done: { number: "N", photos: null, fresh: true } };',
    ),
    "taken for sent whatever answers": (
        "return body.id === id && body.number ? { done: body }",
        "return status === 200 ? { done: body }",
    ),
    "a new name for each try": (
        "id, keeper: this.#name, kind,",
        "id: this.#drawId(), keeper: this.#name, kind,",
    ),
    "photos left behind": (
        "photos: item.photos.map((photo) => photo.sha256),",
        "photos: [],",
    ),
    "a later move before an earlier one": ("!before.has(item.id) &&", "true &&"),
    "a change thrown away without a word": (
        "const changed = was.revision !== revision || (was.edited && isFresh === false && same !== true);",  # noqa: E501
        "const changed = false;",
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def node() -> str:
    """Node of the machine, else of its wheel; with the packages of the pages."""
    found = shutil.which("node")
    wheel = bundle._wheel_of_node()
    if found is None and wheel is not None:
        found = str(wheel / "bin" / "node")
    if found is None or not (bundle.FRONT_END / "node_modules" / "fake-indexeddb").is_dir():
        pytest.skip("needs Node and the packages: python -m maplebridge.config.bundle")
    return found


def lives(node: str, first: int, last: int, module: str = "") -> dict[str, Any]:
    asked = [node, str(HERE / "run.mjs"), str(first), str(last), *([module] if module else [])]
    done = subprocess.run(asked, capture_output=True, text=True, check=False, timeout=300)
    assert done.stdout.startswith("{"), done.stderr
    return {**json.loads(done.stdout), "said": done.stderr}


def test_a_thousand_lives_lose_nothing_and_double_nothing(node: str) -> None:
    share = LIVES // AT_ONCE
    begins = range(1, LIVES, share)
    with ThreadPoolExecutor(AT_ONCE) as at_once:
        told = list(at_once.map(lambda begin: lives(node, begin, begin + share - 1), begins))
    assert [each["wrong"] for each in told] == [[], []], told[0]["said"] + told[1]["said"]
    # They were lives indeed: thousands of entries, and ten times as many requests and deaths.
    assert sum(each["taken"] for each in told) > 5 * LIVES
    assert sum(each["requests"] for each in told) > 50 * LIVES


def test_a_life_is_the_same_each_time(node: str) -> None:
    assert lives(node, 11, 30)["mark"] == lives(node, 11, 30)["mark"]
    assert lives(node, 11, 30)["mark"] != lives(node, 12, 31)["mark"]


@pytest.mark.parametrize("fault", PLANTED)
def test_a_planted_fault_is_found(node: str, tmp_path: Path, fault: str) -> None:
    right, planted = PLANTED[fault]
    copy = tmp_path / "outbox"
    shutil.copytree(SOURCE, copy)
    (tmp_path / "package.json").write_text('{"type": "module"}')
    module = copy / "outbox.js"
    said = module.read_text()
    assert said.count(right) == 1
    module.write_text(said.replace(right, planted))
    assert lives(node, 1, 40, module.as_uri())["wrong"] != []


def test_each_trouble_has_its_state_and_its_sentence(node: str) -> None:
    asked = [node, "--test", str(HERE / "says.mjs")]
    done = subprocess.run(asked, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout
