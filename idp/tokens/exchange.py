"""Reading a request for token exchange (RFC 8693 2.1), and the chain of those who act. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from idp.model.tickets import TICKET_TYPE
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from collections.abc import Mapping

ACCESS_TOKEN_TYPE: Final = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105 - RFC 8693 3
SUBJECT_TYPES: Final = (ACCESS_TOKEN_TYPE, TICKET_TYPE)
ACTORS_MAX: Final = 4  # how many may act one for the other: longer chains say that somebody lost the overview


@dataclass(frozen=True, slots=True)
class ExchangeRequest:
    """What is to be exchanged for what. ``audience``: the name of the client a ticket is for; ``resource``: where a token is to be used."""

    subject_token: str
    subject_type: str
    wanted_type: str
    audience: str | None
    resource: str | None
    scope: str | None

    def __repr__(self) -> str:
        """Without the token."""
        return f"ExchangeRequest({self.subject_type!r} to {self.wanted_type!r})"


def refused(reason: str) -> TrustError:
    """The one refusal of an exchange (RFC 8693 2.2.2: ``invalid_request`` also for a token that is not acceptable)."""
    return TrustError(Kind.UNACCEPTABLE, "EXCHANGE_REFUSED", reason=reason)


def read_exchange(form: Mapping[str, str]) -> ExchangeRequest:
    """TOKEN_PARAMETER_MISSING, EXCHANGE_REFUSED for kinds of tokens that are not exchanged here."""
    for name in ("subject_token", "subject_token_type"):
        if not form.get(name):
            raise TrustError(Kind.MALFORMED, "TOKEN_PARAMETER_MISSING", parameter=name)
    if form.get("actor_token") or form.get("actor_token_type"):  # who acts is the client that proves itself, nobody else
        raise refused("actor_token")
    request = ExchangeRequest(
        subject_token=form["subject_token"],
        subject_type=form["subject_token_type"],
        wanted_type=form.get("requested_token_type") or ACCESS_TOKEN_TYPE,
        audience=form.get("audience") or None,
        resource=form.get("resource") or None,
        scope=form.get("scope") or None,
    )
    if request.subject_type not in SUBJECT_TYPES:
        raise refused("subject_token_type")
    if request.wanted_type not in SUBJECT_TYPES or (request.subject_type == TICKET_TYPE and request.wanted_type == TICKET_TYPE):
        raise refused("requested_token_type")
    if (request.wanted_type == TICKET_TYPE) != (request.audience is not None):  # a ticket is for a client, a token for a resource
        raise refused("audience")
    return request


def actors_in(claims: Mapping[str, Any], *, person_last: bool) -> tuple[str, ...]:
    """The clients that act, the latest first (RFC 8693 4.1). ``person_last``: the innermost is the person who acts for an organisation."""
    actors: list[str] = []
    inner = claims.get("act")
    while inner is not None:
        subject = inner.get("sub") if isinstance(inner, dict) else None
        if not isinstance(subject, str) or len(actors) > ACTORS_MAX:
            raise refused("act")
        actors.append(subject)
        inner = inner.get("act")
    return tuple(actors[:-1] if person_last and actors else actors)


def act_of(actors: tuple[str, ...], person: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """The ``act`` claim for a chain, the latest actor outermost, the person innermost; None where nobody acts for anybody."""
    if len(actors) > ACTORS_MAX:
        raise refused("act")
    act: dict[str, Any] | None = dict(person) if person is not None else None
    for actor in reversed(actors):
        act = {"sub": actor} if act is None else {"sub": actor, "act": act}
    return act
