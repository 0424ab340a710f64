"""Translations and bundle are built when their sources changed, and only then."""

from __future__ import annotations

import gettext
import os
from pathlib import Path

import pytest

from maplebridge.config import bundle

PO = """
msgid ""
msgstr "Content-Type: text/plain; charset=UTF-8\\n"

msgid "Case"
msgstr "案件"
"""


@pytest.fixture
def translations(tmp_path: Path) -> Path:
    folder = tmp_path / "zh_Hans" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    (folder / "django.po").write_text(PO)
    return tmp_path


def test_translations_are_compiled_once(translations: Path) -> None:
    assert bundle.compile_translations(translations) == 1
    assert bundle.compile_translations(translations) == 0
    words = gettext.translation("django", translations, ["zh_Hans"])
    assert words.gettext("Case") == "案件"


def test_a_changed_translation_is_compiled_again(translations: Path) -> None:
    bundle.compile_translations(translations)
    source = translations / "zh_Hans" / "LC_MESSAGES" / "django.po"
    later = source.stat().st_mtime + 10
    os.utime(source, (later, later))

    assert bundle.compile_translations(translations) == 1


def test_a_broken_translation_is_named(translations: Path) -> None:
    source = translations / "zh_Hans" / "LC_MESSAGES" / "django.po"
    source.write_text(PO + "rubbish\n")

    with pytest.raises(bundle.BuildFailed, match=r"django\.po is not a sound translation file"):
        bundle.compile_translations(translations)


def test_the_bundle_is_built_only_when_a_source_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    front_end, output = tmp_path / "parts", tmp_path / "bundle"
    (front_end / "src").mkdir(parents=True)
    (front_end / "node_modules").mkdir()
    output.mkdir()
    for name in ("package.json", "package-lock.json", "src/app.js"):
        (front_end / name).write_text(name)
    npm = tmp_path / "npm"
    npm.write_text(f'#!/bin/sh\necho "$1" >> {tmp_path}/calls\ntouch {output}/app.js\n')
    npm.chmod(0o755)
    monkeypatch.setattr(bundle, "_npm", lambda: ([str(npm)], dict(os.environ)))

    assert bundle.build_bundle(front_end, output)
    assert not bundle.build_bundle(front_end, output)
    (front_end / "src" / "app.js").write_text("changed")
    assert bundle.build_bundle(front_end, output)
    (output / "app.js").rename(output / "of-an-earlier-build.js")
    (front_end / "src" / "app.js").write_text("changed again")
    assert bundle.build_bundle(front_end, output)
    assert [path.name for path in output.iterdir()] == ["app.js"]
    (output / "app.js").unlink()
    assert bundle.build_bundle(front_end, output)
    assert (tmp_path / "calls").read_text().split() == ["ci", "run", "run", "run", "run"]


def test_node_is_asked_for_only_when_there_is_something_to_build_and_none_new_enough(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    front_end, output = tmp_path / "parts", tmp_path / "bundle"
    for folder in (front_end / "src", front_end / "node_modules", output, tmp_path / "bin"):
        folder.mkdir(parents=True)
    (front_end / "package-lock.json").write_text("{}")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    assert bundle.needs_wheel_of_node(front_end, output)

    def programs(version: str) -> None:
        for name in ("node", "npm"):
            (tmp_path / "bin" / name).write_text(f"#!/bin/sh\necho {version}\n")
            (tmp_path / "bin" / name).chmod(0o755)

    programs("v16.20.0")
    assert bundle.needs_wheel_of_node(front_end, output)
    programs("v18.0.0")
    assert not bundle.needs_wheel_of_node(front_end, output)
    programs("v16.20.0")
    (output / "app.js").touch()
    built_from = bundle._digest(bundle._inputs(front_end))
    (front_end / "node_modules" / ".built-from").write_text(built_from)
    assert not bundle.needs_wheel_of_node(front_end, output)
