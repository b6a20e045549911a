"""One sealed file of the key store: a key or a secret in an SM4-GCM envelope.

A random data key seals the content, the master key wraps the data key, and both are bound to everything that stands beside them in
the clear: format, kind, name, algorithm, time and public key. A file that was edited, renamed or swapped does not open. A change of
the master key wraps the data keys anew and leaves the sealed contents as they are.
"""

from __future__ import annotations

import base64
import binascii
import json
import secrets
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from crypto.master_key import open_sealed, seal
from crypto.sm4 import KEY_BYTES
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from crypto.master_key import MasterKey

FORMAT: Final = 1
MAX_FILE_BYTES: Final = 1 << 17  # an RSA-16384 key in Base64 takes under 20 kB
KEY: Final = "key"
SECRET: Final = "secret"  # noqa: S105 - a kind of file


@dataclass(frozen=True, slots=True)
class SealedFile:
    """The fields of a sealed file; ``created_at`` is aware UTC, ``public_spki_der`` is empty for secrets."""

    kind: str
    name: str
    algorithm: str
    created_at: datetime
    public_spki_der: bytes
    master: str
    wrapped_key: bytes = field(repr=False)
    sealed: bytes = field(repr=False)

    def _aad(self, part: bytes) -> bytes:
        """Every clear field with its length, so that no two sets of fields give the same bytes. ``master`` changes and is not in it."""
        fields = (
            b"yinxin sealed file",
            str(FORMAT).encode(),
            part,
            self.kind.encode(),
            self.name.encode(),
            self.algorithm.encode(),
            self.created_at.isoformat().encode(),
            self.public_spki_der,
        )
        return b"".join(len(value).to_bytes(4, "big") + value for value in fields)

    def open(self, master: MasterKey) -> bytes:
        """The content. ``KEYSTORE_FILE_CHANGED`` when any field or byte is not as it was sealed, or the master key is another."""
        try:
            data_key = master.open(self.wrapped_key, self._aad(b"wrap"))
            return open_sealed(data_key, self.sealed, self._aad(b"content"))
        except TrustError:
            raise TrustError(Kind.UNACCEPTABLE, "KEYSTORE_FILE_CHANGED", name=self.name, kind_of_file=self.kind) from None

    def wrapped_anew(self, old: MasterKey, new: MasterKey) -> SealedFile:
        """The same file under another master key; ``KEYSTORE_FILE_CHANGED`` when it does not open under ``old``."""
        try:
            data_key = old.open(self.wrapped_key, self._aad(b"wrap"))
        except TrustError:
            raise TrustError(Kind.UNACCEPTABLE, "KEYSTORE_FILE_CHANGED", name=self.name, kind_of_file=self.kind) from None
        return replace(self, master=new.identity, wrapped_key=new.seal(data_key, self._aad(b"wrap")))

    def write(self) -> bytes:
        """JSON with Base64 fields, one line."""
        return (
            json.dumps(
                {
                    "format": FORMAT,
                    "kind": self.kind,
                    "name": self.name,
                    "algorithm": self.algorithm,
                    "created_at": self.created_at.isoformat(),
                    "public_spki": base64.b64encode(self.public_spki_der).decode(),
                    "master": self.master,
                    "wrapped_key": base64.b64encode(self.wrapped_key).decode(),
                    "sealed": base64.b64encode(self.sealed).decode(),
                }
            ).encode()
            + b"\n"
        )


def seal_file(kind: str, name: str, algorithm: str, public_spki_der: bytes, content: bytes, master: MasterKey) -> SealedFile:
    """Seal ``content`` under a fresh data key, now."""
    data_key = secrets.token_bytes(KEY_BYTES)
    created_at = datetime.now(UTC).replace(microsecond=0)
    empty = SealedFile(kind, name, algorithm, created_at, public_spki_der, master.identity, b"", b"")
    return replace(
        empty,
        wrapped_key=master.seal(data_key, empty._aad(b"wrap")),  # noqa: SLF001 - its own module
        sealed=seal(data_key, content, empty._aad(b"content")),  # noqa: SLF001 - its own module
    )


def read_sealed_file(data: bytes, name: str, kind: str) -> SealedFile:
    """The fields, unproven until :meth:`SealedFile.open`. ``KEYSTORE_FILE_CHANGED`` when it is not a sealed file of that name and kind."""
    try:
        fields: Any = json.loads(data) if len(data) <= MAX_FILE_BYTES else None
        found = SealedFile(
            fields["kind"],
            fields["name"],
            str(fields["algorithm"]),
            datetime.fromisoformat(fields["created_at"]),
            base64.b64decode(fields["public_spki"], validate=True),
            str(fields["master"]),
            base64.b64decode(fields["wrapped_key"], validate=True),
            base64.b64decode(fields["sealed"], validate=True),
        )
        known = fields["format"] == FORMAT and (found.name, found.kind) == (name, kind) and found.created_at.tzinfo is not None
    except (ValueError, KeyError, TypeError, RecursionError, binascii.Error):
        known = False
    if not known:
        raise TrustError(Kind.UNACCEPTABLE, "KEYSTORE_FILE_CHANGED", name=name, kind_of_file=kind)
    return found
