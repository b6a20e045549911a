"""Tokens by way of the browser as a relying party library of others takes them: openid-client (npm), for a client that registers itself."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, cast

import pytest

import idp.service
from idp.actions.register_itself import issue_initial_token
from tests.deployments import Server, free_port, make_deployment
from tests.idp.people import CALLBACK, Registered, Town
from tests.interop.node_parts import PROGRAMS, need_node_package
from tests.interop.test_client_methods_elsewhere import VERSION, Person
from yinxin.assembly import open_house
from yinxin.deployment import open_deployment

if TYPE_CHECKING:
    from pathlib import Path

    from tests.deployments import Here


@pytest.mark.clause("OIDC Core 3.2.2.5", "OIDC Core 3.2.2.11")
def test_a_certified_client_takes_an_id_token_from_the_fragment(tmp_path: Path) -> None:
    node, parts = need_node_package("openid-client", VERSION)
    folder = make_deployment(tmp_path / "deployment", **{"openid.implicit": True})
    house = open_house(open_deployment(folder))
    try:
        Town(cast("Here", None), idp.service.people_desk(house.context), Registered()).person()
        desk = idp.service.client_desk(house.context)
        _, initial = issue_initial_token(
            desk, note="test", scopes=(), needs_approval=False, is_pkce_required=True, uses=1, days=1, actor="test"
        )
    finally:
        house.close()
    with Server(folder, free_port()) as server, Person(server.url) as person:
        command = [node, str(PROGRAMS / "front_channel.mjs"), server.url, str(parts), initial, CALLBACK]
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8"
        ) as party:
            assert party.stdout is not None
            first = party.stdout.readline()
            assert first, party.communicate()[1]
            back = person.visit(json.loads(first)["visit"])
            told, complaints = party.communicate(back + "\n", timeout=60)
    assert party.returncode == 0, complaints
    assert json.loads(told) == {"type": "id_token", "query": "", "name": "测试甲", "isForUs": True, "refused": [True, True, True]}
