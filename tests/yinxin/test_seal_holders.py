"""Powers over seals and grants of their use are given to nobody who is not there: whoever registered under a mistyped name later would have them."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

import idp.service
from idp.actions.change_client_status import change_client_status
from idp.model.clients import ClientStatus
from seal_service.actions.apply_for_seal import ApplicationOrder, apply_for_seal
from seal_service.actions.grant_seal import grant_seal
from seal_service.actions.make_approved_seal import make_approved_seal
from seal_service.actions.make_seal import SealRequest, make_seal
from seal_service.model import ApplicationKind
from seal_service.ports import HOLDER_CHECK
from service_kit.callers import Caller
from service_kit.roles import Role, appoint
from standards.errors import TrustError
from tests.deployments import make_deployment, served_here
from tests.pki import DemoPki
from tests.seal_service.house import CREDIT_CODE, ORGANISATION
from tests.seal_service.test_imports import certify, made_elsewhere
from tests.yinxin.test_permission_matrix import bearer
from yinxin.assembly import open_house
from yinxin.deployment import open_deployment
from yinxin.licence_links import VAULT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.deployments import Here

NOBODY = ("cl_singer", "Cl_signer", "licence-vault", "person:pe_" + "0" * 24, "person:cl_signer")
SECTOR = "person:pw_" + "0" * 64  # whose name of one sector it is, nobody can look up
SEAL = {"organisation": ORGANISATION, "credit_code": CREDIT_CODE}
ONE_STEP = "\n[seals]\ntwo_person_review = false\n"


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Here]:
    """A deployment where seals are made in one step as well; its ``cl_signer`` is registered and disabled."""
    folder = make_deployment(tmp_path_factory.mktemp("holders") / "deployment")
    settings = folder / "settings.toml"
    settings.write_text(settings.read_text(encoding="utf-8") + ONE_STEP, encoding="utf-8")
    with served_here(folder) as served:
        bearer(served, "cl_signer", ("seal.use",))
        change_client_status(idp.service.client_desk(served.house.context), "cl_signer", ClientStatus.DISABLED, actor="operator:test")
        yield served


@pytest.fixture(scope="module")
def manager(here: Here) -> dict[str, str]:
    return bearer(here, "cl_manager", ("seal.manage", "seal.apply", "seal.read"))


@pytest.fixture(scope="module")
def security(here: Here) -> dict[str, str]:
    found = bearer(here, "cl_security", ("seal.secure", "seal.read"))
    context = here.house.context
    context.database.write(
        lambda conn: appoint(
            conn, context.audit, "cl_security", Role.SECURITY, is_bound=lambda *_: False, actor="x", reason="x", at=context.clock.now()
        )
    )
    return found


@pytest.fixture(scope="module")
def seal(here: Here, manager: dict[str, str]) -> str:
    made = here.http.post("/v1/seals", headers=manager, json={**SEAL, "grants": []})
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


def told(here: Here, headers: dict[str, str], method: str, path: str, **sent: Any) -> tuple[int, str, dict[str, str]]:
    answer = here.http.request(method, path, headers={"if-match": "*", **headers}, **sent)
    return answer.status_code, answer.json()["code"], answer.json()["facts"]


@pytest.mark.parametrize("nobody", NOBODY)
def test_attack_a_seal_does_not_wait_for_who_registers_under_a_mistyped_name(
    here: Here, manager: dict[str, str], security: dict[str, str], seal: str, nobody: str
) -> None:
    refused = (422, "ROLE_HOLDER_UNKNOWN", {"holder": nobody})
    path = f"/v1/seals/{seal}"
    assert told(here, manager, "POST", "/v1/seals", json={**SEAL, "grants": [nobody]}) == refused
    assert told(here, manager, "PUT", f"{path}/grants/{nobody}") == refused
    assert told(here, manager, "POST", f"{path}/grants", json={"holder": nobody, "uses_max": 1}) == refused
    for power in ("manage", "use", "audit"):
        assert told(here, security, "PUT", f"{path}/powers/{power}/{nobody}", json={"reason": "r"}) == refused
    for member in ("managers", "users", "auditors"):
        wanted = {"kind": "new", "reason": "r", **SEAL, "managers": ["cl_manager"], "users": ["cl_signer"], "auditors": []} | {
            member: [nobody]
        }
        assert told(here, manager, "POST", "/v1/seal-applications", json=wanted) == refused
    assert [each["holder"] for each in here.http.get(f"{path}/powers", headers=manager).json()["powers"]] == ["cl_manager"]
    assert here.http.get(f"{path}/grants", headers=manager).json()["grants"] == []


def test_attack_a_grant_waits_for_no_system_that_registers_under_a_mistyped_name(here: Here, manager: dict[str, str], seal: str) -> None:
    wanted = {"holder": "cl_manager", "via_client": "cl_portl"}
    assert told(here, manager, "POST", f"/v1/seals/{seal}/grants", json=wanted) == (
        422,
        "ROLE_HOLDER_UNKNOWN",
        {"holder": "cl_portl"},
    )
    assert here.http.get(f"/v1/seals/{seal}/grants", headers=manager).json()["grants"] == []


def test_attack_a_seal_from_elsewhere_waits_for_nobody_either(here: Here, manager: dict[str, str]) -> None:
    pki = DemoPki.create(datetime.now(UTC), label="elsewhere")
    files = {"seal": ("seal.esl", made_elsewhere(pki, certify(pki)))}
    for member in ("managers", "users", "auditors"):
        wanted = {"reason": "r", "custody": "absent", "managers": ["cl_manager"], member: ["cl_singer"]}
        refused = told(here, manager, "POST", "/v1/seal-imports", files=files, data={"order": json.dumps(wanted)})
        assert refused == (422, "ROLE_HOLDER_UNKNOWN", {"holder": "cl_singer"}), member


def test_who_is_there_gets_them_also_kept_out_now_by_a_name_of_one_sector_or_as_the_vault(
    here: Here, manager: dict[str, str], security: dict[str, str]
) -> None:
    made = here.http.post("/v1/seals", headers=manager, json={**SEAL, "grants": ["cl_signer", SECTOR, VAULT]})
    assert made.status_code == 201, made.text
    path = f"/v1/seals/{made.json()['id']}"
    limited = {"holder": "cl_signer", "via_client": "cl_manager", "uses_max": 1}
    assert here.http.post(f"{path}/grants", headers=manager, json=limited).status_code == 201
    for name in ("cl_signer", SECTOR):
        answer = here.http.request("PUT", f"{path}/powers/audit/{name}", headers=security, json={"reason": "r"})
        assert answer.status_code == 204, answer.text


@pytest.mark.usefixtures("manager")
def test_an_approved_application_gives_nothing_to_who_is_not_there(here: Here) -> None:
    """As one that was approved by an earlier version, which asked for nobody: it is made when the client is registered."""
    context, maker = here.house.context, Caller("cl_maker", "cl_maker", frozenset({"seal.make"}))
    earlier = replace(context, links={link: port for link, port in context.links.items() if link is not HOLDER_CHECK})
    order = ApplicationOrder(
        ApplicationKind.NEW, "r", organisation=ORGANISATION, credit_code=CREDIT_CODE, managers=("cl_manager",), users=("cl_later",)
    )
    application = apply_for_seal(earlier, Caller("cl_manager", "cl_manager", frozenset({"seal.apply"})), order)
    approve = {"headers": {**bearer(here, "cl_reviewer", ("seal.review",)), "if-match": "*"}, "json": {"reason": "x"}}
    assert here.http.post(f"/v1/seal-applications/{application.id}/approve", **approve).status_code == 200
    with pytest.raises(TrustError) as refused:
        make_approved_seal(context, maker, application.id)
    assert (refused.value.code, refused.value.facts) == ("ROLE_HOLDER_UNKNOWN", {"holder": "cl_later"})
    bearer(here, "cl_later", ("seal.use",))
    assert make_approved_seal(context, maker, application.id).application_id == application.id


def test_where_clients_are_kept_elsewhere_no_name_is_refused(tmp_path: Path) -> None:
    """This process cannot know who is registered there."""
    folder = make_deployment(tmp_path / "d", services=["seal_service"], service_urls=["idp=https://trust.example.org"])
    settings = folder / "settings.toml"
    settings.write_text(settings.read_text(encoding="utf-8") + ONE_STEP, encoding="utf-8")
    house = open_house(open_deployment(folder))
    caller = Caller("cl_manager", "cl_manager", frozenset({"seal.manage"}))
    made = make_seal(house.context, caller, SealRequest(organisation=ORGANISATION, credit_code=CREDIT_CODE, grants=("cl_singer",)))
    assert grant_seal(house.context, caller, made.id, "cl_sinker").id == made.id
