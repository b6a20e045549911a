"""The same house on PostgreSQL: tables, tokens, immediate disabling, revocation, the trail."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import idp.service
from crypto.authority import Profile
from crypto.sm2 import SM2PrivateKey
from idp.actions.change_client_status import change_client_status
from idp.actions.register_client import NewClient, register_client
from idp.model.clients import ClientStatus
from idp.tables import metadata as idp_tables
from seal_service.actions.find_applications import hand_in_paper
from service_kit.callers import Caller
from service_kit.log_check import check_audit, check_log
from service_kit.migrations import differences
from service_kit.named_blobs import check_blobs
from tests.deployments import served_here
from tests.postgres import postgres_url
from yinxin.deployment import AUDIT_MAC_KEY
from yinxin.initialise import initialise
from yinxin.links import blob_places
from yinxin.pki.tables import metadata as pki_tables

if TYPE_CHECKING:
    from pathlib import Path


def test_the_house_on_postgresql(tmp_path: Path) -> None:
    initialise(tmp_path / "d", settings={"database_url": postgres_url()})
    assert not list((tmp_path / "d").glob("*.sqlite3*"))
    initialise(tmp_path / "d")
    with served_here(tmp_path / "d") as here:
        context = here.house.context
        assert not context.database.is_sqlite
        assert differences(context.database, "idp", idp_tables) == []
        assert differences(context.database, "pki", pki_tables) == []
        assert here.http.get("/readyz").status_code == 200
        desk = idp.service.client_desk(context)
        _, secret = register_client(desk, NewClient("Admin", ("client.manage",), client_id="admin"), actor="test")

        def token() -> tuple[int, str]:
            answer = here.http.post("/oauth2/token", data={"grant_type": "client_credentials"}, auth=("admin", secret))
            return answer.status_code, json.loads(answer.content).get("access_token", "")

        bearer = {"authorization": "Bearer " + token()[1]}
        made = here.http.post("/v1/clients", json={"name": "x", "scopes": ["client.manage"]}, headers=bearer)
        assert made.status_code == 201, made.text
        change_client_status(desk, "admin", ClientStatus.DISABLED, actor="test")
        assert token()[0] == 401
        assert here.http.get("/v1/clients", headers=bearer).json()["code"] == "TOKEN_REVOKED"
        key = SM2PrivateKey.generate()
        certificate = context.issuer.issue(
            common_name="x", organisation="y", spki_der=key.public_key.spki_der, profile=Profile.SEAL_SIGNING, actor="test"
        )
        context.issuer.revoke(certificate.serial, reason="keyCompromise", actor="test")
        assert here.http.get("/ca/issuing.crl").status_code == 200
        for path in ("/authorize?client_id=%00", "/sign-in/%00"):  # no text of PostgreSQL has one
            assert here.http.get(path).status_code == 400, path
        assert here.http.post("/oauth2/token", data={"grant_type": "client_credentials"}, auth=("a\0", "b")).status_code in {400, 401}
        context.log.stop()
        assert not check_audit(context.database, here.house.deployment.keystore.open_secret(AUDIT_MAC_KEY)).findings
        assert not check_log(context.log).findings

        kept, gone = (hand_in_paper(context, Caller("cl_a", "client:cl_a", frozenset()), name, name.encode()) for name in ("kept", "gone"))
        (tmp_path / "d" / "blobs" / gone.digest[:2] / gone.digest).unlink()
        documents = check_blobs(context.database, context.blobs, blob_places(), context.blobs.listed(), are_read=True)
        assert (documents.entries, [each.facts["row"] for each in documents.findings]) == (2, [gone.id])
        assert kept.digest != gone.digest
