"""An account that is closed stays as it is: nothing is said of it that would count for somebody who is no more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.idp.test_accounts_api import office  # noqa: F401 - a fixture

if TYPE_CHECKING:
    from tests.idp.test_accounts_api import Office


@pytest.mark.parametrize("closed", ["person", "organisation"])
def test_attack_nobody_acts_for_or_is_proven_after_the_end(office: Office, closed: str) -> None:  # noqa: F811
    """It was answered as done, and webhooks told that the person may act."""
    person, firm = office.make(name="测试终"), office.make("/v1/organisations", "测试终公司")
    ended = f"/v1/accounts/{person['id']}" if closed == "person" else f"/v1/organisations/{firm['id']}"
    assert office.call("PUT", f"{ended}/status", json={"status": "closed"}).status_code == 200
    before = office.call("GET", ended).json()
    attempts: tuple[tuple[str, dict[str, Any]], ...] = (
        (f"/v1/organisations/{firm['id']}/agents", {"person_id": person["id"]}),
        (f"{ended}/evidence", {"method": "counter", "source": "Hall", "level": 3}),
    )
    for path, body in attempts:
        answer = office.call("POST", path, json=body)
        assert (answer.status_code, answer.json()["code"]) == (409, "ACCOUNT_STATUS_CONFLICT"), path
    assert office.call("GET", ended).json() == before
