"""A credential issuer of its own: database, trail, keys and a source of licences that tests can change; without the rest of a deployment."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from fastapi import APIRouter, FastAPI

from crypto.keystore import Keystore
from crypto.master_key import MasterKey
from crypto.sealed_values import ValueSealer
from licence_vault.actions.credential_desk import CredentialDesk, CredentialKeys, CurrentLicence, ensure_credential_keys
from licence_vault.actions.presentation_desk import PresentationDesk
from licence_vault.api.credential_routes import add_credential_routes
from licence_vault.api.presentation_routes import add_presentation_routes
from licence_vault.credentials.issuance_messages import CREDENTIAL_PATH, GRANT_TYPE, NONCE_PATH, TOKEN_PATH, OfferedType
from licence_vault.credentials.lanes import LANES, LaneName
from licence_vault.service import migrate
from service_kit.audit import Audit, new_writer_id
from service_kit.callers import Caller
from service_kit.database import Database
from service_kit.migrations import migrate_kit
from service_kit.web_errors import install_problem_answers
from tests.deployments import HttpHere
from tests.licence_vault.credentials.wallets import AT, BASE, key_of
from tests.licence_vault.samples import TYPE_CODE, sample_licence
from tests.prepared_tables import prepare_tables

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    import httpx
    from fastapi import Request
    from sqlalchemy import Connection

QUESTIONS = "/v1/licence-presentations"
OFFERS = "/v1/licence-credential-offers"
ISSUER = BASE + "/licences/credentials"


@dataclass
class StillClock:
    """A clock that tests move."""

    at: datetime = AT

    def now(self) -> datetime:
        return self.at


@dataclass
class Shelf:
    """Licences by identifier, as a source."""

    licences: dict[str, CurrentLicence] = field(default_factory=dict)
    noted: list[tuple[str, str]] = field(default_factory=list)

    def put(self, identifier: str, *, is_in_force: bool = True, state: str = "ISSUED", **changes: Any) -> None:
        self.licences[identifier] = CurrentLicence("lc_" + identifier, sample_licence(**changes), is_in_force, state)

    def types(self, _connection: Connection) -> list[OfferedType]:
        return [OfferedType(TYPE_CODE, "示例许可证")]

    def find(self, _connection: Connection, identifier: str, holder: str) -> CurrentLicence | None:
        return self.licences.get(identifier) if holder == "counter" else None

    def current(self, _connection: Connection, licence_id: str) -> CurrentLicence | None:
        return self.licences.get(licence_id.removeprefix("lc_"))

    def may_offer(self, _connection: Connection, licence_id: str, actor: str) -> bool:
        assert (licence_id.removeprefix("lc_") in self.licences, actor) != (False, "")
        return True

    def stands(self, actor: str, _grant_id: str) -> bool:
        return actor != ""

    def note_offered(self, _connection: Connection, *, licence_id: str, at: datetime, actor: str) -> None:
        assert (at.tzinfo, actor) != (None, "")
        assert licence_id.removeprefix("lc_") in self.licences

    def note_issued(self, _connection: Connection, *, licence_id: str, credential_id: str, lane: str, at: datetime, actor: str) -> None:
        assert (at.tzinfo, actor) != (None, "")
        self.noted.append((licence_id, f"{lane} {credential_id}"))


@dataclass
class Issuer:
    """The issuer and what wallets do with it."""

    keystore: Keystore
    desk: CredentialDesk
    asking: PresentationDesk
    clock: StillClock
    shelf: Shelf
    http: HttpHere
    statuses: dict[tuple[str, int], int]

    def ask(self, *paths: list[str | int | None], **order: Any) -> dict[str, Any]:
        """A question to a wallet."""
        body = {"types": [TYPE_CODE], "claims": list(paths) or [["licence_name"]], "purpose": "测试核验", **order}
        made = self.http.post(QUESTIONS, json=body)
        assert made.status_code == 201, made.text
        read: dict[str, Any] = made.json()
        return read

    def answer(self, asked: dict[str, Any], presentation: str, **form: str | None) -> httpx.Response:
        """A wallet's answer."""
        data = {"vp_token": json.dumps({"licence": [presentation]}), "state": asked["request"]["state"], **form}
        sent = {name: value for name, value in data.items() if value is not None}
        return self.http.post(urlsplit(asked["request"]["response_uri"]).path, data=sent)

    def result(self, asked: dict[str, Any], **headers: str) -> dict[str, Any]:
        """What who asked gets to know."""
        read: dict[str, Any] = self.http.get(f"{QUESTIONS}/{asked['id']}", headers=headers).json()
        return read

    def offer(self, identifier: str, lanes: tuple[str, ...] = ("es256",), **order: Any) -> dict[str, Any]:
        """A new offer for a licence that is in force."""
        self.shelf.put(identifier)
        made = self.http.post(OFFERS, json={"identifier": identifier, "lanes": list(lanes), **order})
        assert made.status_code == 201, made.text
        read: dict[str, Any] = made.json()
        return read

    def redeem(self, made: dict[str, Any], **form: Any) -> httpx.Response:
        grant = made["credential_offer"]["grants"][GRANT_TYPE]
        data = {"grant_type": GRANT_TYPE, "pre-authorized_code": grant["pre-authorized_code"], "tx_code": made["tx_code"], **form}
        return self.http.post(TOKEN_PATH, data={name: value for name, value in data.items() if value is not None})

    def token(self, made: dict[str, Any]) -> str:
        answered = self.redeem(made)
        assert answered.status_code == 200, answered.text
        return str(answered.json()["access_token"])

    def nonce(self) -> str:
        return str(self.http.post(NONCE_PATH).json()["c_nonce"])

    def proof(
        self,
        nonce: str,
        name: LaneName = LaneName.ES256,
        /,
        *,
        holder: str = "holder",
        header: dict[str, Any] | None = None,
        **changes: Any,
    ) -> str:
        key = key_of(name, holder)
        said = {"alg": str(LANES[name].algorithm), "typ": "openid4vci-proof+jwt", "jwk": key.jwk, **(header or {})}
        claims = {"aud": ISSUER, "iat": int(self.clock.at.timestamp()), "nonce": nonce, **changes}
        return key.sign_raw(said, {claim: value for claim, value in claims.items() if value is not None})

    def fetch(self, token: str, proof: str, name: LaneName = LaneName.ES256, **changes: Any) -> httpx.Response:
        body = {"credential_configuration_id": f"{TYPE_CODE}.{name}", "proofs": {"jwt": [proof]}, **changes}
        return self.http.post(CREDENTIAL_PATH, json=body, headers={"authorization": "Bearer " + token})

    def audited(self, action: str, needle: str) -> list[str]:
        """Outcomes of the entries of an action that name something, oldest first."""
        with self.desk.database.read() as connection:
            rows = connection.exec_driver_sql("SELECT entry FROM kit_audit ORDER BY position").all()
        entries = [json.loads(bytes(row[0])) for row in rows]
        return [each["outcome"] for each in entries if each["action"] == action and needle in json.dumps(each, ensure_ascii=False)]


def open_issuer(folder: Path) -> Issuer:
    """A new issuer in a folder; its database is closed by ``close_issuer``."""
    database = Database(prepare_tables(folder / "credentials.sqlite", migrate_kit, migrate))
    clock, shelf = StillClock(), Shelf()
    keystore = Keystore(folder / "keys", MasterKey(bytes(range(16))))
    ensure_credential_keys(keystore, database)
    ensure_credential_keys(keystore, database)
    desk = CredentialDesk(
        database, Audit(database, bytes(32), new_writer_id()), clock, CredentialKeys(keystore), shelf, BASE, bytes(range(32))
    )
    application = FastAPI()
    install_problem_answers(application)

    @application.middleware("http")
    async def let_in(request: Request, call_next: Any) -> Any:
        request.state.caller = Caller(request.headers.get("x-client", "counter"), request.headers.get("x-client", "counter"), frozenset())
        return await call_next(request)

    router = APIRouter()
    add_credential_routes(router, desk)
    statuses: dict[tuple[str, int], int] = {}
    asking = PresentationDesk(
        database,
        desk.audit,
        clock,
        BASE,
        ValueSealer(bytes(32)),
        lambda: {ISSUER: desk.keys.by_id()},
        lambda uri, index: statuses.get((uri, index)),
    )
    add_presentation_routes(router, asking)
    application.include_router(router)
    return Issuer(keystore, desk, asking, clock, shelf, HttpHere(application, BASE), statuses)  # type: ignore[arg-type]


def close_issuer(issuer: Issuer) -> None:
    """Let go of everything."""
    issuer.http.close()
    issuer.desk.database.close()
