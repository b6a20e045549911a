"""A client that withdrew itself is gone for good, as it was told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from idp.actions.change_client_status import change_client_status
from idp.model.clients import ClientStatus
from standards.errors import TrustError
from tests.idp.test_self_registration import world  # noqa: F401 - a fixture

if TYPE_CHECKING:
    from tests.idp.test_self_registration import World


@pytest.mark.clause("RFC 7592 2.3")
@pytest.mark.parametrize("needs_approval", [False, True])
def test_attack_a_client_that_withdrew_itself_is_let_in_again_with_its_old_secret(world: World, *, needs_approval: bool) -> None:  # noqa: F811
    made = world.made(
        world.initial("seal.read", needs_approval=needs_approval),
        grant_types=["authorization_code", "client_credentials"],
        scope="openid seal.read",
    )
    assert world.manage(made, "DELETE").status_code == 204
    with pytest.raises(TrustError, match="CLIENT_WITHDRAWN"):
        change_client_status(world.desk, made["client_id"], ClientStatus.ACTIVE, actor="test")
    assert change_client_status(world.desk, made["client_id"], ClientStatus.DISABLED, actor="test").status is ClientStatus.DISABLED
    assert world.token(made["client_id"], made["client_secret"]) == 401
