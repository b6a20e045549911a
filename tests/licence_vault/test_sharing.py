"""Sharing is denied until a licence administrator permits it, within the rule of the type, and ends at once when it is taken back."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text

from licence_vault.actions.check_sharing import modes_permitted
from licence_vault.actions.permit_sharing import SharingOrder, find_sharing, list_sharing, permit_sharing, withdraw_sharing
from licence_vault.service import code_older_rows
from licence_vault.uses import ShareRight, SharingPermission, UseMode
from standards.errors import TrustError
from tests.audit_trail import find_entries
from tests.licence_vault.issuing_here import IssuingHere, caller
from tests.licence_vault.type_files import AUTHORITY, TYPE, type_file

if TYPE_CHECKING:
    from collections.abc import Iterator

ADMIN = caller("cl_admin")
QUERY = frozenset({ShareRight.QUERY})
ORDER = SharingOrder("cl_office", TYPE, frozenset({UseMode.CONSENTED}), QUERY | {ShareRight.VERIFY}, "数据共享协议")


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[IssuingHere]:
    with IssuingHere.made(tmp_path_factory.mktemp("sharing") / "d") as made:
        yield made


def permit(here: IssuingHere, *, if_revision: int | None = None, **changes: Any) -> SharingPermission:
    return permit_sharing(here.vault.context, ADMIN, replace(ORDER, **changes), if_revision=if_revision)


def modes(here: IssuingHere, client: str, type_code: str = TYPE, rights: frozenset[ShareRight] = QUERY) -> frozenset[UseMode]:
    with here.vault.context.database.read() as conn:
        return modes_permitted(conn, client, type_code, rights)[0]


def test_what_is_permitted_counts_for_this_client_type_and_right_alone(here: IssuingHere) -> None:
    permit(here, client_id="cl_one")
    assert modes(here, "cl_one") == {UseMode.CONSENTED}
    for client, type_code, rights in (
        ("cl_two", TYPE, QUERY),
        ("cl_one", f"{AUTHORITY}991", QUERY),
        ("cl_one", TYPE, frozenset({ShareRight.DOWNLOAD})),
        ("cl_one", TYPE, QUERY | {ShareRight.DOWNLOAD}),
    ):
        with pytest.raises(TrustError, match="LICENCE_SHARING_DENIED"):
            modes(here, client, type_code, rights)


def test_a_permission_is_changed_and_taken_back_and_all_of_it_is_audited(here: IssuingHere) -> None:
    context = here.vault.context
    first = permit(here, client_id="cl_three")
    changed = permit(here, client_id="cl_three", modes=frozenset({UseMode.BY_DUTY}), if_revision=first.revision)
    assert (find_sharing(context, "cl_three", TYPE), changed.revision) == (changed, 2)
    for stale in (1, 7):
        with pytest.raises(TrustError, match="LICENCE_SHARING_CHANGED"):
            permit(here, client_id="cl_three", if_revision=stale)
    with pytest.raises(TrustError, match="LICENCE_SHARING_CHANGED"):
        permit(here, client_id="cl_never", if_revision=1)
    assert list_sharing(context, client_id="cl_three", after=("", ""), limit=5) == [changed]
    assert list_sharing(context, client_id=None, after=("cl_three", TYPE), limit=5) == []
    withdraw_sharing(context, ADMIN, "cl_three", TYPE)
    with pytest.raises(TrustError, match="LICENCE_SHARING_DENIED"):
        modes(here, "cl_three")
    for again in (lambda: withdraw_sharing(context, ADMIN, "cl_three", TYPE), lambda: find_sharing(context, "cl_three", TYPE)):
        with pytest.raises(TrustError, match="LICENCE_SHARING_NOT_FOUND"):
            again()
    with context.database.read() as conn:
        trail = [each.action for each in reversed(find_entries(conn, subject="client:cl_three", limit=10))]
    assert trail == ["licence-sharing.permit", "licence-sharing.change", "licence-sharing.withdraw"]


def test_the_rule_of_the_type_bounds_what_can_be_permitted_and_what_was(here: IssuingHere) -> None:
    with pytest.raises(TrustError, match="FIELD_UNACCEPTABLE"):
        permit(here, modes=frozenset({UseMode.ENTRUSTED}))
    for unknown in (f"{AUTHORITY}777",):
        with pytest.raises(TrustError, match="LICENCE_TYPE_NOT_PUBLISHED"):
            permit(here, type_code=unknown)
    with pytest.raises(TrustError, match="FIELD_UNACCEPTABLE"):
        permit(here, reason=" ")
    narrowed = f"{AUTHORITY}992"
    here.publish(type_file(code=narrowed))
    permit(here, type_code=narrowed, client_id="cl_four", modes=frozenset({UseMode.CONSENTED, UseMode.BY_DUTY}))
    here.publish(type_file(code=narrowed, sharing={"modes": ["duty"], "shown_masked": []}))
    assert modes(here, "cl_four", narrowed) == {UseMode.BY_DUTY}
    here.publish(type_file(code=narrowed, sharing={"modes": [], "shown_masked": []}))
    with pytest.raises(TrustError, match="LICENCE_SHARING_DENIED"):
        modes(here, "cl_four", narrowed)


def test_a_permission_written_past_the_program_permits_nothing(here: IssuingHere) -> None:
    context = here.vault.context

    def sql(statement: str) -> None:
        context.database.write(lambda conn: conn.execute(text(statement)))

    def adopt() -> None:
        context.database.write(lambda conn: code_older_rows(conn, context.audit))

    permit(here, client_id="cl_five")
    # 1. From before there were codes: counts as far as the trail proves it
    sql("UPDATE licence_sharing SET row_mac = NULL WHERE client_id = 'cl_five'")
    with pytest.raises(TrustError, match="ROW_ALTERED"):
        modes(here, "cl_five")
    adopt()
    assert modes(here, "cl_five") == {UseMode.CONSENTED}
    # 2. Widened, written for another client, and put back behind its withdrawal without its code
    for attack in (
        "UPDATE licence_sharing SET rights = 'download query verify', row_mac = NULL WHERE client_id = 'cl_five'",
        "UPDATE licence_sharing SET rights = 'download query verify' WHERE client_id = 'cl_five'",
        "UPDATE licence_sharing SET modes = 'teleport' WHERE client_id = 'cl_five'",
        "UPDATE licence_sharing SET client_id = 'cl_six' WHERE client_id = 'cl_five'",
    ):
        sql(attack)
        adopt()
        client = "cl_six" if "cl_six" in attack else "cl_five"
        with pytest.raises(TrustError, match="ROW_ALTERED"):
            modes(here, client)
        assert find_sharing(context, client, TYPE).is_altered
    permit(here, client_id="cl_six")  # written anew by the program
    assert modes(here, "cl_six") == {UseMode.CONSENTED}
    sql("CREATE TABLE kept AS SELECT * FROM licence_sharing WHERE client_id = 'cl_six'")
    withdraw_sharing(context, ADMIN, "cl_six", TYPE)
    sql("INSERT INTO licence_sharing SELECT * FROM kept")
    sql("UPDATE licence_sharing SET row_mac = NULL WHERE client_id = 'cl_six'")
    adopt()
    with pytest.raises(TrustError, match="ROW_ALTERED"):
        modes(here, "cl_six")
    sql("DROP TABLE kept")
    withdraw_sharing(context, ADMIN, "cl_six", TYPE)
