"""How much of a document is read. Sizes in bytes.

"Real" is what files of several vendors have (invoices, permits, official papers); the limits leave room above that and keep one document
within seconds and some hundred megabytes of memory.
"""

from __future__ import annotations

from typing import Final

# The container
MAX_FILE_BYTES: Final = 512 * 1024 * 1024  # own limit; real: 2 kB to 40 MB
MAX_ENTRIES: Final = 65_535  # what a ZIP without its 64-bit extension can count; real: under 3,000
MAX_NAME_BYTES: Final = 1024  # own limit; real: under 80
MAX_NAME_DEPTH: Final = 32  # folders above a file; real: 5
MAX_ENTRY_BYTES: Final = 256 * 1024 * 1024  # one unpacked file; a scanned A3 page at 600 dpi in 24 bits takes 209 MB
MAX_TOTAL_BYTES: Final = 1024 * 1024 * 1024  # all that is unpacked in one verification
MAX_RATIO: Final = 250  # unpacked to packed, above the next number; real XML: up to 25
RATIO_FREE_BYTES: Final = 8 * 1024 * 1024  # small files may shrink as they like (a white bitmap shrinks 1,000 times)
CHUNK_BYTES: Final = 256 * 1024  # unpacked at a time
KEPT_BYTES: Final = 8 * 1024 * 1024  # of proven members, unpacked once for all that read them

# XML parts
MAX_XML_BYTES: Final = 16 * 1024 * 1024  # real: drawings of maps reach 6 MB
MAX_XML_TAGS: Final = 1_000_000  # opening and closing together
MAX_XML_ATTRIBUTES: Final = 1_000_000
MAX_XML_TOTAL_BYTES: Final = 256 * 1024 * 1024  # all parts of one document; each is read once

# The document
MAX_BODIES: Final = 64  # documents in one file; real: 1
MAX_VERSIONS: Final = 64  # of one document; real: none or under 5
MAX_REFERRERS: Final = 16  # kept by name for each file
MAX_TROUBLES: Final = 1000  # kept of one kind; a report stays readable
MAX_LOCATION_CHARACTERS: Final = 1024  # as the names of files

# Signatures
MAX_SIGNATURES: Final = 512  # of one file; real: under 30
MAX_REFERENCES: Final = 65_535  # protected files of one signature
MAX_STAMPS: Final = 10_000  # places of one seal; a riding seam has one for each page
MAX_SIGNED_VALUE_BYTES: Final = 8 * 1024 * 1024  # as seal data and CMS have it
