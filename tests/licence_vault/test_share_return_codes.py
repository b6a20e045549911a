"""What each call of the share interface answers to what is malformed, unknown, not permitted, or asked twice: the return codes, call by call."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import pytest

from licence_vault.actions.check_sharing import PUBLISHED_TYPE
from licence_vault.api.share_envelope import status_of, write_refusal
from licence_vault.api.share_routes import OPERATIONS
from licence_vault.errors import sealer_missing, sharing_denied
from tests.licence_vault.issuing_here import FACE, ISSUER
from tests.licence_vault.served import Office, office, served_licences
from tests.licence_vault.test_use_routes import ALL, JIA, OFFICER, SHARED, WHY, envelope, issued, share
from tests.licence_vault.type_files import TYPE, type_file

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.deployments import Here

ENDED = SHARED[:-1] + "7"
UNKNOWN = "1.2.156.3005.2.11100000000013338W011.11430000006122244L.20230000403.001.U"
PERSON = {"holderCode": JIA[1], "holderTypeCode": "111"}
OF_TYPE = {"certTypeCode": SHARED}
STATED = {"holderCode": JIA[1], "holder": "张三（示例）", "certNo": "无此编号"}
NO_FILE = base64.b64encode(b"no licence").decode()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Here, Office, Office]]:
    rule = {"modes": ALL["modes"], "shown_masked": ["KZ_class"]}
    types = [type_file(face=FACE), *(type_file(face=FACE, code=code, sharing=rule) for code in (SHARED, ENDED))]
    with served_licences(tmp_path_factory.mktemp("codes") / "d", types, {ISSUER: "cl_clerk"}) as (here, chief):
        system = office(here, "cl_office", "licence.use")
        for code in (SHARED, ENDED):
            chief.call("PUT", f"/v1/licence-sharing/cl_office/{code}", ALL, status=200)
        yield here, system, chief


@pytest.fixture(scope="module")
def registry(served: tuple[Here, Office, Office]) -> Office:
    return served[1]


@pytest.fixture(scope="module")
def stranger(served: tuple[Here, Office, Office]) -> Office:
    return office(served[0], "cl_stranger", "licence.use")


@pytest.fixture(scope="module")
def licence(served: tuple[Here, Office, Office]) -> dict[str, Any]:
    return issued(office(served[0], "cl_clerk", "licence.issue", "licence.read"), JIA[1])


def good(identifier: str) -> dict[str, dict[str, Any]]:
    """A request for each call, all of it in its form."""
    named, of_holder, why = {"certIdentifier": identifier}, {**PERSON, **OF_TYPE}, {"useCause": WHY}
    return {
        "queryCertInfo": {**named, **why},
        "queryCertInfoByHolderCode": {**of_holder, **why},
        "queryCertInfoByQRcode": {"qrcode": "yxu_" + "0" * 43, **why},
        "verifyCertInfo": {**OF_TYPE, "certData": STATED, **why},
        "verifyFile": {**OF_TYPE, "contentType": "base64", "content": NO_FILE, **why},
        "downloadUrl": {**named, "operator": OFFICER, **why},
        "downloadUrlsByHolderCode": {**of_holder, "operator": OFFICER, **why},
        "downloadFile": {"fileType": "pdf", "certificateIdentifier": identifier, "certificateCopyCause": WHY, "operator": OFFICER},
        "queryCatalogue": why,
        "getCertRemarkInfo": {"certName": "示例许可证", **OF_TYPE, **why},
    }


CASES = {
    ("queryCertInfo", "certIdentifier"): {"x": "102", "1.2.3": "102", UNKNOWN[:-1] + "A": "102", "'; --": "102", UNKNOWN: "10"},
    ("queryCertInfo", "useCode"): {"x": "10", "yxu_" + "0" * 43: "10"},
    ("queryCertInfo", "operator"): {"x": "102"},
    ("queryCertInfoByHolderCode", "certTypeCode"): {"x": "113", SHARED.lower(): "113", SHARED + "1": "113", TYPE: "100"},
    ("queryCertInfoByHolderCode", "holderTypeCode"): {"x": "103", "414": "10"},
    ("queryCertInfoByHolderCode", "holderCode"): {"x": "10", "": "110"},
    ("queryCertInfoByHolderCode", "certNo"): {"无此编号": "10"},
    ("queryCertInfoByQRcode", "qrcode"): {
        "x": "102",
        "https://example/v": "102",
        "https://example/v#" + "A" * 51: "10",
        "yxu_" + "0" * 43: "10",
    },
    ("verifyCertInfo", "certTypeCode"): {"x": "113", TYPE: "100"},
    ("verifyCertInfo", "certData"): {"x": "102"},
    ("verifyFile", "certTypeCode"): {"x": "113", TYPE: "100"},
    ("verifyFile", "contentType"): {"hex": "102"},
    ("verifyFile", "content"): {"%": "102", NO_FILE: "0"},
    ("downloadUrl", "certIdentifier"): {"x": "102", UNKNOWN: "10"},
    ("downloadUrl", "fileType"): {"png": "102"},
    ("downloadUrl", "expiryTime"): {"2026": "102", "20200101000000": "102"},
    ("downloadUrlsByHolderCode", "certTypeCode"): {"x": "113", TYPE: "100"},
    ("downloadUrlsByHolderCode", "holderTypeCode"): {"x": "103", "414": "10"},
    ("downloadFile", "certificateIdentifier"): {"x": "102", UNKNOWN: "10"},
    ("downloadFile", "fileType"): {"gif": "102"},
    ("downloadFile", "certificateCopyExpiringTime"): {"x": "102", "20200101000000": "102"},
    ("downloadFile", "certificateCopyCreator"): {"x" * 61: "102"},
    ("getCertRemarkInfo", "certTypeCode"): {"x": "113", TYPE: "100"},
    ("getCertRemarkInfo", "certName"): {"别的": "10"},
}


@pytest.mark.parametrize(("call", "member"), CASES)
def test_what_is_malformed_and_what_is_unknown_have_codes_of_their_own(
    call: str, member: str, registry: Office, licence: dict[str, Any]
) -> None:
    asked = good(licence["identifier"])[call]
    told = {value: share(registry, call, asked | {member: value})[0] for value in CASES[call, member]}
    assert told == CASES[call, member]


@pytest.mark.parametrize("call", [each.name for each in OPERATIONS])
def test_each_call_without_a_member_it_needs_without_permission_and_with_one_more(
    call: str, registry: Office, stranger: Office, licence: dict[str, Any]
) -> None:
    asked = good(licence["identifier"])[call]
    needed = next(each.needed for each in OPERATIONS if each.name == call)
    for member in needed:
        lacking = {"holderCode": "110"}.get(member, "12")
        assert [share(registry, call, asked | {member: value})[0] for value in ("", None)] == [lacking] * 2
        assert share(registry, call, {name: value for name, value in asked.items() if name != member})[0] == lacking
        unfit = {"certTypeCode": "113"}.get(member, "102")
        assert share(registry, call, asked | {member: 7})[0] == unfit
        assert share(registry, call, asked | {member: "x" * 2004})[0] == ("0" if member == "content" else unfit), member
    assert share(registry, call, asked | {"more": "x"})[0] == "102"
    assert share(stranger, call, asked)[0] == {"queryCatalogue": "0", "queryCertInfoByQRcode": "10"}.get(call, "100")
    assert share(registry, call, asked, accessToken="a.b.c")[0] == "11"
    # the same once more is the same question, and gets the same answer
    assert share(registry, call, asked)[0] == share(registry, call, asked)[0] == ("10" if call == "queryCertInfoByQRcode" else "0")


@pytest.mark.parametrize("nothing", ["", None])
@pytest.mark.parametrize(("member", "status"), [("holderCode", "110"), ("holder", "111"), ("certNo", "109")])
def test_what_is_missing_within_is_called_missing_too(member: str, status: str, nothing: str | None, registry: Office) -> None:
    asked = good(UNKNOWN)["verifyCertInfo"]
    assert share(registry, "verifyCertInfo", asked | {"certData": STATED | {member: nothing}})[0] == status


def test_a_type_that_was_retired_is_told_to_whom_it_was_permitted_and_to_nobody_else(served: tuple[Here, Office, Office]) -> None:
    here, system, chief = served
    asked = good(UNKNOWN)["queryCertInfoByHolderCode"] | {"certTypeCode": ENDED}
    assert share(system, "queryCertInfoByHolderCode", asked)[0] == "10"
    chief.call("POST", f"/v1/licence-types/{ENDED}/versions/1/retire", {"reason": "废止"}, status=200, if_match='"3"')
    answer = envelope(system, "queryCertInfoByHolderCode", asked)
    assert answer["head"] == {"status": "13", "message": f"证照类型不存在或未发布 (LICENCE_SHARING_DENIED) {PUBLISHED_TYPE}"}
    for call in ("verifyCertInfo", "verifyFile", "getCertRemarkInfo", "downloadUrlsByHolderCode"):
        assert share(system, call, good(UNKNOWN)[call] | {"certTypeCode": ENDED})[0] == "13"
    assert share(office(here, "cl_other", "licence.use"), "queryCertInfoByHolderCode", asked)[0] == "100"
    assert status_of(sharing_denied(ENDED, "useCode or operator")) == 100


def test_what_the_deployment_has_not_is_an_answer() -> None:
    assert b'"status": "2"' in bytes(write_refusal(sealer_missing()).body)
