"""What an administrator lets a client do it may do from its next request on, in every process, whatever that remembers of the client."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from idp.model.registrations import CREDENTIALS, EXCHANGE
from idp.tokens.exchange import ACCESS_TOKEN_TYPE
from tests.deployments import make_deployment, served_here
from tests.idp.people import Registered, settle
from tests.idp.test_code_flow import BASE, Clients

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def clients(tmp_path: Path) -> Iterator[Clients]:
    with served_here(make_deployment(tmp_path / "deployment", services=["idp"])) as here:
        found = Clients(settle(here, Registered()))
        found.town.person()
        found.add(replace(BASE, grant_types=("authorization_code",), scopes=("openid",)))
        yield found


def test_a_grant_type_counts_at_once(clients: Clients) -> None:
    clients.sign_in(scope="openid")  # the client is remembered from here on
    form = {"grant_type": CREDENTIALS}
    assert clients.token("own", **form).json()["code"] == "GRANT_NOT_ALLOWED"
    clients.set(replace(BASE, grant_types=("authorization_code", CREDENTIALS)))
    answer = clients.token("own", **form)
    assert answer.status_code == 200, answer.text
    clients.set(replace(BASE, grant_types=("authorization_code",)))
    assert clients.token("own", **form).json()["code"] == "GRANT_NOT_ALLOWED"


def test_a_grant_type_and_scopes_of_people_count_at_once(clients: Clients) -> None:
    tokens = clients.sign_in(scope="openid")
    form = {"grant_type": EXCHANGE, "subject_token": tokens["access_token"], "subject_token_type": ACCESS_TOKEN_TYPE}
    assert clients.token("own", **form).json()["code"] == "GRANT_NOT_ALLOWED"
    clients.set(replace(BASE, grant_types=("authorization_code", EXCHANGE), scopes=("profile",)))
    assert clients.token("own", **form).json()["code"] == "SCOPE_NOT_GRANTED"
    clients.set(replace(BASE, grant_types=("authorization_code", EXCHANGE), scopes=("openid",)))
    answer = clients.token("own", **form)
    assert answer.status_code == 200, answer.text
