"""A code stands for one directory: whoever is known by it is not handed on to another by who may merely manage the directory."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from idp.actions.follow_desk import add_source
from idp.model.follow import read_source
from tests.idp.following import Towns, person, served_towns
from tests.idp.test_changes import bearer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import httpx


@pytest.fixture
def towns(tmp_path: Path) -> Iterator[Towns]:
    with served_towns(tmp_path, "a", "b") as made:
        yield made


def test_attack_a_code_is_followed_at_another_address_by_a_client(towns: Towns) -> None:
    """What stands there would be believed about everybody whom the first directory brought: their names, and whether they get in."""
    jia = person(towns["a"], "测试甲", "jia")
    code = towns.follow("b", "a", "province")
    assert towns.pull("b", code) == {"created": 1}
    town = towns["b"]
    manager = bearer(town, "manages", "directory.manage")

    def send(method: str, path: str = "", **body: Any) -> httpx.Response:
        return town.here.http.request(method, "/v1/followed-sources" + path, headers=manager, **({"json": body} if body else {}))

    stated = {"code": code, "protocol": "scim", "client_secret": "s"}
    assert send("DELETE", f"/{code}").status_code == 204
    for elsewhere in ("https://evil.example/scim/v2", "https://a.example.evil.example"):
        answer = send("POST", base_url=elsewhere, **stated)
        assert (answer.status_code, answer.json()["code"]) == (403, "SOURCE_CODE_FOREIGN"), elsewhere
    refused = json.loads(town.audited("source.refuse")[-1])
    assert (refused["actor"], refused["subject"], refused["outcome"]) == ("client:manages", f"source:{code}", "refused")
    assert refused["facts"] == {"code": "SOURCE_CODE_FOREIGN", "base_url": "https://a.example.evil.example"}
    assert send("GET").json() == {"sources": []}
    # The same directory again, and any other under a code of its own
    assert send("POST", base_url="https://a.example", code=code, protocol="feed", client_id="b").status_code == 201
    assert send("DELETE", f"/{code}").status_code == 204
    assert send("POST", base_url="https://evil.example/scim/v2", **{**stated, "code": "other"}).status_code == 201
    # That a directory has moved is the operator's to say
    moved = read_source({**stated, "base_url": "https://moved.example/scim/v2"})
    add_source(towns.desk("b"), moved, actor="operator:test")
    found = towns.found("b", code, jia.account_id)
    assert found is not None
    assert found.name == "测试甲"
