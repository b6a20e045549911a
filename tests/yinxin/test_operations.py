"""Health, metrics, documentation, and what becomes of requests that fit nowhere."""

from __future__ import annotations

import errno
import re
from typing import TYPE_CHECKING

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from openapi_spec_validator import OpenAPIV31SpecValidator
from openapi_spec_validator.schemas import schema_v31
from referencing import Registry, Resource
from starlette.routing import Route

from standards.errors import Kind, TrustError
from tests.seal_service.pdf.documents import qpdf_document
from tests.untraced import untraced

if TYPE_CHECKING:
    from tests.deployments import Here


def test_alive_and_ready(here: Here) -> None:
    assert here.http.get("/livez").json() == {"alive": True}
    ready = here.http.get("/readyz")
    assert ready.status_code == 200, ready.text
    checks = {check["name"]: check for check in ready.json()["checks"]}
    assert {"database", "algorithms", "audit", "audit_log", "disk", "clock", "certificates", "revocation_lists", "idp_signing_key"} <= set(
        checks
    )
    assert checks["certificates"]["facts"]["root_days_left"] > 7000
    assert checks["revocation_lists"]["facts"]["issuing_days_left"] > 6


def test_not_ready_when_the_audit_trail_cannot_be_written(here: Here) -> None:
    here.house.context.database.write(
        lambda connection: connection.exec_driver_sql(
            "CREATE TRIGGER full_disk BEFORE INSERT ON kit_audit BEGIN SELECT RAISE(ABORT, 'no'); END"
        )
    )
    ready = here.http.get("/readyz")
    assert ready.status_code == 503
    assert [(check["name"], check["code"]) for check in ready.json()["checks"] if not check["ready"]] == [("audit", "AUDIT_UNAVAILABLE")]
    told = here.http.get("/openapi.json").json()["paths"]["/readyz"]["get"]["responses"]["503"]["content"]
    assert set(told) == {ready.headers["content-type"]}
    assert here.http.get("/livez").status_code == 200, "alive all the same: restarting would mend nothing"


def test_not_ready_when_signing_breaks(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("crypto.sm2.SM2PublicKey.verify", lambda *_, **__: True)
    assert "SELF_TEST_FAILED" in here.http.get("/readyz").text


def test_not_ready_when_the_disk_is_full(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("yinxin.house_checks.FREE_BYTES_MIN", 2**62)
    assert "DISK_ALMOST_FULL" in here.http.get("/readyz").text


def test_a_disk_that_takes_nothing_does_not_stop_verifying(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("service_kit.clock.FLOOR_EVERY_SECONDS", 0.0)
    monkeypatch.setattr("service_kit.clock.write_durably", full)
    answer = here.http.post("/v1/verifications", files={"document": ("a.pdf", qpdf_document())})
    assert (answer.status_code, answer.json()["verdict"]) == (200, "indeterminate")
    assert [(check["name"], check["code"]) for check in here.http.get("/readyz").json()["checks"] if not check["ready"]] == [
        ("clock", "CLOCK_FLOOR_UNSAVED")
    ]


def test_not_ready_when_the_log_stands_still(here: Here) -> None:
    here.house.context.log.stop()  # or its thread would find that all is well
    here.house.context.log.last_error = TrustError(Kind.UNAVAILABLE, "LOG_ROLLED_BACK")
    assert "LOG_ROLLED_BACK" in here.http.get("/readyz").text


def test_readiness_leaves_no_trace_in_the_audit_trail(here: Here) -> None:
    here.http.get("/readyz")
    with here.house.context.database.read() as connection:
        count = connection.exec_driver_sql("SELECT count(*) FROM kit_audit WHERE writer_id = 'readiness'").scalar()
    assert count == 0


def test_metrics(here: Here) -> None:
    here.http.get("/livez")
    answer = here.http.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert 'http_requests_total{method="GET",status="200"}' in answer.text
    told = dict(line.split(" ") for line in answer.text.splitlines() if not line.startswith("#") and "{" not in line)
    assert float(told["database_commits_total"]) > 0
    assert told["clock_held_back_total"] == told["outbox_alarms_total"] == "0"


@pytest.mark.untraced
def test_the_openapi_document_is_valid_and_complete(here: Here) -> None:
    document = here.http.get("/openapi.json").json()
    with untraced():
        meta = dict(schema_v31)
        assert meta["$schema"] == Draft202012Validator.META_SCHEMA["$id"]
        # Not known beforehand, its anchors are looked for anew at each of thousands of references
        known = (Resource.from_contents(meta) @ Registry()).crawl()

        class SpecValidator(OpenAPIV31SpecValidator):
            schema_validator = Draft202012Validator(meta, registry=known)

        SpecValidator(document).validate()
    operations = [(path, method, op) for path, item in document["paths"].items() for method, op in item.items()]
    ids = [op["operationId"] for _, _, op in operations]
    assert len(set(ids)) == len(ids)
    for path, method, op in operations:
        assert op.get("summary"), (path, method)
        assert op.get("tags"), (path, method)
        assert "security" in op, (path, method)
        assert op["tags"][0] in {tag["name"] for tag in document["tags"]}, (path, method)
        assert "HTTPValidationError" not in str(op["responses"])
    routes = {
        route.path_format
        for route in here.application.routes
        if getattr(route, "include_in_schema", True) and hasattr(route, "path_format")
    }
    assert routes <= set(document["paths"])
    assert "/oauth2/token" in document["paths"]
    granted = document["components"]["securitySchemes"]["oauth2"]["flows"]["clientCredentials"]["scopes"]
    assert {scope for _, _, op in operations for rule in op["security"] for scope in rule.get("oauth2", [])} <= set(granted)


@pytest.mark.untraced
def test_every_number_that_is_asked_for_has_bounds(here: Here) -> None:
    """One that no database can hold would be a failure of ours, not of whoever sends it."""
    operations = (
        (f"{method} {path}", operation)
        for path, methods in here.http.get("/openapi.json").json()["paths"].items()
        for method, operation in methods.items()
        if isinstance(operation, dict)
    )
    unbounded = [
        (where, parameter["name"])
        for where, operation in operations
        for parameter in operation.get("parameters", ())
        for each in (parameter["schema"], *parameter["schema"].get("anyOf", ()))
        if each.get("type") == "integer" and not {"minimum", "maximum"} <= each.keys()
    ]
    assert not unbounded


def test_the_plain_reference_fetches_nothing(here: Here) -> None:
    answer = here.http.get("/docs/plain")
    assert "POST /oauth2/token" in answer.text
    for name, kind in (
        ("document", "file"),
        ("placement", "application/json"),
        ("keyword", "string"),
        ("at", "date-time"),
        ("grant_type", ""),
    ):
        assert re.search(rf"<tr><td><code>{name}</code></td><td>(?:required)?</td><td>[^<]*{kind}[^<]*</td><td>", answer.text), name
    assert "<script" not in answer.text
    assert not re.search(r"""(?:src|href)=["'](?:https?:)?//""", answer.text)
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    assert here.http.get("/docs/plain").text == answer.text


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [("GET", "/nope", 404, "ROUTE_UNKNOWN"), ("DELETE", "/livez", 405, "METHOD_NOT_ALLOWED"), ("GET", "/livez/", 404, "ROUTE_UNKNOWN")],
)
def test_what_fits_nowhere_is_a_problem_document(here: Here, method: str, path: str, status: int, code: str) -> None:
    answer = here.http.request(method, path)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"
    if status == 405:
        assert answer.headers["allow"] == "GET, HEAD"


@pytest.mark.untraced
def test_a_method_that_fits_nowhere_is_answered_with_those_that_do(here: Here) -> None:
    """Every path of the house, also those on which several operations stand (RFC 9110 15.5.6)."""
    wanted: dict[str, set[str]] = {}
    for route in here.application.routes:
        if isinstance(route, Route):
            wanted.setdefault(route.path, set()).update(route.methods or ())
    wrong = []
    for path in wanted:
        real = re.sub(r"\{[^}]*\}", "x", path)
        fitting = {
            method for other, found in wanted.items() if re.fullmatch(re.sub(r"\{[^}]*\}", "[^/]+", other), real) for method in found
        }
        answer = here.http.request(next(each for each in ("PATCH", "DELETE", "PUT", "POST", "GET", "TRACE") if each not in fitting), real)
        named = set(answer.headers.get("allow", "").split(", "))
        if answer.status_code != 405 or named != fitting:
            wrong.append((path, answer.status_code, named, fitting))
    assert wrong == []


def test_security_headers_on_everything(here: Here) -> None:
    for path in ("/livez", "/nope", "/oauth2/jwks", "/docs"):
        headers = here.http.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert "content-security-policy" in headers
        assert headers["x-request-id"]


def test_the_audit_trail_can_be_read_and_proven(here: Here) -> None:
    import time

    import idp.service
    from crypto.checkpoints import LogVerifierKey, Receipt, verify_receipt
    from idp.actions.register_client import NewClient, register_client

    _, secret = register_client(
        idp.service.client_desk(here.house.context), NewClient("Auditor", ("audit.read",), client_id="auditor"), actor="test"
    )
    token = here.http.post("/oauth2/token", data={"grant_type": "client_credentials"}, auth=("auditor", secret)).json()["access_token"]
    bearer = {"authorization": f"Bearer {token}"}
    page = here.http.get("/v1/audit/entries?subject=client:auditor&limit=1", headers=bearer).json()
    assert [entry["action"] for entry in page["entries"]] == ["token.issue"]
    older = here.http.get(f"/v1/audit/entries?subject=client:auditor&before={page['next_before']}", headers=bearer).json()
    assert [entry["action"] for entry in older["entries"]] == ["client.register"]
    entry_id = page["entries"][0]["id"]
    assert here.http.get(f"/v1/audit/entries/{entry_id}", headers=bearer).json()["id"] == entry_id
    deadline = time.monotonic() + 60
    while (answer := here.http.get(f"/v1/audit/entries/{entry_id}/receipt", headers=bearer)).status_code == 409:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    receipt = answer.json()
    log = here.house.context.log.tree_named(None).identity
    assert [LogVerifierKey.from_text(key) for key in receipt["verifier_keys"]] == list(log.keys)
    assert verify_receipt(Receipt.from_text(receipt["entry"].encode(), receipt["receipt"].encode()), log).verified is True
    size = int(here.http.get("/v1/audit/checkpoint").text.splitlines()[1])
    assert size > receipt["log_index"]
    assert here.http.get(f"/v1/audit/consistency?older=1&newer={size}").json()["newer"] == size
    assert here.http.get("/v1/audit/entries/none/receipt", headers=bearer).status_code == 404
