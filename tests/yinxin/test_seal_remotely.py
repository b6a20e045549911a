"""``yinxin seal --remote``: what is to be signed goes into a folder, the signatures come from there, and each run goes on from the last."""

from __future__ import annotations

import json
import shutil
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from crypto.certificate_requests import create_request
from crypto.report import Verdict
from crypto.signer import software_signer
from crypto.sm2 import SM2PrivateKey
from crypto.trust_list import read_trust_list
from seal_service.actions.make_seal import SealRequest, make_seal
from seal_service.limits import REMOTE_ORDER_SECONDS
from seal_service.verify import verify_file
from service_kit.callers import Caller
from service_kit.clock import SystemClock
from standards.rfc5280_names import write_name
from tests.flows.served import Deployment, make_deployment
from yinxin import command_line
from yinxin.commands import seal_remotely
from yinxin.commands.seal_files import open_house_of

if TYPE_CHECKING:
    from _pytest.capture import CaptureFixture

    from crypto.signer import Signer


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    return make_deployment(tmp_path_factory.mktemp("seal-remotely") / "deployment")


@pytest.fixture(scope="module")
def owner() -> Signer:
    return software_signer(SM2PrivateKey.generate(), "owner")


@pytest.fixture(scope="module")
def seal_id(deployment: Deployment, owner: Signer) -> str:
    """A seal whose key the deployment does not have."""
    house = open_house_of(deployment.folder)
    try:
        key_request_der = create_request(owner, write_name((("CN", "owner"),)))
        request = SealRequest(organisation="远程签名试验单位（样例）", credit_code="12990000YX0000008K", key_request_der=key_request_der)
        return make_seal(house.context, Caller("cl_test", "cl_test", frozenset({"seal.manage"})), request).id
    finally:
        house.close()


class Desk:
    """One document, its folder of orders, and the command."""

    def __init__(
        self, deployment: Deployment, seal_id: str, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: CaptureFixture[str]
    ) -> None:
        self.deployment, self.seal_id, self.monkeypatch, self.capsys = deployment, seal_id, monkeypatch, capsys
        self.document = Path(shutil.copy(deployment.made["original_pdf"], folder / "notice.pdf"))
        self.orders, self.out = folder / "orders", folder / "sealed.pdf"

    def run(self, *arguments: object) -> tuple[int, dict[str, Any]]:
        """Exit status, and what is said of the document."""
        options: list[object] = [
            "--dir",
            self.deployment.folder,
            "--seal",
            self.seal_id,
            "--out",
            self.out,
            "--remote",
            self.orders,
            "--json",
        ]
        self.monkeypatch.setattr(sys, "argv", ["yinxin", "seal", *map(str, [self.document, *options, *arguments])])
        with pytest.raises(SystemExit) as ended:
            command_line.main()
        assert isinstance(ended.value.code, int)
        text = self.capsys.readouterr().out
        return ended.value.code, json.loads(text)["files"][0] if text.startswith("{") else {}

    def sign(self, owner: Signer, awaits: dict[str, Any]) -> None:
        Path(awaits["signature"]).write_bytes(owner.sign(Path(awaits["to_be_signed"]).read_bytes()))

    def awaited(self, *arguments: object) -> dict[str, Any]:
        status, answer = self.run(*arguments)
        assert status == 0
        found: dict[str, Any] = answer["awaits"]
        return found


@pytest.fixture
def desk(deployment: Deployment, seal_id: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: CaptureFixture[str]) -> Desk:
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    return Desk(deployment, seal_id, tmp_path, monkeypatch, capsys)


def test_two_rounds_and_the_document(desk: Desk, owner: Signer) -> None:
    first = desk.awaited("--page", 1, "--x-mm", 150, "--y-mm", 60)
    place = ("--page", 1, "--x-mm", 150, "--y-mm", 60)
    assert desk.awaited(*place) == first, "asked again before anything was signed, it is the same"
    desk.sign(owner, first)
    second = desk.awaited(*place)
    assert (second["id"], second["round"]) == (first["id"], 2)
    desk.sign(owner, second)
    status, answer = desk.run(*place)
    assert (status, answer["seal_use"]) == (0, first["id"])
    trust = read_trust_list(Path(desk.deployment.made["trust"]).read_bytes())
    assert verify_file(desk.out.read_bytes(), trust, datetime.now(UTC)).verdict is Verdict.VALID
    assert list(desk.orders.iterdir()) == []


def test_a_run_that_died_before_the_document_was_written(desk: Desk, owner: Signer, monkeypatch: pytest.MonkeyPatch) -> None:
    first = desk.awaited("--profile", "pades")
    desk.sign(owner, first)

    def full(*_arguments: object, **_options: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr("service_kit.durable_files.write_durably", full)
        assert desk.run("--profile", "pades")[0] == 64
    assert not desk.out.exists()
    status, answer = desk.run("--profile", "pades")
    assert (status, answer["seal_use"]) == (0, first["id"])
    assert desk.out.exists()


def test_a_wrong_signature_is_said_and_nothing_lost(desk: Desk, owner: Signer) -> None:
    first = desk.awaited("--profile", "pades")
    Path(first["signature"]).write_bytes(bytes(64))
    status, answer = desk.run("--profile", "pades")
    assert (status, answer["error"]["code"]) == (1, "REMOTE_SIGNATURE_BAD")
    desk.sign(owner, first)
    assert desk.run("--profile", "pades")[0] == 0


def test_other_wishes_are_another_order(desk: Desk) -> None:
    first = desk.awaited("--profile", "pades")
    assert desk.awaited("--profile", "ses")["id"] != first["id"]
    (desk.orders / "notice.pdf.order.json").write_text("not JSON")
    assert desk.awaited("--profile", "ses")["round"] == 1


def test_an_order_that_is_over_begins_anew(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    first = desk.awaited("--profile", "pades")
    with monkeypatch.context() as later:
        later.setattr(SystemClock, "now", lambda _self: datetime.now(UTC) + timedelta(seconds=REMOTE_ORDER_SECONDS))
        status, answer = desk.run("--profile", "pades")
    assert (status, answer["error"]["code"]) == (1, "REMOTE_ORDER_OVER")
    assert desk.awaited("--profile", "pades")["id"] != first["id"]


def test_what_is_awaited_is_said_to_a_person(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    options = ["--dir", desk.deployment.folder, "--seal", desk.seal_id, "--out", desk.out, "--remote", desk.orders]
    monkeypatch.setattr(sys, "argv", ["yinxin", "seal", *map(str, [desk.document, *options])])
    with pytest.raises(SystemExit) as ended:
        command_line.main()
    assert ended.value.code == 0
    said = desk.capsys.readouterr().out
    assert f"sign {desk.orders / 'notice.pdf.1.tbs'} with SM2" in said
    assert str(seal_remotely.Desk(desk.orders, "notice.pdf").signature(1)) in said


def test_paths_that_cannot_be_used(desk: Desk) -> None:
    assert desk.run("--batch", "x")[0] == 64
    desk.out = desk.out.parent / "no" / "x.pdf"
    status, answer = desk.run()
    assert (status, answer["error"]["code"]) == (64, "PATH_UNUSABLE")
