"""What an operator may open beyond codes: tokens by way of the browser, and requests fetched from addresses of clients. No input or output here.

Nobody needs either but for certification as a Dynamic provider (docs/explanation/decisions/0013-front-channel.md); nothing is open by default.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

CODE_TYPE: Final = "code"
ID_TOKEN_TYPE: Final = "id_token"  # noqa: S105 - a name of OpenID Connect Core 3
BOTH_TYPE: Final = "id_token token"
IMPLICIT_TYPES: Final = (ID_TOKEN_TYPE, BOTH_TYPE)
RESPONSE_TYPES: Final = (CODE_TYPE, *IMPLICIT_TYPES)
FRONT_TOKEN_SECONDS: Final = 300  # an access token that lay in a browser's address: half of what others count for


@dataclass(frozen=True, slots=True)
class Opened:
    """``implicit``: ID tokens and access tokens by way of the browser. ``request_uri``: requests fetched from registered addresses."""

    implicit: bool = False
    request_uri: bool = False


CLOSED: Final = Opened()


def response_type_of(text: str) -> str:
    """A response type by its one spelling here: its words have no order (OAuth 2.0 Multiple Response Types 3). Others as they are."""
    words = text.split(" ")
    return BOTH_TYPE if len(words) == 2 and set(words) == {"id_token", "token"} else text
