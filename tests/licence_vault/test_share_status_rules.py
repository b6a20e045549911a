"""What the share interface says of a licence that is not in force, where its type has return codes of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from licence_vault.actions import define_type
from licence_vault.actions.query_shared import ShareCall, query_by_identifier
from licence_vault.actions.verify_shared import verify_stated
from licence_vault.uses import ShareRight, UseMode
from standards.errors import TrustError
from tests.licence_vault.issuing_here import FACE, caller
from tests.licence_vault.test_shared_queries import OFFICER, WHY, stated
from tests.licence_vault.type_files import AUTHORITY, type_file
from tests.licence_vault.using_here import UsingHere

if TYPE_CHECKING:
    from pathlib import Path

CODES = {
    "revoked": {"region": "07", "share": 0, "name": "吊销"},  # could be written once
    "cancelled": {"region": "04", "share": 31, "name": "注销"},
    "suspended": {"region": "02", "share": 21, "name": "暂扣"},
}


def test_neither_the_code_of_success_nor_another_number_makes_of_an_ended_licence_one_that_may_come_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = f"{AUTHORITY}994"
    with UsingHere.made(tmp_path / "d") as here:
        with monkeypatch.context() as before:
            before.setattr(define_type, "check_fulfilment", lambda _: None, raising=False)
            sharing = {"modes": ["duty"], "shown_masked": []}
            here.issuing.publish(type_file(face=FACE, code=code, sharing=sharing, status_codes=CODES))
        here.permit("cl_office", type_code=code, modes=frozenset({UseMode.BY_DUTY}), rights=frozenset(ShareRight))
        told = {}
        for step in ("revoke", "cancel", "suspend"):
            licence = here.issuing.issue(type_code=code)
            here.step(licence, step)
            with pytest.raises(TrustError) as raised:
                query_by_identifier(here.desk, ShareCall(caller("cl_office"), WHY, officer=OFFICER), licence.identifier)
            result = verify_stated(here.desk, caller("cl_office"), stated(here, licence, type_code=code), reason=WHY)
            told[step] = raised.value.facts["share"], result
    assert told == {"revoke": (21, "ended"), "cancel": (31, "ended"), "suspend": (21, "restricted")}
