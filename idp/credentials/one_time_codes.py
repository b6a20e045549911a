"""Time-based one-time codes (RFC 6238: SHA-1, 30 seconds, 6 digits, what every authenticator app reads) and recovery codes."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from typing import Final
from urllib.parse import quote

STEP_SECONDS: Final = 30
DIGITS: Final = 6
WINDOW_STEPS: Final = 1  # RFC 6238 5.2: at most one step of delay, and one for clocks
SECRET_BYTES: Final = 20  # RFC 4226 4
RECOVERY_ALPHABET: Final = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"  # 5 bits a character, none that looks like another
RECOVERY_GROUPS: Final = 4
RECOVERY_GROUP: Final = 5  # 100 random bits: a fast keyed hash is enough
RECOVERY_SECONDS: Final = 24 * 3600


def new_totp_secret() -> bytes:
    """A new secret."""
    return secrets.token_bytes(SECRET_BYTES)


def code_at(secret: bytes, step: int) -> str:
    """The code of a time step (RFC 4226 5.3)."""
    mac = hmac.new(secret, step.to_bytes(8, "big"), hashlib.sha1).digest()
    offset = mac[-1] & 0x0F
    number = int.from_bytes(mac[offset : offset + 4], "big") & 0x7FFFFFFF
    return f"{number % 10**DIGITS:0{DIGITS}d}"


def step_of(secret: bytes, code: str, now_seconds: int, after_step: int) -> int | None:
    """The step whose code was shown, later than the last one used; None where there is none. Tries every step of the window."""
    found = None
    present = now_seconds // STEP_SECONDS
    for step in range(present - WINDOW_STEPS, present + WINDOW_STEPS + 1):
        if hmac.compare_digest(code_at(secret, step).encode(), code.encode()) and step > after_step:
            found = step
    return found


def provisioning_uri(secret: bytes, issuer: str, label: str) -> str:
    """What an authenticator app scans (Key URI Format)."""
    text = base64.b32encode(secret).decode("ascii").rstrip("=")
    return f"otpauth://totp/{quote(issuer, safe='')}:{quote(label, safe='')}?secret={text}&issuer={quote(issuer, safe='')}"


def new_recovery_code() -> str:
    """A code an administrator hands over once, such as ABCDE-FGHJK-LMNPQ-RSTUV."""
    return "-".join("".join(secrets.choice(RECOVERY_ALPHABET) for _ in range(RECOVERY_GROUP)) for _ in range(RECOVERY_GROUPS))


def normalise_recovery_code(typed: str) -> str:
    """The code as it is compared."""
    return "".join(each for each in typed.upper() if each.isalnum())
