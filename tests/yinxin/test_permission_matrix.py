"""Every operation with every scope: what is declared is what happens; and nobody reaches the things of others by their ids."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from starlette.routing import Route

import idp.service
from idp.actions.register_client import NewClient, register_client
from seal_service.actions.make_seal import SealRequest, make_seal
from seal_service.model import SCOPE_MAKE, SCOPE_MANAGE, SCOPE_REVIEW, SCOPE_SECURE
from service_kit.callers import Caller
from tests.deployments import make_deployment, served_here
from tests.seal_service.house import CREDIT_CODE, ORGANISATION
from yinxin.access_gate import access_of_route
from yinxin.links import known_scopes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.deployments import Here

NOBODY = {
    "seal_id": "sl_000000000000000000000000",
    "use_id": "su_000000000000000000000000",
    "grant_id": "sg_000000000000000000000000",
    "application_id": "sa_000000000000000000000000",
    "endpoint_id": "wh_000000000000000000000000",
    "code": "99000000000000",
}
SEES_EVERY_SEAL = {SCOPE_MAKE, SCOPE_REVIEW, SCOPE_SECURE}  # by their office


@pytest.fixture(scope="module")
def matrix(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Here]:
    folder: Path = make_deployment(tmp_path_factory.mktemp("matrix") / "deployment")
    settings = folder / "settings.toml"
    settings.write_text(settings.read_text(encoding="utf-8") + "\n[seals]\ntwo_person_review = false\n", encoding="utf-8")
    with served_here(folder) as served:
        yield served


def guarded(here: Here) -> list[tuple[str, str, str]]:
    found = []
    for route in [*here.application.routes, *here.application.hot_routes]:
        assert isinstance(route, Route)
        access = access_of_route(route)
        if access.scope is not None:
            found += [(method, route.path, access.scope) for method in (route.methods or {"POST"}) - {"HEAD"}]
    return found


def bearer(here: Here, client_id: str, scopes: tuple[str, ...]) -> dict[str, str]:
    desk = idp.service.client_desk(here.house.context)
    _, secret = register_client(desk, NewClient(client_id, scopes, client_id=client_id), actor="operator:test")
    answer = here.http.post("/oauth2/token", data={"grant_type": "client_credentials"}, auth=(client_id, secret))
    return {"authorization": "Bearer " + answer.json()["access_token"]}


def filled(path: str, ids: dict[str, str]) -> str:
    return re.sub(r"\{([^}:]*)[^}]*\}", lambda match: ids.get(match[1], "nothing-there"), path)


def send(here: Here, method: str, path: str, headers: dict[str, str]) -> Any:
    content: dict[str, Any] = {} if method in {"GET", "DELETE"} else {"json": {}}
    return here.http.request(method, path, headers=headers, **content)


def test_every_scope_opens_its_operations_and_no_other(matrix: Here) -> None:
    operations = guarded(matrix)
    wrong = []
    for scope in sorted(known_scopes()):
        headers = bearer(matrix, "cl_" + scope.replace(".", "-"), (scope,))
        for method, path, needed in operations:
            answer = send(matrix, method, filled(path, NOBODY), headers)
            is_refused = (
                answer.status_code == 403 and answer.json()["code"] == "SCOPE_MISSING" and answer.json()["facts"]["scope"] == needed
            )
            if is_refused is (scope == needed) or answer.status_code >= 500:
                wrong.append((scope, method, path, answer.status_code, answer.text[:100]))
    assert wrong == []
    assert len(operations) > 40


def test_nobody_reaches_the_seals_of_others(matrix: Here) -> None:
    context = matrix.house.context
    owner = Caller("cl_owner", "cl_owner", frozenset({SCOPE_MANAGE}))
    seal = make_seal(context, owner, SealRequest(organisation=ORGANISATION, credit_code=CREDIT_CODE))
    stranger = bearer(matrix, "cl_stranger", tuple(sorted(set(known_scopes()) - SEES_EVERY_SEAL)))
    ids = {**NOBODY, "seal_id": seal.id}
    reached = []
    for method, path, needed in guarded(matrix):
        if "{seal_id}" not in path or needed in SEES_EVERY_SEAL:
            continue
        real, none = (send(matrix, method, filled(path, chosen), stranger) for chosen in (ids, NOBODY))
        # The same answer as for a seal that does not exist, but for the id in it
        if (real.status_code, real.json().get("code")) != (none.status_code, none.json().get("code")) or real.status_code < 400:
            reached.append((method, path, real.status_code, real.text[:200], none.text[:200]))
    assert reached == []
