"""The base map's file is served in ranges, at most so much at once, and only where there is one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from maplebridge.web.parts import views

BYTES = bytes(range(256)) * 4
ADDRESS = "/map/base.pmtiles"


@pytest.fixture
def tiles(tmp_path: Path, settings: Any) -> Path:
    file = tmp_path / "city.pmtiles"
    file.write_bytes(BYTES)
    settings.BASE_MAP = str(file)
    return file


@pytest.mark.parametrize(
    ("asked", "body"),
    [
        ("bytes=0-0", BYTES[:1]),
        ("bytes=0-511", BYTES[:512]),
        ("bytes=1000-", BYTES[1000:]),
        ("bytes=1023-99999", BYTES[1023:]),
    ],
)
def test_a_range_is_given_as_it_lies_in_the_file(
    client: Client, tiles: Path, asked: str, body: bytes
) -> None:
    answer = client.get(ADDRESS, headers={"Range": asked})
    assert (answer.status_code, answer.content) == (206, body)
    first = int(asked.removeprefix("bytes=").split("-")[0])
    assert answer["Content-Range"] == f"bytes {first}-{first + len(body) - 1}/{len(BYTES)}"


@pytest.mark.parametrize(
    "asked",
    ["", "bytes=1024-", "bytes=5-4", "bytes=-5", "bytes=0-1,3-4", "bytes=x-1", "rows=0-1",
     "bytes=" + "9" * 40 + "-"],
)  # fmt: skip
def test_what_is_no_single_range_of_the_file_gets_its_length(
    client: Client, tiles: Path, asked: str
) -> None:
    answer = client.get(ADDRESS, headers={"Range": asked} if asked else {})
    assert (answer.status_code, answer.content) == (416, b"")
    assert answer["Content-Range"] == f"bytes */{len(BYTES)}"


def test_no_answer_is_larger_than_its_limit(
    client: Client, tiles: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views, "MOST_RANGE_BYTES", 100)
    answer = client.get(ADDRESS, headers={"Range": "bytes=10-"})
    assert answer.content == BYTES[10:110]
    assert answer["Content-Range"] == "bytes 10-109/1024"


def test_its_tag_changes_with_the_file(client: Client, tiles: Path) -> None:
    before = client.get(ADDRESS, headers={"Range": "bytes=0-1"})["ETag"]
    tiles.write_bytes(BYTES + b"x")
    assert client.get(ADDRESS, headers={"Range": "bytes=0-1"})["ETag"] != before


def test_without_a_file_there_is_nothing(client: Client, settings: Any) -> None:
    settings.BASE_MAP = ""
    assert client.get(ADDRESS, headers={"Range": "bytes=0-1"}).status_code == 404
    settings.BASE_MAP = "https://tiles.example/{z}/{x}/{y}.png"
    assert client.get(ADDRESS, headers={"Range": "bytes=0-1"}).status_code == 404
