"""Originals: sealed as they were uploaded, never served, destroyed for good."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor

import pytest
from PIL import Image

from maplebridge.connectors import storage
from maplebridge.lib import keyring

SCRIPT = b"<script>alert(1)</script>"
SVG = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"


@pytest.fixture(autouse=True)
def keys(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.SEAL_KEYS = tmp_path / "secrets" / "keys.json"
    keyring.create(settings.SEAL_KEYS, "aes")
    return keyring.at(settings.SEAL_KEYS)


def picture(form="JPEG", **options):
    drawn = io.BytesIO()
    Image.new("RGB", (40, 30), (180, 40, 30)).save(drawn, form, **options)
    return drawn.getvalue()


def located():
    exif = Image.Exif()
    exif[0x0110] = "Spy Camera"
    exif.get_ifd(0x8825)[2] = (28.0, 59.0, 1.0)
    return picture(exif=exif, comment=b"at home")


# Whatever is a photo on one side and something else on the other.
HOSTILE = {
    "place and camera": located(),
    "script behind": picture() + SCRIPT,
    "page behind a GIF": picture("GIF") + b"<html>" + SCRIPT,
    "svg in a PNG": picture("PNG") + SVG,
    "script in a comment": picture(comment=SCRIPT),
    "archive behind": picture() + b"PK\x03\x04" + b"\0" * 64,
}


def files(root, suffix):
    return sorted(root.rglob(f"*{suffix}"))


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_served_has_none_of_it_and_the_original_is_the_same_byte_by_byte(name, tmp_path):
    data = HOSTILE[name]
    kept = storage.keep_photo(data)
    served = storage.path_of(kept.sha256).read_bytes()
    for hidden in (b"script", b"<svg", b"Spy", b"at home", b"Exif", b"PK\x03\x04"):
        assert hidden not in served
    with Image.open(io.BytesIO(served)) as found:
        assert found.format == "JPEG"
        assert dict(found.getexif()) == {}
        assert found.info["comment"] == storage.mark_of(data).encode()
    assert storage.original_of(kept.sha256) == data
    for path in (tmp_path / "media").rglob("*"):
        if path.is_file() and path.suffix != ".jpg":
            assert data[20:60] not in path.read_bytes()
            assert path.stat().st_mode & 0o077 == 0 or path.name == "originals.lock"


@pytest.mark.parametrize("data", [SVG, SCRIPT, b"\x89PNG" + SVG, b""])
def test_what_is_refused_leaves_nothing_behind(data, tmp_path):
    with pytest.raises(storage.NotKept):
        storage.keep_photo(data)
    assert [path for path in tmp_path.rglob("media/**/*") if path.is_file()] == []


def test_a_huge_picture_in_few_bytes_leaves_nothing_behind(tmp_path):
    drawn = io.BytesIO()
    Image.new("1", (12000, 9000)).save(drawn, "PNG")
    assert len(drawn.getvalue()) < 100_000
    with pytest.raises(storage.NotKept):
        storage.keep_photo(drawn.getvalue())
    assert files(tmp_path, ".original") == []


def test_two_originals_of_one_picture_are_two_photos():
    plain, more = picture(), picture() + b"and more"
    one, other = storage.keep_photo(plain), storage.keep_photo(more)
    assert one.sha256 != other.sha256
    assert storage.original_of(one.sha256) == plain
    assert storage.original_of(other.sha256) == more
    assert storage.keep_photo(plain) == one


def test_the_same_photo_sent_many_times_at_once_is_kept_once(tmp_path):
    data = located()
    with ThreadPoolExecutor(4) as threads:
        kept = list(threads.map(lambda _n: storage.keep_photo(data), range(12)))
    assert len(set(kept)) == 1
    assert storage.original_of(kept[0].sha256) == data
    names = [path.suffix for path in (tmp_path / "media").rglob("*") if path.is_file()]
    assert sorted(names) == [".jpg", ".key", ".original"]


def test_an_original_put_elsewhere_or_changed_does_not_open():
    one, other = storage.keep_photo(picture()), storage.keep_photo(picture("PNG"))
    for ending in (".key", ".original"):
        source = storage.path_of(one.sha256).with_suffix(ending)
        storage.path_of(other.sha256).with_suffix(ending).write_bytes(source.read_bytes())
    with pytest.raises(storage.NoOriginal):
        storage.original_of(other.sha256)
    sealed = storage.path_of(one.sha256).with_suffix(".original")
    sealed.write_bytes(sealed.read_bytes()[:-1] + b"\0\0")
    with pytest.raises(storage.NoOriginal):
        storage.original_of(one.sha256)


def test_a_destroyed_original_is_gone_and_its_copy_opens_for_nobody():
    kept = storage.keep_photo(located())
    sealed = storage.path_of(kept.sha256).with_suffix(".original")
    copy = sealed.read_bytes()
    assert storage.destroy_original(kept.sha256)
    assert not storage.destroy_original(kept.sha256)
    with pytest.raises(storage.NoOriginal):
        storage.original_of(kept.sha256)
    sealed.write_bytes(copy)
    with pytest.raises(storage.NoOriginal):
        storage.original_of(kept.sha256)
    assert storage.path_of(kept.sha256).exists()


def test_rotation_moves_the_keys_of_originals_and_leaves_the_bytes(keys):
    kept = [storage.keep_photo(picture() + bytes([n])) for n in range(3)]
    before = keys.current()
    sealed = [storage.path_of(k.sha256).with_suffix(".original").read_bytes() for k in kept]
    after = keys.add("sm4").id
    storage.path_of(kept[0].sha256).with_suffix(".key").write_text("{}")
    assert storage.originals_by_key() == {before: 2}
    assert sorted(storage.rewrap_originals()) == [False, True, True]
    assert storage.originals_by_key() == {after: 2}
    assert list(storage.rewrap_originals()) == [False]
    assert storage.original_of(kept[1].sha256) == picture() + bytes([1])
    now = [storage.path_of(k.sha256).with_suffix(".original").read_bytes() for k in kept]
    assert now == sealed


def test_without_keys_no_photo_is_kept_in_clear(settings, tmp_path):
    settings.SEAL_KEYS = tmp_path / "nowhere.json"
    with pytest.raises(storage.NotKept):
        storage.keep_photo(picture())
    assert files(tmp_path, ".jpg") == files(tmp_path, ".original") == []
