"""SM4-GCM for larger values from libgcrypt, by cffi without a compiler: it has SM4 for the wide registers of processors, six times as fast.

Every Debian has it, as do most others. Where it is missing, or refuses SM4 (as in its FIPS mode), ``cryptography`` does the same alone. A
handle serves one call, so threads and forked processes share nothing; the library wipes it when it is closed.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from cffi import FFI

from crypto.providers.native_library import find_library
from crypto.providers.protocol import provider_failed, provider_missing

if TYPE_CHECKING:
    from collections.abc import Iterator

_CDEF: Final = """
typedef unsigned int gcry_error_t;
typedef struct gcry_cipher_handle *gcry_cipher_hd_t;
const char *gcry_check_version(const char *req_version);
gcry_error_t gcry_control(int cmd, ...);
const char *gcry_strerror(gcry_error_t err);
gcry_error_t gcry_cipher_open(gcry_cipher_hd_t *handle, int algo, int mode, unsigned int flags);
void gcry_cipher_close(gcry_cipher_hd_t h);
gcry_error_t gcry_cipher_setkey(gcry_cipher_hd_t hd, const void *key, size_t keylen);
gcry_error_t gcry_cipher_setiv(gcry_cipher_hd_t hd, const void *iv, size_t ivlen);
gcry_error_t gcry_cipher_authenticate(gcry_cipher_hd_t hd, const void *abuf, size_t abuflen);
gcry_error_t gcry_cipher_encrypt(gcry_cipher_hd_t h, void *out, size_t outsize, const void *in, size_t inlen);
gcry_error_t gcry_cipher_decrypt(gcry_cipher_hd_t h, void *out, size_t outsize, const void *in, size_t inlen);
gcry_error_t gcry_cipher_gettag(gcry_cipher_hd_t hd, void *outtag, size_t taglen);
gcry_error_t gcry_cipher_checktag(gcry_cipher_hd_t hd, const void *intag, size_t taglen);
"""
_SM4: Final = 318  # GCRY_CIPHER_SM4, since 1.9
_GCM: Final = 9  # GCRY_CIPHER_MODE_GCM
_DISABLE_SECMEM: Final = 37  # GCRYCTL_*: locked memory is for keys that live longer than a call
_INITIALIZATION_FINISHED: Final = 38
_IS_INITIALIZED: Final = 39
_CODE: Final = 0xFFFF  # of an error: what is above it says where it comes from
_WRONG_TAG: Final = 10  # GPG_ERR_CHECKSUM, the one answer that is none of the library's failures
_TAG_BYTES: Final = 16
_LINKER_NAME: Final = "gcrypt"

_ffi: Final = FFI()
_ffi.cdef(_CDEF)


def _open_library() -> tuple[Any, str]:
    names = {"darwin": "libgcrypt.20.dylib", "win32": "libgcrypt-20.dll"}
    found = find_library(_ffi, (names.get(sys.platform, "libgcrypt.so.20"),), (_LINKER_NAME,))
    if found is None:
        raise provider_missing("libgcrypt", f"no library named {_LINKER_NAME}")
    return found


def _text(pointer: Any) -> str:
    content = _ffi.string(pointer)
    return content.decode("utf-8", "replace") if isinstance(content, bytes) else content


class Libgcrypt:
    """One loaded libgcrypt. Its calls release the interpreter lock."""

    name: Final = "libgcrypt"

    def __init__(self) -> None:
        """``CRYPTO_PROVIDER_MISSING`` where the library is not on this machine, or has no SM4 there."""
        self._lib, where = _open_library()
        version = self._lib.gcry_check_version(_ffi.NULL)  # also the first half of its initialisation
        if version == _ffi.NULL:
            raise provider_missing(self.name, f"{where} does not start")
        self.version: Final = f"{_text(version)} ({where})"
        if not self._lib.gcry_control(_IS_INITIALIZED):
            self._lib.gcry_control(_DISABLE_SECMEM, _ffi.cast("int", 0))
            self._lib.gcry_control(_INITIALIZATION_FINISHED, _ffi.cast("int", 0))
        handle = _ffi.new("gcry_cipher_hd_t *")
        if self._lib.gcry_cipher_open(handle, _SM4, _GCM, 0):
            raise provider_missing(self.name, f"{where} has no SM4-GCM")
        self._lib.gcry_cipher_close(handle[0])

    def sm4_gcm_seal(self, key: bytes, nonce: bytes, plaintext: bytes, aad: bytes) -> bytes:
        """SM4-GCM, the ciphertext followed by its 16-byte tag."""
        lib, size = self._lib, len(plaintext)
        sealed = bytearray(size + _TAG_BYTES)
        out = _ffi.from_buffer(sealed)
        with self._begun(key, nonce, aad) as handle:
            self._check(lib.gcry_cipher_encrypt(handle, out, size, _ffi.from_buffer(plaintext), size), "encrypt")
            self._check(lib.gcry_cipher_gettag(handle, out + size, _TAG_BYTES), "gettag")
        return bytes(sealed)

    def sm4_gcm_open(self, key: bytes, nonce: bytes, sealed: bytes, aad: bytes) -> bytes | None:
        """The plaintext, or ``None`` when the tag does not match."""
        lib, size = self._lib, len(sealed) - _TAG_BYTES
        opened = bytearray(size)
        given = _ffi.from_buffer(sealed)
        with self._begun(key, nonce, aad) as handle:
            self._check(lib.gcry_cipher_decrypt(handle, _ffi.from_buffer(opened), size, given, size), "decrypt")
            found = lib.gcry_cipher_checktag(handle, given + size, _TAG_BYTES)  # compared in constant time
        if found & _CODE == _WRONG_TAG:
            return None
        self._check(found, "checktag")
        return bytes(opened)

    @contextmanager
    def _begun(self, key: bytes, nonce: bytes, aad: bytes) -> Iterator[Any]:
        lib, pointer = self._lib, _ffi.new("gcry_cipher_hd_t *")
        self._check(lib.gcry_cipher_open(pointer, _SM4, _GCM, 0), "open")
        handle = pointer[0]
        try:
            self._check(lib.gcry_cipher_setkey(handle, key, len(key)), "setkey")
            self._check(lib.gcry_cipher_setiv(handle, nonce, len(nonce)), "setiv")
            if aad:
                self._check(lib.gcry_cipher_authenticate(handle, aad, len(aad)), "authenticate")
            yield handle
        finally:
            lib.gcry_cipher_close(handle)

    def _check(self, code: int, operation: str) -> None:
        if code:
            raise provider_failed(self.name, operation, _text(self._lib.gcry_strerror(code)))
