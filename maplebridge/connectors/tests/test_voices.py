"""Voice notes: told from their bytes, without what a phone hides in them, nothing else taken."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import pytest

from maplebridge.connectors import storage, voices

PLACE = b"+28.9701+119.1002/"


def box(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I4s", len(body) + 8, name) + body


def mp4(handler: bytes = b"soun") -> bytes:
    """A recording of a phone, which writes the place into it."""
    hdlr = box(b"hdlr", bytes(8) + handler + bytes(13))
    track = box(b"trak", box(b"mdia", hdlr) + box(b"udta", b"Owner's name"))
    told = box(b"udta", box(b"\xa9xyz", b"\0\x12\x15\xc7" + PLACE))
    sound = box(b"mdat", b"sound of a voice")
    return box(b"ftyp", b"M4A \0\0\0\0") + box(b"moov", track + told) + sound


def wav() -> bytes:
    chunks = b"fmt " + struct.pack("<I", 16) + bytes(16)
    chunks += b"LIST" + struct.pack("<I", len(PLACE)) + PLACE
    chunks += b"data" + struct.pack("<I", 3) + b"abc\0"
    return b"RIFF" + struct.pack("<I", len(chunks) + 4) + b"WAVE" + chunks


MP3 = b"ID3\x04\0\0\0\0\0\x12" + PLACE + b"\xff\xfb\x90\x00" + b"sound" * 40
WEBM = b"\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01\x42\x82\x84webm" + b"A_OPUS" + b"sound"
OGG = b"OggS\0\x02" + bytes(22) + b"OpusHead" + b"sound"


@pytest.mark.parametrize(
    ("data", "media_type"),
    [
        (WEBM, "audio/webm"),
        (OGG, "audio/ogg"),
        (mp4(), "audio/mp4"),
        (MP3, "audio/mpeg"),
        (wav(), "audio/wav"),
    ],
)
def test_a_voice_note_is_told_from_its_bytes_and_keeps_no_place(
    data: bytes, media_type: str
) -> None:
    told, sound = voices.tidied(data)
    assert told == media_type
    assert media_type in voices.SOUNDS
    assert PLACE not in sound
    assert b"Owner" not in sound
    assert b"sound" in sound or b"abc" in sound
    assert voices.tidied(sound) == (told, sound)


def test_an_mp4_without_its_tags_plays_from_the_same_places() -> None:
    data = mp4()
    _type, sound = voices.tidied(data)
    assert len(sound) == len(data)
    assert sound.index(b"sound of a voice") == data.index(b"sound of a voice")


@pytest.mark.parametrize(
    "data",
    [
        b"", b"ID3", b"<html><script>alert(1)</script>", b"\xff\xd8\xff\xe0" + bytes(99),
        mp4(b"vide"), box(b"ftyp", b"isom") + b"\0\0\0\1moov" + b"\xff" * 8,
        WEBM.replace(b"A_OPUS", b"V_VP8\0"), b"RIFF\x04\0\0\0WAVE", b"MZ" + bytes(200),
        b"#!AMR\n" + bytes(99),
    ],
)  # fmt: skip
def test_what_is_no_voice_note_is_refused_with_a_sentence(
    data: bytes, settings: Any, tmp_path: Path
) -> None:
    settings.MEDIA_ROOT = tmp_path
    with pytest.raises(storage.NotKept, match=r"录音\.mp3"):
        storage.keep_voice(data, "录音.mp3")
    assert list(tmp_path.iterdir()) == []


def test_a_voice_note_is_kept_once_and_destroyed_whole(settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path
    kept = storage.keep_voice(mp4())
    assert storage.keep_voice(mp4()) == kept
    assert PLACE not in storage.path_of(kept.sha256).read_bytes()
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == 1
    assert storage.destroy_photo(kept.sha256)
    assert list(tmp_path.rglob("*.jpg")) == []


def test_too_large_a_recording_is_refused(settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path
    with pytest.raises(storage.NotKept, match="12"):
        storage.keep_voice(WEBM + bytes(voices.MOST_BYTES))
