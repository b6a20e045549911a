"""Who is behind a token, as the licence vault is told: only what was proved, only while grant, session, account and agency stand."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from idp.actions.end_session import end_all_sessions
from idp.actions.find_person_behind import Proven
from idp.actions.grant_agent import grant_agent, revoke_agent
from idp.actions.manage_accounts import NewAccount, change_account_status, create_account
from idp.actions.set_credentials import set_password
from idp.model.people import AccountKind, AccountStatus, AgentRole, Evidence, Identifier, IdentifierKind
from licence_vault.actions.entrust_use import AGENT_CODE_TYPES
from licence_vault.ports import HOLDERS, ActedFor, HolderCode, SignedInHolder
from service_kit.callers import Caller
from tests.deployments import make_deployment, served_here
from tests.idp.people import PASSWORD, Browser, Registered, settle
from tests.idp.test_code_flow import BASE, Clients
from yinxin.assembly import open_house
from yinxin.deployment import open_deployment
from yinxin.holder_links import HouseDirectory, codes_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from idp.model.people import Account, Agent

NUMBER = "11010519491231002X"
FIRM = HolderCode("001", "12990000YX0000008K", 2)


@pytest.fixture(scope="module")
def clients(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clients]:
    with served_here(make_deployment(tmp_path_factory.mktemp("holders") / "deployment")) as here:
        found = Clients(settle(here, Registered()))
        found.add(BASE)
        found.add(replace(BASE, client_id="pair", subject_type="pairwise"))
        yield found


def person(clients: Clients, login: str, *further: tuple[IdentifierKind, str, bool], level: int = 3) -> Account:
    now = clients.town.desk.clock.now()
    identifiers = [Identifier(IdentifierKind.LOGIN, login)]
    identifiers += [Identifier(kind, value, now if is_verified else None) for kind, value, is_verified in further]
    evidence = (Evidence(f"ev_{login}", "counter", "Demo hall", level, now),)
    made = create_account(clients.town.desk, NewAccount(AccountKind.PERSON, "测试甲", tuple(identifiers), evidence=evidence), actor="test")
    set_password(clients.town.desk, made.account_id, PASSWORD, actor="test")
    return made


@pytest.fixture(scope="module")
def firm(clients: Clients) -> Account:
    now = clients.town.desk.clock.now()
    code = Identifier(IdentifierKind.CREDIT_CODE, FIRM.code, now)
    evidence = (Evidence("ev_firm", "counter", "Demo hall", 3, now),)
    return create_account(clients.town.desk, NewAccount(AccountKind.ORGANISATION, "测试有限公司", (code,), evidence=evidence), actor="test")


def sign_in(clients: Clients, login: str, client: str = "own", acting_for: str | None = None) -> Caller:
    browser = Browser(clients.town.here)
    browser.authorize(client)
    browser.log_in(login)
    if acting_for is not None:
        browser.submit("acting", acting_for=acting_for)
    said = clients.read(clients.redeem(browser.returned["code"], client).json()["access_token"], clients.town.desk.issuer)
    return Caller(said["client_id"], said["sub"], frozenset(), said["jti"], grant_id=said["gid"])


def behind(clients: Clients, caller: Caller, **later: Any) -> SignedInHolder | None:
    context = clients.town.here.house.context
    directory = context.links[HOLDERS]
    assert isinstance(directory, HouseDirectory)
    return directory.find(caller, context.clock.now() + timedelta(**later))


def test_a_person_holds_under_the_numbers_he_proved_whatever_name_the_client_knows(clients: Clients) -> None:
    known = person(clients, "jia", (IdentifierKind.RESIDENT_ID, NUMBER, True), (IdentifierKind.PASSPORT, "E12345678", False))
    for client in ("own", "pair"):
        found = behind(clients, sign_in(clients, "jia", client))
        assert found == SignedInHolder(
            known.account_id, (HolderCode("111", NUMBER, 2),), ()
        )  # a password is worth 2, whatever the account is
        assert found is not None
        assert NUMBER not in repr(found)


def test_nobody_is_behind_a_system_a_strange_grant_or_a_grant_of_another_client(clients: Clients) -> None:
    person(clients, "yii")
    caller = sign_in(clients, "yii")
    assert behind(clients, caller) is not None
    for other in (
        Caller("own", "own", frozenset()),
        replace(caller, grant_id="gr_000000000000000000000000"),
        replace(caller, client_id="pair"),  # as in a token that was exchanged: consent is no business of services behind services
    ):
        assert behind(clients, other) is None


def test_a_person_who_may_not_sign_in_any_more_is_nobody(clients: Clients) -> None:
    desk = clients.town.desk
    known = person(clients, "bing")
    first = sign_in(clients, "bing")
    end_all_sessions(desk, known.account_id, actor="test")
    assert behind(clients, first) is None
    second = sign_in(clients, "bing")
    assert behind(clients, second, days=400) is None
    change_account_status(desk, known.account_id, AccountKind.PERSON, AccountStatus.DISABLED, actor="test")
    assert behind(clients, second) is None


def grant(clients: Clients, firm: Account, known: Account, *scopes: str, **how: Any) -> Agent:
    return grant_agent(clients.town.desk, firm.account_id, known.account_id, scopes=scopes, actor="test", **how)


def test_whom_a_person_acts_for_and_what_he_may_there(clients: Clients, firm: Account) -> None:
    known = person(clients, "ding", (IdentifierKind.PERMIT, "H1234567801", True))
    agent = grant(clients, firm, known, "tax", "licence")
    caller = sign_in(clients, "ding", acting_for=firm.account_id)
    acted = ActedFor(FIRM, frozenset({"tax", "licence"}))
    assert behind(clients, caller) == SignedInHolder(known.account_id, (), (acted,))  # for the firm, not for himself
    himself = sign_in(clients, "ding", acting_for="")
    assert behind(clients, himself) == SignedInHolder(known.account_id, (HolderCode("516", "H1234567801", 2),), (acted,))
    revoke_agent(clients.town.desk, agent.agent_id, actor="test")
    assert behind(clients, caller) is None
    left = behind(clients, himself)
    assert left is not None
    assert left.acts_for == ()


@pytest.mark.parametrize(("login", "how", "powers"), [("wuu", {"role": AgentRole.REPRESENTATIVE}, None), ("jii", {}, None)])
def test_a_representative_and_an_agent_without_bounds_may_everything(
    clients: Clients, firm: Account, login: str, how: dict[str, Any], powers: frozenset[str] | None
) -> None:
    known = person(clients, login)
    grant(clients, firm, known, **how)
    found = behind(clients, sign_in(clients, login, acting_for=firm.account_id))
    assert found is not None
    assert [each.powers for each in found.acts_for] == [powers]


def test_numbers_of_kinds_that_name_no_code_type_prove_nothing(clients: Clients) -> None:
    now = clients.town.desk.clock.now()
    kinds = [(IdentifierKind.OTHER_ID, "X1"), (IdentifierKind.PERMIT, "X1"), (IdentifierKind.MOBILE, "13800000000")]
    proven = Proven("pe_1", tuple(Identifier(kind, value, now) for kind, value in kinds), 3)
    assert codes_of(proven) == ()
    assert codes_of(replace(proven, identifiers=(Identifier(IdentifierKind.PERMIT, "01234567", now),)))[0].code_type == "511"


def test_what_people_prove_is_what_a_holder_may_entrust(clients: Clients) -> None:
    now = clients.town.desk.clock.now()
    found = tuple(Identifier(kind, value, now) for kind in IdentifierKind for value in ("H1234567801", "01234567"))
    proved = {each.code_type for each in codes_of(Proven("pe_1", found, 3))}
    assert proved - {FIRM.code_type} == AGENT_CODE_TYPES, "the credit code is an organisation's"


def test_where_no_people_are_kept_nobody_is_known(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = make_deployment(
        tmp_path_factory.mktemp("vault-alone") / "d", services=["licence_vault"], service_urls=["idp=https://idp.example"]
    )
    house = open_house(open_deployment(folder))
    assert HOLDERS not in house.context.links
    house.close()
