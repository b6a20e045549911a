"""Token, seal, verify with the generated, typed client: ``python seal.py INPUT.pdf OUTPUT.pdf``.

YINXIN_URL, YINXIN_CLIENT_ID, YINXIN_CLIENT_SECRET and YINXIN_SEAL_ID say where and as whom. ``make examples`` generates ``yinxin_client``.
"""

from __future__ import annotations

import hashlib
import os
import sys
from io import BytesIO
from pathlib import Path
from typing import TypeVar

import httpx
from yinxin_client import AuthenticatedClient, Client
from yinxin_client.api.sealing import seal_document
from yinxin_client.api.verification import verify_document
from yinxin_client.models import Problem, SealDocumentBody, VerificationAnswer, VerifyDocumentBody
from yinxin_client.types import File

Answer = TypeVar("Answer")


class RefusedError(Exception):
    """The platform refused: ``problem.code`` is stable and has a page of its own in the error catalogue."""

    def __init__(self, problem: Problem | None) -> None:
        super().__init__("no answer" if problem is None else f"{problem.code}: {problem.title}")
        self.problem = problem


def connect(url: str, client_id: str, client_secret: str) -> AuthenticatedClient:
    """A client with an access token of its own. Tokens live minutes: connect again when one is over."""
    answer = httpx.post(f"{url}/oauth2/token", data={"grant_type": "client_credentials"}, auth=(client_id, client_secret))
    answer.raise_for_status()
    return AuthenticatedClient(base_url=url, token=answer.json()["access_token"], timeout=httpx.Timeout(30))


def seal(client: AuthenticatedClient, seal_id: str, document: bytes) -> bytes:
    """The document, sealed. Sent again with the same key it is sealed once, and the answer is the same."""
    body = SealDocumentBody(
        document=File(BytesIO(document), "document.pdf", "application/pdf"),
        placement='{"page": 1, "x_mm": 150, "y_mm": 60}',
        reason="办结 Settled",
    )
    key = hashlib.sha256(document).hexdigest()[:32]
    sealed: bytes = _given(seal_document.sync(seal_id, client=client, body=body, idempotency_key=key), File).payload.read()
    return sealed


def verify(url: str, document: bytes) -> VerificationAnswer:
    """What the platform finds in a file. Anybody may ask, without a token."""
    body = VerifyDocumentBody(document=File(BytesIO(document), "document.pdf", "application/pdf"))
    return _given(verify_document.sync(client=Client(base_url=url), body=body), VerificationAnswer)


def _given(answer: object, kind: type[Answer]) -> Answer:
    if isinstance(answer, kind):
        return answer
    raise RefusedError(answer if isinstance(answer, Problem) else None)


def main() -> int:
    """The verdict as exit status: 0 valid, 1 not."""
    url = os.environ["YINXIN_URL"]
    client = connect(url, os.environ["YINXIN_CLIENT_ID"], os.environ["YINXIN_CLIENT_SECRET"])
    sealed = seal(client, os.environ["YINXIN_SEAL_ID"], Path(sys.argv[1]).read_bytes())
    Path(sys.argv[2]).write_bytes(sealed)
    found = verify(url, sealed)
    print(f"{sys.argv[2]}: {found.verdict}, signatures: {len(found.signatures)}")
    return 0 if found.verdict == "valid" else 1


if __name__ == "__main__":
    sys.exit(main())
