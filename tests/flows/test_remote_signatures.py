"""Two phases over HTTP with a key that the server never has, through the death of the server between the rounds."""

from __future__ import annotations

import base64
import io
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from crypto.certificate_requests import create_request
from crypto.report import Verdict
from crypto.signer import software_signer
from crypto.sm2 import SM2PrivateKey
from seal_service.verify import verify_file
from standards.rfc5280_names import write_name
from standards.rfc7468_pem import write_pem
from tests.flows.test_first_thread import code, document, make, trust

if TYPE_CHECKING:
    from tests.flows.served import Deployment


def test_prepared_signed_elsewhere_and_finished(deployment: Deployment) -> None:
    owner = software_signer(SM2PrivateKey.generate(), "owner")
    request = write_pem("CERTIFICATE REQUEST", create_request(owner, write_name((("CN", "owner"),)))).decode("ascii")

    def signed(awaited: dict[str, Any]) -> dict[str, Any]:
        value = owner.sign(base64.b64decode(awaited["to_be_signed"]))
        return {"round": awaited["round"], "signature": base64.b64encode(value).decode()}

    with deployment.serve(beside=True, YINXIN_FAIL_AT="remote-signature.first-round") as dying, dying.client() as client:
        assert code(make(client, certificate_request="no PEM")) == (422, "SEAL_KEY_REQUEST_REFUSED")
        made = make(client, certificate_request=request)
        assert made.status_code == 201, made.text
        orders = f"/v1/seals/{made.json()['id']}/remote-signatures"
        original = document(dying)
        files = {"document": ("notice.pdf", io.BytesIO(original))}
        first = client.post(
            orders, files=files, data={"placement": '{"page": 1, "x_mm": 150, "y_mm": 60}'}, headers={"idempotency-key": "k"}
        )
        assert (first.status_code, first.json()["round"]) == (201, 1), first.text
        path = first.headers["location"]
        assert code(client.post(f"/v1/seals/{made.json()['id']}/signatures", files={"document": original})) == (409, "SEAL_KEY_ELSEWHERE")
        for wrong in ("no base64!", base64.b64encode(bytes(64)).decode()):
            assert code(client.post(path, json={"round": 1, "signature": wrong})) == (422, "REMOTE_SIGNATURE_BAD")
        answer_to_first = signed(first.json())
        with pytest.raises(httpx.TransportError):
            client.post(path, json=answer_to_first)
        assert dying.process.wait(30) == -9

    with deployment.serve(beside=True) as served, served.client() as client:
        again = client.post(
            orders,
            files={"document": ("notice.pdf", io.BytesIO(original))},
            data={"placement": '{"page": 1, "x_mm": 150, "y_mm": 60}'},
            headers={"idempotency-key": "k"},
        )
        assert (again.json()["id"], again.json()["round"], again.headers["idempotent-replay"]) == (first.json()["id"], 2, "true")
        assert code(client.post(path, json=signed(first.json()))) == (409, "REMOTE_ROUND_CONFLICT")  # SM2 gives another value each time
        second = client.post(path, json=answer_to_first)  # whose answer was lost
        assert (second.status_code, second.json()) == (202, client.get(path).json())
        finished = client.post(path, json=signed(second.json()))
        assert finished.status_code == 200, finished.text
        assert verify_file(finished.content, trust(served), datetime.now(UTC)).verdict is Verdict.VALID
        assert client.post(path, json=signed(second.json())).headers["idempotent-replay"] == "true"
        assert code(client.delete(path))[0] == 409
        given_up = client.post(orders, files={"document": original}).headers["location"]
        assert client.delete(given_up).status_code == 204
        assert code(client.get(given_up)) == (409, "REMOTE_ORDER_OVER")
        with served.client(*served.new_client("stranger", "seal.use")) as stranger:
            assert code(stranger.get(path)) == (404, "SEAL_USE_NOT_FOUND")
            assert code(stranger.delete(path)) == (404, "SEAL_USE_NOT_FOUND")
