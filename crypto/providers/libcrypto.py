"""SM2 from the system's OpenSSL >= 3.0, or from Tongsuo's library of the same shape, by cffi without a compiler.

Only the primitive on e is used: Z_A, the DER of signatures, ranges and points are checked by us before anything gets here, because
the library loads d = 0, d >= n-1 and private keys with a foreign public point without complaint.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final

from cffi import FFI

from crypto.providers.native_key import NativeKey, take
from crypto.providers.native_library import find_library, open_library
from crypto.providers.protocol import ALL_CAPABILITIES, Capability, Handle, decrypt_failed, provider_failed, provider_missing
from standards.rfc5958_private_keys import SM2_SPKI_PREFIX, write_sm2_private_key_without_point

if TYPE_CHECKING:
    from collections.abc import Callable

_CDEF: Final = """
typedef struct evp_pkey_st EVP_PKEY;
typedef struct evp_pkey_ctx_st EVP_PKEY_CTX;
typedef struct evp_md_st EVP_MD;
typedef struct bignum_st BIGNUM;
const char *OpenSSL_version(int type);
unsigned long OpenSSL_version_num(void);
EVP_MD *EVP_MD_fetch(void *ctx, const char *algorithm, const char *properties);
void EVP_MD_free(EVP_MD *md);
EVP_PKEY *d2i_PUBKEY(EVP_PKEY **a, const unsigned char **pp, long length);
EVP_PKEY *d2i_AutoPrivateKey(EVP_PKEY **a, const unsigned char **pp, long length);
void EVP_PKEY_free(EVP_PKEY *pkey);
EVP_PKEY_CTX *EVP_PKEY_CTX_new(EVP_PKEY *pkey, void *engine);
EVP_PKEY_CTX *EVP_PKEY_CTX_new_from_name(void *libctx, const char *name, const char *propquery);
void EVP_PKEY_CTX_free(EVP_PKEY_CTX *ctx);
int EVP_PKEY_keygen_init(EVP_PKEY_CTX *ctx);
int EVP_PKEY_generate(EVP_PKEY_CTX *ctx, EVP_PKEY **ppkey);
int EVP_PKEY_sign_init(EVP_PKEY_CTX *ctx);
int EVP_PKEY_sign(EVP_PKEY_CTX *ctx, unsigned char *sig, size_t *siglen, const unsigned char *tbs, size_t tbslen);
int EVP_PKEY_verify_init(EVP_PKEY_CTX *ctx);
int EVP_PKEY_verify(EVP_PKEY_CTX *ctx, const unsigned char *sig, size_t siglen, const unsigned char *tbs, size_t tbslen);
int EVP_PKEY_encrypt_init(EVP_PKEY_CTX *ctx);
int EVP_PKEY_encrypt(EVP_PKEY_CTX *ctx, unsigned char *out, size_t *outlen, const unsigned char *in, size_t inlen);
int EVP_PKEY_decrypt_init(EVP_PKEY_CTX *ctx);
int EVP_PKEY_decrypt(EVP_PKEY_CTX *ctx, unsigned char *out, size_t *outlen, const unsigned char *in, size_t inlen);
int EVP_PKEY_get_octet_string_param(const EVP_PKEY *pkey, const char *key, unsigned char *buf, size_t max, size_t *out);
int EVP_PKEY_get_bn_param(const EVP_PKEY *pkey, const char *key, BIGNUM **bn);
int BN_bn2binpad(const BIGNUM *a, unsigned char *to, int tolen);
void BN_clear_free(BIGNUM *a);
void OPENSSL_cleanse(void *ptr, size_t len);
unsigned long ERR_get_error(void);
void ERR_error_string_n(unsigned long e, char *buf, size_t len);
"""

MIN_VERSION_NUMBER: Final = 0x30000000  # EVP_PKEY_CTX_new_from_name and the provider model begin with 3.0
MAX_SIGNATURE_BYTES: Final = 80
_MAX_QUEUED_ERRORS: Final = 64  # the library itself keeps 16 per thread
_POINT_PARAMETER: Final = b"encoded-pub-key"
_SCALAR_PARAMETER: Final = b"priv"

_ffi: Final = FFI()
_ffi.cdef(_CDEF)


def library_names() -> tuple[str, ...]:
    """The names tried when no path is set, the versioned one of the platform first: asking the linker's cache costs a subprocess."""
    if sys.platform == "darwin":
        return ("libcrypto.3.dylib",)
    if sys.platform == "win32":
        return ("libcrypto-3-x64.dll", "libcrypto-3.dll")
    return ("libcrypto.so.3",)


def _open(path: str | None) -> tuple[Any, str]:
    if path is None:
        found = find_library(_ffi, library_names(), ("crypto",))
        if found is None:
            raise provider_missing("libcrypto", "no library named " + " or ".join(library_names()))
        return found
    try:
        return open_library(_ffi, path)
    except OSError as error:
        raise provider_missing("libcrypto", str(error)) from None


def _text(pointer: Any) -> str:
    content = _ffi.string(pointer)
    return content.decode("utf-8", "replace") if isinstance(content, bytes) else content


class Libcrypto:
    """One loaded libcrypto. Keys hold ``EVP_PKEY`` pointers, freed with the last reference."""

    name: Final = "libcrypto"
    capabilities: Final[frozenset[Capability]] = ALL_CAPABILITIES

    def __init__(self, path: str | None = None) -> None:
        """Load ``path``, or the system's library. ``CRYPTO_PROVIDER_MISSING`` where there is none or it has no SM2 and SM3."""
        self._lib, where = _open(path)
        try:
            number = self._lib.OpenSSL_version_num()
            self._lib.EVP_MD_fetch  # noqa: B018 - a library without it is older than 3.0 whatever its number says
        except AttributeError:
            raise provider_missing("libcrypto", f"{where} is older than OpenSSL 3.0") from None
        if number < MIN_VERSION_NUMBER:
            raise provider_missing("libcrypto", f"{where} is older than OpenSSL 3.0")
        self.version: Final = f"{_text(self._lib.OpenSSL_version(0))} ({where})"
        digest = self._lib.EVP_MD_fetch(_ffi.NULL, b"SM3", _ffi.NULL)
        context = self._lib.EVP_PKEY_CTX_new_from_name(_ffi.NULL, b"SM2", _ffi.NULL)
        self._lib.EVP_MD_free(digest)
        self._lib.EVP_PKEY_CTX_free(context)
        if _ffi.NULL in (digest, context):
            self._errors()
            raise provider_missing("libcrypto", f"{where} was built without SM2 or SM3")

    def _errors(self) -> str:
        """Empty this thread's error queue, or the next failure would be reported with the text of this one."""
        texts: list[str] = []
        buffer = _ffi.new("char[256]")
        for _ in range(_MAX_QUEUED_ERRORS):
            code = self._lib.ERR_get_error()
            if code == 0:
                break
            self._lib.ERR_error_string_n(code, buffer, 256)
            texts.append(_text(buffer))
        return "; ".join(texts)

    def _failed(self, operation: str) -> Exception:
        return provider_failed(self.name, operation, self._errors())

    def _key(self, pointer: Any, operation: str) -> Handle:
        if pointer == _ffi.NULL:
            raise self._failed(operation)
        return NativeKey(_ffi.gc(pointer, self._lib.EVP_PKEY_free))

    def _context(self, key: Handle, begin: Callable[[Any], int], operation: str) -> Any:
        """A context in which any number of signatures can be made, or verified, one after the other."""
        context = _ffi.gc(self._lib.EVP_PKEY_CTX_new(key.pointer, _ffi.NULL), self._lib.EVP_PKEY_CTX_free)
        if context == _ffi.NULL or begin(context) != 1:
            raise self._failed(operation)
        return context

    def load_public(self, point: bytes) -> Handle:
        """``d2i_PUBKEY`` over the fixed frame of an SM2 SubjectPublicKeyInfo."""
        encoded = SM2_SPKI_PREFIX + point
        buffer = _ffi.from_buffer("unsigned char[]", encoded)
        cursor = _ffi.new("const unsigned char **", buffer)
        return self._key(self._lib.d2i_PUBKEY(_ffi.NULL, cursor, len(encoded)), "load_public")

    def load_private(self, scalar: bytes) -> Handle:
        """``d2i_AutoPrivateKey`` over a PKCS#8 frame without public point, so that the library computes the point itself."""
        encoded = bytearray(write_sm2_private_key_without_point(scalar))
        buffer = _ffi.from_buffer("unsigned char[]", encoded)
        cursor = _ffi.new("const unsigned char **", buffer)
        try:
            return self._key(self._lib.d2i_AutoPrivateKey(_ffi.NULL, cursor, len(encoded)), "load_private")
        finally:
            self._lib.OPENSSL_cleanse(buffer, len(encoded))

    def generate(self) -> Handle:
        """``EVP_PKEY_generate``."""
        context = self._lib.EVP_PKEY_CTX_new_from_name(_ffi.NULL, b"SM2", _ffi.NULL)
        pointer = _ffi.new("EVP_PKEY **")
        try:
            if context == _ffi.NULL or self._lib.EVP_PKEY_keygen_init(context) != 1 or self._lib.EVP_PKEY_generate(context, pointer) != 1:
                raise self._failed("generate")
        finally:
            self._lib.EVP_PKEY_CTX_free(context)
        return self._key(pointer[0], "generate")

    def point_of(self, private: Handle) -> bytes:
        """The key's ``encoded-pub-key``."""
        out, size = _ffi.new("unsigned char[65]"), _ffi.new("size_t *")
        if self._lib.EVP_PKEY_get_octet_string_param(private.pointer, _POINT_PARAMETER, out, 65, size) != 1:
            raise self._failed("point_of")
        return bytes(_ffi.buffer(out, size[0]))

    def scalar_of(self, private: Handle) -> bytes:
        """The key's ``priv``, through a big number and a buffer that are both cleared."""
        number, out = _ffi.new("BIGNUM **"), _ffi.new("unsigned char[32]")
        if self._lib.EVP_PKEY_get_bn_param(private.pointer, _SCALAR_PARAMETER, number) != 1:
            raise self._failed("scalar_of")
        try:
            if self._lib.BN_bn2binpad(number[0], out, 32) != 32:
                raise self._failed("scalar_of")
            return bytes(_ffi.buffer(out, 32))
        finally:
            self._lib.BN_clear_free(number[0])
            self._lib.OPENSSL_cleanse(out, 32)

    def sign(self, private: Handle, e: bytes) -> bytes:
        """``EVP_PKEY_sign`` without a digest: the input is taken as e."""
        lib = self._lib
        context = take(private.signing, lambda: self._context(private, lib.EVP_PKEY_sign_init, "sign"))
        out, size = _ffi.new("unsigned char[]", MAX_SIGNATURE_BYTES), _ffi.new("size_t *", MAX_SIGNATURE_BYTES)
        if lib.EVP_PKEY_sign(context, out, size, e, len(e)) != 1:
            raise self._failed("sign")
        private.signing.append(context)
        return bytes(_ffi.buffer(out, size[0]))

    def verify(self, public: Handle, signature_der: bytes, e: bytes) -> bool:
        """``EVP_PKEY_verify`` without a digest: good only if the answer is exactly 1."""
        lib = self._lib
        context = take(public.verifying, lambda: self._context(public, lib.EVP_PKEY_verify_init, "verify"))
        good: bool = lib.EVP_PKEY_verify(context, signature_der, len(signature_der), e, len(e)) == 1
        if good:
            public.verifying.append(context)
        else:
            self._errors()
        return good

    def encrypt(self, public: Handle, plaintext: bytes) -> bytes:
        """``EVP_PKEY_encrypt``, first for the size."""
        lib = self._lib
        context = lib.EVP_PKEY_CTX_new(public.pointer, _ffi.NULL)
        size = _ffi.new("size_t *")
        try:
            if (
                context == _ffi.NULL
                or lib.EVP_PKEY_encrypt_init(context) != 1
                or lib.EVP_PKEY_encrypt(context, _ffi.NULL, size, plaintext, len(plaintext)) != 1
            ):
                raise self._failed("encrypt")
            out = _ffi.new("unsigned char[]", size[0])
            if lib.EVP_PKEY_encrypt(context, out, size, plaintext, len(plaintext)) != 1:
                raise self._failed("encrypt")
        finally:
            lib.EVP_PKEY_CTX_free(context)
        return bytes(_ffi.buffer(out, size[0]))

    def decrypt(self, private: Handle, ciphertext_der: bytes) -> bytes:
        """``EVP_PKEY_decrypt``; the library compares C3 with ``CRYPTO_memcmp``. The plaintext is never longer than its ciphertext."""
        lib = self._lib
        context = lib.EVP_PKEY_CTX_new(private.pointer, _ffi.NULL)
        out, size = _ffi.new("unsigned char[]", len(ciphertext_der)), _ffi.new("size_t *", len(ciphertext_der))
        try:
            if context == _ffi.NULL or lib.EVP_PKEY_decrypt_init(context) != 1:
                raise self._failed("decrypt")
            if lib.EVP_PKEY_decrypt(context, out, size, ciphertext_der, len(ciphertext_der)) != 1:
                self._errors()
                raise decrypt_failed()
            return bytes(_ffi.buffer(out, size[0]))
        finally:
            lib.EVP_PKEY_CTX_free(context)
            lib.OPENSSL_cleanse(out, len(ciphertext_der))
