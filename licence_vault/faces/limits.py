"""What the design of a licence may hold. Lengths in millimetres."""

from __future__ import annotations

from typing import Final

DESIGN_BYTES: Final = 2 * 1024 * 1024  # as JSON, pictures included
PARTS: Final = 400  # real faces have under 80
TEXT_CHARACTERS: Final = 2000  # of one text of the design
NAME_CHARACTERS: Final = 128
PICTURE_BYTES: Final = 1024 * 1024
PAGE_LEAST_MM: Final = 50.0  # a card has 85.6 x 54
PAGE_MOST_MM: Final = 841.0  # A0 has 841 x 1189; A1 is the largest face in use
LETTER_LEAST_MM: Final = 1.0
LETTER_MOST_MM: Final = 60.0
LINES: Final = 60  # of one text
LINE_MOST_MM: Final = 20.0
SEALS: Final = 4
QR_LEAST_MM: Final = 15.0  # below this a phone does not read 61 modules from paper
QR_TEXT_CHARACTERS: Final = 4296  # alphanumeric characters of the largest QR code
ATTACHMENTS: Final = 16
ATTACHMENT_BYTES: Final = 2 * 1024 * 1024  # of all together: proofs have some kilobytes
MARK_CHARACTERS: Final = 200  # a watermark, a reason
QR_MESSAGE_BYTES: Final = 1600  # fits the largest code at level M; usual ones have 300 to 400
QR_HOLDERS: Final = 3  # the first ones; the face has all
QR_CUT_CHARACTERS: Final = 48  # of each name as it is written
QR_NAME_CHARACTERS: Final = 200  # as it is read
