"""People who do not exist, with duties, for the pages of a demonstration."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import idp.service
from idp.actions.manage_accounts import NewAccount, create_account
from idp.actions.set_credentials import set_password
from idp.model.people import AccountKind, Evidence, Identifier, IdentifierKind, new_id
from service_kit.duties import give_duty
from yinxin.assembly import open_house
from yinxin.deployment import open_deployment
from yinxin.duties import DUTIES

if TYPE_CHECKING:
    from pathlib import Path

    from service_kit.composition import ServiceContext

PASSWORD = "Synthetic-only-7"
STAFF = {
    "shenqing": ("申请员甲（样例）", ("seal-applicant",)),
    "shenhe": ("审核员乙（样例）", ("seal-reviewer",)),
    "zhizhang": ("制章员丙（样例）", ("seal-maker",)),
    "guanli": ("管理员丁（样例）", ()),
    "yongyin": ("用印员戊（样例）", ()),
    "jiandu": ("监督员己（样例）", ()),
    "banzheng": ("证照员庚（样例）", ("licence-officer", "licence-designer", "licence-registrar")),
    "kaifa": ("开发员辛（样例）", ("developer",)),
    "shimin": ("市民壬（样例）", ()),
    "linju": ("邻居癸（样例）", ()),
}
NUMBERS = {
    "shimin": "11010519491231002X",
    "linju": "110105194912310038",
}  # like the example of GB 11643: by them licences find their holders


@dataclass(frozen=True)
class Staff:
    """Accounts by login name."""

    accounts: dict[str, str] = field(default_factory=dict)

    def holder(self, login: str) -> str:
        return f"person:{self.accounts[login]}"


def add_staff(folder: Path, staff: dict[str, tuple[str, tuple[str, ...]]] = STAFF, context: ServiceContext | None = None) -> Staff:
    """Enter them into a deployment that is not served yet; ``context``: of one that is open in this process."""
    if context is not None:
        return _enter(context, staff)
    house = open_house(open_deployment(folder))
    try:
        return _enter(house.context, staff)
    finally:
        house.close()


def _enter(context: ServiceContext, staff: dict[str, tuple[str, tuple[str, ...]]]) -> Staff:
    made: dict[str, str] = {}
    desk = idp.service.people_desk(context)
    try:
        for login, (name, duties) in staff.items():
            at = context.clock.now()
            proof = Evidence(new_id("ev_"), "counter", "Test", 3, at)
            number = [Identifier(IdentifierKind.RESIDENT_ID, NUMBERS[login], at)] if login in NUMBERS else []
            known = (Identifier(IdentifierKind.LOGIN, login), *number)
            wanted = NewAccount(AccountKind.PERSON, name, known, evidence=(proof,))
            made[login] = create_account(desk, wanted, actor="operator:test").account_id
            set_password(desk, made[login], PASSWORD, actor="operator:test")
            for duty in duties:
                holder = f"person:{made[login]}"
                context.database.write(
                    lambda connection, holder=holder, duty=duty, at=at: give_duty(  # type: ignore[misc]
                        connection, context.audit, holder, duty, known=DUTIES, actor="operator:test", reason="test", at=at
                    )
                )
    finally:
        desk.pool.close()
    return Staff(made)
