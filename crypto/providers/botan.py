"""SM2 from Botan 2 or 3 through its C interface, by cffi without a compiler: a second code base beside OpenSSL's.

Its own Python module signs text only, so the C functions are called. The hash ``Raw`` makes the library take its input as e; signature
and ciphertext are in the same DER as OpenSSL's. The random generator is ``system``: it keeps no state in the process, so it has none
that a fork could double or two threads could share.
"""

from __future__ import annotations

import sys
from typing import Any, Final

from cffi import FFI

from crypto.providers.native_key import NativeKey, take
from crypto.providers.native_library import find_library, open_library
from crypto.providers.protocol import ALL_CAPABILITIES, Capability, Handle, decrypt_failed, provider_failed, provider_missing
from standards.gbt32918_sm2 import FIELD_BYTES

_CDEF: Final = """
typedef struct botan_rng_struct *botan_rng_t;
typedef struct botan_mp_struct *botan_mp_t;
typedef struct botan_privkey_struct *botan_privkey_t;
typedef struct botan_pubkey_struct *botan_pubkey_t;
typedef struct botan_pk_op_sign_struct *botan_pk_op_sign_t;
typedef struct botan_pk_op_verify_struct *botan_pk_op_verify_t;
typedef struct botan_pk_op_encrypt_struct *botan_pk_op_encrypt_t;
typedef struct botan_pk_op_decrypt_struct *botan_pk_op_decrypt_t;
const char *botan_version_string(void);
const char *botan_error_description(int err);
int botan_scrub_mem(void *mem, size_t bytes);
int botan_rng_init(botan_rng_t *rng, const char *rng_type);
int botan_rng_destroy(botan_rng_t rng);
int botan_mp_init(botan_mp_t *mp);
int botan_mp_destroy(botan_mp_t mp);
int botan_mp_from_bin(botan_mp_t mp, const uint8_t vec[], size_t vec_len);
int botan_mp_to_bin(botan_mp_t mp, uint8_t vec[]);
int botan_mp_num_bytes(botan_mp_t mp, size_t *bytes);
int botan_privkey_create(botan_privkey_t *key, const char *algo_name, const char *algo_params, botan_rng_t rng);
int botan_privkey_load_sm2(botan_privkey_t *key, botan_mp_t scalar, const char *curve_name);
int botan_privkey_destroy(botan_privkey_t key);
int botan_privkey_export_pubkey(botan_pubkey_t *out, botan_privkey_t in);
int botan_privkey_get_field(botan_mp_t output, botan_privkey_t key, const char *field_name);
int botan_pubkey_load_sm2(botan_pubkey_t *key, botan_mp_t public_x, botan_mp_t public_y, const char *curve_name);
int botan_pubkey_destroy(botan_pubkey_t key);
int botan_pubkey_get_field(botan_mp_t output, botan_pubkey_t key, const char *field_name);
int botan_pk_op_sign_create(botan_pk_op_sign_t *op, botan_privkey_t key, const char *hash_and_padding, uint32_t flags);
int botan_pk_op_sign_destroy(botan_pk_op_sign_t op);
int botan_pk_op_sign_update(botan_pk_op_sign_t op, const uint8_t in[], size_t in_len);
int botan_pk_op_sign_finish(botan_pk_op_sign_t op, botan_rng_t rng, uint8_t sig[], size_t *sig_len);
int botan_pk_op_verify_create(botan_pk_op_verify_t *op, botan_pubkey_t key, const char *hash_and_padding, uint32_t flags);
int botan_pk_op_verify_destroy(botan_pk_op_verify_t op);
int botan_pk_op_verify_update(botan_pk_op_verify_t op, const uint8_t in[], size_t in_len);
int botan_pk_op_verify_finish(botan_pk_op_verify_t op, const uint8_t sig[], size_t sig_len);
int botan_pk_op_encrypt_create(botan_pk_op_encrypt_t *op, botan_pubkey_t key, const char *padding, uint32_t flags);
int botan_pk_op_encrypt_destroy(botan_pk_op_encrypt_t op);
int botan_pk_op_encrypt(botan_pk_op_encrypt_t op, botan_rng_t rng, uint8_t out[], size_t *out_len,
                        const uint8_t plaintext[], size_t plaintext_len);
int botan_pk_op_decrypt_create(botan_pk_op_decrypt_t *op, botan_privkey_t key, const char *padding, uint32_t flags);
int botan_pk_op_decrypt_destroy(botan_pk_op_decrypt_t op);
int botan_pk_op_decrypt(botan_pk_op_decrypt_t op, uint8_t out[], size_t *out_len, const uint8_t ciphertext[], size_t ciphertext_len);
"""

_LINKER_NAMES: Final = ("botan-3", "botan-2")  # the newer first
_NEWEST_MINOR: Final = 31  # of Botan 3, whose library is named after it; 3.9 was the newest in 2025
CURVE: Final = b"sm2p256v1"
_RAW: Final = b",Raw"  # "user id,hash": no user id and no hash, the input is e
_ENCRYPTION_HASH: Final = b"SM3"
_DER_SIGNATURE: Final = 1  # BOTAN_PUBKEY_DER_FORMAT_SIGNATURE
_INVALID_VERIFIER: Final = 1  # BOTAN_FFI_INVALID_VERIFIER: the one positive answer, "does not verify"
_MAX_SIGNATURE_BYTES: Final = 80
_CIPHERTEXT_OVERHEAD_BYTES: Final = 160  # C1 and C3 in DER take under 128

_ffi: Final = FFI()
_ffi.cdef(_CDEF)


def library_names() -> tuple[str, ...]:
    """The names tried when no path is set, the newer first: asking the linker costs a process."""
    if sys.platform == "darwin":
        return ("libbotan-3.dylib", "libbotan-2.dylib")
    if sys.platform == "win32":
        return ("botan-3.dll", "botan.dll")
    return (*(f"libbotan-3.so.{minor}" for minor in range(_NEWEST_MINOR, -1, -1)), "libbotan-2.so.19")


def _open(path: str | None) -> tuple[Any, str]:
    try:
        found = find_library(_ffi, library_names(), _LINKER_NAMES) if path is None else open_library(_ffi, path)
    except OSError:
        found = None
    if found is None:
        raise provider_missing("botan", "no library named " + (path or " or ".join(_LINKER_NAMES)))
    return found


def _text(pointer: Any) -> str:
    content = _ffi.string(pointer)
    return content.decode("utf-8", "replace") if isinstance(content, bytes) else content


class Botan:
    """One loaded libbotan. Keys are its own objects, destroyed with the last reference; an operation serves one thread at a time."""

    name: Final = "botan"
    capabilities: Final[frozenset[Capability]] = ALL_CAPABILITIES

    def __init__(self, path: str | None = None) -> None:
        """Load ``path``, or the system's library. ``CRYPTO_PROVIDER_MISSING`` where there is none or it was built without SM2."""
        self._lib, where = _open(path)
        try:
            self.version: Final = f"{_text(self._lib.botan_version_string())} ({where})"
            self._lib.botan_privkey_load_sm2  # noqa: B018 - asks for the symbol
        except AttributeError:
            raise provider_missing("botan", f"{where} has no C interface with SM2") from None
        self._rng: Final = self._make("rng", self._lib.botan_rng_init, b"system")

    def _check(self, code: int, operation: str) -> None:
        if code != 0:
            raise provider_failed(self.name, operation, _text(self._lib.botan_error_description(code)))

    def _make(self, kind: str, create: Any, *arguments: Any) -> Handle:
        """Whatever ``create`` puts into its first argument, destroyed with the last reference."""
        pointer = _ffi.new(f"botan_{kind}_t *")
        self._check(create(pointer, *arguments), kind)
        return _ffi.gc(pointer[0], getattr(self._lib, f"botan_{kind}_destroy"))

    def _number(self, content: bytes = b"") -> Any:
        number = self._make("mp", self._lib.botan_mp_init)
        self._check(self._lib.botan_mp_from_bin(number, content, len(content)), "number")
        return number

    def _field(self, getter: Any, key: Handle, name: bytes) -> bytes:
        number, size = self._number(), _ffi.new("size_t *")
        self._check(getter(number, key, name), "field")
        self._check(self._lib.botan_mp_num_bytes(number, size), "field")
        if size[0] > FIELD_BYTES:
            raise provider_failed(self.name, "field", "longer than the curve's numbers")
        out = _ffi.new("uint8_t[]", FIELD_BYTES)
        try:
            self._check(self._lib.botan_mp_to_bin(number, out + (FIELD_BYTES - size[0])), "field")
            return bytes(_ffi.buffer(out, FIELD_BYTES))
        finally:
            self._lib.botan_scrub_mem(out, FIELD_BYTES)

    def load_public(self, point: bytes) -> Handle:
        """``botan_pubkey_load_sm2``."""
        x, y = self._number(point[1 : 1 + FIELD_BYTES]), self._number(point[1 + FIELD_BYTES :])
        return NativeKey(self._make("pubkey", self._lib.botan_pubkey_load_sm2, x, y, CURVE))

    def load_private(self, scalar: bytes) -> Handle:
        """``botan_privkey_load_sm2``, which computes the public point."""
        return NativeKey(self._make("privkey", self._lib.botan_privkey_load_sm2, self._number(scalar), CURVE))

    def generate(self) -> Handle:
        """``botan_privkey_create``."""
        return NativeKey(self._make("privkey", self._lib.botan_privkey_create, b"SM2", CURVE, self._rng))

    def point_of(self, private: Handle) -> bytes:
        """The fields ``public_x`` and ``public_y`` of the exported public key."""
        public = self._make("pubkey", self._lib.botan_privkey_export_pubkey, private.pointer)
        getter = self._lib.botan_pubkey_get_field
        return b"\x04" + self._field(getter, public, b"public_x") + self._field(getter, public, b"public_y")

    def scalar_of(self, private: Handle) -> bytes:
        """The field ``x``, through a buffer that is cleared."""
        return self._field(self._lib.botan_privkey_get_field, private.pointer, b"x")

    def sign(self, private: Handle, e: bytes) -> bytes:
        """A signing operation with the hash ``Raw``."""
        operation = take(
            private.signing, lambda: self._make("pk_op_sign", self._lib.botan_pk_op_sign_create, private.pointer, _RAW, _DER_SIGNATURE)
        )
        out, size = _ffi.new("uint8_t[]", _MAX_SIGNATURE_BYTES), _ffi.new("size_t *", _MAX_SIGNATURE_BYTES)
        self._check(self._lib.botan_pk_op_sign_update(operation, e, len(e)), "sign")
        self._check(self._lib.botan_pk_op_sign_finish(operation, self._rng, out, size), "sign")
        private.signing.append(operation)
        return bytes(_ffi.buffer(out, size[0]))

    def verify(self, public: Handle, signature_der: bytes, e: bytes) -> bool:
        """A verifying operation with the hash ``Raw``: 0 is good, 1 is not, anything else is a failure of the library."""
        operation = take(
            public.verifying, lambda: self._make("pk_op_verify", self._lib.botan_pk_op_verify_create, public.pointer, _RAW, _DER_SIGNATURE)
        )
        self._check(self._lib.botan_pk_op_verify_update(operation, e, len(e)), "verify")
        code = self._lib.botan_pk_op_verify_finish(operation, signature_der, len(signature_der))
        if code == _INVALID_VERIFIER:
            return False
        self._check(code, "verify")
        public.verifying.append(operation)
        return True

    def encrypt(self, public: Handle, plaintext: bytes) -> bytes:
        """An encrypting operation with SM3."""
        operation = self._make("pk_op_encrypt", self._lib.botan_pk_op_encrypt_create, public.pointer, _ENCRYPTION_HASH, 0)
        room = len(plaintext) + _CIPHERTEXT_OVERHEAD_BYTES
        out, size = _ffi.new("uint8_t[]", room), _ffi.new("size_t *", room)
        self._check(self._lib.botan_pk_op_encrypt(operation, self._rng, out, size, plaintext, len(plaintext)), "encrypt")
        return bytes(_ffi.buffer(out, size[0]))

    def decrypt(self, private: Handle, ciphertext_der: bytes) -> bytes:
        """A decrypting operation with SM3; the library compares C3 in constant time and every refusal becomes the same error."""
        operation = self._make("pk_op_decrypt", self._lib.botan_pk_op_decrypt_create, private.pointer, _ENCRYPTION_HASH, 0)
        room = len(ciphertext_der)
        out, size = _ffi.new("uint8_t[]", room), _ffi.new("size_t *", room)
        try:
            if self._lib.botan_pk_op_decrypt(operation, out, size, ciphertext_der, room) != 0:
                raise decrypt_failed()
            return bytes(_ffi.buffer(out, size[0]))
        finally:
            self._lib.botan_scrub_mem(out, room)
