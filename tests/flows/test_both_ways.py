"""The same flow with everything in one process, and with the identity provider and the seal service each on its own: own process, own
folder, own database, own keys, joined only by HTTP. What a caller sees is the same.
"""

from __future__ import annotations

import json
import time
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx
import pytest
from jsonschema import validate  # type: ignore[import-untyped]

from tests.deployments import Server, free_port, make_deployment, take_token, yinxin
from yinxin.demo.document import draw_document
from yinxin.initialise import initialise

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DIRECT = {"YINXIN_SEALS__TWO_PERSON_REVIEW": "false"}  # seals in one step: the flow is about the processes, not the review
SCOPES = ("seal.manage", "seal.use", "seal.read", "audit.read")


@dataclass
class Way:
    """Where the two services are."""

    identity: Server
    seals: Server
    client_id: str
    secret: str

    @property
    def is_apart(self) -> bool:
        return self.identity is not self.seals

    def take(self, **form: str) -> httpx.Response:
        return take_token(self.identity.url, self.client_id, self.secret, resource=self.seals.url, **form)


@pytest.fixture(params=["one process", "each alone"])
def way(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Way]:
    with ExitStack() as stack:
        identity_port, seal_port = free_port(), free_port()
        if request.param == "one process":
            identity = seals = Server(make_deployment(tmp_path / "all"), identity_port, environment=DIRECT)
        else:
            identity = Server(make_deployment(tmp_path / "identity", services=["idp"]), identity_port)
            initialise(tmp_path / "seals", settings={"services": ["seal_service"], "service_urls": [f"idp={identity.url}"]})
            seals = Server(tmp_path / "seals", seal_port, environment=DIRECT)
        scopes = [part for scope in SCOPES for part in ("--scope", scope)]
        made = json.loads(
            yinxin(
                "client",
                "add",
                "--dir",
                str(identity.folder),
                "--name",
                "住建局",
                "--id",
                "housing",
                *scopes,
                "--audience",
                seals.url,
                "--json",
            ).stdout
        )
        stack.enter_context(identity)
        if seals is not identity:
            stack.enter_context(seals)
        yield Way(identity, seals, "housing", made["client_secret"])


def test_from_a_client_to_a_proven_seal(way: Way) -> None:
    # 1. The provider describes itself, and the seal service says where tokens come from
    metadata = httpx.get(way.identity.url + "/.well-known/oauth-authorization-server", timeout=30).json()
    document = httpx.get(way.seals.url + "/openapi.json", timeout=30).json()
    flow = document["components"]["securitySchemes"]["oauth2"]["flows"]["clientCredentials"]
    assert flow["tokenUrl"] == metadata["token_endpoint"] == way.identity.url + "/oauth2/token"
    assert ("/oauth2/token" in document["paths"]) is not way.is_apart
    # 2. A token for the seal service
    token = way.take()
    assert token.status_code == 200, token.text
    with httpx.Client(base_url=way.seals.url, headers={"authorization": "Bearer " + token.json()["access_token"]}, timeout=60) as http:
        # 3. The keys may take a moment to arrive where the services are apart
        deadline = time.monotonic() + 60
        while http.get("/v1/seals").status_code == 503:
            assert way.is_apart
            assert time.monotonic() < deadline
            time.sleep(0.2)
        # 4. A seal, used on a document and on a digest
        seal = http.post("/v1/seals", json={"organisation": "草原试验单位（样例）", "credit_code": "12990000YX0000008K"})
        assert seal.status_code == 201, seal.text
        content = draw_document()
        sealed = http.post(
            f"/v1/seals/{seal.json()['id']}/signatures",
            files={"document": ("d.pdf", content)},
            data={"placement": json.dumps({"page": 1, "x_mm": 150, "y_mm": 60}), "timestamp": "true"},
            headers={"idempotency-key": "one"},
        )
        assert sealed.status_code == 200, sealed.text
        assert sealed.content.startswith(content)
        digest = http.post(f"/v1/seals/{seal.json()['id']}/digest-signatures", json={"digest": "ab" * 32})
        assert digest.status_code == 200, digest.text
        # 5. A stranger verifies it
        report = httpx.post(way.seals.url + "/v1/verifications", files={"document": ("d.pdf", sealed.content)}, timeout=60).json()
        assert (report["verdict"], report["tampered"]) == ("valid", False)
        broken = sealed.content.replace(b"/Type /Page", b"/Type /Pagf", 1)
        assert (
            httpx.post(way.seals.url + "/v1/verifications", files={"document": ("d.pdf", broken)}, timeout=60).json()["verdict"] != "valid"
        )
        # 6. Its record is in the log of the service that sealed it
        entry = sealed.headers["audit-entry"]
        deadline = time.monotonic() + 60
        while (receipt := http.get(f"/v1/audit/entries/{entry}/receipt")).status_code == 409:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        assert json.loads(receipt.json()["entry"])["subject"] == f"seal:{seal.json()['id']}"
        # 7. Answers have the form that the document promises
        shown = http.get(f"/v1/seals/{seal.json()['id']}")
        schema = document["paths"]["/v1/seals/{seal_id}"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
        validate(shown.json(), {**schema, "components": document["components"]})
    for server in {way.identity.url: way.identity, way.seals.url: way.seals}.values():
        assert json.loads(yinxin("audit", "check", "--dir", str(server.folder), "--json").stdout)["ok"]


def test_what_is_refused_is_refused_in_the_same_words(way: Way) -> None:
    url = way.seals.url
    deadline = time.monotonic() + 60
    while httpx.get(url + "/v1/seals", headers={"authorization": "Bearer a.b.c"}, timeout=30).status_code == 503:
        assert time.monotonic() < deadline
        time.sleep(0.2)

    def code(bearer: str | None, path: str = "/v1/seals") -> tuple[int, str]:
        headers = {} if bearer is None else {"authorization": f"Bearer {bearer}"}
        answer = httpx.get(url + path, headers=headers, timeout=30)
        return answer.status_code, answer.json()["code"]

    assert code(None) == (401, "TOKEN_MISSING")
    assert code("a.b.c") == (401, "TOKEN_INVALID")
    assert code(way.take(scope="audit.read").json()["access_token"]) == (403, "SCOPE_MISSING")
    assert code(way.take().json()["access_token"], "/v1/seals/none") in {(404, "SEAL_NOT_FOUND"), (422, "REQUEST_INVALID")}
    elsewhere = take_token(way.identity.url, way.client_id, way.secret, resource="https://elsewhere.example")
    assert (elsewhere.status_code, elsewhere.json()["error"]) == (400, "invalid_target")
    # a token of one deployment is worth nothing at another of the same provider
    yinxin(
        "client",
        "add",
        "--dir",
        str(way.identity.folder),
        "--name",
        "x",
        "--id",
        "other",
        "--scope",
        "seal.read",
        "--audience",
        "urn:elsewhere",
    )
    secret = json.loads(yinxin("client", "rotate-secret", "other", "--dir", str(way.identity.folder), "--json").stdout)["client_secret"]
    foreign = take_token(way.identity.url, "other", secret).json()["access_token"]
    assert code(foreign) == (401, "TOKEN_INVALID")
