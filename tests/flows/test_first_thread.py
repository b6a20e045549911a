"""The first thread through every floor, over real HTTP: token, seal, sealing, verdict, audit trail with proof."""

from __future__ import annotations

import base64
import json
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from crypto.cms import verify_signed_data
from crypto.report import Verdict
from crypto.sm3 import sm3
from crypto.trust_list import Purpose, read_trust_list
from seal_service.api.document_routes import CMS
from seal_service.verify import SES, verify_file
from tests.standards.gbt33190_ofd.archives import pack
from tests.standards.gbt33190_ofd.parts import plain_files

if TYPE_CHECKING:
    from tests.flows.served import Served

ORGANISATION = "草原试验单位（样例）"
CREDIT_CODE = "12990000YX0000008K"
PLACEMENT = json.dumps({"page": 1, "x_mm": 150, "y_mm": 60})


def document(served: Served) -> bytes:
    return Path(served.deployment.made["original_pdf"]).read_bytes()


def seal(client: httpx.Client, content: bytes, seal_id: str, *, key: str | None = None, **fields: str) -> httpx.Response:
    headers = {} if key is None else {"idempotency-key": key}
    return client.post(
        f"/v1/seals/{seal_id}/signatures", files={"document": ("d.pdf", content)}, data={"placement": PLACEMENT, **fields}, headers=headers
    )


def make(client: httpx.Client, **changes: Any) -> httpx.Response:
    return client.post("/v1/seals", json={"organisation": ORGANISATION, "credit_code": CREDIT_CODE, **changes})


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def trust(served: Served) -> Any:
    return read_trust_list(Path(served.deployment.made["trust"]).read_bytes())


def test_an_ofd_document_is_sealed_over_http(served: Served) -> None:
    with served.client() as client:
        seal_id = make(client).json()["id"]
        placement = json.dumps({"places": [{"page": 1, "x_mm": 50, "y_mm": 50}], "seam": {"edge": "right", "pages": "1-2"}, "lock": True})
        sealed = seal(client, pack(plain_files(signatures=None)), seal_id, placement=placement)
        assert sealed.status_code == 200, sealed.text
        assert sealed.headers["content-type"] == "application/ofd"
        assert sealed.headers["content-disposition"].endswith('.ofd"')
        assert client.get(f"/v1/seal-uses/{sealed.headers['seal-use']}/result").headers["content-type"] == "application/ofd"
        verified = served.ask("POST", "/v1/verifications", files={"document": ("d.ofd", sealed.content)}).json()
        assert (verified["verdict"], verified["tampered"]) == ("valid", False)
        assert code(seal(client, sealed.content, seal_id)) == (409, "OFD_LOCKED")
        assert code(seal(client, b"PK\3\4", seal_id))[0] in {400, 422}


def test_from_a_token_to_a_proven_record(served: Served) -> None:
    with served.client() as client:
        made = make(client)
        assert made.status_code == 201, made.text
        seal_id = made.json()["id"]
        assert made.headers["location"] == f"/v1/seals/{seal_id}"
        assert made.json()["certificate"].startswith("-----BEGIN CERTIFICATE-----")
        assert client.get(f"/v1/seals/{seal_id}").headers["etag"] == made.headers["etag"]
        assert seal_id in {found["id"] for found in client.get("/v1/seals").json()["seals"]}
        picture = client.get(f"/v1/seals/{seal_id}/picture.svg")
        assert picture.headers["content-type"] == "image/svg+xml"
        assert picture.text.startswith("<svg")

        content = document(served)
        sealed = seal(client, content, seal_id, reason="办结", location="海拉尔", timestamp="true")
        assert sealed.status_code == 200, sealed.text
        assert sealed.headers["content-type"] == "application/pdf"
        assert sealed.content.startswith(content)

        verified = served.ask("POST", "/v1/verifications", files={"document": ("d.pdf", sealed.content)}, headers={"accept-language": "en"})
        assert verified.status_code == 200, verified.text
        assert (verified.json()["verdict"], verified.json()["tampered"], verified.json()["file"]) == ("valid", False, "d.pdf")

        use = client.get(f"/v1/seal-uses/{sealed.headers['seal-use']}").json()
        assert (use["state"], use["kind"], use["is_timestamped"], use["seal_id"]) == ("done", "document", True, seal_id)
        again = client.get(use["result"])
        assert again.content == sealed.content
        entry = client.get(f"/v1/audit/entries/{sealed.headers['audit-entry']}").json()
        assert (entry["action"], entry["outcome"], entry["subject"]) == ("seal.use", "done", f"seal:{seal_id}")
        receipt = wait_for_receipt(client, sealed.headers["audit-entry"])
        assert sealed.headers["seal-use"] in receipt["entry"]
        assert receipt["checkpoint"]
        assert served.ask("GET", "/v1/audit/checkpoint").text


def wait_for_receipt(client: httpx.Client, entry_id: str) -> dict[str, Any]:
    for _ in range(100):
        answer = client.get(f"/v1/audit/entries/{entry_id}/receipt")
        if answer.status_code == 200:
            return dict(answer.json())
        time.sleep(0.1)
    raise AssertionError(answer.text)


@pytest.mark.parametrize("encoding", ["hex", "base64"])
def test_a_digest_is_sealed_and_verifies(served: Served, encoding: str) -> None:
    content = b"stays with its owner"
    digest = sm3(content).hex() if encoding == "hex" else base64.b64encode(sm3(content)).decode()
    seal_id = served.deployment.made["seal_id"]
    with served.client() as client:
        answer = client.post(f"/v1/seals/{seal_id}/digest-signatures", json={"digest": digest, "timestamp": encoding == "hex"})
        assert answer.status_code == 200, answer.text
        fetched = client.get(f"/v1/seal-uses/{answer.json()['seal_use']}/result")
    cms = base64.b64decode(answer.json()["cms"])
    assert fetched.content == cms
    result = verify_signed_data(
        cms, content_digest=lambda _oid: sm3(content), trust=trust(served), at=datetime.now(UTC), purpose=Purpose.DOCUMENT
    )
    assert result.cryptographically_valid
    assert result.document_intact
    assert result.trusted


@pytest.mark.parametrize(("profile", "member", "media_type"), [("ses", "ses", SES), ("pades+ses", "cms", CMS)])
def test_a_digest_is_sealed_in_the_wished_form(served: Served, profile: str, member: str, media_type: str) -> None:
    order = {"digest": sm3(b"x").hex(), "profile": profile, "property_info": "/ByteRange[0 10 20 30]"}
    with served.client() as client:
        path = f"/v1/seals/{served.deployment.made['seal_id']}/digest-signatures"
        answer = client.post(path, json=order)
        assert answer.status_code == 200, answer.text
        fetched = client.get(f"/v1/seal-uses/{answer.json()['seal_use']}/result")
        assert code(client.post(path, json=order | {"profile": "other"})) == (422, "FIELD_UNACCEPTABLE")
    assert (fetched.content, fetched.headers["content-type"]) == (base64.b64decode(answer.json()[member]), media_type)


def test_the_forged_copy_is_invalid_and_the_original_undecided(served: Served) -> None:
    made = served.deployment.made
    for name, verdict, tampered in (
        ("sealed_pdf", "valid", False),
        ("forged_pdf", "invalid", True),
        ("original_pdf", "indeterminate", None),
    ):
        with Path(made[name]).open("rb") as file:
            answer = served.ask("POST", "/v1/verifications", files={"document": file}).json()
        assert (answer["verdict"], answer["tampered"]) == (verdict, tampered), name


def test_verdicts_speak_the_callers_language_and_as_of_a_time(served: Served) -> None:
    content = Path(served.deployment.made["sealed_pdf"]).read_bytes()

    def verify(language: str, **fields: str) -> httpx.Response:
        return served.ask(
            "POST", "/v1/verifications", files={"document": ("d", content)}, data=fields, headers={"accept-language": language}
        )

    def details(answer: httpx.Response) -> str:
        return "".join(step["detail"] for step in answer.json()["signatures"][0]["steps"])

    assert "signature" in details(verify("en"))
    assert "签名" in details(verify("zh-CN"))
    assert verify("en", at="2001-01-01T00:00:00Z").json()["verdict"] != "valid"
    for at in ("yesterday", "2026-01-01T00:00:00", "0001-01-01T00:00:00+23:59"):
        assert code(verify("en", at=at)) == (422, "FIELD_UNACCEPTABLE")


def test_what_is_no_pdf_is_undecided_and_nothing_sent_is_refused(served: Served) -> None:
    answer = served.ask("POST", "/v1/verifications", files={"document": ("x.ofd", b"PK\x03\x04 what is this")}).json()
    assert (answer["verdict"], answer["tampered"], answer["signatures"]) == ("indeterminate", None, [])
    assert code(served.ask("POST", "/v1/verifications", files={"document": ("x", b"")})) == (422, "DOCUMENT_MISSING")
    assert code(served.ask("POST", "/v1/verifications", json={})) == (422, "MULTIPART_EXPECTED")


def test_the_same_key_gives_the_same_answer_once(served: Served) -> None:
    seal_id, content = served.deployment.made["seal_id"], document(served)
    with served.client() as client:
        first = seal(client, content, seal_id, key="same-key-1")
        again = seal(client, content, seal_id, key="same-key-1")
        assert again.content == first.content
        assert again.headers["seal-use"] == first.headers["seal-use"]
        assert "idempotent-replay" not in first.headers
        assert again.headers["idempotent-replay"] == "true"
        assert code(seal(client, content, seal_id, key="same-key-1", reason="other")) == (422, "IDEMPOTENCY_KEY_REUSED")
        assert code(seal(client, content, seal_id, key=f"sb_{'0' * 24}-1")) == (422, "FIELD_UNACCEPTABLE"), "that of a document of a batch"


def test_sixteen_at_once_with_one_key_are_one_use(served: Served) -> None:
    seal_id, content = served.deployment.made["seal_id"], document(served)
    before = served.deployment.rows("SELECT count(*) FROM seal_uses")[0][0]
    with served.client() as client, ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: seal(client, content, seal_id, key="race-1"), range(16)))
    assert served.deployment.rows("SELECT count(*) FROM seal_uses")[0][0] == before + 1
    assert {answer.status_code for answer in answers} <= {200, 409}
    assert len({answer.content for answer in answers if answer.status_code == 200}) == 1
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} <= {"IDEMPOTENCY_IN_FLIGHT"}


def test_each_tenant_knows_its_own_seals_only(served: Served) -> None:
    """Every object of one tenant against every route, with another tenant's token that carries every scope."""
    other = served.new_client("other tenant", "seal.manage", "seal.use", "seal.read")
    content = document(served)
    with served.client() as owner, served.client(*other) as stranger:
        made = make(owner).json()["id"]
        use = seal(owner, content, made).headers["seal-use"]
        digest = {"digest": sm3(content).hex()}
        attempts = [
            stranger.get(f"/v1/seals/{made}"),
            stranger.get(f"/v1/seals/{made}/picture.svg"),
            stranger.post(f"/v1/seals/{made}/freeze", json={"reason": "x"}),
            stranger.post(f"/v1/seals/{made}/unfreeze", json={"reason": "x"}),
            stranger.post(f"/v1/seals/{made}/revoke", json={"reason": "x"}),
            stranger.put(f"/v1/seals/{made}/grants/{other[0]}", headers={"if-match": "*"}),
            stranger.delete(f"/v1/seals/{made}/grants/{other[0]}", headers={"if-match": "*"}),
            stranger.post(f"/v1/seals/{made}/digest-signatures", json=digest),
            seal(stranger, content, made),
            stranger.get(f"/v1/seal-uses/{use}"),
            stranger.get(f"/v1/seal-uses/{use}/result"),
        ]
        assert {code(answer) for answer in attempts} == {(404, "SEAL_NOT_FOUND"), (404, "SEAL_USE_NOT_FOUND")}
        assert made not in stranger.get("/v1/seals").text
        assert owner.get(f"/v1/seals/{made}").json()["state"] == "active"

        path = f"/v1/seals/{made}/grants/{other[0]}"
        for change in (owner.put, owner.delete):
            assert code(change(path)) == (428, "PRECONDITION_REQUIRED")
            assert code(change(path, headers={"if-match": '"99"'})) == (412, "SEAL_CHANGED")
        given = owner.put(path, headers={"if-match": owner.get(f"/v1/seals/{made}").headers["etag"]})
        assert given.status_code == 204
        assert seal(stranger, content, made).status_code == 200
        assert code(stranger.post(f"/v1/seals/{made}/freeze", json={"reason": "x"})) == (404, "SEAL_NOT_FOUND")
        assert owner.delete(path, headers={"if-match": given.headers["etag"]}).status_code == 204
        assert code(seal(stranger, content, made)) == (404, "SEAL_NOT_FOUND")


def test_every_route_wants_its_scope(served: Served) -> None:
    seal_id = served.deployment.made["seal_id"]
    routes = {
        ("POST", "/v1/seals"): "seal.manage",
        ("POST", f"/v1/seals/{seal_id}/freeze"): "seal.manage",
        ("POST", f"/v1/seals/{seal_id}/unfreeze"): "seal.manage",
        ("POST", f"/v1/seals/{seal_id}/revoke"): "seal.manage",
        ("PUT", f"/v1/seals/{seal_id}/grants/cl"): "seal.manage",
        ("DELETE", f"/v1/seals/{seal_id}/grants/cl"): "seal.manage",
        ("GET", "/v1/seals"): "seal.read",
        ("GET", f"/v1/seals/{seal_id}"): "seal.read",
        ("GET", f"/v1/seals/{seal_id}/picture.svg"): "seal.read",
        ("GET", "/v1/seal-uses/su_" + "0" * 24): "seal.read",
        ("POST", f"/v1/seals/{seal_id}/signatures"): "seal.use",
        ("POST", f"/v1/seals/{seal_id}/digest-signatures"): "seal.use",
        ("GET", "/v1/seal-uses/su_" + "0" * 24 + "/result"): "seal.use",
        ("GET", "/v1/audit/entries"): "audit.read",
    }
    scopes = {"seal.manage", "seal.read", "seal.use", "audit.read"}
    for missing in sorted(scopes):
        with served.client(*served.new_client(f"without {missing}", *(scopes - {missing}))) as client:
            for (method, path), scope in routes.items():
                if scope == missing:
                    assert code(client.request(method, path)) == (403, "SCOPE_MISSING"), (method, path)
    for method, path in routes:
        assert code(served.ask(method, path)) == (401, "TOKEN_MISSING"), (method, path)


@pytest.mark.parametrize("member", ["id", "state", "code", "key_id", "managed_by", "version", "certificate"])
def test_nobody_sets_what_is_not_his_to_set(served: Served, member: str) -> None:
    with served.client() as client:
        assert make(client, **{member: "x"}).status_code == 422
        digest = {"digest": "00" * 32, member: "x"}
        assert code(client.post(f"/v1/seals/{served.deployment.made['seal_id']}/digest-signatures", json=digest)) == (
            422,
            "FIELD_UNACCEPTABLE",
        )
        assert code(seal(client, b"%PDF-", served.deployment.made["seal_id"], **{member: "x"})) == (422, "FIELD_UNKNOWN")
        placement = json.dumps({"page": 1, "x_mm": 1, "y_mm": 1, member: 1})
        assert code(seal(client, b"%PDF-", served.deployment.made["seal_id"], placement=placement)) == (422, "FIELD_UNACCEPTABLE")


@pytest.mark.parametrize(
    ("fields", "answer"),
    [
        ({"placement": "no json"}, (422, "FIELD_UNACCEPTABLE")),
        ({"placement": '{"page": 0, "x_mm": 150}'}, (422, "PLACEMENT_UNCLEAR")),
        ({"placement": '{"page": 7, "x_mm": 150, "y_mm": 60}'}, (422, "PAGE_NOT_FOUND")),
        ({"placement": '{"x_mm": NaN, "y_mm": 60}'}, (422, "FIELD_UNACCEPTABLE")),
        ({"placement": "", "keyword": "x" * 129}, (422, "FIELD_UNACCEPTABLE")),
        ({"placement": "", "keyword": "not there"}, (422, "KEYWORD_NOT_FOUND")),
        ({"reason": "x" * 257}, (422, "FIELD_UNACCEPTABLE")),
        ({"timestamp": "maybe"}, (422, "FIELD_UNACCEPTABLE")),
    ],
)
def test_bad_fields_are_named(served: Served, fields: dict[str, str], answer: tuple[int, str]) -> None:
    with served.client() as client:
        assert code(seal(client, document(served), served.deployment.made["seal_id"], **fields)) == answer


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        (b"no json", (400, "REQUEST_MALFORMED")),
        (b"[" * 10_000, (400, "REQUEST_MALFORMED")),
        (b'"text"', (400, "REQUEST_MALFORMED")),
        (b'{"digest": "' + b"00" * 32 + b'", "digest": "' + b"11" * 32 + b'"}', (422, "MEMBER_REPEATED")),  # which would be signed?
        (('{"digest": "' + "00" * 32 + '"}').encode("utf-16"), (400, "REQUEST_MALFORMED")),
        (b"{}", (422, "FIELD_UNACCEPTABLE")),
        (b'{"digest": "00"}', (422, "DIGEST_UNACCEPTABLE")),
        (b'{"digest": "%s", "digest_algorithm": "SHA-1"}' % (b"00" * 32), (422, "FIELD_UNACCEPTABLE")),
        (b'{"digest": "%s", "timestamp": 1}' % (b"00" * 32), (422, "FIELD_UNACCEPTABLE")),
        (b" " * 70_000, (413, "BODY_TOO_LARGE")),
    ],
)
def test_bad_digest_requests_are_named(served: Served, body: bytes, answer: tuple[int, str]) -> None:
    with served.client() as client:
        assert code(client.post(f"/v1/seals/{served.deployment.made['seal_id']}/digest-signatures", content=body)) == answer


def test_odd_paths_and_methods(served: Served) -> None:
    with served.client() as client:
        assert code(client.post("/v1/seals/sl_x/digest-signatures", json={})) == (404, "SEAL_NOT_FOUND")
        assert client.get(f"/v1/seals/{served.deployment.made['seal_id']}/digest-signatures").status_code == 405
        assert client.get("/v1/seals/sl_x").status_code == 422
        keys = [("idempotency-key", "a"), ("idempotency-key", "b")]
        answer = client.post(
            f"/v1/seals/{served.deployment.made['seal_id']}/digest-signatures",
            json={"digest": "00" * 32},
            headers=httpx.Headers([*client.headers.multi_items(), *keys]),
        )
        assert code(answer) == (422, "FIELD_UNACCEPTABLE")


def test_a_change_meanwhile_is_noticed(served: Served) -> None:
    with served.client() as client:
        made = make(client)
        path = f"/v1/seals/{made.json()['id']}"
        assert code(client.post(path + "/freeze", json={"reason": "x"}, headers={"if-match": '"1"'})) == (412, "SEAL_CHANGED")
        assert code(client.post(path + "/freeze", json={"reason": "x"}, headers={"if-match": "x"})) == (422, "FIELD_UNACCEPTABLE")
        frozen = client.post(path + "/freeze", json={"reason": "x"}, headers={"if-match": made.headers["etag"]})
        assert (frozen.status_code, frozen.json()["state"]) == (200, "frozen")
        assert code(client.post(path + "/freeze", json={"reason": "x"})) == (409, "SEAL_STATE_CONFLICT")
        assert code(client.post(path + "/freeze", json={"reason": ""})) == (422, "REQUEST_INVALID")
        assert client.post(path + "/unfreeze", json={"reason": "x"}, headers={"if-match": "*"}).json()["state"] == "active"


def test_a_revoked_seal_seals_no_more_and_what_it_sealed_before_stays_valid(served: Served) -> None:
    with served.client() as client:
        seal_id = make(client).json()["id"]
        sealed = seal(client, document(served), seal_id, timestamp="true").content
        time.sleep(1.1)  # time-stamps and revocations are dated in whole seconds; in doubt the revocation was first
        assert client.post(f"/v1/seals/{seal_id}/revoke", json={"reason": "dissolved"}).json()["state"] == "cancelled"
        assert code(seal(client, document(served), seal_id)) == (409, "SEAL_NOT_ACTIVE")
        answer = client.post("/v1/verifications", files={"document": ("d", sealed)}).json()
        assert answer["verdict"] == "valid", answer
        assert verify_file(sealed, trust(served), datetime.now(UTC)).verdict is Verdict.VALID


def test_seals_are_listed_in_pages(served: Served) -> None:
    with served.client() as client:
        for _ in range(3):
            make(client)
        seen: list[str] = []
        after = ""
        while True:
            page = client.get("/v1/seals", params={"after": after, "limit": 2}).json()
            seen += [found["id"] for found in page["seals"]]
            after = page["next_after"]
            if after is None:
                break
        assert len(seen) == len(set(seen)) >= 3
        assert seen == sorted(seen)
        assert client.get("/v1/seals", params={"limit": 0}).status_code == 422


def test_the_operations_are_documented(served: Served) -> None:
    paths = served.ask("GET", "/openapi.json").json()["paths"]
    for path, method in (
        ("/v1/seals", "post"),
        ("/v1/seals/{seal_id}/signatures", "post"),
        ("/v1/seals/{seal_id}/digest-signatures", "post"),
        ("/v1/seals/{seal_id}/freeze", "post"),
        ("/v1/verifications", "post"),
        ("/v1/seal-uses/{use_id}/result", "get"),
    ):
        assert paths[path][method]["responses"]["200" if path != "/v1/seals" else "201"]
