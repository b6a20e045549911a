"""A deployment served in this process, called as its clients call it."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import idp.service
import licence_vault.service
from idp.actions.register_client import NewClient, register_client
from licence_vault.actions.enter_issuer import give_membership
from licence_vault.actions.issuing_means import Seals
from licence_vault.ports import CLIENTS
from tests.deployments import Here, make_deployment, served_here
from tests.fakes.sealer import FakeJudge, FakeSealer
from tests.licence_vault.issuing_here import ISSUER_NAME, caller

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    import httpx


@dataclass
class Office:
    """One client of the deployment."""

    here: Here
    client_id: str
    headers: dict[str, str] = field(default_factory=dict)

    def call(self, method: str, path: str, body: Any = None, *, status: int, **headers: str) -> httpx.Response:
        """A request and the status it must be answered with; header names are written with underscores."""
        content = {} if body is None else {"json": body}
        sent = self.headers | {name.replace("_", "-"): value for name, value in headers.items()}
        answer = self.here.http.request(method, path, headers=sent, **content)
        assert answer.status_code == status, answer.text
        return answer

    def refusal(self, method: str, path: str, body: Any = None, *, status: int, **headers: str) -> tuple[str, dict[str, Any]]:
        """Code and facts of a refused request."""
        problem = self.call(method, path, body, status=status, **headers).json()
        return problem["code"], problem.get("facts", {})


def office(here: Here, client_id: str, *scopes: str) -> Office:
    """A new client with a token of these scopes."""
    desk = idp.service.client_desk(here.house.context)
    _, secret = register_client(desk, NewClient(client_id, scopes, client_id=client_id), actor="operator:test")
    answer = here.http.post("/oauth2/token", data={"grant_type": "client_credentials"}, auth=(client_id, secret))
    return Office(here, client_id, {"authorization": "Bearer " + answer.json()["access_token"]})


@contextmanager
def served_licences(folder: Path, types: Sequence[dict[str, Any]], members: Mapping[str, str]) -> Iterator[tuple[Here, Office]]:
    """A deployment with published types and issuers, whose seals are fakes and whose log is signed every tenth of a second; and who administers
    it. ``members``: the client that issues for each issuer, by the issuer's code."""
    make_deployment(folder)
    settings = folder / "settings.toml"
    settings.write_text(settings.read_text(encoding="utf-8") + "\n[logs]\ninterval_seconds = 0.1\n", encoding="utf-8")
    real_means = licence_vault.service.means_of

    def means(*parts: Any) -> Any:
        return replace(real_means(*parts), seals=Seals(FakeSealer(), FakeJudge(ISSUER_NAME)))

    with patch.object(licence_vault.service, "means_of", means), served_here(folder) as served:
        author, chief = office(served, "cl_author", "licence.define"), office(served, "cl_chief", "licence.review", "licence.admin")
        for whole in types:
            author.call("POST", "/v1/licence-types", whole, status=201)
            author.call("POST", f"/v1/licence-types/{whole['code']}/versions/1/submit", {}, status=200, if_match='"1"')
            chief.call("POST", f"/v1/licence-types/{whole['code']}/versions/1/publish", {}, status=200, if_match='"2"')
        for code, member in members.items():
            body = {"name": ISSUER_NAME, "area_code": "150700", "seal_id": "sl_1"}
            chief.call("PUT", f"/v1/licence-issuers/{code}", body, status=200)
            by_hand = replace(served.house.context, links={**served.house.context.links, CLIENTS: None})  # tests register it later
            give_membership(by_hand, caller("cl_chief"), code, member)
        yield served, chief
