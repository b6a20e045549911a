"""Using licences over HTTP: what administrators permit, what departments' systems may, what a holder sees, and what nobody gets."""

from __future__ import annotations

import base64
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest

import idp.service
from idp.actions.change_client_status import change_client_status
from idp.actions.manage_accounts import NewAccount, create_account
from idp.actions.set_credentials import set_password
from idp.model.clients import ClientStatus
from idp.model.people import AccountKind, Evidence, Identifier, IdentifierKind
from licence_vault.actions import find_entrusted_licences
from tests.idp.people import PASSWORD, Browser, Registered, settle
from tests.idp.test_code_flow import BASE, Clients
from tests.licence_vault.issuing_here import FACE, ISSUER
from tests.licence_vault.served import Office, office, served_licences
from tests.licence_vault.type_files import AUTHORITY, TYPE, type_file

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.deployments import Here

SHARING: dict[str, Any] = {"modes": ["consented"], "rights": ["verify", "query"], "reason": "数据共享协议"}
ALL: dict[str, Any] = {"modes": ["consented", "duty", "entrusted"], "rights": ["verify", "query", "download"], "reason": "数据共享协议"}
SHARED = f"{AUTHORITY}993"
JIA, YII = ("jia", "11010519491231002X"), ("yii", "110105194912310011")
WHY = "办理变更登记"
OFFICER = {"name": "李四（示例）", "role": "执法人员", "division": "示例市监督所"}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Here, Office]]:
    shared = type_file(face=FACE, code=SHARED, sharing={"modes": ALL["modes"], "shown_masked": ["KZ_class"]})
    with served_licences(tmp_path_factory.mktemp("use") / "d", [type_file(face=FACE), shared], {ISSUER: "cl_clerk"}) as (served, chief):
        system = office(served, "cl_office", "licence.use")
        chief.call("PUT", f"/v1/licence-sharing/cl_office/{SHARED}", ALL, status=200)
        yield served, system


@pytest.fixture(scope="module")
def here(served: tuple[Here, Office]) -> Here:
    return served[0]


@pytest.fixture(scope="module")
def clients(here: Here) -> Clients:
    found = Clients(settle(here, Registered()))
    found.add(replace(BASE, client_id="portal", person_scopes=("licence.own",)))
    found.add(replace(BASE, client_id="shop", person_scopes=("licence.read",)))
    now = found.town.desk.clock.now()
    for login, number in (JIA, YII):
        identifiers = (Identifier(IdentifierKind.LOGIN, login), Identifier(IdentifierKind.RESIDENT_ID, number, now))
        evidence = (Evidence(f"ev_{login}", "counter", "Demo hall", 3, now),)
        made = create_account(found.town.desk, NewAccount(AccountKind.PERSON, "测试", identifiers, evidence=evidence), actor="test")
        set_password(found.town.desk, made.account_id, PASSWORD, actor="test")
    return found


def signed_in(clients: Clients, login: str, client: str = "portal", scope: str = "licence.own") -> Office:
    """A person in a browser, as the client he came by may call for him."""
    browser = Browser(clients.town.here)
    browser.authorize(client, scope=f"openid {scope}")
    browser.log_in(login)
    token = clients.redeem(browser.returned["code"], client).json()["access_token"]
    return Office(clients.town.here, client, {"authorization": f"Bearer {token}"})


@pytest.fixture(scope="module")
def jia(clients: Clients) -> Office:
    return signed_in(clients, "jia")


@pytest.fixture(scope="module")
def yii(clients: Clients) -> Office:
    return signed_in(clients, "yii")


@pytest.fixture(scope="module")
def registry(served: tuple[Here, Office]) -> Office:
    return served[1]


@pytest.fixture(scope="module")
def stranger(here: Here) -> Office:
    """A system that may use licences, only not of this type."""
    return office(here, "cl_stranger", "licence.use")


def issued(clerk: Office, number: str) -> dict[str, Any]:
    order = {
        "type": SHARED,
        "issuer": ISSUER,
        "holders": [{"name": "张三（示例）", "code": number, "code_type": "111"}],
        "fields": {"KZ_address": "示例路1号", "KZ_class": "甲级"},
        "valid_from": "2025-01-01",
        "valid_to": None,
    }
    made: dict[str, Any] = clerk.call("POST", "/v1/licences", order, status=201).json()
    return made


@pytest.fixture(scope="module")
def clerk(here: Here) -> Office:
    return office(here, "cl_clerk", "licence.issue", "licence.read")


@pytest.fixture(scope="module")
def licence(clerk: Office) -> dict[str, Any]:
    """Of ``jia``; it stays in force."""
    return issued(clerk, JIA[1])


@pytest.fixture(scope="module")
def admin(here: Here) -> Office:
    return office(here, "cl_licence_admin", "licence.admin")


def test_an_administrator_permits_changes_lists_and_takes_back(admin: Office) -> None:
    path = f"/v1/licence-sharing/cl_0a/{TYPE}"
    for client in ("cl_0a", "cl_0b"):
        office(admin.here, client, "licence.use")
    made = admin.call("PUT", path, SHARING, status=200)
    assert (made.json()["client"], made.json()["modes"], made.json()["rights"]) == ("cl_0a", ["consented"], ["query", "verify"])
    changed = admin.call("PUT", path, SHARING | {"rights": ["verify"]}, status=200, if_match=made.headers["etag"])
    assert admin.refusal("PUT", path, SHARING, status=412, if_match=made.headers["etag"])[0] == "LICENCE_SHARING_CHANGED"
    shown = admin.call("GET", path, status=200)
    assert (shown.json(), shown.headers["etag"]) == (changed.json(), changed.headers["etag"])
    admin.call("PUT", f"/v1/licence-sharing/cl_0b/{TYPE}", SHARING, status=200)
    first = admin.call("GET", "/v1/licence-sharing?limit=1", status=200).json()
    more = admin.call("GET", f"/v1/licence-sharing?after={first['next_after']}", status=200).json()
    assert first["permissions"] == [shown.json()]
    assert more["permissions"][0]["client"] == "cl_0b"
    assert admin.call("GET", "/v1/licence-sharing?client=cl_0b", status=200).json()["permissions"] == more["permissions"][:1]
    for client in ("cl_0a", "cl_0b"):
        admin.call("DELETE", f"/v1/licence-sharing/{client}/{TYPE}", status=204)
        assert admin.refusal("GET", f"/v1/licence-sharing/{client}/{TYPE}", status=404)[0] == "LICENCE_SHARING_NOT_FOUND"


def test_attack_nobody_is_permitted_under_a_name_that_is_not_registered(admin: Office) -> None:
    """A name that was mistyped waits for whoever registers under it."""
    for name in ("cl_0ff1ce", "CL_OFFICE"):
        code, facts = admin.refusal("PUT", f"/v1/licence-sharing/{name}/{SHARED}", SHARING, status=422)
        assert (code, facts["field"], facts["rule"]) == ("FIELD_UNACCEPTABLE", "client_id", "a system that is registered")
        admin.refusal("GET", f"/v1/licence-sharing/{name}/{SHARED}", status=404)
    # One that waits to be let in, or is kept out now, is registered: what was permitted can still be narrowed and taken back
    desk = idp.service.client_desk(admin.here.house.context)
    office(admin.here, "cl_waiting", "licence.use")
    change_client_status(desk, "cl_waiting", ClientStatus.DISABLED, actor="test")
    admin.call("PUT", f"/v1/licence-sharing/cl_waiting/{TYPE}", SHARING, status=200)
    admin.call("DELETE", f"/v1/licence-sharing/cl_waiting/{TYPE}", status=204)


@pytest.mark.parametrize(
    "body",
    [
        SHARING | {"given_by": "cl_author"},
        SHARING | {"modes": ["own"]},
        SHARING | {"modes": []},
        SHARING | {"modes": ["anyhow"]},
        SHARING | {"modes": ["entrusted"]},
        SHARING | {"rights": ["issue"]},
        SHARING | {"rights": []},
        SHARING | {"reason": "x" * 257},
        {"modes": ["consented"], "rights": ["query"]},
    ],
)
def test_nothing_else_can_be_permitted(admin: Office, body: dict[str, Any]) -> None:
    admin.call("PUT", f"/v1/licence-sharing/cl_other/{TYPE}", body, status=422)
    admin.refusal("GET", f"/v1/licence-sharing/cl_other/{TYPE}", status=404)


def consent(licence: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {"licence": licence["id"], "client": "cl_office", "purpose": WHY} | changes


def test_a_citizen_consents_and_the_office_reads_once(jia: Office, registry: Office, licence: dict[str, Any]) -> None:
    granted = jia.call("POST", "/v1/my/use-consents", consent(licence), status=201)
    assert granted.headers["cache-control"] == "no-store"
    body = {"code": granted.json()["code"], "purpose": WHY}
    used = registry.call("POST", "/v1/licence-use-codes/redeem", body, status=200)
    assert used.headers["cache-control"] == "no-store"
    assert used.json() == {"licence": licence["id"], "mode": "consented", "state": "issued", "data": licence["data"]}
    assert registry.refusal("POST", "/v1/licence-use-codes/redeem", body, status=409)[0] == "USE_CODE_USED"


def test_an_office_acts_by_duty(registry: Office, stranger: Office, licence: dict[str, Any]) -> None:
    order = {"type": SHARED, "holder": {"code_type": "111", "code": JIA[1]}, "purpose": WHY, "officer": OFFICER}
    codes = registry.call("POST", "/v1/licence-use-codes", order, status=201).json()["codes"]
    code = next(each for each in codes if each["licence"] == licence["id"])
    body = {"code": code["code"], "purpose": WHY}
    assert stranger.refusal("POST", "/v1/licence-use-codes", order, status=403)[0] == "LICENCE_SHARING_DENIED"
    assert stranger.refusal("POST", "/v1/licence-use-codes/redeem", body, status=404)[0] == "USE_CODE_UNKNOWN"
    assert registry.call("POST", "/v1/licence-use-codes/redeem", body, status=200).json()["mode"] == "duty"


def test_a_citizen_entrusts_a_neighbour(
    jia: Office, yii: Office, registry: Office, licence: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    until = datetime.now(timezone(timedelta(hours=8))) + timedelta(days=30)
    order = {"agent": {"code_type": "111", "code": YII[1]}, "type": SHARED, "until": until.isoformat(), "reason": "委托办理"}
    for wrong in ("2027-06-01T00:00:00", "9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00"):
        assert jia.refusal("POST", "/v1/my/licence-entrustments", order | {"until": wrong}, status=422)[0] == "FIELD_UNACCEPTABLE"
    for unsaid in ("1795910400", "1795910400.5", "-1", 1795910400, 1.5, None, True):  # seconds since when, or thousandths of them
        assert jia.refusal("POST", "/v1/my/licence-entrustments", order | {"until": unsaid}, status=422)[0] == "REQUEST_INVALID", unsaid
    given = jia.call("POST", "/v1/my/licence-entrustments", order, status=201).json()
    assert jia.call("GET", "/v1/my/licence-entrustments", status=200).json() == {"entrustments": [given], "next_before": None}
    [received] = yii.call("GET", "/v1/my/received-entrustments", status=200).json()["entrustments"]
    assert {name: received[name] for name in given} == given
    assert received["has_more"] is False
    with monkeypatch.context() as patch:
        patch.setattr(find_entrusted_licences, "PAGE_SIZE_MAX", 0)
        [cut] = yii.call("GET", "/v1/my/received-entrustments", status=200).json()["entrustments"]
    assert (cut["licences"], cut["has_more"]) == ([], True)
    shown = next(each for each in received["licences"] if each["id"] == licence["id"])
    assert JIA[1] not in str(received), "masked, as in any list"
    assert JIA[0] not in str(received)
    granted = yii.call("POST", "/v1/my/use-consents", consent(shown), status=201).json()
    assert granted["mode"] == "entrusted"
    seen = jia.call("GET", f"/v1/my/licence-uses?licence={licence['id']}", status=200).json()["uses"]
    assert [(each["action"], each["mode"]) for each in seen][:2] == [("code_granted", "entrusted"), ("queried", "entrusted")]
    path = f"/v1/my/licence-entrustments/{given['id']}"
    assert yii.refusal("DELETE", path, status=404)[0] == "LICENCE_ENTRUSTMENT_NOT_FOUND"
    assert yii.call("GET", "/v1/my/licence-entrustments", status=200).json() == {"entrustments": [], "next_before": None}
    jia.call("DELETE", path, status=204)
    assert yii.call("GET", "/v1/my/received-entrustments", status=200).json() == {"entrustments": [], "next_before": None}
    assert jia.call("GET", "/v1/my/received-entrustments", status=200).json() == {"entrustments": [], "next_before": None}
    body = {"code": granted["code"], "purpose": WHY}
    assert registry.refusal("POST", "/v1/licence-use-codes/redeem", body, status=403)[0] == "USE_CODE_WITHDRAWN"


def test_nobody_consents_for_somebody_else_whatever_he_names(yii: Office, licence: dict[str, Any]) -> None:
    assert yii.refusal("POST", "/v1/my/use-consents", consent(licence), status=404)[0] == "LICENCE_NOT_FOUND"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/my/use-consents", {"licence": "lc_" + "0" * 24, "client": "cl_office", "purpose": WHY, "mode": "duty"}),
        ("/v1/my/use-consents", {"licence": "lc_" + "0" * 24, "client": "cl_office", "purpose": WHY, "expires_at": "2036-01-01T00:00:00Z"}),
        ("/v1/my/use-consents", {"licence": "lc_" + "0" * 24, "client": "cl_office", "purpose": WHY, "granted_by": "person:pe_1"}),
        ("/v1/my/use-consents", {"licence": "lc_1", "client": "cl_office", "purpose": WHY}),
        ("/v1/my/use-consents", {"licence": "lc_" + "0" * 24, "client": "cl_office", "purpose": "x" * 201}),
        (
            "/v1/my/licence-entrustments",
            {
                "agent": {"code_type": "111", "code": YII[1], "level": 4},
                "type": SHARED,
                "until": "2027-06-01T00:00:00Z",
                "reason": WHY,
            },
        ),
    ],
)
def test_nothing_is_set_that_is_not_ones_own_to_set(jia: Office, path: str, body: dict[str, Any]) -> None:
    jia.call("POST", path, body, status=422)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/licence-use-codes", {"type": SHARED, "holder": {"code_type": "111", "code": JIA[1]}, "purpose": WHY}),
        (
            "/v1/licence-use-codes",
            {"type": SHARED, "holder": {"code_type": "111", "code": JIA[1]}, "purpose": WHY, "officer": OFFICER, "client": "cl_stranger"},
        ),
        (
            "/v1/licence-use-codes",
            {"type": SHARED, "holder": {"code_type": "111", "code": JIA[1]}, "purpose": WHY, "officer": OFFICER | {"name": ""}},
        ),
        ("/v1/licence-use-codes/redeem", {"code": "yxu_x", "purpose": WHY, "client": "cl_office"}),
        ("/v1/licence-use-codes/redeem", {"code": "y" * 65, "purpose": WHY}),
        ("/v1/licence-use-codes/redeem", {"code": ["yxu_x"], "purpose": WHY}),
    ],
)
def test_a_system_sets_nothing_that_is_not_its_own_to_set(registry: Office, path: str, body: dict[str, Any]) -> None:
    registry.call("POST", path, body, status=422)


def test_a_system_is_no_holder_and_a_person_is_no_system(clients: Clients, here: Here, licence: dict[str, Any]) -> None:
    system = office(here, "cl_pretender", "licence.own")
    assert system.refusal("POST", "/v1/my/use-consents", consent(licence), status=403)[0] == "LICENCE_HOLDER_UNKNOWN"
    elsewhere = signed_in(clients, "jia", "shop", "licence.read")
    assert elsewhere.refusal("POST", "/v1/my/use-consents", consent(licence), status=403)[0] == "SCOPE_MISSING"


def envelope(system: Office, name: str, data: dict[str, Any], **head: str) -> dict[str, Any]:
    """The answer to a call at the share interface, which needs no header."""
    whole = {"accessId": system.client_id, "accessToken": system.headers["authorization"].removeprefix("Bearer ")} | head
    answer = system.here.http.post(f"/licences/share/{name}", json={"head": whole, "data": data})
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store"), answer.text
    told: dict[str, Any] = answer.json()
    return told


def share(system: Office, name: str, data: dict[str, Any], **head: str) -> tuple[str, Any]:
    """Its return code and data."""
    answer = envelope(system, name, data, **head)
    return answer["head"]["status"], answer["data"]


def test_a_system_asks_at_the_share_interface(jia: Office, registry: Office, licence: dict[str, Any]) -> None:
    by_number = {"certIdentifier": licence["identifier"], "useCause": WHY}
    status, masked = share(registry, "queryCertInfo", by_number)
    assert (status, masked["masked"], masked["CZZT"], masked["CZZTDM"], masked["ZZBS"]) == (
        "0",
        "1",
        "张****",
        "1****X",
        licence["identifier"],
    )
    assert (masked["KZ_class"], "KZ_address" in masked, masked["zzzt"]) == ("甲级", False, "01")
    status, whole = share(registry, "queryCertInfo", by_number | {"operator": OFFICER})
    assert (status, whole["masked"], whole["CZZTDM"], whole["KZ_address"]) == ("0", "0", JIA[1], "示例路1号")
    granted = jia.call("POST", "/v1/my/use-consents", consent(licence), status=201).json()
    assert share(registry, "queryCertInfo", by_number | {"useCode": granted["code"]}) == ("0", whole)
    assert share(registry, "queryCertInfoByQRcode", {"qrcode": granted["code"], "useCause": WHY}) == ("10", None)
    again = jia.call("POST", "/v1/my/use-consents", consent(licence), status=201).json()
    assert share(registry, "queryCertInfoByQRcode", {"qrcode": again["code"], "useCause": WHY}) == ("0", whole)
    of_holder = {"holderCode": JIA[1], "holderTypeCode": "111", "certTypeCode": SHARED, "useCause": WHY}
    status, found = share(registry, "queryCertInfoByHolderCode", of_holder | {"certNo": licence["data"]["number"]})
    assert (status, found) == ("0", [masked])
    assert share(registry, "queryCertInfoByHolderCode", of_holder | {"holderTypeCode": "777"}) == ("103", None)
    assert share(registry, "queryCertInfoByHolderCode", of_holder | {"certTypeCode": TYPE}) == ("100", None)


def test_a_system_has_data_and_files_verified(clerk: Office, registry: Office, licence: dict[str, Any]) -> None:
    data = {"holderCode": JIA[1], "holder": "张三（示例）", "certNo": licence["data"]["number"]}
    asked = {"certTypeCode": SHARED, "certData": data, "useCause": WHY}
    assert share(registry, "verifyCertInfo", asked) == ("0", {"result": "1", "message": "信息正确，证照有效"})
    assert share(registry, "verifyCertInfo", asked | {"certData": data | {"holder": "李四"}})[1]["result"] == "5"
    assert share(registry, "verifyCertInfo", asked | {"certData": data | {"holderCode": "91150700MA0N000018"}})[1]["result"] == "6"
    assert share(registry, "verifyCertInfo", asked | {"certData": {"holderCode": JIA[1], "certNo": "1"}}) == ("111", None)
    content = clerk.call("GET", licence["files"][0]["url"], status=200).content
    file = {"certTypeCode": SHARED, "contentType": "base64", "content": base64.b64encode(content).decode(), "useCause": WHY}
    assert share(registry, "verifyFile", file)[1]["result"] == "1"
    assert share(registry, "verifyFile", file | {"contentType": "hex"}) == ("102", None)
    assert share(registry, "verifyFile", file | {"content": "%%%"}) == ("102", None)


def test_a_system_sees_the_catalogue_of_what_it_may_use(registry: Office, stranger: Office) -> None:
    status, types = share(registry, "queryCatalogue", {"useCause": WHY})
    assert (status, [each["CertificateTypeCode"] for each in types]) == ("0", [SHARED])
    assert (types[0]["useModes"], types[0]["ValidityRange"], types[0]["CertificateHolderCategory"]) == (
        "consented^duty^entrusted",
        "1年^5年^长期",
        "混合",
    )
    assert share(stranger, "queryCatalogue", {"useCause": WHY}) == ("0", [])
    asked = {"certName": "示例许可证", "certTypeCode": SHARED, "useCause": WHY}
    assert {"key": "KZ_class", "name": "等级", "kind": "choice"} in share(registry, "getCertRemarkInfo", asked)[1]
    assert share(registry, "getCertRemarkInfo", asked | {"certName": "别的"}) == ("10", None)
    assert share(stranger, "getCertRemarkInfo", asked) == ("100", None)


def test_nobody_asks_with_a_token_that_is_not_his_or_not_for_this(
    jia: Office, clerk: Office, registry: Office, stranger: Office, licence: dict[str, Any]
) -> None:
    asked = {"certIdentifier": licence["identifier"], "useCause": WHY}
    assert share(stranger, "queryCertInfo", asked) == ("100", None)
    assert share(registry, "queryCertInfo", asked, accessId="cl_stranger") == ("11", None)
    assert share(stranger, "queryCertInfo", asked, accessId="cl_office") == ("11", None)
    assert share(registry, "queryCertInfo", asked, accessToken="a.b.c") == ("11", None)
    assert share(registry, "queryCertInfo", asked, accessToken="x y") == ("11", None)
    for without_the_scope in (clerk, jia):
        assert share(without_the_scope, "queryCertInfo", asked) == ("11", None)


def test_a_token_counts_at_the_share_interface_no_longer_than_elsewhere(here: Here, licence: dict[str, Any]) -> None:
    from idp.actions.change_client_status import change_client_status
    from idp.model.clients import ClientStatus

    gone = office(here, "cl_gone", "licence.use")
    asked = {"certIdentifier": licence["identifier"], "useCause": WHY}
    assert share(gone, "queryCertInfo", asked) == ("100", None)
    change_client_status(idp.service.client_desk(here.house.context), "cl_gone", ClientStatus.DISABLED, actor="test")
    assert share(gone, "queryCertInfo", asked) == ("11", None)


def test_a_call_at_the_share_interface_is_asked_nothing_in_its_address(registry: Office, licence: dict[str, Any]) -> None:
    """It would seem to have been answered."""
    asked = {"certIdentifier": licence["identifier"], "useCause": WHY}
    assert share(registry, "queryCertInfo?at=2020-01-01T00:00:00Z", asked) == ("102", None)
    assert share(registry, "queryCertInfo", asked)[0] != "102"


def test_bodies_at_the_share_interface_are_bounded(registry: Office) -> None:
    answer = registry.here.http.post("/licences/share/queryCertInfo", content=b"x" * (64 * 1024 + 1))
    assert (answer.status_code, answer.json()["code"]) == (413, "BODY_TOO_LARGE")
