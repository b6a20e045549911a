"""SM4 in CBC and GCM mode."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.bindings.openssl.binding import Binding
from gmssl.sm4 import SM4_ENCRYPT, CryptSM4
from hypothesis import given
from hypothesis import strategies as st

from crypto import providers
from crypto.sm4 import sm4_cbc_decrypt, sm4_cbc_encrypt, sm4_gcm_open, sm4_gcm_seal
from standards.errors import TrustError
from tests.crypto import published_vectors as v

if TYPE_CHECKING:
    from collections.abc import Callable

keys = st.binary(min_size=16, max_size=16)
nonces = st.binary(min_size=12, max_size=12)
texts = st.binary(max_size=200)


@pytest.mark.clause("GB/T 32907-2016 A.1")
def test_published_block() -> None:
    assert sm4_cbc_encrypt(v.SM4_KEY, bytes(16), v.SM4_KEY)[:16] == v.SM4_BLOCK


@pytest.mark.clause("GB/T 32907-2016 A.2")
def test_published_million_rounds_by_chaining() -> None:
    """A million encryptions of a block by itself are one CBC run over zero blocks, whose last block is the answer."""
    blocks = v.SM4_KEY + bytes(16 * 999_999)
    done = providers.symmetric().sm4_cbc(v.SM4_KEY, bytes(16), blocks, encrypt=True)
    assert done[-16:].hex() == "595298c7c6fd271f0402f804c33d3f66"


def test_published_cbc() -> None:
    done = sm4_cbc_encrypt(v.SM4_CBC_KEY, v.SM4_CBC_KEY, v.SM4_CBC_PLAINTEXT)
    assert done[:-16] == v.SM4_CBC_CIPHERTEXT
    assert sm4_cbc_decrypt(v.SM4_CBC_KEY, v.SM4_CBC_KEY, done) == v.SM4_CBC_PLAINTEXT


@pytest.mark.clause("RFC 8998 A.1", "GB/T 36624-2018 C.5")
@pytest.mark.parametrize("vector", v.SM4_GCM_VECTORS)
def test_published_gcm(vector: v.Gcm) -> None:
    key, nonce, aad, plaintext = (bytes.fromhex(part) for part in (vector.key, vector.nonce, vector.aad, vector.plaintext))
    sealed = bytes.fromhex(vector.ciphertext + vector.tag)
    assert sm4_gcm_seal(key, nonce, plaintext, aad) == sealed
    assert sm4_gcm_open(key, nonce, sealed, aad) == plaintext


@given(keys, keys, texts)
def test_cbc_round_trip_and_oracle(key: bytes, iv: bytes, plaintext: bytes) -> None:
    done = sm4_cbc_encrypt(key, iv, plaintext)
    assert len(done) == len(plaintext) // 16 * 16 + 16
    assert sm4_cbc_decrypt(key, iv, done) == plaintext
    oracle = CryptSM4()
    oracle.set_key(key, SM4_ENCRYPT)
    assert oracle.crypt_cbc(iv, plaintext) == done


@given(keys, nonces, texts, texts, st.data())
def test_gcm_round_trip_and_any_flipped_bit(key: bytes, nonce: bytes, plaintext: bytes, aad: bytes, data: st.DataObject) -> None:
    sealed = sm4_gcm_seal(key, nonce, plaintext, aad)
    assert sm4_gcm_open(key, nonce, sealed, aad) == plaintext
    bit = data.draw(st.integers(0, 8 * len(sealed) - 1))
    changed = bytearray(sealed)
    changed[bit // 8] ^= 1 << bit % 8
    for arguments in (
        (key, nonce, bytes(changed), aad),
        (key, nonce, sealed, aad + b"x"),
        (key, bytes((nonce[0] ^ 1,)) + nonce[1:], sealed, aad),
        (bytes((key[0] ^ 1,)) + key[1:], nonce, sealed, aad),
        (key, nonce, sealed[:-1], aad),
        (key, nonce, sealed[:15], aad),
    ):
        with pytest.raises(TrustError, match="SM4_DECRYPT_FAILED"):
            sm4_gcm_open(*arguments)


def test_gcm_refuses_as_usual_when_somebody_left_an_error_in_the_library_s_queue() -> None:
    library = Binding()
    memory = library.lib.BIO_new_mem_buf(b"junk", 4)
    assert library.lib.PEM_read_bio_X509(memory, library.ffi.NULL, library.ffi.NULL, library.ffi.NULL) == library.ffi.NULL
    library.lib.BIO_free(memory)
    with pytest.raises(TrustError, match="SM4_DECRYPT_FAILED"):
        sm4_gcm_open(v.SM4_KEY, bytes(12), bytes(40))


@pytest.mark.parametrize("ciphertext", [b"", bytes(15), bytes(17), bytes(16)])
def test_cbc_refuses_wrong_length_or_padding(ciphertext: bytes) -> None:
    with pytest.raises(TrustError, match="SM4_DECRYPT_FAILED"):
        sm4_cbc_decrypt(v.SM4_KEY, bytes(16), ciphertext)


@pytest.mark.parametrize("last", [b"\x00", b"\x11", b"\xff", b"\x02"])
def test_cbc_refuses_other_paddings(last: bytes) -> None:
    block = providers.symmetric().sm4_cbc(v.SM4_KEY, bytes(16), bytes(15) + last, encrypt=True)
    with pytest.raises(TrustError, match="SM4_DECRYPT_FAILED"):
        sm4_cbc_decrypt(v.SM4_KEY, bytes(16), block)


def test_lengths_are_checked() -> None:
    refusals: list[Callable[[], bytes]] = [
        lambda: sm4_cbc_encrypt(bytes(15), bytes(16), b""),
        lambda: sm4_cbc_encrypt(bytes(16), bytes(12), b""),
        lambda: sm4_cbc_decrypt(bytes(32), bytes(16), bytes(16)),
        lambda: sm4_cbc_decrypt(bytes(16), bytes(15), bytes(16)),
        lambda: sm4_gcm_seal(bytes(24), bytes(12), b""),
        lambda: sm4_gcm_seal(bytes(16), bytes(16), b""),
        lambda: sm4_gcm_open(bytes(17), bytes(12), bytes(16)),
        lambda: sm4_gcm_open(bytes(16), bytes(0), bytes(16)),
    ]
    for refused in refusals:
        with pytest.raises(TrustError, match="SM4_LENGTH"):
            refused()
