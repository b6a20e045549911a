"""What every connector does: send the browser away with something only its answer can carry, and read that answer once.

The caller stores ``Begun.stored`` sealed with the sign-in, bound to the browser, and takes it away in the transaction in which it
reads the answer: an answer that comes twice finds nothing.
"""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Protocol
from urllib.parse import urlencode

from idp.model.redirects import with_query
from standards.errors import Kind, TrustError
from standards.rfc7493_i_json import StrictJsonError, read_strict_object

if TYPE_CHECKING:
    from collections.abc import Mapping

    from idp.connectors.settings import ConnectorSettings
    from idp.model.requests import Identity
    from service_kit.outbound import Outbound

ASKS_ANEW: Final = "anew"  # what is kept of a question that only a fresh sign-in answers
AWAY_SECONDS: Final = 600  # how long somebody may be at the upstream
PARAMETER_CHARACTERS_MAX: Final = 4096
_SERVER_ERRORS: Final = 500
_OK: Final = 200


@dataclass(frozen=True, slots=True)
class Begun:
    """Where the browser goes, and what is kept until it returns (secret values)."""

    redirect_url: str
    stored: Mapping[str, str]

    def __repr__(self) -> str:
        """Without the secrets."""
        return "Begun()"


class Connector(Protocol):
    """One kind of upstream."""

    def begin(self, sign_in_id: str, at: datetime, *, anew: bool = False) -> Begun:
        """The way to the upstream. ``anew``: the person must show himself again there; UPSTREAM_CANNOT where the protocol has no word for it."""

    def finish(self, stored: Mapping[str, str], answer: Mapping[str, str], outbound: Outbound, at: datetime) -> Identity:
        """Who came back. ``UPSTREAM_ANSWER_REFUSED`` with the reason, ``OUTBOUND_FAILED`` where the upstream does not answer."""

    def logout_url(self, return_url: str, state: str) -> str | None:
        """Where the browser goes to end the session there, to come back with ``state``; None: the upstream has no such page."""


def cannot_anew() -> TrustError:
    """The protocol has no way to ask that somebody signs in again."""
    return TrustError(Kind.UNACCEPTABLE, "UPSTREAM_CANNOT")


def refused(reason: str) -> TrustError:
    """The upstream's answer is not believed."""
    return TrustError(Kind.UNAUTHENTICATED, "UPSTREAM_ANSWER_REFUSED", reason=reason)


def start(settings: ConnectorSettings, sign_in_id: str, at: datetime) -> dict[str, str]:
    """What is kept of every sign-in that goes away: which connector, which sign-in, until when, and the state."""
    expires_at = (at + timedelta(seconds=AWAY_SECONDS)).isoformat()
    return {"connector": settings.name, "sign_in": sign_in_id, "expires_at": expires_at, "state": secrets.token_urlsafe(32)}


def check_return(settings: ConnectorSettings, stored: Mapping[str, str], answer: Mapping[str, str], wanted: str, at: datetime) -> str:
    """The parameter ``wanted`` of an answer that belongs to this sign-in at this connector and came in time."""
    # 1. what was kept is of this connector: an answer of one upstream never counts as that of another
    if stored.get("connector") != settings.name:
        raise refused("other-connector")
    if at >= datetime.fromisoformat(stored["expires_at"]).astimezone(UTC):
        raise refused("too-late")
    # 2. the answer is that to our question
    if not hmac.compare_digest(answer.get("state", "").encode(), stored["state"].encode()):
        raise refused("state")
    # 3. and it says what we need
    if "error" in answer:
        raise refused("upstream-error")
    value = answer.get(wanted, "")
    if not value or len(value) > PARAMETER_CHARACTERS_MAX:
        raise refused("parameter")
    return value


def logout_page(settings: ConnectorSettings, parameters: Mapping[str, str]) -> str | None:
    """The upstream's logout page with these parameters, where it has one."""
    page = settings.endpoints.get("logout")
    return with_query(page, parameters) if page else None


def text_in(answer: Mapping[str, Any], name: str) -> str:
    """A text that an answer must hold."""
    value = answer.get(name)
    if not isinstance(value, str) or not value:
        raise refused("answer-incomplete")
    return value


def ask(
    outbound: Outbound,
    method: str,
    url: str,
    *,
    form: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """The JSON object that the upstream answers. No redirect is followed; time and size are bounded by ``Outbound``."""
    sent = {"accept": "application/json", **(headers or {})}
    content = b""
    if form is not None:
        content = urlencode(form).encode()
        sent["content-type"] = "application/x-www-form-urlencoded"
    answer = outbound.call(method, url, headers=sent, content=content)
    if answer.status >= _SERVER_ERRORS:
        raise TrustError(Kind.UNAVAILABLE, "OUTBOUND_FAILED", reason="upstream-status")
    if answer.status != _OK:
        raise refused("upstream-status")
    return read_object(answer.body)


def read_object(text: bytes) -> dict[str, Any]:
    """A JSON object; members that occur twice are refused, for two readers could see two different answers."""
    try:
        return read_strict_object(text)
    except StrictJsonError:
        raise refused("not-json") from None
