"""A deployment with two clients: ``portal`` may use and read seals, ``admin`` manages clients."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

import idp.service
from idp.actions.register_client import NewClient, register_client
from tests.deployments import Here, make_deployment, served_here

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import httpx

    from idp.actions.register_client import ClientDesk


@dataclass
class Provider:
    """The provider, served in this process, and its clients' secrets."""

    here: Here
    desk: ClientDesk
    secrets: dict[str, str]

    def token(self, client_id: str = "portal", secret: str | None = None, /, **form: str) -> httpx.Response:
        data = {"grant_type": "client_credentials", **form}
        return self.here.http.post(
            "/oauth2/token", data=data, auth=(client_id, self.secrets.get(client_id, "") if secret is None else secret)
        )

    def bearer(self, client_id: str = "admin", /, **form: str) -> dict[str, str]:
        return {"authorization": "Bearer " + self.token(client_id, **form).json()["access_token"]}

    def audited(self, action: str) -> list[str]:
        """Entries of an action, as JSON text, oldest first."""
        with self.here.house.context.database.read() as connection:
            rows = connection.exec_driver_sql("SELECT entry FROM kit_audit WHERE action = ? ORDER BY position", (action,)).all()
        return [bytes(row[0]).decode() for row in rows]


@pytest.fixture
def provider(tmp_path: Path) -> Iterator[Provider]:
    with served_here(make_deployment(tmp_path / "deployment", services=["idp"])) as here:
        desk = idp.service.client_desk(here.house.context)
        made = {}
        for name, scopes in (("portal", ("seal.use", "seal.read")), ("admin", ("client.manage", "seal.use"))):
            _, made[name] = register_client(desk, NewClient(name.title(), scopes, client_id=name), actor="test")
        yield Provider(here, desk, made)
