"""Which licence a credential is: told where all of it is shown to be good, and as far as its holder discloses it."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from crypto.report import Verdict
from crypto.report_json import write_report
from crypto.signatures import SignatureAlgorithm
from licence_vault.credentials.lanes import LaneName
from licence_vault.model import AskedHolder
from licence_vault.verify_credential import verify_credential
from tests.licence_vault.credentials.test_verify_credential import LANE, published, trust
from tests.licence_vault.credentials.wallets import AT, issue, issuers_of, key_of, present
from tests.licence_vault.samples import sample_licence
from tests.pki import DemoPki, signer_for
from yinxin.command_line import app
from yinxin.file_verdicts import verify_any_file
from yinxin.offline_verifier.trust_bundle import Knowledge, write_bundle

if TYPE_CHECKING:
    from pathlib import Path

    from crypto.trust_list import TrustList


@LANE
def test_which_licence_it_is_is_told_as_far_as_it_is_shown_and_good(name: LaneName) -> None:
    """Nothing is told of what is in doubt, and what was kept back is neither guessed nor called endless."""
    licence, known = sample_licence(valid_to=date(2030, 1, 1)), issuers_of(name)
    whole = issue(name, data=licence)

    def says(text: str, trusted: TrustList | None = None, issuers: Any = None, **asked: Any) -> dict[str, Any] | None:
        report = verify_any_file(text.encode(), trusted or trust(name), AT, issuers=known if issuers is None else issuers, **asked)
        told: dict[str, Any] | None = write_report("", report, "en").get("says")
        return told

    (holder,) = licence.holders
    told = {
        "identifier": licence.identifier,
        "name": licence.name,
        "number": licence.number,
        "holders": [holder.name],
        "issuer": licence.issuer.name,
        "issued_on": licence.issued_on.isoformat(),
        "valid_from": licence.valid_from.isoformat(),
        "valid_to": "2030-01-01",
    }
    assert says(whole) == told
    assert says(present(whole, name)) == told
    # 1. Somebody is asked about: who guesses does not learn who it is
    for code in (holder.code, "another"):
        assert says(whole, holder=AskedHolder(holder.name, code)) == told | {"holders": None}
    # 2. Signature, trust or status in doubt
    assert says(whole, issuers={}) is None
    assert says(whole.replace("~", "A~", 1)) is None
    assert says(whole, trust(name, status=1)) is None
    assert says(whole, trust(name, expires=-1)) is None
    assert says(issue(name, data=licence, signed_by=key_of(name, "stranger"))) is None
    assert says(whole, replace(trust(name), ends_at=AT - timedelta(seconds=1))) is None
    assert says(issue(name, data=sample_licence(valid_to=AT.date() - timedelta(days=1)))) is None
    # 3. Kept back
    assert says(present(whole, name, show=lambda claim: claim == "licence_name")) == {"name": licence.name}
    shown = {"identifier", "licence_name", "licence_number", "issuing_authority", "issued_on", "valid_from"}
    part = {key: value for key, value in told.items() if key not in {"holders", "valid_to"}}
    assert says(present(whole, name, show=lambda claim: claim in shown)) == part
    assert says(present(whole, name, show=lambda claim: claim in {"valid_from", "valid_to", "issuing_authority"})) is None
    without_end = says(issue(name, data=sample_licence(valid_to=None)))
    assert without_end is not None
    assert "valid_to" not in without_end, "a credential cannot show that there is no end"


@pytest.mark.parametrize(
    ("claims", "told"),
    [
        ({"licence_name": "x" * 201}, None),
        ({"licence_name": "x\u202ey"}, None),
        ({"licence_name": ["x"], "identifier": 7, "licence_number": ""}, None),
        ({"licence_name": "x", "issuing_authority": "y", "issued_on": "2026-02-30"}, {"name": "x"}),
        ({"licence_name": "x", "holders": []}, {"name": "x"}),
        ({"licence_name": "x", "holders": [{"name": "y"}, {"code": "z"}]}, {"name": "x"}),
        ({"licence_name": "x", "holders": [{"name": "y"}] * 33}, {"name": "x"}),
        ({"licence_name": "x", "holders": [{"name": "y"}] * 32}, {"name": "x", "holders": ["y"] * 32}),
    ],
)
def test_what_has_not_the_form_of_a_licence_is_not_told(
    claims: dict[str, Any], told: dict[str, Any] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked = verify_credential(issue(), trust(), issuers_of(LaneName.ES256), AT)
    said = replace(checked, claims=claims)
    monkeypatch.setattr("licence_vault.verify_credential.verify_credential", lambda *_: said)
    report = verify_any_file(issue().encode(), trust(), AT)
    assert (report.verdict, write_report("", report, "en").get("says")) == (Verdict.VALID, told)


def test_a_person_at_the_terminal_is_told_which_licence_a_credential_is(tmp_path: Path) -> None:
    known = DemoPki.create(AT).trust_list().joined_with(trust())
    bundle = tmp_path / "bundle.json"
    signers = [signer_for("bundle-issuers", SignatureAlgorithm.SM2_SM3)]
    bundle.write_bytes(write_bundle(Knowledge(known, (json.loads(published()),)), [], signers, name="tests", issued_at=AT))

    def told(show: set[str | None], language: str) -> str:
        (tmp_path / "shown").write_text(present(issue(), show=lambda claim: claim in show))
        fixed = ["verify", str(tmp_path / "shown"), "--trust", str(bundle), "--at", AT.isoformat()]
        return CliRunner().invoke(app, fixed, env={"LC_ALL": language, "COLUMNS": "120"}).stdout

    licence = sample_licence()
    begins = licence.valid_from.isoformat()
    whole = told({"licence_name", "licence_number", "holders", None, "name", "issued_on", "valid_from"}, "zh_CN.UTF-8")
    for line in (f"证照名称: {licence.name}", f"持证主体: {licence.holders[0].name}", f"有效期: {begins} 至 （未出示）"):
        assert line in whole
    part = told({"licence_number"}, "C")
    assert f"Number: {licence.number}" in part
    for word in ("Valid:", "Holder:", "Issued", "None"):
        assert word not in part
