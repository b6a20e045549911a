"""Who somebody at another provider is here: what may be joined, and what an administrator has to decide.

An account is never taken over by a likeness. One identity of an upstream is one account, by the upstream's own subject. A new identity is
joined with an account that is there already only over the same number of an identity document, proven on both sides, by an upstream that
the operator trusts for that kind of number; never by telephone, mail or name. Whatever else looks alike is a doubt, and waits.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from idp.model.names import one_spelling
from idp.model.people import ID_NUMBERS, IdentifierKind
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from idp.model.people import Account, Identifier
    from idp.model.requests import Identity

SIGN: Final = "@"
FOLLOWED: Final = "follow:"  # before the code of a directory that is followed: where its subjects stand in doubt, and what it calls them
PROVEN_LEVEL: Final = 2
_DOTS: Final = str.maketrans(dict.fromkeys("•‧∙⋅・．", "·"))


@dataclass(frozen=True, slots=True)
class Trip:
    """Somebody is away at an upstream. ``stored``: what the connector keeps (secrets). ``sign_in_id`` empty: to link the account of ``session_id``."""

    state: str
    upstream: str
    browser_hash: bytes
    sign_in_id: str
    session_id: str
    stored: dict[str, str]
    expires_at: datetime

    def __repr__(self) -> str:
        """Without the secrets."""
        return f"Trip({self.upstream!r})"


class Doubt(StrEnum):
    """Why an identity is not simply joined with an account."""

    KIND_DIFFERS = "kind_differs"  # a person there, an organisation here
    NUMBER_DIFFERS = "number_differs"  # the same subject, another number than is proven here
    NAME_DIFFERS = "name_differs"  # the same number, another name
    NOT_TRUSTED = "not_trusted"  # the upstream is not trusted for this kind of number, or not at this level
    NUMBER_CLAIMED = "number_claimed"  # the account here only claims the number
    ACCOUNT_UNPROVEN = "account_unproven"  # the account here is below the level from which on numbers count
    OTHER_SUBJECT = "other_subject"  # another subject of the same upstream is joined with this account
    LOGIN_TAKEN = "login_taken"  # a directory that is followed names a login name that an account here has


class ConflictState(StrEnum):
    """What has become of a doubt."""

    OPEN = "open"
    LINKED = "linked"
    SEPARATED = "separated"
    REJECTED = "rejected"


CONFLICT_LIFE: Final = {
    ConflictState.OPEN: frozenset({ConflictState.LINKED, ConflictState.SEPARATED, ConflictState.REJECTED}),
    ConflictState.REJECTED: frozenset({ConflictState.LINKED, ConflictState.SEPARATED}),
    ConflictState.LINKED: frozenset[ConflictState](),
    ConflictState.SEPARATED: frozenset[ConflictState](),
}
"""From each state, the states that may follow. What was rejected stays out at each further try, until somebody decides otherwise."""
STANDING: Final = frozenset({ConflictState.OPEN, ConflictState.REJECTED})
"""States in which the identity cannot sign in."""


@dataclass(frozen=True, slots=True)
class Conflict:
    """An identity that waits for a decision. ``account_id``: the account it looks like. Name and number are personal data."""

    conflict_id: str
    upstream: str
    subject: str
    doubt: Doubt
    account_id: str
    kind: str
    name: str
    id_type: str
    id_number: str
    level: int
    state: ConflictState
    opened_at: datetime
    last_at: datetime
    tries: int = 1
    decided_at: datetime | None = None
    decided_by: str | None = None
    reason: str = ""
    version: int = 1

    def __repr__(self) -> str:
        """Without personal data."""
        return f"Conflict({self.conflict_id!r}, {self.doubt.value}, {self.state.value})"


def decided(conflict: Conflict, state: ConflictState, by: str, reason: str, at: datetime) -> Conflict:
    """The doubt with a decision; CONFLICT_DECIDED where the table does not lead there."""
    if state not in CONFLICT_LIFE[conflict.state]:
        raise TrustError(Kind.CONFLICT, "CONFLICT_DECIDED", state=conflict.state.value)
    return replace(conflict, state=state, decided_at=at, decided_by=by, reason=reason, version=conflict.version + 1)


def upstream_identifier(upstream: str, subject: str) -> str:
    """How an account is found by its subject at an upstream. Names of upstreams hold no bar.

    The sign at the front keeps it apart from what directories call their subjects: who may import accounts must not be able to make one
    that somebody else's sign-in then opens. A directory that is followed (FOLLOWED) brings accounts, as an import does, and signs nobody in.
    """
    return f"{upstream}|{subject}" if upstream.startswith(FOLLOWED) else f"{SIGN}{upstream}|{subject}"


def same_name(one: str, other: str) -> bool:
    """Whether two ways of writing are of one name: blanks, case, the kind of dot and how its characters are composed do not count."""
    return _plain(one) == _plain(other)


def _plain(name: str) -> str:
    return "".join(one_spelling(name).split()).casefold().translate(_DOTS)


def is_trusted_number(identity: Identity, id_types: Collection[str], least_level: int) -> bool:
    """Whether the upstream's word for the number is good enough to join accounts by."""
    return bool(identity.id_number) and identity.id_type in id_types and identity.level >= max(least_level, PROVEN_LEVEL)


def number_of(account: Account, id_type: str | None) -> Identifier | None:
    """The account's number of this kind."""
    return account.identifier(IdentifierKind(id_type)) if id_type else None


def doubt_known(identity: Identity, account: Account, account_level: int) -> Doubt | None:
    """What speaks against signing in an identity as the account that is joined with its subject: upstreams hand subjects on, too.
    ``account_level``: by evidence, as of now.

    Whoever bears the proven number may have another name by now. Whoever comes without it, or with a number of another kind, may not, where
    anything stands behind the name.
    """
    if identity.kind != account.kind.value:
        return Doubt.KIND_DIFFERS
    number = number_of(account, identity.id_type)
    if number is not None and number.verified_at is not None:
        return None if number.value == identity.id_number else Doubt.NUMBER_DIFFERS
    is_proven = account_level >= PROVEN_LEVEL or any(
        each.kind in ID_NUMBERS[account.kind] and each.verified_at is not None for each in account.identifiers
    )
    return Doubt.NAME_DIFFERS if is_proven and not same_name(identity.name, account.name) else None


def doubt_same_number(identity: Identity, account: Account, account_level: int, *, is_trusted: bool) -> Doubt | None:
    """What speaks against joining an identity with the account that bears its number. ``account_level``: by evidence, as of now."""
    number = number_of(account, identity.id_type)
    if identity.kind != account.kind.value:
        return Doubt.KIND_DIFFERS
    if not is_trusted:
        return Doubt.NOT_TRUSTED
    if number is None or number.verified_at is None:  # who claims a number first must not get its owner's sign-in
        return Doubt.NUMBER_CLAIMED
    if account_level < PROVEN_LEVEL:
        return Doubt.ACCOUNT_UNPROVEN
    if not same_name(identity.name, account.name):
        return Doubt.NAME_DIFFERS
    return doubt_other_subject(identity, account)


def doubt_other_subject(identity: Identity, account: Account) -> Doubt | None:
    """Whether another subject of the same upstream is joined with the account already."""
    own = upstream_identifier(identity.upstream, identity.subject)
    prefix = upstream_identifier(identity.upstream, "")
    others = [each.value for each in account.identifiers if each.kind is IdentifierKind.UPSTREAM and each.value.startswith(prefix)]
    return Doubt.OTHER_SUBJECT if any(each != own for each in others) else None


def doubt_own_wish(identity: Identity, account: Account) -> Doubt | None:
    """What speaks against joining, where somebody who is signed in here has just signed in there and asks for it.

    A number that the account only claims speaks against another one, too: joining would put that one, as proven, in its place, and a namesake
    who got into an account would make it his own.
    """
    found = doubt_known(identity, account, account.level)
    if found is not None:
        return found
    number = number_of(account, identity.id_type)
    if number is not None and identity.id_number is not None and number.value != identity.id_number:
        return Doubt.NUMBER_DIFFERS
    return doubt_other_subject(identity, account) if same_name(identity.name, account.name) else Doubt.NAME_DIFFERS
