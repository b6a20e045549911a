"""The demonstration's people: one for each office, invented, each with a password of this deployment alone; administrators with a second factor.

What they sign in with stands in one file of the deployment's folder, for its owner only. Nothing of this exists outside a demonstration.
"""

from __future__ import annotations

import base64
import json
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import idp.service
from idp.actions.find_accounts import account_named, find_account, is_in_doubt
from idp.actions.join_identity import join_identity
from idp.actions.manage_accounts import AccountChange, NewAccount, change_account, create_account
from idp.actions.set_credentials import set_password, set_totp
from idp.connectors.settings import LinkingRules
from idp.credentials.one_time_codes import STEP_SECONDS, code_at
from idp.model.people import AccountKind, Evidence, Identifier, IdentifierKind, new_id
from idp.model.requests import Identity
from service_kit.durable_files import write_durably
from service_kit.duties import give_duty
from service_kit.roles import Role, appoint
from standards.errors import Kind, TrustError
from yinxin import links
from yinxin.duties import DUTIES

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from sqlalchemy import Connection

    from idp.actions.people_desk import PeopleDesk
    from service_kit.composition import ServiceContext

FILE: Final = "demo-people.json"
ACTOR: Final = "operator:demo"
LEVEL: Final = 3
REASON: Final = "演示任命 Demonstration"
UPSTREAM: Final = "simulator"


@dataclass(frozen=True, slots=True)
class Part:
    """One person of the demonstration. ``duties``: of :mod:`yinxin.duties`; ``number``: his resident number, invented, empty for none."""

    login: str
    name: str
    title: tuple[str, str]
    duties: tuple[str, ...] = ()
    role: Role | None = None
    number: str = ""


CITIZEN: Final = "demo"
APPLICANT: Final = "seal-admin"
REVIEWER: Final = "reviewer"
MAKER: Final = "maker"
USER: Final = "seal-user"
CLERK: Final = "clerk"
CITIZEN_NUMBER: Final = "990000198604151017"  # division 990000 does not exist
CLERK_NUMBER: Final = "990000198811231028"
PARTS: Final = (
    Part(APPLICANT, "演示印章管理员", ("印章管理员（申请）", "seal administrator, applies for seals"), ("seal-applicant",)),
    Part(REVIEWER, "演示审核员", ("审核员", "reviewer"), ("seal-reviewer", "licence-reviewer")),
    Part(MAKER, "演示制章员", ("制章员", "seal maker"), ("seal-maker",)),
    Part(USER, "演示用印人", ("用印人", "seal user")),
    Part(
        CLERK,
        "演示经办员",
        ("窗口经办员", "clerk of an office"),
        ("licence-designer", "licence-officer", "licence-registrar", "developer"),
        number=CLERK_NUMBER,
    ),
    Part("operator", "演示运维员", ("系统管理员（运维）", "system administrator, operator"), role=Role.SYSTEM),
    Part("security-admin", "演示安全管理员", ("安全管理员", "security administrator"), role=Role.SECURITY),
    Part("audit-admin", "演示审计管理员", ("审计管理员", "audit administrator"), role=Role.AUDIT),
)
"""The citizen, who also acts for the demonstration's organisation, is made before them (``prepare``)."""


@dataclass(frozen=True, slots=True)
class DemoPerson:
    """An account as the demonstration tells of it. ``totp_secret``: base32 as authenticator apps take it, empty where a password is enough."""

    login: str
    name: str
    title_zh: str
    title_en: str
    password: str
    totp_secret: str
    account_id: str


def ensure_people(context: ServiceContext, path: Path, *, is_new: bool) -> tuple[DemoPerson, ...]:
    """Make who is missing, and say what each signs in with. ``is_new``: offices are given too; what a reader changed later is not put back."""
    kept: dict[str, dict[str, str]] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    desk = idp.service.people_desk(context)
    try:
        found: dict[str, DemoPerson] = {}
        for part in PARTS:
            account_id = _ensure_account(desk, part)
            if is_new:
                _give_office(context, part, account_id)
            own = kept.get(part.login)
            if own is None:  # new, or the run before was cut off before the file was written
                own = {"password": f"Try-{secrets.token_urlsafe(12)}", "totp_secret": ""}
                set_password(desk, account_id, own["password"], actor=ACTOR)
                if part.role is not None:
                    own["totp_secret"] = base64.b32encode(set_totp(desk, account_id, actor=ACTOR)).decode("ascii")
            found[part.login] = DemoPerson(part.login, part.name, *part.title, own["password"], own["totp_secret"], account_id)
        if is_new:
            _ensure_doubt(desk)
    finally:
        desk.pool.close()
    told = {each.login: {"password": each.password, "totp_secret": each.totp_secret} for each in found.values()}
    if told != kept:
        write_durably(path, json.dumps(told, indent=2).encode())
    return tuple(found.values())


def present_code(path: Path, login: str, at: datetime) -> str:
    """The one-time code of a demonstration's administrator as of now. DEMO_CODE_UNKNOWN where there is none for that name."""
    kept: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    secret = kept.get(login, {}).get("totp_secret", "")
    if not secret:
        raise TrustError(Kind.NOT_FOUND, "DEMO_CODE_UNKNOWN", login=login)
    return code_at(base64.b32decode(secret), int(at.timestamp()) // STEP_SECONDS)


def ensure_citizen(context: ServiceContext) -> str:
    """Give the citizen the number that his licences are held under, proven at the same counter as he; returns his account."""
    desk = idp.service.people_desk(context)
    try:
        account = account_named(desk, CITIZEN)
        if find_account(desk, IdentifierKind.RESIDENT_ID, CITIZEN_NUMBER) is None:
            number = Identifier(IdentifierKind.RESIDENT_ID, CITIZEN_NUMBER, desk.clock.now())
            change = AccountChange(identifiers=(*account.identifiers, number), expected_version=account.version)
            change_account(desk, account.account_id, AccountKind.PERSON, change, actor=ACTOR)
    finally:
        desk.pool.close()
    return account.account_id


def _ensure_account(desk: PeopleDesk, part: Part) -> str:
    present = find_account(desk, IdentifierKind.LOGIN, part.login)
    if present is not None:
        return present.account_id
    at = desk.clock.now()
    numbers = (Identifier(IdentifierKind.RESIDENT_ID, part.number, at),) if part.number else ()
    proof = Evidence(new_id("ev_"), "counter", "Demonstration 演示", LEVEL, at)
    wanted = NewAccount(
        AccountKind.PERSON,
        part.name,
        (Identifier(IdentifierKind.LOGIN, part.login), *numbers),
        evidence=(proof,),
        needs_two_factors=part.role is not None,
    )
    return create_account(desk, wanted, actor=ACTOR).account_id


def _give_office(context: ServiceContext, part: Part, account_id: str) -> None:
    holder, at = f"person:{account_id}", context.clock.now()

    def give(connection: Connection) -> None:
        if part.role is not None:
            appoint(connection, context.audit, holder, part.role, is_bound=links.is_bound, actor=ACTOR, reason=REASON, at=at)
        for duty in part.duties:
            give_duty(connection, context.audit, holder, duty, known=DUTIES, actor=ACTOR, reason=REASON, at=at)

    context.database.write(give)


def _ensure_doubt(desk: PeopleDesk) -> None:
    """Somebody who signs in elsewhere, with the clerk's number and too weak a proof: whose identity it is waits for an administrator."""
    identity = Identity("person", UPSTREAM, "sim-namesake", "演示经办员", "resident_id", CLERK_NUMBER, 1)
    rules = LinkingRules()
    if not is_in_doubt(desk, identity.upstream, identity.subject):
        desk.database.write(lambda connection: join_identity(connection, desk, rules, identity, desk.clock.now()))
