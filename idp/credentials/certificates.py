"""Certificates in hand (UKey): what its holder signs to sign in, and what the signature is worth.

The text that is signed names the deployment and what it is for, so that a signature made here is no consent to anything else and one made
elsewhere does not count here. The time a signature claims counts for nothing: the challenge is fresh, so the certificate is judged now.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import TYPE_CHECKING, Final

from crypto.cms_examination import Demands, examine
from crypto.digests import digest
from crypto.jose import write_base64url
from crypto.path import validate_path
from crypto.report import Outcome
from crypto.trust_list import Purpose
from idp.errors import credential_unusable

if TYPE_CHECKING:
    from datetime import datetime

    from crypto.certificates import Certificate
    from crypto.trust_list import TrustList

ANSWER_CHARACTERS_MAX: Final = 32_768
_FIRST_LINE: Final = "Yinxin sign-in 印信登录"
_TEXT: Final = re.compile(rf"{_FIRST_LINE}\n(https?://[!-~]{{1,512}})\n[A-Za-z0-9_-]{{22,128}}")


def text_to_sign(issuer: str, challenge: bytes) -> str:
    """What the holder signs: UTF-8, lines ended by LF, none after the last."""
    written = write_base64url(challenge)
    return f"{_FIRST_LINE}\n{issuer}\n{written}"


def issuer_in(text: str) -> str | None:
    """At which deployment a text signs its holder in; None where it is no such text, and not to be signed as one."""
    found = _TEXT.fullmatch(text)
    return None if found is None else found[1]


def read_challenge(text: str) -> bytes:
    """The challenge as a form carries it (base64url); empty where it is none."""
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (ValueError, binascii.Error):
        return b""


def write_challenge(challenge: bytes) -> str:
    """The challenge for a form."""
    return write_base64url(challenge)


def certificate_of(answer: str, text: str, trust: TrustList, at: datetime) -> Certificate:
    """The certificate whose holder signed ``text``: a CMS SignedData (RFC 5652 or GB/T 35275; Base64 or PEM), the content inside or not.

    CREDENTIAL_UNUSABLE with the reason ``unreadable``, ``wrong`` (signature or content), or ``untrusted`` (anything about the certificate:
    its issuer, its time, its revocation; also where that cannot be known).
    """
    # 1. Bytes
    if len(answer) > ANSWER_CHARACTERS_MAX:
        raise credential_unusable("too-long")
    lines = [line for line in answer.split() if line]
    body = "".join(lines) if "-----BEGIN" not in answer else "".join(_between(answer))
    try:
        cms_der = base64.b64decode(body, validate=True)
    except (ValueError, binascii.Error):
        raise credential_unusable("unreadable") from None
    # 2. The signature over just this text, with nothing wrong about it
    content = text.encode()
    demands = Demands(
        content_digest=lambda oid: digest(oid, content), content=lambda: content, require_signed_attributes=False, allow_encapsulated=True
    )
    found = examine(cms_der, demands)
    is_sound = not any(step.outcome is Outcome.FAIL or step.code == "SIG_ALGORITHM_WEAK" for step in found.steps)
    if not found.cryptographically_valid or not found.document_intact or found.certificate is None or not is_sound:
        raise credential_unusable("wrong")
    # 3. The certificate, now: a time that only its holder claims must not make an expired or revoked one good
    path = validate_path(found.certificate, intermediates=found.certificates, trust=trust, purpose=Purpose.DOCUMENT, at=at)
    if path.trusted is not True:
        raise credential_unusable("untrusted")
    return found.certificate


def _between(answer: str) -> list[str]:
    return [line.strip() for line in answer.splitlines() if line.strip() and not line.startswith("-----")]
