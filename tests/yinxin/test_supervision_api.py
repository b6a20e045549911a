"""Supervision over HTTP."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import idp.service
from idp.actions.register_client import NewClient, register_client
from seal_service.actions.make_seal import SealRequest, make_seal
from seal_service.actions.note_refusal import note_refused_use
from seal_service.actions.record_use import User
from service_kit.audit_search import AuditSearch, search_entries
from service_kit.callers import Caller
from tests.deployments import make_deployment, served_here
from tests.seal_service.house import CREDIT_CODE, ORGANISATION

if TYPE_CHECKING:
    from pathlib import Path


def test_every_view_of_supervision(tmp_path: Path) -> None:
    folder = make_deployment(tmp_path / "deployment")
    settings = folder / "settings.toml"
    settings.write_text(settings.read_text(encoding="utf-8") + "\n[seals]\ntwo_person_review = false\n", encoding="utf-8")
    with served_here(folder) as here:
        context = here.house.context
        desk = idp.service.client_desk(context)
        _, secret = register_client(desk, NewClient("audit", ("seal.audit",), client_id="cl_audit"), actor="operator:test")
        register_client(desk, NewClient("other", ("seal.use",), client_id="cl_other"), actor="operator:test")
        token = here.http.post("/oauth2/token", data={"grant_type": "client_credentials"}, auth=("cl_audit", secret)).json()
        headers = {"authorization": "Bearer " + token["access_token"]}
        caller = Caller("cl_audit", "cl_audit", frozenset({"seal.manage"}))
        seal = make_seal(context, caller, SealRequest(organisation=ORGANISATION, credit_code=CREDIT_CODE, grants=("cl_other",)))
        note_refused_use(context, User("cl_other", "client:cl_other"), seal.id, "GRANT_USED_UP")

        summary = here.http.get("/v1/supervision/summary", headers=headers).json()
        assert summary == {"seals_by_state": {"active": 1}, "uses": []}
        expiring = here.http.get("/v1/supervision/expiring?days=3650", headers=headers).json()["seals"]
        assert [each["code"] for each in expiring] == [seal.code]
        assert expiring[0]["days_left"] > 30
        found = here.http.get("/v1/supervision/anomalies", headers=headers).json()
        assert [(each["code"], each["times"]) for each in found["refusals"]] == [("GRANT_USED_UP", 1)]
        exported = here.http.get("/v1/supervision/uses.csv", headers=headers)
        assert exported.headers["content-type"].startswith("text/csv")
        assert exported.content.startswith(b"\xef\xbb\xbfuse,seal,code")
        with context.database.read() as conn:
            (taken_out,) = search_entries(conn, AuditSearch(action="seal.uses-export"), before=None, limit=10).entries
        assert (taken_out.actor, sorted(taken_out.facts)) == ("client:cl_audit", ["since", "until"])
        odd = here.http.get(
            f"/v1/supervision/summary?since={datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}&until=2026-01-01T00:00:00Z", headers=headers
        )
        assert (odd.status_code, odd.json()["code"]) == (422, "FIELD_UNACCEPTABLE")
        assert here.http.get("/v1/supervision/summary").status_code == 401
