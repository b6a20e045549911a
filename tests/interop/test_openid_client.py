"""openid-client, a relying party library by others, through every flow it knows against a served deployment."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

import idp.service
from idp.actions.manage_accounts import NewAccount, create_account
from idp.actions.register_client import NewClient, register_client
from idp.actions.set_credentials import set_password
from idp.actions.set_registration import set_registration
from idp.model.people import AccountKind, Evidence, Identifier, IdentifierKind
from idp.model.registrations import CODE, DEVICE, REFRESH, Registration
from tests.deployments import Server, free_port, make_deployment
from tests.interop.node_parts import PROGRAMS, need_node_package
from yinxin.assembly import open_house
from yinxin.deployment import open_deployment

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

VERSION = "6.9.0"
LOGIN, PASSWORD = "relying", "correct horse 7"
REDIRECT, BYE = "http://127.0.0.1:9/callback", "http://127.0.0.1:9/bye"  # nobody listens there: the browser of the test stops before


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, str, int]]:
    folder: Path = make_deployment(tmp_path_factory.mktemp("relying") / "deployment")
    port, back_channel = free_port(), free_port()
    settings = folder / "settings.toml"
    text = settings.read_text(encoding="utf-8")
    settings.write_text(text + '\n[outbound]\nnetworks = ["127.0.0.0/8"]\n', encoding="utf-8")
    house = open_house(open_deployment(folder))
    try:
        desk, people = idp.service.client_desk(house.context), idp.service.people_desk(house.context)
        _, secret = register_client(desk, NewClient("Department", ("seal.read",), client_id="department"), actor="test")
        registration = Registration(
            "department",
            redirect_uris=(REDIRECT,),
            post_logout_redirect_uris=(BYE,),
            grant_types=(CODE, REFRESH, DEVICE),
            backchannel_logout_uri=f"http://127.0.0.1:{back_channel}/",
            backchannel_logout_session_required=True,
            purpose="Tests",
        )
        set_registration(desk, registration, actor="test")
        proof = Evidence("ev_relying", "counter", "tests", 3, house.context.clock.now())
        wanted = NewAccount(AccountKind.PERSON, "测试甲", (Identifier(IdentifierKind.LOGIN, LOGIN),), evidence=(proof,))
        set_password(people, create_account(people, wanted, actor="test").account_id, PASSWORD, actor="test")
        people.pool.close()
    finally:
        house.close()
    with Server(folder, port) as server:
        yield server, secret, back_channel


@pytest.mark.clause("OIDC Core 3.1", "RFC 6749 6", "RFC 7009", "RFC 7662", "RFC 8628", "RFC 9126", "RFC 9449")
def test_every_flow_of_openid_client(served: tuple[Server, str, int]) -> None:
    server, secret, back_channel = served
    node, parts = need_node_package("openid-client", VERSION)
    done = subprocess.run(
        [node, str(PROGRAMS / "relying_party.mjs"), server.url, "department", secret, REDIRECT, BYE, str(back_channel), LOGIN, PASSWORD],
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
        env={"YINXIN_NODE_PARTS": str(parts), "PATH": "/usr/bin:/bin"},
    )
    assert done.returncode == 0, done.stderr + server.log()[-2000:]
    found: dict[str, Any] = json.loads(done.stdout)
    assert found.pop("userinfo")["name"] == "测试甲"
    assert found == {
        "refreshed": True,
        "introspected": True,
        "revoked": True,
        "pushed": True,
        "bound": True,
        "boundAlone": "refused",
        "device": True,
        "loggedOut": BYE + "?state=bye",
        "notice": True,
        "ended": "refused",
    }
