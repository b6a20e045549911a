"""The console's pages of everyday work, opened in the name of a client: what they show, what they send, how they tell refusals."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any

import pytest

from seal_service.actions.make_seal import SealRequest, make_seal
from service_kit.callers import Caller
from tests.deployments import Here, make_deployment, served_here
from tests.seal_service.house import CREDIT_CODE, ORGANISATION
from tests.seal_service.pdf.documents import reportlab_document
from tests.yinxin.console_here import Pages, open_pages, told
from yinxin.console.audit_pages import is_proven

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Here]:
    folder = make_deployment(tmp_path_factory.mktemp("work") / "deployment")
    settings = folder / "settings.toml"
    settings.write_text(settings.read_text(encoding="utf-8") + "\n[seals]\ntwo_person_review = false\n", encoding="utf-8")
    with served_here(folder) as served:
        yield served


@pytest.fixture(scope="module")
def auditor(here: Here) -> Pages:
    return open_pages(here, "cl_auditor", "audit.read")


def test_the_trail_is_searched_exported_and_proven(auditor: Pages) -> None:
    everything = auditor.get("/console/audit")
    assert "client.register" in told(everything.text)
    found = auditor.get("/console/audit?action=client.register&subject=client:cl_auditor&since=2020-01-01&until=2099-01-01").text
    (entry,) = set(re.findall(r'href="/console/audit/([0-9a-f-]{36})"', found))
    assert "No entry is like that" in told(auditor.get("/console/audit?actor=nobody&since=not-a-day").text)
    exported = auditor.get("/console/audit/entries.csv?action=client.register")
    assert exported.headers["content-disposition"].endswith('"audit.csv"')
    assert "client:cl_auditor" in exported.text
    for _ in range(50):
        shown = told(auditor.get(f"/console/audit/{entry}").text)
        if "Not in the log yet" not in shown:
            break
        time.sleep(0.1)
    assert "Proven: it stands in the signed log" in shown
    receipt = auditor.get(f"/console/audit/{entry}/receipt.json").json()
    assert is_proven(receipt)
    assert not is_proven(receipt | {"entry": receipt["entry"].replace("cl_auditor", "cl_someone")}), "computed, not believed"
    assert not is_proven(receipt | {"verifier_keys": ["nonsense"]})
    assert auditor.get("/console/audit/none", 404)


def test_all_of_the_trail_is_checked_now(auditor: Pages, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "Check now" in told(auditor.get("/console/audit/check").text)
    assert "All of it is whole" in told(auditor.post("/console/audit/check", status=200).text)
    monkeypatch.setattr("service_kit.log_check.hmac_sm3", lambda *_: b"")
    found = told(auditor.post("/console/audit/check", status=200).text)
    assert "findings" in found
    assert "trail" in found


@pytest.fixture(scope="module")
def sealing(here: Here) -> tuple[Pages, str]:
    owner = Caller("cl_owner", "cl_owner", frozenset({"seal.manage"}))
    seal = make_seal(here.house.context, owner, SealRequest(organisation=ORGANISATION, credit_code=CREDIT_CODE, grants=("cl_many",)))
    return open_pages(here, "cl_many", "seal.use", "seal.read"), seal.id


def test_many_documents_are_sealed_alike_and_watched(sealing: tuple[Pages, str]) -> None:
    clerk, seal_id = sealing
    path = f"/console/use/{seal_id}/batch"
    place = {"mode": "place", "page": "-1", "x_mm": "100", "y_mm": "100"}
    assert "Choose at least one file" in told(clerk.post(path, place, status=422, files={"documents": ("", b"")}).text)
    one: Any = [("documents", ("a.pdf", reportlab_document())), ("documents", ("b.pdf", reportlab_document()))]
    assert "FIELD_UNACCEPTABLE" in told(clerk.post(path, place | {"x_mm": "far"}, status=422, files=one).text)
    bad: Any = [*one, ("documents", ("c.txt", b"plain text"))]
    refused = told(clerk.post(path, place, status=422, files=bad).text)
    assert "c.txt" in refused or "DOCUMENT" in refused or "PDF" in refused
    watch = clerk.post(path, place, files=one).headers["location"]
    for _ in range(100):
        progress = clerk.get(f"{watch}/progress.json").json()
        if progress["ended"]:
            break
        time.sleep(0.05)
    assert (progress["ready"], progress["total"], progress["words"]) == (2, 2, "2 of 2 done")
    page = clerk.get(watch).text
    assert page.count("/console/uses/su_") == 2
    assert clerk.get(f"{watch}/results.zip").content.startswith(b"PK")
    assert clerk.post(watch, status=409, at="/console/use")
