"""What licences say, sealed at rest: each licence under a key of its own, which is itself sealed under the vault's secret.

Deleting that key ends the content for good, in the tables and in the files, whatever copies of the ciphertext there are. Holders and printed
numbers are found by keyed hash (HMAC-SM3) under the vault's secret.
"""

from __future__ import annotations

import secrets
from typing import Final

from crypto.sealed_values import SECRET_BYTES, ValueSealer
from licence_vault.limits import SCREEN_CODE_BYTES
from standards.gbt36903_metadata import OTHER_CODES
from standards.icao9303_document_numbers import number_as_printed

SECRET_NAME: Final = "licence-contents"  # noqa: S105 - its name in the keystore


class ContentVault:
    """Makes and opens the keys of licences. ``secret``: 32 bytes from the keystore, by ``SECRET_NAME``."""

    __slots__ = ("_values",)

    def __init__(self, secret: bytes) -> None:
        self._values = ValueSealer(secret)

    def __repr__(self) -> str:
        return "ContentVault()"

    def new_key(self, licence_id: str) -> tuple[ContentKey, bytes]:
        """A fresh key for a licence, and the same sealed for the tables."""
        secret = secrets.token_bytes(SECRET_BYTES)
        return ContentKey(licence_id, secret), self._values.seal(secret, f"licence_keys:{licence_id}")

    def open_key(self, licence_id: str, key_sealed: bytes) -> ContentKey:
        """The key of a licence. TrustError SEALED_VALUE_DAMAGED."""
        return ContentKey(licence_id, self._values.open(key_sealed, f"licence_keys:{licence_id}"))

    def find_holder(self, code_type: str, code: str) -> bytes:
        """What a holder is found by, 32 bytes: however the code is typed, where its type has but one spelling."""
        return self._find_code(code_type, code if code_type in OTHER_CODES else number_as_printed(code))

    def find_holder_as_typed(self, code_type: str, code: str) -> frozenset[bytes]:
        """What a holder is found by, and what he was found by under just this spelling in rows from before there was one."""
        return frozenset({self.find_holder(code_type, code), self._find_code(code_type, code)})

    def _find_code(self, code_type: str, code: str) -> bytes:
        return self._values.find(code.encode(), f"licence_holders:{code_type}")

    def find_number(self, number: str) -> bytes:
        """What a printed number is found by, 32 bytes."""
        return self._values.find(number.encode(), "licence_licences.number")

    def screen_code(self, showing_id: str, stretch: int) -> bytes:
        """What a licence that is shown has on the screen in one stretch of time (HMAC-SM3, cut to SCREEN_CODE_BYTES)."""
        return self._values.find(f"{showing_id}:{stretch}".encode(), "licence_showings.code")[:SCREEN_CODE_BYTES]

    def seal_officer(self, officer: bytes) -> bytes:
        """For whom a client acted by duty, sealed for its column."""
        return self._values.seal(officer, "licence_uses.officer")

    def open_officer(self, sealed: bytes) -> bytes:
        """For whom a client acted by duty. TrustError SEALED_VALUE_DAMAGED."""
        return self._values.open(sealed, "licence_uses.officer")


class ContentKey:
    """The key of one licence."""

    __slots__ = ("_licence_id", "_values")

    def __init__(self, licence_id: str, secret: bytes) -> None:
        self._licence_id = licence_id
        self._values = ValueSealer(secret)

    def __repr__(self) -> str:
        return f"ContentKey({self._licence_id})"

    def seal_data(self, data: bytes) -> bytes:
        """The canonical data and salt, sealed for its column."""
        return self._values.seal(data, f"licence_licences.data:{self._licence_id}")

    def open_data(self, sealed: bytes) -> bytes:
        """The canonical data and salt. TrustError SEALED_VALUE_DAMAGED."""
        return self._values.open(sealed, f"licence_licences.data:{self._licence_id}")

    def seal_file(self, form: str, content: bytes) -> bytes:
        """A licence file, sealed for the blobs."""
        return self._values.seal(content, f"licence_files.{form}:{self._licence_id}")

    def open_file(self, form: str, sealed: bytes) -> bytes:
        """A licence file. TrustError SEALED_VALUE_DAMAGED."""
        return self._values.open(sealed, f"licence_files.{form}:{self._licence_id}")

    def seal_note(self, copy_id: str, note: bytes) -> bytes:
        """Who had a copy made, why and for which use, sealed for its column."""
        return self._values.seal(note, f"licence_copies.note:{copy_id}")

    def open_note(self, copy_id: str, sealed: bytes) -> bytes:
        """Who had a copy made, why and for which use. TrustError SEALED_VALUE_DAMAGED."""
        return self._values.open(sealed, f"licence_copies.note:{copy_id}")

    def seal_copy(self, copy_id: str, content: bytes) -> bytes:
        """An annotated copy, sealed for the blobs."""
        return self._values.seal(content, f"licence_copies.file:{copy_id}")

    def open_copy(self, copy_id: str, sealed: bytes) -> bytes:
        """An annotated copy. TrustError SEALED_VALUE_DAMAGED."""
        return self._values.open(sealed, f"licence_copies.file:{copy_id}")
