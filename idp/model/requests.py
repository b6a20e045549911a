"""The values that pass between the protocol (what a client asks) and sign-in (who the person is)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal
from urllib.parse import urlsplit

from idp.model.openings import CODE_TYPE

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

ACR_PREFIX: Final = "urn:yinxin:loa:"
LEVEL_MAX: Final = 4


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """What a client asks the authorization endpoint for, checked by the protocol: client and redirect address belong together.

    ``claims``: the claims parameter as read (OIDC Core 5.5). ``id_token_hint_sub``: the account a valid hint names. ``raw_digest``: SM3 of
    the request as it came, 32 bytes, for the audit trail. ``max_age_seconds`` None: any sign-in will do.
    ``device_id``: it is for a device that waits (RFC 8628), and nothing goes back by the browser.
    ``response_mode`` cas and cas_post: for a service that speaks CAS, which is sent a ticket. ``pushed``: the digest, in hex, of the name under which
    it was pushed and is answered once; empty for one that was not. ``response_type``: in the spelling of ``openings.RESPONSE_TYPES``; ``fragment``:
    how tokens go back by way of the browser where nothing else is asked for.
    """

    client_id: str
    redirect_uri: str
    response_mode: Literal["query", "form_post", "fragment", "cas", "cas_post"] = "query"
    state: str | None = None
    nonce: str | None = None
    scopes: tuple[str, ...] = ()
    resource: str | None = None
    code_challenge: str | None = None
    prompt: tuple[str, ...] = ()
    max_age_seconds: int | None = None
    login_hint: str | None = None
    ui_locales: tuple[str, ...] = ()
    acr_values: tuple[str, ...] = ()
    claims: Mapping[str, Any] = field(default_factory=dict)
    dpop_jkt: str | None = None
    id_token_hint_sub: str | None = None
    raw_digest: bytes = b""
    device_id: str | None = None
    pushed: str = ""
    response_type: str = CODE_TYPE

    def __repr__(self) -> str:
        """Without hints, which are personal data."""
        return f"AuthorizationRequest({self.client_id!r}, scopes={self.scopes!r})"


@dataclass(frozen=True, slots=True)
class Authentication:
    """Who signed in, for whom he acts, how well and when. ``acting_for``: an organisation's account id. ``auth_time``: aware UTC.

    ``session_id`` is the ``sid`` of tokens; it stays the same over step-up and switching, the cookie does not.
    """

    account_id: str
    acting_for: str | None
    session_id: str
    acr: str
    amr: tuple[str, ...]
    auth_time: datetime

    @property
    def subject(self) -> str:
        """Whom tokens are about: the organisation where the person acts for one."""
        return self.acting_for or self.account_id


@dataclass(frozen=True, slots=True)
class ClientProfile:
    """What sign-in needs to know of a client. ``allowed_claims``: attributes it may see at all, empty: those its scopes name.

    ``purpose``: shown at consent. ``is_own``: belongs to this deployment, so that no consent is asked. ``acting``: for whom a person may
    act towards it: ``any``, ``person`` or ``organisation``. ``policy_uri``, ``tos_uri``: https, empty where it has none.
    """

    client_id: str
    name: str
    purpose: str = ""
    allowed_claims: frozenset[str] = frozenset()
    is_own: bool = False
    acting: Literal["any", "person", "organisation"] = "any"
    post_logout_redirect_uris: tuple[str, ...] = ()
    policy_uri: str = ""
    tos_uri: str = ""

    def serves_who_acts(self, acting_for: str | None) -> bool:
        """Whether a person may come to it acting for this organisation, or (None) for himself."""
        return self.acting == "any" or (self.acting == "organisation") == (acting_for is not None)

    @property
    def terms(self) -> tuple[tuple[str, str, str], ...]:
        """What people may read of it, by texts of the pages: (text, address, host). The host is shown: whose words they are stands before the click."""
        stated = (("terms_policy", self.policy_uri), ("terms_of_service", self.tos_uri))
        return tuple((text, address, urlsplit(address).netloc) for text, address in stated if address)


@dataclass(frozen=True, slots=True)
class Identity:
    """Who somebody is by the word of an upstream. ``evidence``: (method, source, level, verified at). Values are personal data.

    ``agent_of``: the organisations that the person acts for. ``session``: the upstream's name for its session, by which it ends ours.
    ``shown_at``: when the person has shown himself there; None: not said.
    """

    kind: Literal["person", "organisation"]
    upstream: str
    subject: str
    name: str
    id_type: str | None
    id_number: str | None
    level: int
    evidence: tuple[tuple[str, str, int, datetime], ...] = ()
    attributes: Mapping[str, str] = field(default_factory=dict)
    agent_of: tuple[Identity, ...] = ()
    session: str = ""
    shown_at: datetime | None = None

    def __repr__(self) -> str:
        """Without personal data."""
        return f"Identity({self.kind!r}, upstream={self.upstream!r}, level={self.level})"


def acr_of(level: int) -> str:
    """Level 0 to 4 -> its name in ``acr``."""
    return f"{ACR_PREFIX}{level}"


def level_of(acr: str) -> int | None:
    """The level an ``acr`` value names; None where it names none of ours."""
    digit = acr.removeprefix(ACR_PREFIX)
    return int(digit) if acr.startswith(ACR_PREFIX) and digit in {"0", "1", "2", "3", "4"} else None


def asks_anew(request: AuthorizationRequest) -> bool:
    """Whether a sign-in somewhere else, of whatever time, is not enough: the person must show himself now (OIDC Core 3.1.2.1)."""
    return "login" in request.prompt or request.max_age_seconds is not None


def wanted_level(request: AuthorizationRequest) -> tuple[int | None, bool]:
    """The least level that satisfies a request, and whether it is essential (OIDC Core 3.1.2.1, 5.5.1.1); None: any.

    Names of others in ``acr_values`` are passed over; an essential claim that holds only such names cannot be satisfied: level 5.
    """
    id_token = request.claims.get("id_token")
    stated = id_token.get("acr") if isinstance(id_token, dict) else None
    if isinstance(stated, dict):
        values = stated.get("values") if isinstance(stated.get("values"), list) else [stated.get("value")]
        names = [value for value in values or [] if isinstance(value, str)]
        levels = [level for level in map(level_of, names) if level is not None]
        if stated.get("essential") is True and names:
            return min(levels, default=LEVEL_MAX + 1), True
        if levels:
            return min(levels), False
    levels = [level for level in map(level_of, request.acr_values) if level is not None]
    return (min(levels) if levels else None), False
