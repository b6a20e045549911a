"""What the seal service takes in at most. Each limit says where it comes from; what is above it is refused by name."""

from __future__ import annotations

from typing import Final

# Own limits of the service, chosen so that one worker can hold two documents of each running job in memory.
DOCUMENT_BYTES: Final = 64 * 1024 * 1024  # one document to be sealed or verified
JSON_BYTES: Final = 64 * 1024  # one JSON request
FORM_FIELD_BYTES: Final = 16 * 1024  # one field that is not the document
HEAVY_JOBS_WAITING: Final = 64  # sealing, and as many verifying, jobs under way in one process; further ones are told to come back
HEAVY_THREADS: Final = (
    2  # sealing, and as many verifying, at once in one process: more only fight for the interpreter (measured: a quarter more CPU)
)
HEAVY_BYTES: Final = 512 * 1024 * 1024  # of their documents together
UPLOAD_BYTES: Final = 128 * 1024 * 1024  # papers, pictures and seals from elsewhere that arrive at once, of each kind
RETRY_AFTER_SECONDS: Final = 2

# Texts that are drawn into documents or certificates. Upper bounds of RFC 5280 appendix A.1 where there is one.
ORGANISATION_CHARACTERS: Final = 64 - 18  # ub-organization-name; the certificate's O is the credit code followed by the name
SEAL_NAME_CHARACTERS: Final = 64
PURPOSE_CHARACTERS: Final = 16
KEYWORD_CHARACTERS: Final = 128
REASON_CHARACTERS: Final = 256
LOCATION_CHARACTERS: Final = 128
FILE_NAME_CHARACTERS: Final = 255
HOLDER_NAME_CHARACTERS: Final = 200  # who is asked about as the holder of a licence: as long as licences have them
HOLDER_CODE_CHARACTERS: Final = 64

# Seal codes: 14 digits, the division of the maker (6 digits, GB/T 2260) and 8 running digits (seen in every government seal read).
DIVISION_DIGITS: Final = 6
SERIAL_DIGITS: Final = 8
SERIALS_PER_DIVISION: Final = 10**SERIAL_DIGITS - 1

VENDOR_ID: Final = "YINXIN"  # Vid in the header of the seals made here
PICTURE_DPI: Final = 300  # of the PNG inside a seal: sharp in print, and under some 20 kB, since it goes into every sealing value

PREVIEW_DPI_MIN: Final = 36
PREVIEW_DPI_MAX: Final = 600  # the finest that offices print; 100 mm square at that resolution has 5.6 million pixels

PAGE_PICTURES: Final = 8  # drawn in one request: about what a person scrolls through before he asks for more
PAGE_PICTURE_WIDTH_PX: Final = 1600  # a page across a wide screen
PAGE_PICTURE_WIDTH_PX_MIN: Final = 100
PAGE_PICTURE_PIXELS: Final = 8_000_000  # of one; 1600 by 3200 has 5.1 million
PAGE_PICTURES_BYTES: Final = 16 * 1024 * 1024  # of all of one request together; scans pack badly

CROWD_WINDOW_SECONDS: Final = 600  # uses are counted by ten minutes
CROWD_USES: Final = 100  # as many by one holder within a window are shown as an anomaly; an office stamps a few dozen an hour
SUPERVISED_DAYS: Final = 400  # a year and its overlap, in one question
EXPORT_ROWS: Final = 1_000_000  # what a spreadsheet holds

PAGE_SIZE: Final = 50  # entries of one list answer
PAGE_SIZE_MAX: Final = 200
GRANTS_PER_SEAL: Final = 1000
HOLDERS_PER_POWER: Final = 100  # named in one application
PAPERS_PER_ACT: Final = 20
PAPERS_PER_DAY: Final = 500  # handed in by one person or client: some twenty-five acts with as many papers as one may have
PAPER_BYTES: Final = 16 * 1024 * 1024  # one paper: a scan of some pages
DOCUMENT_TYPE_CHARACTERS: Final = 64
EMPTY_FIELDS_MAX: Final = 50  # prepared in one PDF by one request: each is a revision of its own
DOCUMENT_TYPES_PER_GRANT: Final = 50
USES_MAX: Final = 1_000_000_000
SEARCH_CHARACTERS: Final = 64
CHAIN_CERTIFICATES: Final = 10  # a seal and what stands above it; three in practice
EXPIRY_INTERVAL_SECONDS: Final = 60

INTENT_LEASE_SECONDS: Final = 120  # an intent older than this without result belongs to a process that died
INTENTS_PER_SWEEP: Final = 200
KEYS_COUNTED: Final = 1000  # that are to be destroyed in devices; a device holds a few hundred
SWEEP_INTERVAL_SECONDS: Final = 15
REMOTE_ORDER_SECONDS: Final = 15 * 60  # how long a document waits for the signature of its owner's device
PEM_CHARACTERS: Final = 16 * 1024  # of one certificate request
BATCH_DOCUMENTS_MAX: Final = 10_000
BATCH_BYTES_MAX: Final = 8 * 1024**3  # of its documents together: 10,000 of 800 kB; twice that is kept once they are sealed
RESULT_ARCHIVE_BYTES: Final = 256 * 1024 * 1024  # of results in one archive: it must be sent within the time of one request
RESULTS_PER_ARCHIVE: Final = 1000
BATCHES_PER_HOLDER: Final = 20  # open or running at once
BATCH_ITEMS_AT_ONCE: Final = 4  # leased together; all must be sealed within the outbox's lease
IMPORT_SEAL_BYTES: Final = 1024 * 1024  # a seal that was made elsewhere; real ones have 4 to 31 kB
IMPORT_CERTIFICATES_BYTES: Final = 64 * 1024  # of its certificates, ten in PEM
IMPORT_KEY_BYTES: Final = 64 * 1024  # of its key, a PKCS#12 file with a chain
IMPORT_NAME_CHARACTERS: Final = 128  # of its name, which is not ours to shorten
