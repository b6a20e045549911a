"""Under which names clients know people: one for each sector, and no sector that strangers share (OIDC Core 8.1)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from idp.model.registrations import Registration
from idp.tokens.person_tokens import subject_for

KEY = bytes(32)
ONE = Registration("one", redirect_uris=("https://rp.example/cb",), subject_type="pairwise")


def name(registration: Registration, **changes: object) -> str:
    return subject_for(replace(registration, **changes), "pe_a", KEY)  # type: ignore[arg-type]


@pytest.mark.clause("OIDC Core 8.1")
def test_clients_of_one_host_know_a_person_under_one_name() -> None:
    assert name(ONE) == name(ONE, client_id="two", redirect_uris=("https://rp.example:8443/other",))
    assert name(ONE) != name(ONE, redirect_uris=("https://other.example/cb",))
    assert name(ONE, subject_type="public") == "pe_a"


@pytest.mark.parametrize(
    "address",
    ["http://127.0.0.1:4711/cb", "http://127.9.9.9/cb", "http://[::1]/cb", "https://localhost/cb", "https://app.localhost/cb", ""],
)
def test_attack_programs_on_the_same_device_do_not_share_a_sector(address: str) -> None:
    given = {"redirect_uris": (address,) if address else ()}
    assert name(ONE, client_id="mine", **given) != name(ONE, client_id="yours", **given)
    assert name(ONE, client_id="mine", **given) != name(ONE, client_id="MINE", **given), "ids that differ in case are different clients"
    assert name(ONE, client_id="mine", **given) != name(ONE, redirect_uris=("https://mine/cb",))
    # The same client, whichever port it got, and programs that name their sector, whose list has been looked at
    if address:
        assert name(ONE, client_id="mine", **given) == name(ONE, client_id="mine", redirect_uris=("http://127.0.0.1:1/cb",))
    sector = {"sector_identifier_uri": "https://rp.example/sector.json"}
    assert name(ONE, client_id="mine", **given, **sector) == name(ONE, client_id="yours", **given, **sector) == name(ONE)
