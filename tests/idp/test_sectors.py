"""Under which names clients know people: one for each sector, and no sector that strangers share (OIDC Core 8.1)."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from idp.actions.end_session import end_all_sessions
from idp.model.registrations import Registration
from idp.tokens.person_tokens import session_for, session_of, subject_for
from tests.deployments import make_deployment, served_here
from tests.idp.people import Browser, Registered, settle
from tests.idp.test_alerts import events
from tests.idp.test_code_flow import BASE, Clients

if TYPE_CHECKING:
    from pathlib import Path

KEY = bytes(32)
ELSEWHERE = "https://two.example/cb"
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


def test_each_sector_knows_a_session_under_a_name_of_its_own() -> None:
    def sid(**changes: object) -> str:
        return session_for(replace(ONE, **changes), "se_abc", KEY)  # type: ignore[arg-type]

    there = replace(ONE, client_id="three", redirect_uris=("https://other.example/cb",))
    mine, theirs = sid(), session_for(there, "se_abc", KEY)
    assert mine == sid() == sid(client_id="two")
    assert "se_abc" not in mine + theirs
    assert mine != theirs
    assert session_for(ONE, "se_abd", KEY) != mine
    assert (session_of(ONE, mine, KEY), session_of(there, theirs, KEY)) == ("se_abc", "se_abc")
    public = replace(ONE, subject_type="public")
    assert session_for(public, "se_abc", KEY) == "se_abc"
    assert session_of(public, "se_abc", KEY) == "se_abc"
    assert session_of(ONE, "se_abc", KEY) == "se_abc", "of an ID token from before"
    for wrong in (theirs, mine[:-2] + "AA", "ss_", "ss_x", "ss_" + "A" * 40, "ss_é"):
        assert session_of(ONE, wrong, KEY) is None
    assert session_of(ONE, mine, bytes(31) + b"x") is None


def test_attack_two_clients_find_no_common_name_of_a_person_or_his_session(tmp_path: Path) -> None:
    """In ID tokens, in what they hear of its end, and at userinfo; and the names do what a session's name does."""
    pairwise = replace(BASE, is_own=True, subject_type="pairwise", grant_types=("authorization_code", "refresh_token"))
    with served_here(make_deployment(tmp_path / "deployment", services=["idp"])) as here:
        clients = Clients(settle(here, Registered()))
        account_id = clients.town.person().account_id
        clients.add(replace(pairwise, client_id="one"))
        clients.add(replace(pairwise, client_id="two", redirect_uris=(ELSEWHERE,)))
        clients.add(replace(BASE, client_id="open"))
        browser = Browser(here)
        got = {name: clients.sign_in(browser, name) for name in ("one", "open")}
        browser.authorize("two", redirect_uri=ELSEWHERE)
        code = browser.answer.headers["location"].partition("code=")[2].partition("&")[0]
        got["two"] = clients.redeem(code, "two", redirect_uri=ELSEWHERE).json()
        read = {name: clients.read(tokens["id_token"], name) for name, tokens in got.items()}
        again = clients.token("one", grant_type="refresh_token", refresh_token=got["one"]["refresh_token"]).json()
        assert clients.read(again["id_token"], "one")["sid"] == read["one"]["sid"]
        assert read["open"]["sid"].startswith("se_")
        for claim in ("sid", "sub"):
            assert len({each[claim] for each in read.values()}) == 3
        known: list[dict[str, Any]] = [{**read[name], "at": clients.userinfo(got[name]["access_token"]).json()} for name in ("one", "two")]
        shared = {str(value) for value in known[0].values()} & {str(value) for value in known[1].values()}
        assert not any(text.startswith(("pe_", "se_", "ss_", "pw_")) for text in shared)
        # As a hint: the same person, and this very session
        browser.authorize("one", prompt="none", id_token_hint=got["one"]["id_token"])
        assert browser.returned["code"]
        browser.go("/logout", id_token_hint=got["one"]["id_token"], client_id="one")
        assert browser.heading == "You are signed out"
        told = [each for each in events(clients.town) if each["type"] == "session.ended"]
        heard = {tuple(each["audience"]): json.loads(each["body"])["data"] for each in told}
        assert heard[("open",)] == {"session_id": read["open"]["sid"], "account_id": account_id}
        for name in ("one", "two"):
            assert heard[(name,)] == {"session_id": read[name]["sid"]}


def test_a_session_ends_though_the_registration_of_a_client_was_altered(tmp_path: Path) -> None:
    """By which name that client knows it cannot be said, and so it is told nothing; the others are, and signing out and disabling go on."""
    with served_here(make_deployment(tmp_path / "deployment", services=["idp"])) as here:
        clients = Clients(settle(here, Registered()))
        account_id = clients.town.person().account_id
        clients.add(replace(BASE, client_id="open", is_own=True))
        clients.add(replace(BASE, client_id="edited", is_own=True, subject_type="pairwise"))
        browser = Browser(here)
        for client_id in ("open", "edited"):
            clients.sign_in(browser, client_id)
        edit = "UPDATE idp_registrations SET metadata_json = replace(metadata_json, 'pairwise', 'public') WHERE client_id = 'edited'"
        desk = clients.town.desk
        assert desk.database.write(lambda connection: connection.exec_driver_sql(edit).rowcount) == 1
        assert end_all_sessions(desk, account_id, actor="test") == 1
        told = [each["audience"] for each in events(clients.town) if each["type"] == "session.ended"]
        assert told == [["open"]]
        assert any('"not_told":"edited"' in entry for entry in clients.town.audited("session.end"))
