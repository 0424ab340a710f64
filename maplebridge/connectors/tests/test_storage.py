"""Photos: only pictures are kept, drawn anew, without what was hidden in them."""

from __future__ import annotations

import io
import random
import struct

import pytest
from django.utils import translation
from PIL import Image

from maplebridge.connectors import storage


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


def picture(size=(40, 30), form="JPEG", **options):
    drawn = io.BytesIO()
    Image.new("RGB", size, (180, 40, 30)).save(drawn, form, **options)
    return drawn.getvalue()


def test_a_photo_is_kept_under_its_hash_and_twice_is_once(tmp_path):
    first, second = storage.keep_photo(picture()), storage.keep_photo(picture())
    assert first == second
    assert first.media_type == "image/jpeg"
    assert storage.path_of(first.sha256).stat().st_size == first.size
    assert len(list(tmp_path.rglob("*.jpg"))) == 1


def test_place_and_camera_are_gone():
    exif = Image.Exif()
    exif[0x0110] = "Spy Camera"
    exif.get_ifd(0x8825)[2] = (28.0, 59.0, 1.0)
    kept = storage.keep_photo(picture(exif=exif))
    data = storage.path_of(kept.sha256).read_bytes()
    assert b"Spy" not in data
    assert dict(Image.open(io.BytesIO(data)).getexif()) == {}


def test_what_hides_behind_a_picture_is_gone():
    kept = storage.keep_photo(picture() + b"<script>alert(1)</script>")
    assert b"script" not in storage.path_of(kept.sha256).read_bytes()


def test_a_large_photo_is_made_smaller():
    kept = storage.keep_photo(picture((4000, 3000)))
    with Image.open(storage.path_of(kept.sha256)) as found:
        assert found.size == (2560, 1920)


@pytest.mark.parametrize("form", ["PNG", "WEBP", "GIF", "BMP"])
def test_other_pictures_become_jpeg(form):
    kept = storage.keep_photo(picture(form=form))
    with Image.open(storage.path_of(kept.sha256)) as found:
        assert found.format == "JPEG"


@pytest.mark.parametrize(
    "data",
    [
        b"<html><body>no photo</body></html>",
        b"<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>",
        b"",
        b"\xff\xd8\xff",
        picture()[:300],
    ],
)
def test_what_is_no_photo_is_refused_with_its_name(data):
    with (
        translation.override("en"),
        pytest.raises(storage.NotKept, match=r"evil\.jpg is not a photo"),
    ):
        storage.keep_photo(data, "evil.jpg")


def test_twenty_megabytes_are_refused_with_the_limit():
    with (
        translation.override("en"),
        pytest.raises(storage.NotKept, match=r"20\.0 MB; at most 15 MB"),
    ):
        storage.keep_photo(b"\xff" * (20 * 1024 * 1024), "big.jpg")


def test_a_hundred_megapixels_are_refused_before_they_fill_the_memory():
    with translation.override("en"), pytest.raises(storage.NotKept):
        storage.keep_photo(picture((12000, 9000), "PNG"), "wide.png")


def test_only_hashes_name_files():
    with pytest.raises(ValueError, match="SHA-256"):
        storage.path_of("../../etc/passwd")


def test_a_photo_broken_anywhere_is_refused_with_a_sentence_and_nothing_else():
    exif = Image.Exif()
    exif[0x0112] = 6
    exif.get_ifd(0x8825)[2] = (28.0, 59.0, 1.0)
    whole = picture(exif=exif)
    draw = random.Random(20190711)
    refused = 0
    for _ in range(300):
        broken = bytearray(whole)
        for _byte in range(draw.randint(1, 6)):
            broken[draw.randrange(2, len(broken))] = draw.randrange(256)
        try:
            storage.keep_photo(bytes(broken))
        except storage.NotKept:
            refused += 1
    assert refused > 0


def test_whatever_the_library_raises_becomes_a_sentence(monkeypatch):
    def fail(_picture):
        raise struct.error("unpack requires a buffer of 4 bytes")

    monkeypatch.setattr(storage.ImageOps, "exif_transpose", fail)
    with pytest.raises(storage.NotKept):
        storage.keep_photo(picture())
