"""What the duties of this deployment are, and which scopes a person has at its own pages: by office, by duty and by powers over seals.

A client that signs people in asks all of them for the same scopes; the deployment's own pages serve everybody, so there each person's tokens are cut
to what he was given (``idp.ports.SCOPE_LIMITS``). What administrators may is theirs only with two factors shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import seal_service.service
from seal_service.model import SCOPE_AUDIT, SCOPE_MANAGE, SCOPE_READ, SCOPE_USE, Power
from service_kit.duties import duties_of
from service_kit.roles import Role, role_of

if TYPE_CHECKING:
    from sqlalchemy import Connection

CONSOLE_CLIENT: Final = "yinxin-console"
ME: Final = "me.read"
FIND_HOLDERS: Final = "holder.find"
PROVE_HOLDERS: Final = "holder.prove"
SCOPES: Final = {
    ME: "See who one is here: role, duties and what one may do.",
    PROVE_HOLDERS: "Ask under which codes the person behind a token holds licences; for a licence vault that runs elsewhere.",
    FIND_HOLDERS: "Find somebody's name of rights by his exact login name, and what holders of rights are called.",
}


@dataclass(frozen=True, slots=True)
class Duty:
    """One duty: what it is called and which scopes come with it."""

    name: str
    title_zh: str
    title_en: str
    scopes: tuple[str, ...]


DUTIES: Final = {
    duty.name: duty
    for duty in (
        Duty("seal-applicant", "印章申请人", "applies for seals", ("seal.apply", "seal.read", FIND_HOLDERS)),
        Duty("seal-reviewer", "印章审核人", "reviews applications for seals", ("seal.review", "seal.read", FIND_HOLDERS)),
        Duty("seal-maker", "制章人", "makes and issues seals", ("seal.make", "seal.read", FIND_HOLDERS)),
        Duty("licence-designer", "证照类型编制人", "writes licence types", ("licence.define", "licence.read")),
        Duty("licence-reviewer", "证照类型审核人", "reviews licence types", ("licence.review", "licence.read")),
        Duty(
            "licence-officer",
            "证照签发人",
            "issues and looks after licences",
            ("licence.issue", "licence.read", "licence.use", "licence.presentation", "licence.credential", "licence.foreign"),
        ),
        Duty(
            "licence-registrar",
            "发证机关管理人",
            "enters issuing authorities and says which systems may use their licences",
            ("licence.admin", "licence.read", "licence.export", FIND_HOLDERS),
        ),
        Duty("developer", "接入开发人", "connects systems", ("client.manage", "webhook.manage")),
    )
}
ROLE_SCOPES: Final = {
    Role.SYSTEM: (
        "client.manage",
        "webhook.manage",
        "account.read",
        "account.manage",
        "identity.decide",
        "licence.report",
        "roles.read",
        "system.read",
        FIND_HOLDERS,
    ),
    Role.SECURITY: (
        "roles.manage",
        "roles.read",
        "seal.secure",
        SCOPE_READ,
        SCOPE_MANAGE,
        "account.read",
        "key.manage",
        FIND_HOLDERS,
    ),
    Role.AUDIT: ("audit.read", "roles.read", FIND_HOLDERS),
}
EVERYBODY: Final = (ME, "licence.own")
_POWERS: Final = {Power.MANAGE: (SCOPE_MANAGE, "seal.apply", FIND_HOLDERS), Power.USE: (SCOPE_USE,), Power.AUDIT: (SCOPE_AUDIT,)}
PAGE_SCOPES: Final = tuple(
    sorted(
        {*EVERYBODY, SCOPE_READ}
        | {scope for duty in DUTIES.values() for scope in duty.scopes}
        | {scope for scopes in ROLE_SCOPES.values() for scope in scopes}
        | {scope for scopes in _POWERS.values() for scope in scopes}
    )
)
"""Every scope that the deployment's own pages may ask people for."""


def scopes_at_pages(connection: Connection, holder: str, *, human: str, has_two: bool) -> frozenset[str]:
    """What a holder may at the deployment's own pages now (``idp.ports.ScopeLimit``)."""
    found = set(EVERYBODY)
    if human != holder and role_of(connection, human) is not None:
        return frozenset(found)  # who gives duties to an organisation does not come by them as its agent
    role = role_of(connection, holder)
    if role is not None and has_two:
        found.update(ROLE_SCOPES[role])
    for name in duties_of(connection, holder):
        if name in DUTIES:  # one that a later version no longer has gives nothing
            found.update(DUTIES[name].scopes)
    for power in seal_service.service.held_powers(connection, holder):
        found.update((SCOPE_READ, *_POWERS[power]))
    return frozenset(found)
