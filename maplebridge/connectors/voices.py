"""A voice note as uploaded: what kind of sound it is, and without what a phone hides in it."""

from __future__ import annotations

import struct
from collections.abc import Iterator

# Two minutes of what phones record; uncompressed sound of a good microphone included.
MOST_BYTES = 12 * 1024 * 1024
MOST_SECONDS = 120
SOUNDS = ("audio/webm", "audio/ogg", "audio/mp4", "audio/mpeg", "audio/wav")
HEAD_BYTES = 4096
ID3_HEAD = 10
ID3_TAIL = 128
DEEPEST_BOX = 6
# Boxes of MP4 that hold others, and those in which phones write place, time and owner.
OUTER = frozenset({b"moov", b"trak", b"mdia", b"minf", b"stbl", b"edts"})
TOLD = frozenset({b"udta", b"meta", b"uuid", b"XMP_"})
PICTURES_MOVE = (b"V_VP8", b"V_VP9", b"V_AV1", b"V_MPEG", b"theora")
WANTED_OF_WAV = frozenset({b"fmt ", b"data", b"fact"})


class NoSound(ValueError):
    """The bytes are no sound of a kind that every browser plays."""


def tidied(data: bytes) -> tuple[str, bytes]:
    """The media type, told from the bytes alone, and the sound without tags.

    Titles, owners, places and dates of MP4, MP3 and WAV files go; what a browser records holds
    none. Returns one of SOUNDS. Raises NoSound for anything else, moving pictures included.
    """
    head = data[:HEAD_BYTES]
    if any(sign in head for sign in PICTURES_MOVE):
        raise NoSound
    if head.startswith(b"\x1a\x45\xdf\xa3") and b"webm" in head[:64]:
        return "audio/webm", data
    if head.startswith(b"OggS") and (b"OpusHead" in head[:128] or b"\x01vorbis" in head[:128]):
        return "audio/ogg", data
    if head[4:8] == b"ftyp":
        return "audio/mp4", _mp4(data)
    if head.startswith(b"RIFF") and head[8:12] == b"WAVE":
        return "audio/wav", _wav(data)
    sound = _without_id3(data)
    if len(sound) > 4 and sound[0] == 0xFF and sound[1] & 0xE6 == 0xE2:
        return "audio/mpeg", sound
    raise NoSound


def _mp4(data: bytes) -> bytes:
    """The same length and the same sound; boxes that tell of the phone are empty room."""
    kept = bytearray(data)
    has_sound = False
    for name, begin, end in _boxes(data, 0, len(data), 0):
        if name == b"hdlr":
            handled = data[begin + 16 : begin + 20]
            if handled == b"vide":
                raise NoSound
            has_sound = has_sound or handled == b"soun"
        elif name in TOLD:
            told = begin + (16 if data[begin : begin + 4] == b"\0\0\0\1" else 8)
            kept[begin + 4 : begin + 8] = b"free"
            kept[told:end] = bytes(max(0, end - told))
    if not has_sound:
        raise NoSound
    return bytes(kept)


def _boxes(data: bytes, begin: int, end: int, depth: int) -> Iterator[tuple[bytes, int, int]]:
    """(name, begin, end) of every box that can be reached; stops at one that is broken."""
    while begin + 8 <= end:
        size, name = struct.unpack_from(">I4s", data, begin)
        head = 8
        if size == 1 and begin + 16 <= end:
            size, head = struct.unpack_from(">Q", data, begin + 8)[0], 16
        stop = end if size == 0 else begin + size
        if size != 0 and (size < head or stop > end):
            return
        yield name, begin, stop
        if name in OUTER and depth < DEEPEST_BOX:
            yield from _boxes(data, begin + head, stop, depth + 1)
        begin = stop


def _wav(data: bytes) -> bytes:
    """The sound and its description; every other chunk is left out."""
    kept = bytearray(b"WAVE")
    place, has_sound = 12, False
    while place + 8 <= len(data):
        name, size = struct.unpack_from("<4sI", data, place)
        body = data[place + 8 : place + 8 + size]
        if name in WANTED_OF_WAV:
            kept += name + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)
            has_sound = has_sound or name == b"data"
        place += 8 + size + size % 2
    if not has_sound:
        raise NoSound
    return b"RIFF" + struct.pack("<I", len(kept)) + bytes(kept)


def _without_id3(data: bytes) -> bytes:
    """An MP3 without its tags at either end."""
    if data.startswith(b"ID3") and len(data) > ID3_HEAD:
        size = 0
        for byte in data[6:ID3_HEAD]:
            size = size << 7 | byte & 0x7F
        data = data[ID3_HEAD + size :]
    return data[:-ID3_TAIL] if data[-ID3_TAIL:].startswith(b"TAG") else data
