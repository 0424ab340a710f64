"""The wheel: it carries every file of the tree that runs, and starts as `./run` does."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import time
import urllib.request
import zipfile
from pathlib import Path

import pytest

from maplebridge.config import bundle
from maplebridge.connectors import postgres

pytestmark = pytest.mark.long

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "maplebridge"
OURS = ("DATABASE_", "MAPLEBRIDGE_", "DJANGO_", "PYTHON")
# What only tests and building need.
LEFT_OUT = {"tests", "node_modules", "__pycache__"}
FRONT_END_SOURCES = ("src/", ".gitignore", ".npmrc", "build.mjs", "package.json", "package-lock")


def environment() -> dict[str, str]:
    return {key: value for key, value in os.environ.items() if not key.startswith(OURS)}


def build(folder: Path) -> Path:
    """Builds the wheel as pip would, with what is installed here instead of fetching it anew."""
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        check=True,
    )
    (wheel,) = folder.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not (bundle.BUNDLE / "app.js").exists():
        pytest.skip("needs the bundle: python -m maplebridge.config.bundle")
    return build(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh environment with the wheel, which borrows the dependencies of this one."""
    place = tmp_path_factory.mktemp("installed") / "env"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(place)], check=True)
    python = place / "bin" / "python"
    pip_of = ROOT / ".venv" / "pip-of"
    pip = pip_of.read_text().strip() if pip_of.exists() else sys.executable
    command = [pip, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-index"]
    subprocess.run([*command, "--no-deps", str(wheel)], env=environment(), check=True)
    asked = "import sysconfig; print(sysconfig.get_path('purelib'))"
    site = subprocess.check_output([python, "-c", asked], text=True).strip()
    # A path file within a borrowed folder is not followed, so the checkout stays out.
    Path(site, "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return place


def test_the_wheel_holds_every_file_that_runs_and_nothing_else(wheel: Path) -> None:
    parts = "maplebridge/web/parts/"
    in_tree = {
        str(path.relative_to(ROOT))
        for path in PACKAGE.rglob("*")
        if path.is_file() and not LEFT_OUT & set(path.relative_to(ROOT).parts)
    }
    expected = {
        name
        for name in in_tree
        if not name.startswith(tuple(parts + source for source in FRONT_END_SOURCES))
    }
    packed = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}

    assert sorted(packed ^ expected) == []
    assert f"{parts}static/bundle/app.js" in packed
    words = "locale/zh_Hans/LC_MESSAGES/django.mo"
    assert {f"maplebridge/{words}", f"maplebridge/applications/matters/{words}"} <= packed


def test_the_wheel_carries_no_path_of_this_machine(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        wrong = [name for name in archive.namelist() if str(ROOT).encode() in archive.read(name)]

    assert wrong == []


def test_the_wheel_built_again_is_the_same(wheel: Path, tmp_path: Path) -> None:
    assert build(tmp_path).read_bytes() == wheel.read_bytes()


def test_the_bundle_built_again_elsewhere_is_the_same(wheel: Path, tmp_path: Path) -> None:
    if not (bundle.FRONT_END / "node_modules").is_dir():
        pytest.skip("needs the packages of the pages: python -m maplebridge.config.bundle")
    again = tmp_path / "parts"
    shutil.copytree(
        bundle.FRONT_END, again, ignore=shutil.ignore_patterns("node_modules", "bundle")
    )
    shutil.copytree(bundle.FRONT_END / "node_modules", again / "node_modules", symlinks=True)
    npm, its_environment = bundle._npm()
    subprocess.run(
        [*npm, "run", "--silent", "build"],
        cwd=again,
        env=its_environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=True,
    )

    assert digests(again / "static" / "bundle") == digests(bundle.BUNDLE)


def digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_the_installed_command_does_what_run_does(installed: Path, tmp_path: Path) -> None:
    """Out of an empty folder: once, then serving, on the state that the first call made."""
    program = str(installed / "bin" / "maplebridge")
    desk = tmp_path / "desk"
    desk.mkdir()
    try:
        once = subprocess.run(
            [program, "up", "--once", "--json"],
            cwd=desk,
            env=environment(),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert once.returncode == 0, once.stderr
        assert json.loads(once.stdout.splitlines()[-1])["seconds"] > 0
        assert f"A new state folder: {desk}/var" in once.stderr
        assert [path.name for path in desk.iterdir()] == ["var"]
        served(program, desk, tmp_path / "said.txt")
    finally:
        postgres.erase(desk / "var")


def served(program: str, desk: Path, said: Path) -> None:
    with said.open("w") as output:
        process = subprocess.Popen(
            [program, "up", "--port", "8450"],
            cwd=desk,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        for _ in range(600):
            if found := re.search(r"Maplebridge is at\s+(http://\S+)/", said.read_text()):
                break
            assert process.poll() is None, said.read_text()
            time.sleep(0.1)
        assert found, said.read_text()
        assert "A new state folder" not in said.read_text()
        front, language = asked(found[1] + "/")
        assert "我要上报" in front.decode()
        assert language == "zh-hans"
        script, _ = asked(found[1] + "/static/bundle/app.js")
        assert script == (bundle.BUNDLE / "app.js").read_bytes()
    finally:
        process.terminate()
        code = process.wait(60)
    assert code == 0
    assert said.read_text().splitlines()[-1] == "Stopped."


def asked(url: str) -> tuple[bytes, str | None]:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, timeout=20) as answer:
        return answer.read(), answer.headers.get("Content-Language")
