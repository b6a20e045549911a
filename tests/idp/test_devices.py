"""Devices that cannot show a sign-in page (RFC 8628): from the code on their screen to tokens, and everybody who should get none."""

from __future__ import annotations

import json
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.actions.end_session import end_all_sessions
from idp.actions.sweep_sign_in_rows import sweep_sign_in_rows
from idp.limits import FAILURES_PER_PEER
from idp.model.devices import (
    DEVICE_SECONDS,
    DEVICE_TRANSITIONS,
    INTERVAL_SECONDS,
    USER_CODE_LETTERS,
    DeviceRequest,
    DeviceState,
    new_user_code,
    read_user_code,
    show_user_code,
)
from idp.store.devices import find_device, move_device
from standards.errors import TrustError
from tests.deployments import make_deployment, served_here
from tests.idp.people import Browser, Registered, settle
from tests.idp.test_code_flow import BASE, Clients, refused

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx
    from sqlalchemy import Connection

DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
BEGIN = "/oauth2/device_authorization"


@pytest.fixture(scope="module")
def clients(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clients]:
    with served_here(make_deployment(tmp_path_factory.mktemp("devices") / "deployment", services=["idp"])) as here:
        found = Clients(settle(here, Registered()))
        found.town.person()
        found.add(BASE)
        kiosk = replace(BASE, client_id="kiosk", redirect_uris=(), post_logout_redirect_uris=(), grant_types=(DEVICE, "refresh_token"))
        found.add(replace(kiosk, person_scopes=("seal.audit",)))
        found.add(replace(kiosk, client_id="screen", token_endpoint_auth_method="none", is_own=False, grant_types=(DEVICE,)))
        yield found


def begin(clients: Clients, client: str = "kiosk", /, **form: str) -> dict[str, Any]:
    secret = clients.secrets[client]
    if client == "screen":
        return dict(clients.http.post(BEGIN, data={**form, "client_id": client}).json())
    return dict(clients.http.post(BEGIN, data={**form, "client_id": client}, auth=(client, secret)).json())


def poll(clients: Clients, code: str, client: str = "kiosk") -> httpx.Response:
    form = {"grant_type": DEVICE, "device_code": code}
    if client == "screen":
        return clients.http.post("/oauth2/token", data={**form, "client_id": client})
    return clients.token(client, **form)


def sign_in_for(clients: Clients, typed: str, browser: Browser | None = None) -> Browser:
    browser = browser or Browser(clients.town.here)
    browser.go("/device")
    browser.submit("device", user_code=typed)
    assert browser.heading == "Is this your device?", browser.answer.text
    code = read_user_code(typed)
    assert code is not None
    browser.submit("confirm", user_code=show_user_code(code))
    if browser.heading == "Sign in":
        browser.log_in()
    return browser


def wait(clients: Clients) -> None:
    """As if the device had waited its interval."""
    clients.town.desk.database.write(lambda connection: connection.exec_driver_sql("UPDATE idp_device_requests SET polled_at = NULL"))


@pytest.mark.clause("RFC 8628 3.2", "RFC 8628 3.3", "RFC 8628 3.4", "RFC 8628 3.5")
def test_from_the_code_on_the_screen_to_tokens(clients: Clients) -> None:
    given_codes = begin(clients, scope="openid profile")
    assert (given_codes["expires_in"], given_codes["interval"]) == (DEVICE_SECONDS, INTERVAL_SECONDS)
    assert re.fullmatch(r"[B-Z]{4}-[B-Z]{4}", given_codes["user_code"])
    assert given_codes["verification_uri_complete"] == f"{given_codes['verification_uri']}?user_code={given_codes['user_code']}"
    code = given_codes["device_code"]
    assert refused(poll(clients, code))[:2] == (400, "authorization_pending")
    assert refused(poll(clients, code))[1] == "slow_down"
    browser = Browser(clients.town.here)
    browser.go("/device", user_code=given_codes["user_code"])
    assert f'value="{given_codes["user_code"]}"' in browser.answer.text
    assert "frame-ancestors 'none'" in browser.answer.headers["content-security-policy"]
    sign_in_for(clients, given_codes["user_code"].lower().replace("-", " "), browser)
    assert browser.heading == "The device is connected"
    tokens = poll(clients, code).json()
    assert tokens["scope"] == "openid profile"
    assert clients.read(tokens["id_token"], "kiosk")["acr"] == "urn:yinxin:loa:2"
    assert clients.userinfo(tokens["access_token"]).json()["name"] == "测试甲"
    assert clients.token("kiosk", grant_type="refresh_token", refresh_token=tokens["refresh_token"]).status_code == 200
    assert refused(poll(clients, code))[2] == "DEVICE_CODE_INVALID", "once"
    browser.go("/device")
    browser.submit("device", user_code=given_codes["user_code"])
    assert "Code not known" in browser.answer.text
    assert any(DEVICE.rpartition(":")[2] in entry for entry in clients.town.audited("token.issue"))
    approved, begun = (json.loads(clients.town.audited(action)[-1]) for action in ("sign-in.finish", "device.begin"))
    assert approved["facts"]["device"] == begun["facts"]["device"], "who let which device in"


def test_a_client_without_credentials_and_in_chinese(clients: Clients) -> None:
    codes = begin(clients, "screen")
    browser = Browser(clients.town.here, "zh")
    browser.go("/device")
    browser.submit("device", user_code=codes["user_code"])
    assert browser.heading == "这是您的设备吗？"
    browser.submit("confirm", user_code=codes["user_code"])
    browser.log_in()
    browser.submit("consent")
    assert browser.heading == "设备已连接"
    browser.go("/device", lang="en")
    assert browser.heading == "Connect a device"
    tokens = poll(clients, codes["device_code"], "screen").json()
    assert "refresh_token" not in tokens
    assert tokens["scope"] == "openid"


def test_the_page_of_a_device_says_what_it_asks_for(clients: Clients) -> None:
    browser = Browser(clients.town.here)
    browser.go("/device")
    browser.submit("device", user_code=begin(clients, scope="openid phone seal.audit offline_access")["user_code"])
    for said in ("Telephone number", "what was done with the seals you audit", "after you sign out"):
        assert said in browser.answer.text
    answer = clients.http.post(BEGIN, data={"client_id": "kiosk", "scope": "openid seal.read"}, auth=("kiosk", clients.secrets["kiosk"]))
    assert refused(answer)[2] == "SCOPE_NOT_GRANTED", "what it may do itself is not a person's"


@pytest.mark.clause("RFC 8628 3.5", "RFC 8628 5.4")
def test_whoever_refuses_at_the_page_refuses_the_device(clients: Clients) -> None:
    codes = begin(clients, "screen", scope="openid phone")
    browser = sign_in_for(clients, codes["user_code"])
    assert browser.heading == "Your consent"
    browser.submit("cancel")
    assert browser.heading == "The device is not connected"
    assert refused(poll(clients, codes["device_code"], "screen"))[1] == "access_denied"
    with clients.town.desk.database.read() as connection:
        accounts = connection.exec_driver_sql("SELECT account_id FROM idp_accounts").scalars().all()
    *_, entry = clients.town.audited("device.refuse")
    assert any(f'"account:{account}"' in entry for account in accounts), "who signed in stands there as who refused"
    said = json.loads(clients.town.audited("sign-in.refuse")[-1])
    assert (said["actor"], said["facts"]["client"], said["facts"]["error"]) == (json.loads(entry)["actor"], "screen", "access_denied")
    before = len(clients.town.audited("sign-in.refuse"))
    # Nobody is named who has not signed in
    browser = Browser(clients.town.here)
    browser.go("/device")
    code = begin(clients, "screen")["user_code"]
    browser.submit("device", user_code=code)
    browser.submit("confirm", user_code=code)
    assert browser.heading == "Sign in"
    browser.submit("cancel")
    *_, entry = clients.town.audited("device.refuse")
    assert '"person"' in entry
    assert len(clients.town.audited("sign-in.refuse")) == before


@pytest.mark.clause("RFC 8628 5.2", "RFC 8628 3.5")
def test_attack_codes_of_others_old_ones_and_guessed_ones(clients: Clients) -> None:
    codes = begin(clients)
    code = codes["device_code"]
    assert refused(poll(clients, code, "screen"))[2] == "DEVICE_CODE_INVALID", "another client's"
    assert refused(poll(clients, code + "x"))[2] == "DEVICE_CODE_INVALID"
    assert refused(poll(clients, codes["user_code"]))[2] == "DEVICE_CODE_INVALID"
    assert refused(poll(clients, ""))[1] == "invalid_request"
    assert refused(poll(clients, code, "own"))[1] == "unauthorized_client"
    database = clients.town.desk.database
    # an approved one that is too old by now
    sign_in_for(clients, codes["user_code"])
    wait(clients)
    real = clients.town.here.house.clock
    later = real.now() + timedelta(seconds=DEVICE_SECONDS + 1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(real), "now", lambda _self: later)
        assert refused(poll(clients, code))[1] == "expired_token"
    # a row edited past the program
    other = begin(clients)
    database.write(
        lambda connection: connection.exec_driver_sql("UPDATE idp_device_requests SET state = 'approved' WHERE state = 'waiting'")
    )
    assert poll(clients, other["device_code"]).status_code == 503
    database.write(lambda connection: connection.exec_driver_sql("DELETE FROM idp_device_requests"))


def test_attack_the_session_ended_before_the_device_asked(clients: Clients) -> None:
    codes = begin(clients)
    sign_in_for(clients, codes["user_code"])
    with clients.town.desk.database.read() as connection:
        account = connection.exec_driver_sql("SELECT account_id FROM idp_accounts").scalar()
    assert isinstance(account, str)
    end_all_sessions(clients.town.desk, account, actor="test")
    assert refused(poll(clients, codes["device_code"]))[2] == "GRANT_ENDED"


def test_of_sixteen_polls_at_once_one_gets_tokens(clients: Clients) -> None:
    codes = begin(clients)
    sign_in_for(clients, codes["user_code"])
    with ThreadPoolExecutor(16) as pool:
        statuses = list(pool.map(lambda _: poll(clients, codes["device_code"]).status_code, range(16)))
    assert sorted(statuses) == [200] + [400] * 15


def test_forms_of_other_sites_and_odd_codes_are_refused(clients: Clients) -> None:
    codes = begin(clients)
    for path in ("/device", "/device/confirm"):
        forged = clients.http.post(path, data={"user_code": codes["user_code"], "csrf": "x"})
        assert forged.status_code == 403
    browser = Browser(clients.town.here)
    for words in ("<script>", "Call 0851-1234567 to verify"):
        browser.go("/device", user_code=words)
        assert words not in browser.answer.text, "the page says nothing for whoever made the link"
        assert 'name="user_code" value=""' in browser.answer.text
    browser.go("/device", user_code=codes["user_code"].lower())
    assert f'name="user_code" value="{codes["user_code"]}"' in browser.answer.text
    for typed in ("", "x" * 33, "AAAA-AAAA", "BCDF-GHJ"):
        browser.go("/device")
        browser.submit("device", user_code=typed)
        assert browser.answer.status_code == 404
    for path, heading in (("/device/done", "The device is connected"), ("/device/refused", "The device is not connected")):
        browser.go(path)
        assert browser.heading == heading


@pytest.mark.clause("RFC 8628 5.1")
def test_attack_guessing_codes_ends_soon(clients: Clients) -> None:
    codes = begin(clients)
    browser = Browser(clients.town.here)
    for _ in range(FAILURES_PER_PEER):
        browser.go("/device")
        browser.submit("device", user_code=new_user_code())
        assert browser.answer.status_code == 404
    browser.go("/device")
    browser.submit("device", user_code=codes["user_code"])
    assert browser.answer.status_code == 404, "also the right one, from here and for a while"
    clients.town.desk.database.write(lambda connection: connection.exec_driver_sql("DELETE FROM idp_attempts"))


@pytest.mark.parametrize(
    ("client", "form", "error"),
    [
        ("own", {}, "unauthorized_client"),
        ("kiosk", {"scope": "openid seal.use"}, "invalid_scope"),
        ("kiosk", {"resource": "https://other.example"}, "invalid_target"),
        ("kiosk", {"resource": "no address"}, "invalid_target"),
    ],
)
def test_what_a_device_may_not_ask_for(clients: Clients, client: str, form: dict[str, str], error: str) -> None:
    assert begin(clients, client, **form)["error"] == error
    assert refused(clients.http.post(BEGIN, data={"client_id": "kiosk"}, auth=("kiosk", "wrong")))[1] == "invalid_client"


def test_old_requests_are_swept(clients: Clients) -> None:
    begin(clients)
    database = clients.town.desk.database
    database.write(lambda connection: connection.exec_driver_sql("UPDATE idp_device_requests SET expires_at = 1"))
    sweep_sign_in_rows(clients.town.desk)
    with database.read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM idp_device_requests").scalar() == 0


def move_to(device: DeviceRequest, wanted: DeviceState, connection: Connection) -> bool:
    return move_device(connection, device, wanted, b"k" * 32)


def test_states_are_left_as_the_table_says(clients: Clients) -> None:
    for state, following in DEVICE_TRANSITIONS.items():
        device = DeviceRequest("dv_none", "kiosk", ("openid",), None, state, datetime.now(UTC))
        for wanted in set(DeviceState) - following:
            with pytest.raises(TrustError, match="DEVICE_UNKNOWN"):
                clients.town.desk.database.write(partial(move_to, device, wanted))
        for gone in following:  # allowed, but nobody is there
            assert not clients.town.desk.database.write(partial(move_to, device, gone))
    with clients.town.desk.database.read() as connection:
        assert find_device(connection, "dv_none", b"k" * 32) is None


@pytest.mark.clause("RFC 8628 6.1")
@given(st.text(USER_CODE_LETTERS, min_size=8, max_size=8), st.lists(st.sampled_from(["", " ", "-"]), min_size=8, max_size=8))
def test_user_codes_are_read_as_people_type_them(code: str, between: list[str]) -> None:
    assert read_user_code("".join(letter.lower() + gap for letter, gap in zip(code, between, strict=True))) == code
    assert read_user_code(show_user_code(code)) == code
    assert read_user_code(code + "B") is None
    assert read_user_code("A" + code[1:]) is None
