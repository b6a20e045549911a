"""The master key under which a key store is sealed: 16 random bytes from a file or the environment, or derived from a passphrase."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
from typing import TYPE_CHECKING, Final, NoReturn

from crypto.durable_files import create_file
from crypto.sm3 import hmac_sm3, pbkdf2_hmac_sm3
from crypto.sm4 import KEY_BYTES, NONCE_BYTES, sm4_gcm_open, sm4_gcm_seal
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from pathlib import Path

ENVIRONMENT_VARIABLE: Final = "YINXIN_MASTER_KEY"
PASSPHRASE_ITERATIONS: Final = 1_000_000  # once per start; over OWASP's 600,000, about half a second
MIN_PASSPHRASE_BYTES: Final = 8  # NIST SP 800-63B, 5.1.1.2
SALT_BYTES: Final = 16
MAX_KEY_FILE_BYTES: Final = 1024

_HEX_KEY: Final = re.compile(r"[0-9a-fA-F]{32}")
_IDENTITY_LABEL: Final = b"yinxin key store master key identity"


class MasterKey:
    """A key that seals other keys. Its ``identity`` names it in files and says nothing about its value."""

    __slots__ = ("_key", "identity")

    def __init__(self, key: bytes) -> None:
        """From 16 bytes; ``MASTER_KEY_MALFORMED`` for another length."""
        if len(key) != KEY_BYTES:
            raise TrustError(Kind.MALFORMED, "MASTER_KEY_MALFORMED", expected_bytes=KEY_BYTES)
        self._key: Final = key
        self.identity: Final = hmac_sm3(key, _IDENTITY_LABEL)[:8].hex()

    @classmethod
    def generate(cls) -> MasterKey:
        """A fresh one from the operating system's generator, for :meth:`write_file`."""
        return cls(secrets.token_bytes(KEY_BYTES))

    @classmethod
    def from_file(cls, path: Path) -> MasterKey:
        """From a file with 32 hexadecimal digits that nobody but its owner can read.

        Raises ``MASTER_KEY_MISSING``, ``MASTER_KEY_EXPOSED`` when group or others may read it, ``MASTER_KEY_MALFORMED``.
        """
        try:
            with path.open("rb") as file:
                if os.name != "nt" and os.fstat(file.fileno()).st_mode & 0o077:
                    raise TrustError(Kind.UNACCEPTABLE, "MASTER_KEY_EXPOSED", path=str(path), wanted="0600")
                content = file.read(MAX_KEY_FILE_BYTES)
        except OSError as error:
            raise TrustError(Kind.UNAVAILABLE, "MASTER_KEY_MISSING", path=str(path), reason=error.strerror) from None
        return cls.from_text(content.decode("ascii", "replace"))

    def write_file(self, path: Path, *, like: Path | None = None) -> None:
        """Create ``path`` with this key, mode 0600, durable. :class:`FileExistsError` when it is there: a master key is never replaced.

        ``like``: a file or folder of those whom it is for; where root makes it, it belongs to its owner, and not to that of the folder it is put in.
        """
        create_file(path, self._key.hex().encode() + b"\n", like=like)

    @classmethod
    def from_environment(cls, variable: str = ENVIRONMENT_VARIABLE) -> MasterKey:
        """From 32 hexadecimal digits in an environment variable; ``MASTER_KEY_MISSING`` or ``MASTER_KEY_MALFORMED``."""
        value = os.environ.get(variable)
        if value is None:
            raise TrustError(Kind.UNAVAILABLE, "MASTER_KEY_MISSING", variable=variable)
        return cls.from_text(value)

    @classmethod
    def from_text(cls, text: str) -> MasterKey:
        """From 32 hexadecimal digits; ``MASTER_KEY_MALFORMED``."""
        if _HEX_KEY.fullmatch(text.strip()) is None:
            raise TrustError(Kind.MALFORMED, "MASTER_KEY_MALFORMED", expected="32 hexadecimal digits")
        return cls(bytes.fromhex(text.strip()))

    @classmethod
    def from_passphrase(cls, passphrase: str, salt_file: Path, *, iterations: int = PASSPHRASE_ITERATIONS) -> MasterKey:
        """By PBKDF2-HMAC-SM3 from a passphrase and the salt in ``salt_file``, which is made when it is missing.

        The salt is not secret but must be kept: without it the passphrase opens nothing. ``PASSPHRASE_TOO_SHORT`` under 8 bytes.
        """
        encoded = passphrase.encode()
        if len(encoded) < MIN_PASSPHRASE_BYTES:
            raise TrustError(Kind.UNACCEPTABLE, "PASSPHRASE_TOO_SHORT", minimum_bytes=MIN_PASSPHRASE_BYTES)
        with contextlib.suppress(FileExistsError):  # the usual case: it was made at the first start
            create_file(salt_file, secrets.token_hex(SALT_BYTES).encode() + b"\n")
        text = salt_file.read_bytes()[:MAX_KEY_FILE_BYTES].decode("ascii", "replace").strip()
        if _HEX_KEY.fullmatch(text) is None:
            raise TrustError(Kind.MALFORMED, "MASTER_KEY_MALFORMED", path=str(salt_file), expected="32 hexadecimal digits of salt")
        return cls(pbkdf2_hmac_sm3(encoded, bytes.fromhex(text), iterations, KEY_BYTES))

    def seal(self, plaintext: bytes, aad: bytes) -> bytes:
        """SM4-GCM under a fresh random nonce: nonce ‖ ciphertext ‖ tag."""
        return seal(self._key, plaintext, aad)

    def open(self, sealed: bytes, aad: bytes) -> bytes:
        """What :meth:`seal` was given; ``SM4_DECRYPT_FAILED`` for another key, other bytes or another ``aad``."""
        return open_sealed(self._key, sealed, aad)

    def seal_successor(self, successor: MasterKey, aad: bytes) -> bytes:
        """This key sealed under its successor, for the time of a rotation."""
        return successor.seal(self._key, aad)

    def open_predecessor(self, sealed: bytes, aad: bytes) -> MasterKey:
        """The key that :meth:`seal_successor` sealed under this one."""
        return MasterKey(self.open(sealed, aad))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, MasterKey) and secrets.compare_digest(other._key, self._key)

    def __hash__(self) -> int:
        return hash(self.identity)

    def __repr__(self) -> str:
        return f"MasterKey({self.identity})"

    def __reduce_ex__(self, _protocol: object) -> NoReturn:
        raise TypeError("a master key is neither copied nor pickled")


def seal(key: bytes, plaintext: bytes, aad: bytes) -> bytes:
    """Nonce ‖ SM4-GCM. Random nonces of 12 bytes bear four thousand million messages under one key (NIST SP 800-38D, 8.3)."""
    nonce = secrets.token_bytes(NONCE_BYTES)
    return nonce + sm4_gcm_seal(key, nonce, plaintext, aad)


def open_sealed(key: bytes, sealed: bytes, aad: bytes) -> bytes:
    """The plaintext of :func:`seal`; ``SM4_DECRYPT_FAILED`` for anything else."""
    if len(sealed) < NONCE_BYTES:
        raise TrustError(Kind.UNACCEPTABLE, "SM4_DECRYPT_FAILED")
    return sm4_gcm_open(key, sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], aad)
