"""A vault that shows licences, and two offices that may query one type: for tests of showing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from licence_vault import store
from licence_vault.actions.permit_sharing import SharingOrder, permit_sharing
from licence_vault.actions.scan_showing import scan_showing
from licence_vault.actions.show_licence import open_showing
from licence_vault.actions.use_desk import UseDesk
from licence_vault.uses import Officer, ShareRight, UseAction, UseMode
from standards.errors import TrustError
from tests.licence_vault.holders_here import FakeDirectory
from tests.licence_vault.issuing_here import FACE, PERSON, IssuingHere, caller
from tests.licence_vault.type_files import AUTHORITY, type_file
from tests.licence_vault.vault_here import AT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from licence_vault.actions.scan_showing import SeenLicence
    from licence_vault.actions.show_licence import OwnShowing
    from licence_vault.model import Holder
    from licence_vault.register import LicenceRecord
    from service_kit.callers import Caller

SHARED = f"{AUTHORITY}993"
MODES = frozenset({UseMode.CONSENTED, UseMode.ENTRUSTED})
REASON = "办理变更登记"
OFFICER = Officer("李四（示例）", "窗口受理", "示例区登记中心")
OFFICE, OTHER = caller("cl_office"), caller("cl_other")
FIRM = ("001", "12990000YX0000008K")


@dataclass
class ShowingHere:
    """A vault, a directory, two offices that may query one type."""

    issuing: IssuingHere
    directory: FakeDirectory
    desk: UseDesk

    def permit(self, client: str, **changes: Any) -> None:
        order = SharingOrder(client, SHARED, MODES, frozenset({ShareRight.QUERY}), "数据共享协议")
        permit_sharing(self.desk.context, caller("cl_admin"), replace(order, **changes), if_revision=None)

    def issue(self, *holders: Holder) -> LicenceRecord:
        return self.issuing.issue(type_code=SHARED, holders=holders or (PERSON,))

    def later(self, **how: float) -> UseDesk:
        """The desk at a later time."""
        clock = type(self.issuing.vault.clock)(AT + timedelta(**how))
        return replace(self.desk, context=replace(self.desk.context, clock=clock))

    def lines(self, record: LicenceRecord) -> list[tuple[UseAction, str, str]]:
        """(action, client, outcome), oldest first."""
        with self.desk.context.database.read() as conn:
            found = store.list_uses_of_subjects(conn, store.list_holder_digests(conn, record.id), before=None, limit=500)
        return [(each.action, each.client, each.outcome) for each in reversed(found) if each.licence_id == record.id]


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ShowingHere]:
    with IssuingHere.made(tmp_path_factory.mktemp("showing") / "d") as made:
        made.publish(type_file(face=FACE, code=SHARED, sharing={"modes": sorted(MODES), "shown_masked": []}))
        directory = FakeDirectory()
        showing = ShowingHere(made, directory, UseDesk(made.vault.context, made.means.contents, directory))
        for client in ("cl_office", "cl_other"):
            showing.permit(client)
        yield showing


@pytest.fixture
def licence(here: ShowingHere) -> LicenceRecord:
    return here.issue()


@pytest.fixture
def me(here: ShowingHere, licence: LicenceRecord) -> Caller:
    """A person for each test, so that nobody's showings count for another's."""
    return here.directory.sign_in(f"pe_{licence.id}", (PERSON.code_type, PERSON.code))


@pytest.fixture
def opened(here: ShowingHere, licence: LicenceRecord, me: Caller) -> OwnShowing:
    return open_showing(here.desk, me, licence.id)


def code_of(view: OwnShowing) -> str:
    assert view.code is not None
    return view.code


def scan(here: ShowingHere, view: OwnShowing, who: Caller = OFFICE, desk: UseDesk | None = None, **changes: Any) -> SeenLicence:
    wish: dict[str, Any] = {"reason": REASON, "officer": OFFICER} | changes
    return scan_showing(desk or here.desk, who, code_of(view), **wish)


def refused(code: str, act: Callable[[], object]) -> None:
    with pytest.raises(TrustError) as raised:
        act()
    assert raised.value.code == code
