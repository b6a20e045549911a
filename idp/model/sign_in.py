"""A sign-in as a state machine over one stored row, and the session that comes of it.

Steps never route to one another: each changes the row and returns to ``decide_next_step``, which alone says what comes next. So what a
browser sends in what order cannot lead past a step, and a row can be taken up again by any process.

| Step | What it waits for | Path of the form |
|---|---|---|
| account | which account of this browser | /sign-in/{id}/account |
| first_factor | password, passkey, certificate or recovery code | /sign-in/{id}/password, /passkey, /certificate, /recovery |
| new_password | after a recovery code | /sign-in/{id}/new-password |
| second_factor | one-time code, passkey or certificate | /sign-in/{id}/code, /passkey, /certificate |
| acting | for whom: oneself or an organisation | /sign-in/{id}/acting |
| consent | yes or no | /sign-in/{id}/consent |
| finish | nothing: the code is issued | - |
| refused | nothing: the error is told | - |
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Final, Literal

from idp.model.grants import TWO_FACTORS
from idp.model.requests import acr_of

if TYPE_CHECKING:
    from collections.abc import Collection

    from idp.model.people import Account, AccountStanding, Agent
    from idp.model.requests import AuthorizationRequest, ClientProfile

SIGN_IN_PREFIX: Final = "si_"
SESSION_PREFIX: Final = "se_"
SIGN_IN_SECONDS: Final = 1800  # from the first page to the last
SESSION_SECONDS: Final = 12 * 3600  # GB/T 22239 level 3: sessions end
SESSION_IDLE_SECONDS: Final = 2 * 3600
RECENT_SECONDS: Final = 300  # how fresh a sign-in must be to change credentials

Method = Literal[
    "password", "totp", "passkey", "certificate", "recovery", "upstream-0", "upstream-1", "upstream-2", "upstream-3", "upstream-4"
]
UPSTREAM_METHODS: Final[tuple[Method, ...]] = ("upstream-0", "upstream-1", "upstream-2", "upstream-3", "upstream-4")
"""By the word of another provider that vouches for this level: its sign-in is worth no more here than it says itself."""
METHOD_LEVEL: Final[dict[str, int]] = {
    "password": 2,
    "recovery": 1,
    "passkey": 3,
    "certificate": 4,
    **{method: level for level, method in enumerate(UPSTREAM_METHODS)},
}
"""What a sign-in by one method is worth at most; two factors, one of them worth a password, are worth at least 3. The account's own level is the other bound."""
TWO_FACTOR_LEVEL: Final = 3
STRONG: Final = frozenset({"passkey", "certificate"})
"""Methods that are two factors by themselves: a key in hand, opened by a PIN or a finger."""
AMR: Final[dict[str, str]] = {
    "password": "pwd",
    "totp": "otp",
    "passkey": "hwk",
    "certificate": "sc",
    "recovery": "rcv",
    **dict.fromkeys(UPSTREAM_METHODS, "fed"),
}
"""Method -> name in ``amr`` (RFC 8176; rcv and fed are ours)."""


def are_two(methods: Collection[str]) -> bool:
    """Whether these are two factors. A recovery code is none: it takes the place of a forgotten one."""
    return bool(STRONG & set(methods)) or len(set(methods) - {"recovery"}) > 1


class Step(StrEnum):
    """What a sign-in waits for."""

    ACCOUNT = "account"
    FIRST_FACTOR = "first_factor"
    NEW_PASSWORD = "new_password"  # noqa: S105 - a step
    SECOND_FACTOR = "second_factor"
    ACTING = "acting"
    CONSENT = "consent"
    FINISH = "finish"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class SignIn:
    """One sign-in under way. ``request`` None: into one's own pages, to go on at ``return_to`` (a path of ours).

    ``methods``: factors shown in this sign-in or by the session it took over (``session_id``), in order. ``needs_two``: the account's
    rule. ``asks_two``: freshly, and two factors where the account has them: to change its keys. ``wanted``: the level the client asks for, ``is_essential``: without it there is no answer. ``can_reach``: the best level the
    account's credentials allow. ``organisations``: for whom the person may act, ``administering``: those of them for which he needs two factors. ``error``: why it was refused (OAuth error code).
    ``consent_shown``: to what exactly the person agreed (``sign_in_row.consent_mark``). ``challenge``: one-time, for passkey and certificate. ``upstream``: the other provider by whose word the person is known, with his
    subject and session there. ``credential_epoch``: of the account, when the first factor was shown: in a later one the row counts no more.
    Times are aware UTC.
    """

    sign_in_id: str
    browser_hash: bytes
    request: AuthorizationRequest | None
    return_to: str
    created_at: datetime
    expires_at: datetime
    version: int = 1
    account_id: str | None = None
    session_id: str | None = None
    auth_at: datetime | None = None
    methods: tuple[str, ...] = ()
    account_level: int = 0
    needs_two: bool = False
    has_second: bool = False
    can_reach: int = 0
    wanted: int | None = None
    is_essential: bool = False
    asks_two: bool = False
    must_choose_account: bool = False
    needs_password_change: bool = False
    organisations: tuple[str, ...] = ()
    administering: tuple[str, ...] = ()
    acting_rule: Literal["any", "person", "organisation"] = "any"
    acting_chosen: bool = False
    acting_for: str | None = None
    needs_consent: bool = False
    consent_given: bool = False
    consent_shown: str = ""
    challenge: str | None = None
    error: str | None = None
    is_finished: bool = False
    upstream: str = ""
    upstream_subject: str = ""
    upstream_session: str = ""
    credential_epoch: int = 0

    def __repr__(self) -> str:
        """Without hints and challenges."""
        return f"SignIn({self.sign_in_id!r}, methods={self.methods!r}, version={self.version})"

    @property
    def has_two(self) -> bool:
        """Whether two factors have been shown."""
        return are_two(self.methods)

    @property
    def lacks_two(self) -> bool:
        """Whether the account's rule, or that of the organisation he acts for, wants two factors and fewer have been shown."""
        return (self.needs_two or self.acting_for in self.administering) and not self.has_two

    @property
    def level(self) -> int:
        """What this sign-in is worth: bounded by how well the account is proven and by what was shown."""
        shown = max((METHOD_LEVEL.get(each, 0) for each in self.methods), default=0)
        are_worth_two = self.has_two and shown >= METHOD_LEVEL["password"]  # a provider's word below that is less than a password
        return min(self.account_level, max(shown, TWO_FACTOR_LEVEL if are_worth_two else 0))

    @property
    def acr(self) -> str:
        """The level's name."""
        return acr_of(self.level)

    @property
    def amr(self) -> tuple[str, ...]:
        """The methods by their registered names; ``mfa`` where there were two factors."""
        return (*dict.fromkeys(AMR[each] for each in self.methods), *((TWO_FACTORS,) if self.has_two else ()))

    @property
    def wants_step_up(self) -> bool:
        """Whether a further factor would bring the sign-in nearer to the level asked for: not where two did not."""
        is_spent = self.has_two and self.level < TWO_FACTOR_LEVEL <= self.account_level
        return self.wanted is not None and self.level < min(self.wanted, self.can_reach) and not is_spent


def decide_next_step(row: SignIn) -> Step:
    """The one dispatcher: from the stored row alone, what the sign-in waits for."""
    # 1. It has ended
    if row.error is not None:
        return Step.REFUSED
    if row.is_finished:
        return Step.FINISH
    # 2. Who is it
    if row.must_choose_account:
        return Step.ACCOUNT
    if row.account_id is None or not row.methods:
        return Step.FIRST_FACTOR
    if row.needs_password_change:
        return Step.NEW_PASSWORD
    # 3. Is that good enough: for the account's own rule, then for what the client asks
    if row.lacks_two:
        return Step.SECOND_FACTOR if row.has_second else Step.REFUSED
    if row.wants_step_up or (row.asks_two and row.has_second and not row.has_two):
        return Step.SECOND_FACTOR
    if row.is_essential and row.wanted is not None and row.level < row.wanted:
        return Step.REFUSED
    # 4. For whom, and with whose leave
    if row.acting_rule == "organisation" and not row.organisations:
        return Step.REFUSED
    if not row.acting_chosen and row.organisations and row.acting_rule != "person" and row.request is not None:
        return Step.ACTING
    if row.needs_consent and not row.consent_given:
        return Step.CONSENT
    return Step.FINISH


def leads_on(row: SignIn) -> bool:
    """Whether showing what is asked for next can bring the sign-in to an end. By a recovery code alone a second factor does not: the code is none, so that
    the two would never be two. He who has set his new password signs in by that.
    """
    return set(row.methods) != {"recovery"} or decide_next_step(row) is not Step.SECOND_FACTOR


def refusal_of(row: SignIn) -> str:
    """Why a refused sign-in is refused, as an OAuth error code (RFC 6749 4.1.2.1, OIDC Core 3.1.2.6, OIDC unmet_authentication_requirements)."""
    if row.error is not None:
        return row.error
    if row.is_essential and row.wanted is not None and row.level < row.wanted and not row.lacks_two:
        return "unmet_authentication_requirements"
    return "access_denied"


PROMPT_ERROR: Final = {
    Step.ACCOUNT: "account_selection_required",
    Step.FIRST_FACTOR: "login_required",
    Step.NEW_PASSWORD: "login_required",
    Step.SECOND_FACTOR: "login_required",
    Step.ACTING: "interaction_required",
    Step.CONSENT: "consent_required",
}
"""What prompt=none is answered where a step would ask the person (OIDC Core 3.1.2.6)."""


def unasked_error(row: SignIn) -> str | None:
    """What prompt=none is answered where a page would come next: to ask the person, or to tell him that he needs a second factor; None where none would."""
    step = decide_next_step(row)
    return "interaction_required" if step is Step.REFUSED and row.error is None and row.lacks_two else PROMPT_ERROR.get(step)


@dataclass(frozen=True, slots=True)
class Session:
    """A browser that is signed in. ``browser``: a few words on it for the list of sessions. ``credential_epoch``: of the account, as the factors
    were shown. Times are aware UTC.
    """

    session_id: str
    cookie_hash: bytes
    account_id: str
    acting_for: str | None
    level: int
    methods: tuple[str, ...]
    browser: str
    auth_at: datetime
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime
    ended_at: datetime | None = None
    ended_by: str | None = None
    version: int = 1
    credential_epoch: int = 0

    def __repr__(self) -> str:
        """Without the cookie's hash."""
        return f"Session({self.session_id!r}, account_id={self.account_id!r})"

    def is_alive_at(self, at: datetime) -> bool:
        """Whether it counts at this moment."""
        return self.ended_at is None and at < self.expires_at and at < self.last_seen_at + timedelta(seconds=SESSION_IDLE_SECONDS)


def begin_sign_in(
    sign_in_id: str,
    browser_hash: bytes,
    request: AuthorizationRequest | None,
    at: datetime,
    *,
    profile: ClientProfile | None = None,
    wanted: tuple[int | None, bool] = (None, False),
    return_to: str = "",
    asks_two: bool = False,
) -> SignIn:
    """A new row: what the client asks, nothing shown yet."""
    return SignIn(
        sign_in_id=sign_in_id,
        browser_hash=browser_hash,
        request=request,
        return_to=return_to,
        created_at=at,
        expires_at=at + timedelta(seconds=SIGN_IN_SECONDS),
        wanted=wanted[0],
        is_essential=wanted[1],
        asks_two=asks_two,
        acting_rule=profile.acting if profile else "any",
    )


def is_session_enough(row: SignIn, session: Session, account: Account | AccountStanding, at: datetime, *, hinted: bool = True) -> bool:
    """Whether a living session may stand for signing in anew. ``hinted``: the account fits the hints of the request."""
    request = row.request
    if session.account_id != account.account_id or not hinted:
        return False
    if request is None:
        return not row.asks_two or (at - session.auth_at).total_seconds() <= RECENT_SECONDS
    if "login" in request.prompt:
        return False
    if request.id_token_hint_sub is not None and request.id_token_hint_sub not in {account.account_id, session.acting_for}:
        return False
    return request.max_age_seconds is None or (at - session.auth_at).total_seconds() <= request.max_age_seconds


def with_account(
    row: SignIn,
    account: Account | AccountStanding,
    second_factors: Collection[str],
    agents: Collection[Agent],
    at: datetime,
    *,
    needs_two: bool,
) -> SignIn:
    """The row with who it is: what the account's rules ask (``needs_two``: two factors) and what its credentials can reach. ``second_factors``: kinds it has.

    The epoch is that of the moment in which the account became known: a row that knew it keeps its own.
    """
    reachable = max((METHOD_LEVEL.get(kind, TWO_FACTOR_LEVEL) for kind in second_factors), default=METHOD_LEVEL["password"])
    organisations = tuple(sorted({each.organisation_id for each in agents if each.is_valid_at(at)}))
    return replace(
        row,
        account_id=account.account_id,
        account_level=account.level,
        needs_two=needs_two,
        has_second=bool(second_factors),
        can_reach=min(account.level, reachable),
        organisations=organisations,
        credential_epoch=account.credential_epoch if row.account_id is None else row.credential_epoch,
    )


def with_session(row: SignIn, session: Session) -> SignIn:
    """The row with what a session has shown already; for whom the person acts is taken over where it still holds."""
    keeps_acting = session.acting_for in row.organisations and row.acting_rule != "person"
    stays_oneself = session.acting_for is None and row.acting_rule != "organisation"
    asks = row.request is not None and "select_account" in row.request.prompt
    return replace(
        row,
        session_id=session.session_id,
        auth_at=session.auth_at,
        methods=session.methods,
        acting_for=session.acting_for if keeps_acting else None,
        acting_chosen=keeps_acting or stays_oneself or row.acting_rule == "person",
        must_choose_account=asks,
        credential_epoch=session.credential_epoch,
    )


def with_method(row: SignIn, method: Method, at: datetime) -> SignIn:
    """The row with one more factor shown. The time of signing in is that of the newest."""
    methods = row.methods if method in row.methods else (*row.methods, method)
    return replace(
        row, methods=methods, auth_at=at, challenge=None, needs_password_change=row.needs_password_change or method == "recovery"
    )


def as_anyone(row: SignIn) -> SignIn:
    """The row as it was before anybody was known: for signing in as somebody else."""
    return replace(
        row,
        account_id=None,
        session_id=None,
        auth_at=None,
        methods=(),
        account_level=0,
        needs_two=False,
        has_second=False,
        can_reach=0,
        must_choose_account=False,
        needs_password_change=False,
        organisations=(),
        administering=(),
        acting_chosen=False,
        acting_for=None,
        needs_consent=False,
        consent_given=False,
        consent_shown="",
        challenge=None,
        upstream="",
        upstream_subject="",
        upstream_session="",
        credential_epoch=0,
    )
