"""Whether the sector that a client names is one it belongs to: the list there has every redirect address of the client (OIDC Registration 5).

Clients of one sector know a person under one name, so a client must not be able to name a sector that does not know it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from idp.tokens.client_metadata import refused
from standards.errors import TrustError
from standards.rfc7493_i_json import StrictJsonError, read_strict

if TYPE_CHECKING:
    from idp.model.registrations import Registration
    from service_kit.outbound import Outbound

SECTOR_BYTES_MAX: Final = 64 * 1024
_OK: Final = 200


def check_sector(outbound: Outbound, registration: Registration) -> None:
    """Fetch the list and look; blocks. CLIENT_FIELD_INVALID, also where the address may not be called or does not answer."""
    if not registration.sector_identifier_uri:
        return
    try:
        answer = outbound.call("GET", registration.sector_identifier_uri, answer_bytes=SECTOR_BYTES_MAX)
        listed = read_strict(answer.body) if answer.status == _OK else None
    except (TrustError, StrictJsonError):
        listed = None
    if not isinstance(listed, list) or not set(registration.redirect_uris) <= {each for each in listed if isinstance(each, str)}:
        raise refused("sector_identifier_uri", "an address that may be called, with a list that has every redirect address")
