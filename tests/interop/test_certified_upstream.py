"""A certified OpenID provider by others as the upstream of a served deployment: signing in, signing out in both directions."""

from __future__ import annotations

import subprocess
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from tests.deployments import Server, free_port, make_deployment
from tests.interop.browsers import Person
from tests.interop.node_parts import PROGRAMS, need_node_package

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

VERSION = "9.13.3"
SECRET = "a-secret-of-the-upstream-0123456789"
UPSTREAM = """
[[upstream]]
name = "region"
protocol = "oidc"
title_en = "The region"
issuer = "{issuer}"
is_issuer_returned = true
client_id = "yinxin"
client_secret = "{secret}"
scope = "openid profile"
[upstream.endpoints]
authorization = "{issuer}/auth"
token = "{issuer}/token"
jwks = "{issuer}/jwks"
userinfo = "{issuer}/me"
logout = "{issuer}/session/end"
[upstream.fields]
subject = "sub"
name = "name"
id_type = "idtype"
id_number = "idnum"
level = "level"
[upstream.levels]
L2 = 2
[upstream.id_types]
1 = "resident_id"
[upstream.linking]
id_types = ["resident_id"]
"""


@pytest.fixture(scope="module")
def region(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, str]]:
    node, parts = need_node_package("oidc-provider", VERSION)
    folder: Path = make_deployment(tmp_path_factory.mktemp("region") / "deployment")
    own, port = free_port(), free_port()
    issuer, base_url = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{own}"
    with (folder / "settings.toml").open("a", encoding="utf-8") as out:
        out.write('\n[outbound]\nnetworks = ["127.0.0.0/8"]\n')
    (folder / "upstreams.toml").write_text(UPSTREAM.format(issuer=issuer, secret=SECRET), encoding="utf-8")
    here = f"{base_url}/sign-in/upstream/region"
    arguments = [str(port), f"{here}/callback", f"{here}/logged-out", f"{here}/backchannel-logout", SECRET]
    with (
        (folder.parent / "provider.log").open("wb") as log,
        subprocess.Popen(
            [node, str(PROGRAMS / "upstream.mjs"), *arguments],
            stdout=subprocess.PIPE,
            stderr=log,
            env={"YINXIN_NODE_PARTS": str(parts), "PATH": "/usr/bin:/bin"},
        ) as provider,
    ):
        try:
            assert provider.stdout is not None
            assert b"listening" in provider.stdout.readline(), (folder.parent / "provider.log").read_text()
            with Server(folder, own) as server:
                yield server, issuer
        finally:
            provider.kill()


def sign_in(person: Person) -> None:
    person.leave_for("region")
    while "/interaction/" in person.at:  # the provider's own pages: who, then consent
        person.submit(**({"login": "u-1", "password": "any"} if 'name="login"' in person.page.text else {}))
    assert person.at == f"{person.base_url}/links", person.page.text


@pytest.fixture
def people() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def test_in_by_the_provider_and_out_at_both(region: tuple[Server, str], people: ExitStack) -> None:
    server, issuer = region
    person = Person(server.url, people)
    sign_in(person)
    assert "测试甲" in person.page.text
    assert "Linked" in person.page.text
    # Signing out here asks, leads to the provider, which asks too, and comes back
    person.go("/logout")
    person.submit()
    assert person.at.startswith(f"{issuer}/session/end?")
    person.submit(logout="yes")
    assert person.at == f"{server.url}/logout/done"
    assert not person.is_signed_in
    # The provider has forgotten, too: it asks who it is again
    sign_in(person)
    assert person.is_signed_in


@pytest.mark.clause("OIDC Back-Channel Logout 2.5")
def test_out_at_the_provider_is_out_here(region: tuple[Server, str], people: ExitStack) -> None:
    server, issuer = region
    one, other = Person(server.url, people), Person(server.url, people)
    sign_in(one)
    sign_in(other)
    one.page = one.http.get(f"{issuer}/session/end")
    one.submit(logout="yes")
    assert not one.is_signed_in
    assert other.is_signed_in  # another session of the same person there
