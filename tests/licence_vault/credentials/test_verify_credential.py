"""Credentials judged without a network: by published keys and status lists at hand, in the program and at the terminal."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from crypto.jose import TokenSigner, write_base64url, write_jwk
from crypto.report import Verdict
from crypto.trust_list import TrustList
from crypto.trusted_logs import StatusIssuer
from licence_vault.credentials.check_credential import DemandedBinding
from licence_vault.credentials.lanes import LaneName
from licence_vault.verify_credential import read_issuer_keys, verify_credential
from standards.errors import TrustError
from standards.ietf_status_list import JWT_TYPE, deflate, pack
from tests.licence_vault.credentials.wallets import AT, AUDIENCE, BASE, NONCE, issue, issuers_of, key_of, present
from tests.licence_vault.samples import sample_licence
from yinxin.command_line import app

if TYPE_CHECKING:
    from pathlib import Path

    from typer.testing import Result

LANE = pytest.mark.parametrize("name", LaneName)
STATUS = sample_licence().status
BINDING = DemandedBinding(AUDIENCE, NONCE)


def trust(
    name: LaneName = LaneName.ES256, status: int = 0, *, expires: int = 3600, signer: str = "lister", subject: str = STATUS.list
) -> TrustList:
    """A trust list with one status list at hand."""
    key = key_of(name, "lister")
    signed_by = key_of(name, signer)
    now = int(AT.timestamp())
    lst = write_base64url(deflate(pack(STATUS.index + 1, 2, [(STATUS.index, status)])))
    claims = {"sub": subject, "iat": now - 60, "exp": now + expires, "ttl": 300, "status_list": {"bits": 2, "lst": lst}}
    key_id = StatusIssuer("", (signed_by.signer.public_spki_der,)).verification_keys()
    token = TokenSigner(signed_by.signer, key_id=next(iter(key_id)), token_type=JWT_TYPE).sign(claims).encode()
    issuers = (StatusIssuer("https://licences.example/", (key.signer.public_spki_der,)),)
    return TrustList(anchors=(), status_issuers=issuers, status_tokens=(token,))


def published(name: LaneName = LaneName.ES256) -> bytes:
    return json.dumps({"issuer": BASE, "jwks": {"keys": [write_jwk(key_of(name, "issuer").public)]}}).encode()


@LANE
@pytest.mark.parametrize(
    ("given", "verdict"),
    [
        ({}, Verdict.VALID),
        ({"status": 1}, Verdict.INVALID),
        ({"status": 2}, Verdict.INVALID),
        ({"status": 3}, Verdict.INVALID),
        ({"expires": -1}, Verdict.INDETERMINATE),
        ({"signer": "stranger"}, Verdict.INDETERMINATE),
        ({"subject": STATUS.list + "1"}, Verdict.INDETERMINATE),
    ],
)
@pytest.mark.clause("IETF token-status-list 8.3")
def test_the_status_lists_at_hand_decide(name: LaneName, given: dict[str, Any], verdict: Verdict) -> None:
    checked = verify_credential(present(issue(name), name), trust(name, **given), issuers_of(name), AT, binding=BINDING)
    assert checked.report.verdict is verdict


@LANE
def test_published_keys_are_read_in_both_lanes(name: LaneName) -> None:
    assert read_issuer_keys(published(name)) == issuers_of(name)
    checked = verify_credential(issue(name), TrustList.empty(), read_issuer_keys(published(name)), AT)
    assert checked.report.verdict is Verdict.INDETERMINATE  # without a list nobody knows


@pytest.mark.parametrize(
    "data",
    [b"", b"[]", b"{}", b'{"issuer":1,"jwks":{}}', b'{"issuer":"x"}', b'{"issuer":"x","jwks":[]}', b'{"issuer":"x","jwks":{"keys":1}}'],
)
def test_files_that_are_no_published_keys(data: bytes) -> None:
    with pytest.raises(TrustError, match="CREDENTIAL_KEYS_UNFIT"):
        read_issuer_keys(data)


# ---- at the terminal


def run(folder: Path, text: str, *arguments: str, keys: bytes | None = None, language: str = "C") -> Result:
    (folder / "shown").write_text(text + "\n")
    (folder / "keys.json").write_bytes(published() if keys is None else keys)
    fixed = ["licence", "verify-credential", str(folder / "shown"), "--keys", str(folder / "keys.json"), "--at", AT.isoformat()]
    return CliRunner().invoke(app, [*fixed, *arguments], env={"LC_ALL": language})


def test_a_program_and_a_person_are_told(tmp_path: Path) -> None:
    bound = ("--audience", AUDIENCE, "--nonce", NONCE)
    told = run(tmp_path, present(issue()), *bound, "--json")
    said = json.loads(told.stdout)
    assert (told.exit_code, said["verdict"], said["claims"]["licence_name"]) == (2, "indeterminate", "示例许可证（样本）")
    assert [each["verdict"] for each in said["signatures"]] == ["indeterminate", "valid"]
    shown = run(tmp_path, present(issue()), *bound, language="zh_CN.UTF-8")
    assert "示例许可证（样本）" in shown.stdout
    assert "没有可用的最新状态列表" in shown.stdout
    stolen = run(tmp_path, present(issue(), holder="thief"), *bound)
    assert (stolen.exit_code, "CREDENTIAL_BINDING_BAD" in stolen.stdout) == (1, True)
    assert run(tmp_path, issue(expires_at=AT - timedelta(days=1))).exit_code == 1
    assert run(tmp_path, "x").exit_code == 1
    assert run(tmp_path, "x" * 70_000).exit_code == 1


def test_what_cannot_be_used(tmp_path: Path) -> None:
    assert run(tmp_path, issue(), "--audience", "x").exit_code == 64
    assert run(tmp_path, issue(), "--trust", str(tmp_path / "none")).exit_code == 64
    assert run(tmp_path, issue(), "--keys", str(tmp_path / "none")).exit_code == 64
    refused = run(tmp_path, issue(), keys=b"{}")
    assert refused.exit_code not in {0, 1, 2}
    assert "CREDENTIAL_KEYS_UNFIT" in refused.stderr
