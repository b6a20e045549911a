"""Whether an authority can issue with its seal is said when it is entered and where it is shown, and by the rules that sealing goes by."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from licence_vault.actions.enter_issuer import find_issuer, find_obstacle
from licence_vault.api.type_shapes import IssuerAnswer, with_obstacle
from licence_vault.model import SCOPE_ADMIN
from licence_vault.ports import SEAL_READINESS, SealPlace
from seal_service.actions.change_seal_state import change_seal_state
from seal_service.actions.grant_seal import GrantOrder, grant_seal_within, revoke_grant
from seal_service.actions.make_seal import SealRequest, make_seal
from seal_service.life import transition_named
from service_kit.callers import Caller
from service_kit.problem_catalogue import text_of
from standards.errors import TrustError
from tests.deployments import make_deployment, served_here
from tests.licence_vault.issuing_here import ISSUER, ISSUER_NAME
from tests.licence_vault.served import Office, office
from tests.yinxin.console_here import open_pages, told
from tests.yinxin.test_console_registrar import AUTHORITIES, SCOPES
from yinxin.demo.document import draw_document
from yinxin.licence_links import DOCUMENT_TYPE, VAULT, HouseReadiness, HouseSealer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seal_service.model import Seal
    from tests.deployments import Here

MANAGER = Caller("cl_seals", "cl_seals", frozenset({"seal.manage"}))
NOW = datetime.now(UTC)
PATH = f"/v1/licence-issuers/{ISSUER}"
KNOWN = {"name": ISSUER_NAME, "area_code": "150700"}
GRANTS: dict[str, tuple[dict[str, Any], str | None]] = {
    "without limits": ({}, None),
    "for licences": ({"document_types": frozenset({DOCUMENT_TYPE})}, None),
    "for OFD alone": ({"forms": frozenset({"ofd"})}, None),
    "for digests alone": ({"forms": frozenset({"digest"})}, "GRANT_FORM_NOT_COVERED"),
    "for contracts": ({"document_types": frozenset({"contract"})}, "GRANT_TYPE_NOT_COVERED"),
    "through another system": ({"via_client": "cl_admin"}, "GRANT_SYSTEM_NOT_COVERED"),
    "from tomorrow": ({"valid_from": NOW + timedelta(days=1)}, "GRANT_NOT_YET_VALID"),
    "for one use": ({"uses_max": 1}, None),
}


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Here]:
    with served_here(make_deployment(tmp_path_factory.mktemp("ready") / "d", demo=True)) as served:
        yield served


@pytest.fixture(scope="module")
def admin(here: Here) -> Office:
    return office(here, "cl_admin", SCOPE_ADMIN)


@pytest.fixture
def seal(here: Here) -> Seal:
    return make_seal(here.house.context, MANAGER, SealRequest(organisation=ISSUER_NAME, credit_code=ISSUER))


def refusal_of_sealing(here: Here, seal_id: str) -> str | None:
    """What a licence would meet."""
    place = SealPlace(page=1, x_mm=100, y_mm=100, page_height_mm=297)
    try:
        HouseSealer(here.house.context).seal(
            draw_document(), media_type="application/pdf", seal_id=seal_id, order=place, idempotency_key="", actor="test"
        )
    except TrustError as refusal:
        return refusal.code
    return None


def obstacle(here: Here, seal_id: str) -> str | None:
    with here.house.context.database.read() as conn:
        return HouseReadiness(here.house.context)(conn, seal_id, here.house.context.clock.now())


@pytest.mark.parametrize("limits", GRANTS)
def test_what_is_said_is_what_sealing_says(here: Here, admin: Office, seal: Seal, limits: str) -> None:
    assert admin, "the system of one grant is registered"
    order, code = GRANTS[limits]
    assert obstacle(here, seal.id) == refusal_of_sealing(here, seal.id) == "SEAL_NOT_FOUND", "of a seal that is not granted"
    grant = grant_seal_within(here.house.context, MANAGER, seal.id, GrantOrder(VAULT, **order), if_version=None)
    assert obstacle(here, seal.id) == code
    if limits != "for OFD alone":
        assert refusal_of_sealing(here, seal.id) == code
    if limits == "for one use":
        assert obstacle(here, seal.id) == refusal_of_sealing(here, seal.id) == "GRANT_USED_UP"
    if limits == "without limits":
        change_seal_state(here.house.context, MANAGER, seal.id, transition_named("freeze"), reason="test")
        assert obstacle(here, seal.id) == refusal_of_sealing(here, seal.id) == "SEAL_NOT_ACTIVE"
        change_seal_state(here.house.context, MANAGER, seal.id, transition_named("unfreeze"), reason="test")
        assert obstacle(here, seal.id) is None
        assert seal.valid_until is not None
        with here.house.context.database.read() as conn:
            assert HouseReadiness(here.house.context)(conn, seal.id, seal.valid_until + timedelta(seconds=1)) == "SEAL_NOT_ACTIVE"
    revoke_grant(here.house.context, MANAGER, grant.id, reason="test")
    assert obstacle(here, seal.id) == "SEAL_NOT_FOUND"


def test_an_authority_is_entered_with_a_seal_that_is_granted_later_and_says_so_meanwhile(here: Here, admin: Office, seal: Seal) -> None:
    without = admin.call("PUT", PATH, KNOWN, status=200).json()
    assert (without["can_issue"], without["obstacle"]["code"]) == (False, "LICENCE_ISSUER_WITHOUT_SEAL")
    entered = admin.call("PUT", PATH, KNOWN | {"seal_id": seal.id}, status=200, accept_language="zh-CN").json()
    text = text_of("SEAL_NOT_FOUND")
    assert text is not None
    assert (entered["seal_id"], entered["can_issue"]) == (seal.id, False)
    assert entered["obstacle"] == {"code": text.code, "title": text.title_zh, "detail": text.cause_zh, "fix": text.remedy_zh}
    pages = open_pages(here, "cl_registrar", *SCOPES)
    page = told(pages.get(f"{AUTHORITIES}/{ISSUER}").text)
    assert "No licence can be issued for it now: Seal not found SEAL_NOT_FOUND" in page
    assert VAULT in page, "to whom it is to be granted"
    grant_seal_within(here.house.context, MANAGER, seal.id, GrantOrder(VAULT), if_version=None)
    shown = admin.call("GET", PATH, status=200).json()
    assert (shown["can_issue"], shown["obstacle"]) == (True, None)
    assert "licences can be issued now" in told(pages.get(f"{AUTHORITIES}/{ISSUER}").text)


def test_of_seals_that_are_kept_elsewhere_nothing_is_said(here: Here, admin: Office) -> None:
    admin.call("PUT", PATH, KNOWN | {"seal_id": "sl_elsewhere"}, status=200)
    context = here.house.context
    apart = replace(context, links={**context.links, SEAL_READINESS: None})
    issuer, _ = find_issuer(context, ISSUER)
    assert (find_obstacle(apart, issuer), find_obstacle(context, issuer)) == (None, "SEAL_NOT_FOUND")
    answer = IssuerAnswer(code="", name="", area_code="", seal_id="")
    assert [with_obstacle(answer, code, "en").can_issue for code in (None, "", "SEAL_NOT_FOUND")] == [None, True, False]
