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

# Licence types
TYPE_FILE_BYTES: Final = 4 * 1024 * 1024  # one type as a file, the pictures of its face included
FACE_BYTES: Final = 2 * 1024 * 1024  # as JSON
TYPE_NAME_CHARACTERS: Final = 60  # GB/T 36902 says 30; Mongolian letters take more of them
RELATED_ITEMS: Final = 32
CHOICES: Final = 200  # of one information item
RULE_CHARACTERS: Final = 64  # of a mask or a numbering rule
SERIAL_WIDTH_MAX: Final = 12
REASON_CHARACTERS: Final = 256
TYPES_PER_PAGE: Final = 200
PAGE_SIZE: Final = 50
PAGE_SIZE_MAX: Final = 200
MEMBERS: Final = 200  # of one issuing authority
AUTHORITIES_ASKED: Final = 1000  # whose licences are looked through at once; whoever acts for more names one

# Issuing
SERIALS_TRIED: Final = 200  # in one transaction, where numbers were given by hand or taken over from elsewhere
ISSUING_LEASE_SECONDS: Final = 120  # as long a draft is the work of the process that began it
ISSUING_RETRY_SECONDS: Final = 15  # until a draft whose issuing could not go on is taken up again
SELF_CHECKS: Final = 8  # of one draft; each waits twice as long for the next, so an operator has half an hour to mend what is wrong
LOG_WAIT_SECONDS: Final = 10.0  # for a checkpoint; the log makes one in under a second
LOG_POLL_SECONDS: Final = 0.02  # at first; each look is half as long again after the last
LOG_POLL_SECONDS_MAX: Final = 0.2
DRAFTS_PER_SWEEP: Final = 100
OVER_PER_SWEEP: Final = 500
SWEEP_EVERY_SECONDS: Final = 15.0
EXPIRY_EVERY_SECONDS: Final = 600.0
DEFINITIONS_KEPT: Final = 256  # of types, read once per process

# Annotated copies
COPY_JSON_BYTES: Final = 4096
COPY_MAKER_CHARACTERS: Final = 60
COPY_REASON_CHARACTERS: Final = 200  # useCause of the share interface
COPY_DAYS: Final = 30  # where nothing else is asked for
COPY_DAYS_MAX: Final = 366
COPIES_PER_PAGE: Final = 200
COPY_LEASE_SECONDS: Final = 120  # as long a copy is the work of the process that began it
COPY_RETRY_SECONDS: Final = 15
COPY_SELF_CHECK_SECONDS: Final = 1800  # as long a copy that an own verifier refuses is tried again, as drafts are
COPIES_PER_SWEEP: Final = 100
DOWNLOAD_SECONDS: Final = 600
DOWNLOAD_TOKEN_CHARACTERS: Final = 43  # 256 random bits

# Showing a licence
SHOWING_SECONDS: Final = 600
SCREEN_CODE_SECONDS: Final = 60  # the code of this stretch counts, and that of the one before
SCREEN_CODE_BYTES: Final = 16
SCREEN_CODE_CHARACTERS: Final = 64  # as it is read
SHOWING_TRIES: Final = 10  # at its code; then it is over
SHOWINGS: Final = 5  # of one person that are open

# Batches
BATCH_ROWS: Final = 100_000
BATCH_FILE_BYTES: Final = 64 * 1024 * 1024
XLSX_UNPACKED_BYTES: Final = 512 * 1024 * 1024  # a hundred thousand rows take some 100 MB
XLSX_MEMBERS: Final = 1000
XLSX_RATIO: Final = 100  # a part unpacked to its packed size; a sheet whose rows are all the same comes to 23
XLSX_RATIO_FROM_BYTES: Final = 1024 * 1024  # unpacked; what is smaller is cheap whatever its ratio
XLSX_PART_BYTES: Final = 8 * 1024 * 1024  # of what is taken into memory whole: names and formats
XLSX_PART_TAGS: Final = 500_000  # of the same; office programs write at most 64,000 formats
XLSX_FORMAT_CHARACTERS: Final = 255  # of a format of numbers, ECMA-376; what is longer is read so far
XLSX_LINES: Final = 2 * BATCH_ROWS  # of the sheet, those without anything in them included
XLSX_LINE_ELEMENTS: Final = 100_000  # XML elements of one line, which has 16,384 cells at most, and of one text
XLSX_ELEMENTS: Final = 300 * BATCH_ROWS  # of a sheet, and of the table of texts: some hundred filled cells in each row
ROW_CELLS: Final = 300
ROWS_PER_WRITE: Final = 500  # in one transaction, so that others are not held up
ROWS_PER_TURN: Final = 64  # begun before the log's next checkpoint is waited for
BATCHES_PER_TURN: Final = 4
BATCHES_PER_ISSUER: Final = 20  # that have not ended
BATCH_LEASE_SECONDS: Final = 30  # so long a batch stands still whose process was killed; renewed while work goes on
BATCH_RENEWAL_SECONDS: Final = 10
ROW_LEASE_SECONDS: Final = 60  # of a draft that was begun for a row; renewed when half of it is over
BATCH_READY_DAYS: Final = 30  # whatever nobody started by then is cancelled: what its rows say is not kept for nothing
LOADING_LEASE_SECONDS: Final = 300  # of a batch that is taken in: a large sheet is unpacked before its first rows are there
BATCH_EVERY_SECONDS: Final = 1.0
BATCH_THREADS: Final = 2
RULES_TOLD: Final = 100  # of one licence that breaks as many of its type
PROBLEMS_SHOWN: Final = 1000  # of a dry run
REPORT_ROWS: Final = 1000  # on a page

# Licences of older repositories
IMPORT_FILE_BYTES: Final = 16 * 1024 * 1024  # of one licence
IMPORT_ARCHIVE_BYTES: Final = BATCH_FILE_BYTES  # packed, as files of rows; where the settings allow a request less, that
IMPORT_ARCHIVE_FILES: Final = 500  # a sealed page takes 10 to 12 ms of the processor and three syncs of the disk: within 60 ms on a busy machine, so half of a request's minute
IMPORT_ARCHIVE_ENTRIES: Final = 4 * IMPORT_ARCHIVE_FILES  # folders included, and what macOS puts beside each file
IMPORT_ARCHIVE_UNPACKED_BYTES: Final = 4 * IMPORT_ARCHIVE_BYTES  # scans and sealed documents hardly shrink
IMPORT_ARCHIVE_TIME_SHARE: Final = 0.5  # of what is left of a request's time when its archive is there; after that no further file is begun
IMPORT_ARCHIVES_AT_ONCE: Final = 2  # in a process; as many bodies are held at most
IMPORT_INDEX_BYTES: Final = 1024 * 1024  # of a row for each file at most

# Using licences of others
USE_REASON_CHARACTERS: Final = 200  # useCause of the share interface
SERVICE_ITEM_CHARACTERS: Final = 64
OFFICER_CHARACTERS: Final = 60  # of each of name, role and division
USE_CODE_CHARACTERS: Final = 64
USE_CODE_SECONDS: Final = 600
ISSUER_LOOK_SECONDS: Final = 3600  # so long further looks by the same one are the same line
CODES_PER_GRANT: Final = 20  # licences of one holder and type that one act of duty gives codes for
HOLDER_LEVEL_LEAST: Final = 2  # from which on a holder counts as known: his name was compared with a document
ENTRUSTMENT_DAYS: Final = 366
ENTRUSTMENTS: Final = 200  # standing ones of one holder
EXPORT_LICENCES: Final = 100  # in one part of an export
EXPORT_LINES: Final = 10_000  # of uses, and of each other kind, in one export

# The share interface: own limits
SHARE_BODY_BYTES: Final = 64 * 1024
SHARE_FILE_BYTES: Final = 8 * 1024 * 1024  # of a file that is verified, before base64
SHARE_FILE_BODY_BYTES: Final = SHARE_FILE_BYTES * 4 // 3 + SHARE_BODY_BYTES
SHARE_FILES_AT_ONCE: Final = 4
SHARE_TEXT_CHARACTERS: Final = 2000  # a printed code is longer than any other text
SHARE_LICENCES: Final = 50  # in one answer
SHARE_PER_MINUTE: Final = 1200  # calls of one address
SHARE_TYPES: Final = 500
CODES_PER_MINUTE: Final = 600  # printed codes that one address has verified
COPY_PICTURE_DPI: Final = 150  # text of 2 mm is readable; the largest face has 25 million pixels, which the renderer still draws
SHARE_COPIES: Final = 5  # of the licences of one holder, made in one call
