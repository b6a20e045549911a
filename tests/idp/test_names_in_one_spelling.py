"""Names of people in one spelling: what Unicode writes in two ways is one name, however it came in, and older rows are found as they stand."""

from __future__ import annotations

import unicodedata
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import pytest

from idp.actions.give_account import give_account
from idp.actions.manage_accounts import AccountChange, NewAccount, change_account, create_account
from idp.model.federation import same_name
from idp.model.names import one_spelling
from idp.model.people import AccountKind
from idp.store.accounts import list_accounts, load_account, update_account
from standards.errors import TrustError
from standards.rfc7644_scim import PATCH_OP
from tests.idp.test_certificate_sign_in import hall  # noqa: F401 - a fixture
from tests.idp.test_scim import scim  # noqa: F401 - a fixture
from tests.idp.upstream_town import account_by, fresh_fixture, sign_in, someone, there_fixture, town_fixture  # noqa: F401 - fixtures among them

if TYPE_CHECKING:
    from idp.model.people import Account
    from tests.fakes.upstream import Upstream
    from tests.idp.people import Town
    from tests.idp.scim import Scim
    from tests.idp.test_certificate_sign_in import Hall

ONE: Final = "Ünal Özgür"
APART: Final = unicodedata.normalize("NFD", ONE)
MONGOLIAN: Final = ("ᠮᠣᠩᠭᠣᠯ\u180b", "ᠰᠠᠷ\u180eᠠ", "ᠬᠣᠲᠠ\u202fᠶᠢᠨ", "ᠠ\u180cᠢ\u180dᠭ\u180f", "ᠠ\u200dᠭ\u200cᠠ")


def from_before(town: Town, account: Account, name: str) -> None:
    """Make the row what it was before names were kept in one spelling."""
    town.desk.database.write(
        lambda connection: update_account(connection, town.desk.vault, replace(account, name=name, version=account.version + 1))
    )


def found(town: Town, name: str) -> list[str]:
    with town.desk.database.read() as connection:
        many = list_accounts(connection, town.desk.vault, kind=AccountKind.PERSON, after="", count=50, name=name)
    return [each.account_id for each in many]


def stored(town: Town, account_id: str) -> Account:
    with town.desk.database.read() as connection:
        return load_account(connection, town.desk.vault, account_id)


def test_what_joins_the_letters_of_mongolian_stays_as_it_is() -> None:
    assert one_spelling(APART) == ONE != APART
    for name in (*MONGOLIAN, "阿卜杜拉·买买提", "葛\U000e0100", "测试甲"):
        assert one_spelling(name) == name
    assert same_name(ONE, APART)
    assert not same_name(ONE, "Unal Ozgur")


def test_names_that_are_taken_here_are_kept_in_one_spelling(town: Town) -> None:
    made = town.person("unal", name=APART)
    assert made.name == stored(town, made.account_id).name == ONE
    other = town.person("ozgur", name="Other", level=0)
    assert change_account(town.desk, other.account_id, AccountKind.PERSON, AccountChange(name=APART), actor="test").name == ONE
    assert {made.account_id, other.account_id} <= set(found(town, ONE))
    assert found(town, ONE) == found(town, APART)
    firm = create_account(town.desk, NewAccount(AccountKind.ORGANISATION, APART, (), {"representative_name": APART}), actor="test")
    assert (firm.name, firm.attributes) == (ONE, {"representative_name": ONE})
    changed = change_account(
        town.desk,
        firm.account_id,
        AccountKind.ORGANISATION,
        AccountChange(attributes={"representative_name": APART + "e\u0301"}),
        actor="test",
    )
    assert changed.attributes == {"representative_name": ONE + "é"}


def test_a_row_from_before_is_found_and_stays_until_it_gets_another_name(town: Town) -> None:
    proven = town.person("older", name="x", level=3)
    from_before(town, proven, APART)
    assert proven.account_id in found(town, ONE)
    assert found(town, ONE) == found(town, APART)
    # The same name in the other spelling changes nothing of a proven account; another name is refused as before
    for name in (ONE, APART):
        change_account(town.desk, proven.account_id, AccountKind.PERSON, AccountChange(name=name, area="150702"), actor="test")
        assert stored(town, proven.account_id).name == APART
    with pytest.raises(TrustError, match="ACCOUNT_PROVEN"):
        change_account(town.desk, proven.account_id, AccountKind.PERSON, AccountChange(name="Unal Ozgur"), actor="test")


def test_a_directory_says_the_same_name_in_another_spelling(scim: Scim) -> None:  # noqa: F811 - the fixture
    made = scim.user("spelled", displayName=APART)
    assert made["displayName"] == ONE
    for name in (ONE, APART):
        for wanted in (f'displayName eq "{name}"', f'name.formatted eq "{name}"', f'displayName sw "{name[:3]}"'):
            assert made["id"] in scim.find("Users", wanted), wanted
    # It comes again: no change
    again = scim.patch(f"/Users/{made['id']}", {"op": "replace", "path": "displayName", "value": APART})
    assert (again["displayName"], again["meta"]["version"]) == (ONE, made["meta"]["version"])
    from_before(scim.town, stored(scim.town, made["id"]), APART)
    for name in (ONE, APART):
        assert made["id"] in scim.find("Users", f'displayName eq "{name}"')


def test_a_proven_name_in_another_spelling_is_no_other_name_for_a_directory(scim: Scim) -> None:  # noqa: F811 - the fixture
    proven = scim.town.person("proven-name", name=ONE, level=3)
    give_account(scim.town.desk, proven.account_id, AccountKind.PERSON, "hrs", is_given=True, actor="test")
    path = f"/Users/{proven.account_id}"
    assert scim.patch(path, {"op": "replace", "path": "displayName", "value": APART})["displayName"] == ONE
    from_before(scim.town, stored(scim.town, proven.account_id), APART)
    assert scim.patch(path, {"op": "replace", "path": "displayName", "value": ONE})["displayName"] == APART
    other = {"schemas": [PATCH_OP], "Operations": [{"op": "replace", "path": "displayName", "value": "Unal Ozgur"}]}
    assert scim.send("PATCH", path, other).json()["detail"].startswith("ACCOUNT_PROVEN")


def test_another_provider_says_a_name_in_another_spelling(town: Town, there: Upstream) -> None:
    said = someone(name=APART)
    assert sign_in(town, there, said).returned["code"]
    account = account_by(town, "region", said["sub"])
    assert account.name == ONE
    from_before(town, account, APART)
    assert sign_in(town, there, {**said, "name": ONE}).returned["code"]
    assert account_by(town, "region", said["sub"]).account_id == account.account_id


def test_a_certificate_is_of_the_same_name_in_either_spelling(hall: Hall) -> None:  # noqa: F811 - the fixture
    _, certificate = hall.entered("apart", APART)
    assert certificate.common_name == APART, "what was signed stays as it is"
    assert hall.show(certificate)
