"""A deployment served in this process, called as its clients call it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import idp.service
from idp.actions.register_client import NewClient, register_client

if TYPE_CHECKING:
    import httpx

    from tests.deployments import Here


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
