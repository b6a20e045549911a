"""What the person decides in a sign-in: which account, for whom, yes or no."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from idp.actions.sign_in_row import put_back, sign_in_unknown, take_up, take_up_at
from idp.model.sign_in import Step, as_anyone, leads_on
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

    from idp.actions.people_desk import PeopleDesk
    from idp.model.requests import ClientProfile
    from idp.model.sign_in import SignIn

_MARK_CHARACTERS: Final = 64  # a digest in hex; whatever is longer is none
_ASKING: Final = frozenset(Step) - {Step.FINISH, Step.REFUSED}


def choose_account(desk: PeopleDesk, sign_in_id: str, browser_hash: bytes, profile: ClientProfile | None, *, another: bool) -> None:
    """Go on with the account of this browser's session, or as another one. SIGN_IN_UNKNOWN."""
    steps = _ASKING if another else frozenset({Step.ACCOUNT})
    _change(
        desk, sign_in_id, browser_hash, profile, steps, lambda row: as_anyone(row) if another else replace(row, must_choose_account=False)
    )


def choose_acting(desk: PeopleDesk, sign_in_id: str, browser_hash: bytes, profile: ClientProfile | None, *, acting_for: str) -> None:
    """Act for oneself (empty) or for an organisation that the row names. SIGN_IN_UNKNOWN for any other."""

    def change(row: SignIn) -> SignIn:
        if acting_for and acting_for not in row.organisations:
            raise sign_in_unknown()
        if not acting_for and row.acting_rule == "organisation":
            raise sign_in_unknown()
        chosen = replace(row, acting_chosen=True, acting_for=acting_for or None)
        return chosen if leads_on(chosen) else as_anyone(chosen)

    _change(desk, sign_in_id, browser_hash, profile, frozenset({Step.ACTING}), change)


def give_consent(desk: PeopleDesk, sign_in_id: str, browser_hash: bytes, profile: ClientProfile | None, *, shown: str) -> None:
    """Yes: what is asked may be told. The consent is stored when the sign-in finishes. ``shown``: what the page said (``consent_mark``);
    CONSENT_OVERTAKEN where something else is asked by now.
    """
    agreed = _change(
        desk,
        sign_in_id,
        browser_hash,
        profile,
        frozenset({Step.CONSENT}),
        lambda row: replace(row, consent_given=True, consent_shown=shown[:_MARK_CHARACTERS]),
    )
    if agreed is not None and agreed.needs_consent and not agreed.consent_given:
        raise TrustError(Kind.CONFLICT, "CONSENT_OVERTAKEN")


def refuse(desk: PeopleDesk, sign_in_id: str, browser_hash: bytes, error: str) -> SignIn:
    """End a sign-in with an error for the client (OAuth error code), on record where it is known who says no. SIGN_IN_UNKNOWN."""
    at = desk.clock.now()

    def store(connection: Connection) -> SignIn:
        row = take_up(connection, desk, sign_in_id, browser_hash, at)
        if row.error is None and row.account_id is not None:
            actor, client = f"account:{row.account_id}", row.request.client_id if row.request else ""
            facts = {"client": client, "sign_in": sign_in_id, "error": error}
            desk.audit.record(connection, at=at, actor=actor, action="sign-in.refuse", subject=actor, outcome="done", facts=facts)
        return put_back(connection, desk, replace(row, error=row.error or error), None)

    return desk.database.write(store)


def _change(
    desk: PeopleDesk,
    sign_in_id: str,
    browser_hash: bytes,
    profile: ClientProfile | None,
    steps: frozenset[Step],
    change: Callable[[SignIn], SignIn],
) -> SignIn | None:
    """The row as it is now; None where the sign-in waits for something else."""
    at = desk.clock.now()

    def store(connection: Connection) -> SignIn | None:
        row = take_up_at(connection, desk, sign_in_id, browser_hash, at, steps)
        return None if row is None else put_back(connection, desk, change(row), profile)

    return desk.database.write(store)
