"""Sealing: published vectors, and nothing opens that was changed, moved or is under another key."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from maplebridge.lib import seal

ABOUT = bytes.fromhex("feedfacedeadbeeffeedfacedeadbeefabaddad2")
# RFC 8998, A.1: SM4-GCM.
SM4 = {
    "key": "02" + "0123456789abcdeffedcba9876543210",
    "nonce": "00001234567800000000abcd",
    "plain": "aa" * 8 + "bb" * 8 + "cc" * 8 + "dd" * 8 + "ee" * 8 + "ff" * 8 + "ee" * 8 + "aa" * 8,
    "sealed": "17f399f08c67d5ee19d0dc9969c4bb7d5fd46fd3756489069157b282bb200735"
    "d82710ca5c22f0ccfa7cbf93d496ac15a56834cbcf98c397b4024a2691233b8d",
    "tag": "83de3541e4c2b58177e065a9bf7b62ec",
}
# McGrew and Viega, the proposal of GCM, test case 16: AES-256-GCM.
AES = {
    "key": "01" + "feffe9928665731c6d6a8f9467308308" * 2,
    "nonce": "cafebabefacedbaddecaf888",
    "plain": "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
    "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
    "sealed": "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
    "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662",
    "tag": "76fc6ece0f4e1768cddf8853bb2d551b",
}


@pytest.mark.parametrize("vector", [AES, SM4], ids=["aes", "sm4"])
def test_sealing_agrees_with_the_published_vectors(vector, monkeypatch):
    said = {name: bytes.fromhex(value) for name, value in vector.items()}
    whole = said["nonce"] + said["sealed"] + said["tag"]
    monkeypatch.setattr(seal.secrets, "token_bytes", lambda _n: said["nonce"])
    assert seal.seal(said["key"], said["plain"], ABOUT) == whole
    assert seal.opened(said["key"], whole, ABOUT) == said["plain"]


def test_sm4_and_sm3_agree_with_their_standards():
    key = bytes.fromhex("0123456789abcdeffedcba9876543210")
    turned = Cipher(algorithms.SM4(key), modes.ECB()).encryptor()  # noqa: S305  GB/T 32907, A.1
    assert turned.update(key).hex() == "681edf34d206965e86b3e94f536e4246"
    digest = hashes.Hash(hashes.SM3())  # GB/T 32905, A.1
    digest.update(b"abc")
    assert digest.finalize().hex() == (
        "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"
    )


@pytest.mark.parametrize("cipher", list(seal.SUITES))
def test_what_was_changed_or_moved_does_not_open(cipher):
    key, plain = seal.fresh_key(cipher), "赵小满 13900000000".encode()
    sealed = seal.seal(key, plain, b"case 1")
    assert seal.opened(key, sealed, b"case 1") == plain
    assert seal.seal(key, plain, b"case 1") != sealed
    wrong = [sealed[:-1], sealed + b"\0", b"", sealed[:27]]
    for place in range(len(sealed)):
        wrong.append(sealed[:place] + bytes([sealed[place] ^ 1]) + sealed[place + 1 :])
    for changed in wrong:
        with pytest.raises(seal.NotOpened):
            seal.opened(key, changed, b"case 1")
    for other in (seal.fresh_key(cipher), b"", b"\x09" + key[1:]):
        with pytest.raises(seal.NotOpened):
            seal.opened(other, sealed, b"case 1")
    with pytest.raises(seal.NotOpened):
        seal.opened(key, sealed, b"case 2")


@pytest.mark.parametrize("cipher", list(seal.SUITES))
def test_a_blind_hash_is_equal_for_equal_texts_under_one_key_only(cipher):
    key, other = seal.fresh_key(cipher), seal.fresh_key(cipher)
    assert seal.blind(key, "13900000000") == seal.blind(key, "13900000000")
    assert len(seal.blind(key, "13900000000")) == 64
    assert seal.blind(key, "13900000000") != seal.blind(key, "13900000001")
    assert seal.blind(key, "13900000000") != seal.blind(other, "13900000000")


@pytest.mark.parametrize("cipher", list(seal.SUITES))
def test_keys_for_two_purposes_tell_nothing_of_each_other(cipher):
    secret = bytes(32)
    wrap, blind = (seal.derived_key(cipher, secret, name) for name in ("wrap", "blind"))
    assert wrap != blind
    assert wrap == seal.derived_key(cipher, secret, "wrap")
