"""Using licences over HTTP: what administrators permit, what departments' systems may, what a holder sees, and what nobody gets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.deployments import Here, make_deployment, served_here
from tests.licence_vault.issuing_here import FACE
from tests.licence_vault.served import Office, office
from tests.licence_vault.type_files import TYPE, type_file

if TYPE_CHECKING:
    from collections.abc import Iterator

SHARING: dict[str, Any] = {"modes": ["consented"], "rights": ["verify", "query"], "reason": "数据共享协议"}


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Here]:
    with served_here(make_deployment(tmp_path_factory.mktemp("use") / "d")) as served:
        author, chief = office(served, "cl_author", "licence.define"), office(served, "cl_chief", "licence.review")
        author.call("POST", "/v1/licence-types", type_file(face=FACE), status=201)
        author.call("POST", f"/v1/licence-types/{TYPE}/versions/1/submit", {}, status=200)
        chief.call("POST", f"/v1/licence-types/{TYPE}/versions/1/publish", {}, status=200)
        yield served


@pytest.fixture(scope="module")
def admin(here: Here) -> Office:
    return office(here, "cl_licence_admin", "licence.admin")


def test_an_administrator_permits_changes_lists_and_takes_back(admin: Office) -> None:
    path = f"/v1/licence-sharing/cl_some/{TYPE}"
    made = admin.call("PUT", path, SHARING, status=200)
    assert (made.json()["client"], made.json()["modes"], made.json()["rights"]) == ("cl_some", ["consented"], ["query", "verify"])
    changed = admin.call("PUT", path, SHARING | {"rights": ["verify"]}, status=200, if_match=made.headers["etag"])
    assert admin.refusal("PUT", path, SHARING, status=412, if_match=made.headers["etag"])[0] == "LICENCE_SHARING_CHANGED"
    shown = admin.call("GET", path, status=200)
    assert (shown.json(), shown.headers["etag"]) == (changed.json(), changed.headers["etag"])
    admin.call("PUT", f"/v1/licence-sharing/cl_some2/{TYPE}", SHARING, status=200)
    first = admin.call("GET", "/v1/licence-sharing?limit=1", status=200).json()
    more = admin.call("GET", f"/v1/licence-sharing?after={first['next_after']}", status=200).json()
    assert first["permissions"] == [shown.json()]
    assert [each["client"] for each in more["permissions"]] == ["cl_some2"]
    assert admin.call("GET", "/v1/licence-sharing?client=cl_some2", status=200).json()["permissions"] == more["permissions"]
    for client in ("cl_some", "cl_some2"):
        admin.call("DELETE", f"/v1/licence-sharing/{client}/{TYPE}", status=204)
        assert admin.refusal("GET", f"/v1/licence-sharing/{client}/{TYPE}", status=404)[0] == "LICENCE_SHARING_NOT_FOUND"


@pytest.mark.parametrize(
    "body",
    [
        SHARING | {"given_by": "cl_author"},
        SHARING | {"modes": ["own"]},
        SHARING | {"modes": []},
        SHARING | {"modes": ["anyhow"]},
        SHARING | {"modes": ["entrusted"]},
        SHARING | {"rights": ["issue"]},
        SHARING | {"rights": []},
        SHARING | {"reason": "x" * 257},
        {"modes": ["consented"], "rights": ["query"]},
    ],
)
def test_nothing_else_can_be_permitted(admin: Office, body: dict[str, Any]) -> None:
    admin.call("PUT", f"/v1/licence-sharing/cl_other/{TYPE}", body, status=422)
    admin.refusal("GET", f"/v1/licence-sharing/cl_other/{TYPE}", status=404)
