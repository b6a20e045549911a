"""Seals from elsewhere over HTTP and at the command line: handed in by one, approved by another, kept by a third."""

from __future__ import annotations

import io
import json
import sys
from typing import TYPE_CHECKING, Any, cast

import pytest

import idp.service
from crypto.keys import write_private_key
from idp.actions.change_client_status import change_client_status
from idp.model.clients import ClientStatus
from seal_service.ports import CALLER_CHECK
from service_kit.callers import Caller
from tests.deployments import make_deployment, served_here
from tests.pki import DemoPki
from tests.seal_service.test_imports import KEY, certify, made_elsewhere
from tests.yinxin.test_permission_matrix import bearer
from yinxin import command_line

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from _pytest.capture import CaptureFixture

    from seal_service.ports import CallerCheck
    from tests.deployments import Here

WANTED = {"reason": "系统迁移", "custody": "absent", "managers": ["cl_manager"]}


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Here]:
    folder = make_deployment(tmp_path_factory.mktemp("seal-imports") / "deployment")
    with served_here(folder) as served:
        bearer(served, "cl_manager", ("seal.manage",))
        yield served


@pytest.fixture(scope="module")
def pki() -> DemoPki:
    from datetime import UTC, datetime

    return DemoPki.create(datetime.now(UTC), label="elsewhere")


def test_over_http_a_seal_is_handed_in_approved_and_archived(here: Here, pki: DemoPki) -> None:
    applicant = bearer(here, "cl_applicant", ("seal.apply", "seal.read"))
    files = {"seal": ("seal.esl", made_elsewhere(pki, certify(pki)))}
    first = here.http.post(
        "/v1/seal-imports", headers=applicant | {"idempotency-key": "i1"}, files=files, data={"order": json.dumps(WANTED)}
    )
    assert first.status_code == 201, first.text
    told = first.json()
    assert (told["verdict"], told["becomes"], told["code"]) == ("indeterminate", "archived", "15070000000007")
    assert "CERT_NO_ANCHOR" in told["unverified"]
    location = first.headers["location"]
    shown = here.http.get(location, headers=applicant | {"accept-language": "zh-CN"}).json()
    assert shown["application"]["papers"][0]["name"] == "seal.esl"
    assert {step["outcome"] for step in shown["steps"]} == {"pass", "warn", "not-checked"}
    again = here.http.post("/v1/seal-imports", headers=applicant, files=files, data={"order": json.dumps(WANTED)})
    assert (again.status_code, again.json()["code"]) == (409, "SEAL_IMPORT_OPEN")

    reviewer, maker = bearer(here, "cl_reviewer", ("seal.review",)), bearer(here, "cl_maker", ("seal.make",))
    path = f"/v1/seal-applications/{told['application']['id']}"
    assert here.http.post(path + "/approve", headers=reviewer | {"if-match": "*"}, json={"reason": "x"}).status_code == 200
    kept = here.http.post(path + "/make", headers=maker | {"if-match": "*"}).json()
    assert (kept["state"], kept["state_reason"].split()[0]) == ("archived", "KEY_ABSENT")
    taken = here.http.post("/v1/seal-imports", headers=applicant, files=files, data={"order": json.dumps(WANTED)})
    assert (taken.status_code, taken.json()["code"]) == (409, "SEAL_CODE_TAKEN")


REFUSED: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    ({"certificates": ("c", b"x")}, WANTED, "DOCUMENT_MISSING"),
    ({"seal": ("a", b"no seal")}, WANTED, "SES_MALFORMED"),
    ({"seal": ("a", b"no seal")}, {"reason": "x", "custody": "nowhere"}, "FIELD_UNACCEPTABLE"),
    ({"seal": ("a", b"no seal")}, {"reason": "x", "surprise": 1}, "FIELD_UNACCEPTABLE"),
    ({"seal": ("a", b"no seal"), "more": ("b", b"x")}, WANTED, "FIELD_UNKNOWN"),
]


def test_over_http_what_is_no_import_is_refused_by_name(here: Here) -> None:
    headers = bearer(here, "cl_hostile", ("seal.apply",))
    for files, order, code in REFUSED:
        answer = here.http.post("/v1/seal-imports", headers=headers, files=files, data={"order": json.dumps(order)})
        assert (answer.status_code in {400, 422}, answer.json()["code"]) == (True, code)


def run(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    monkeypatch.setattr(sys, "argv", ["yinxin", "seal-import", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        command_line.main()
    assert isinstance(ended.value.code, int)
    return ended.value.code


def test_at_the_command_line(
    here: Here, pki: DemoPki, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    seal, key = tmp_path / "s.esl", tmp_path / "key.der"
    seal.write_bytes(made_elsewhere(pki, certify(pki), es_id="15070000000021"))
    key.write_bytes(write_private_key(KEY))
    common = (seal, "--dir", here.house.context.settings.dir)
    assert run(monkeypatch, *common, "--check", "--manager", "cl_manager") == 0
    assert "without its key" in capsys.readouterr().out
    assert run(monkeypatch, *common, "--reason", "migration", "--manager", "cl_manager", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["verdict"], told["application"][:3], told["custody"]) == ("indeterminate", "sa_", "absent")
    assert run(monkeypatch, *common, "--reason", "again", "--manager", "cl_manager") == 1
    assert "SEAL_IMPORT_OPEN" in capsys.readouterr().err
    monkeypatch.setattr("sys.stdin", io.StringIO("secret\n"))
    assert run(monkeypatch, *common, "--check", "--key", key, "--password-stdin", "--json") == 64
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "SEAL_IMPORT_KEY_REFUSED"
    seal.write_bytes(made_elsewhere(pki, certify(pki), es_id="15070000000022"))
    assert run(monkeypatch, *common, "--reason", "x", "--manager", "cl_manager") == 0
    assert "applied for: sa_" in capsys.readouterr().out


def test_what_is_done_later_for_a_client_asks_whether_it_still_may(here: Here) -> None:
    """The link that batches ask, as the composition fills it."""
    stands = cast("CallerCheck", here.house.context.links[CALLER_CHECK])
    bearer(here, "cl_of_a_batch", ("seal.use",))
    assert stands(Caller("cl_of_a_batch", "cl_of_a_batch", frozenset())) is True
    assert stands(Caller("cl_of_a_batch", "somebody", frozenset())) is False, "a person whom nobody knows"
    change_client_status(idp.service.client_desk(here.house.context), "cl_of_a_batch", ClientStatus.DISABLED, actor="operator:test")
    assert stands(Caller("cl_of_a_batch", "cl_of_a_batch", frozenset())) is False
    assert stands(Caller("cl_unknown", "cl_unknown", frozenset())) is False
