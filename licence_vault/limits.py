"""What the licence vault takes in at most. Each limit says where it comes from; what is above it is refused by name."""

from __future__ import annotations

from typing import Final

# Columns of GB/T 36903 where there is one, else own limits, far above what any licence read so far carries.
IDENTIFIER_CHARACTERS: Final = 128
PRINTED_NUMBER_CHARACTERS: Final = 128
NAME_CHARACTERS: Final = 200  # of a licence, an authority, a holder
HOLDERS: Final = 32  # of one licence
HOLDER_CODE_CHARACTERS: Final = 64
FIELDS: Final = 200  # face items of one licence
FIELD_KEY_CHARACTERS: Final = 64
FIELD_CHARACTERS: Final = 4000
STATUS_URL_CHARACTERS: Final = 500
STATUS_INDEX_MAX: Final = 2**31 - 1
LICENCE_JSON_BYTES: Final = 1024 * 1024  # the canonical data of one licence, salt included
SALT_BYTES: Final = 32
