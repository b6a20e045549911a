"""What reporting takes in, and how it goes about it. Own limits, far above what any deployment needs."""

from __future__ import annotations

from typing import Final

FIELD_MAP_BYTES: Final = 256 * 1024
COLUMNS: Final = 200  # of one map; GB/T 36903 has under 30 items
COLUMN_CHARACTERS: Final = 64
CODE_CHARACTERS: Final = 32  # of a state or an operation at the region
CODED_TYPES: Final = 2000  # with code tables of their own in a map

FOLLOWED_PER_TURN: Final = 500  # entries of the log
SENT_PER_TURN: Final = 16
TURNS: Final = 64  # of one run of the job, so that it ends
LEASE_SECONDS: Final = 180  # of one report, taken just before its call: longer than any call may last
ATTEMPTS: Final = 8  # at answers that are not to be trusted; over two minutes of trying
RECEIPT_CHARACTERS: Final = 64
REPORT_EVERY_SECONDS: Final = 1.0

RANGES_PER_REQUEST: Final = 128  # an answer of some 30 kB
FINDINGS: Final = 1000  # of one reconciliation; where more differ, the next one finds the next
ATTEMPTS_TO_COMPARE: Final = 3  # reports that arrive in between make two answers of a region contradict each other
BLOCK_LEVEL: Final = 8  # the tree is kept down to blocks of 256 entries of the log, and below read anew

FOREIGN_FILE_BYTES: Final = 8 * 1024 * 1024  # a licence with its pictures has under one
FOREIGN_TOKENS: Final = 4  # status lists that come along
FOREIGN_TOKEN_BYTES: Final = 256 * 1024  # a list of a million places has some 20 kB
FOREIGN_FRESH_SECONDS: Final = 3600  # as long what was fetched is not asked for again
FOREIGN_KEPT_SECONDS: Final = 7 * 86_400  # and as long it is there where that region is away
FOREIGN_SWEEP_EVERY_SECONDS: Final = 600.0
