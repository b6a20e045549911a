"""The console's pages of everyday work, opened in the name of a client: what they show, what they send, how they tell refusals."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any

import pytest

from seal_service.actions.make_seal import SealRequest, make_seal
from service_kit.admission import Admission
from service_kit.callers import Caller
from tests.deployments import Here, make_deployment, served_here
from tests.seal_service.house import CREDIT_CODE, ORGANISATION
from tests.seal_service.pdf.documents import reportlab_document
from tests.yinxin.console_here import Pages, open_pages, told
from yinxin.console.api_calls import ApiAnswer, ApiCalls, ApiProblem
from yinxin.console.audit_pages import is_proven
from yinxin.console.forms import UPLOAD_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Here]:
    folder = make_deployment(tmp_path_factory.mktemp("work") / "deployment")
    settings = folder / "settings.toml"
    settings.write_text(
        settings.read_text(encoding="utf-8") + '\n[seals]\ntwo_person_review = false\n[outbound]\nnetworks = ["127.0.0.0/8"]\n',
        encoding="utf-8",
    )
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
    assert "No entry is like that" in told(auditor.get("/console/audit?actor=nobody&since=2020-01-01").text)
    exported = auditor.get("/console/audit/entries.csv?action=client.register")
    assert exported.headers["content-disposition"].endswith('"audit.csv"')
    assert "client:cl_auditor" in exported.text
    for _ in range(300):
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
    monkeypatch.setattr("service_kit.log_check.FINDINGS", 1)
    assert "of them are named below" in told(auditor.post("/console/audit/check", status=200).text)


@pytest.fixture(scope="module")
def sealing(here: Here) -> tuple[Pages, str]:
    clerk, owner = open_pages(here, "cl_many", "seal.use", "seal.read"), Caller("cl_owner", "cl_owner", frozenset({"seal.manage"}))
    seal = make_seal(here.house.context, owner, SealRequest(organisation=ORGANISATION, credit_code=CREDIT_CODE, grants=("cl_many",)))
    return clerk, seal.id


def test_many_documents_are_sealed_alike_and_watched(sealing: tuple[Pages, str]) -> None:
    clerk, seal_id = sealing
    path = f"/console/use/{seal_id}/batch"
    place = {"mode": "place", "page": "-1", "x_mm": "100", "y_mm": "100"}
    assert "Choose at least one file" in told(clerk.post(path, place, status=422, files={"documents": ("", b"")}).text)
    one: Any = [("documents", ("a.pdf", reportlab_document())), ("documents", ("b.pdf", reportlab_document()))]
    assert 'value="年检"' in clerk.post(path, place | {"x_mm": "far", "reason": "年检"}, status=422, files=one).text, "kept"
    bad: Any = [*one, ("documents", ("c.txt", b"plain text"))]
    refused = told(clerk.post(path, place, status=422, files=bad).text)
    assert "c.txt" in refused or "DOCUMENT" in refused or "PDF" in refused
    watch = clerk.post(path, place, files=one).headers["location"]
    for _ in range(600):
        progress = clerk.get(f"{watch}/progress.json").json()
        if progress["ended"]:
            break
        time.sleep(0.05)
    assert (progress["ready"], progress["total"], progress["words"]) == (2, 2, "2 of 2 done")
    page = clerk.get(watch).text
    assert page.count("/console/uses/su_") == 2
    assert watch in clerk.get("/console/use").text, "and found again"
    assert clerk.get(f"{watch}/results.zip").content.startswith(b"PK")
    assert clerk.post(watch, status=409, at="/console/use")


def test_forms_with_files_are_admitted_as_uploads_to_the_api_are(sealing: tuple[Pages, str], monkeypatch: pytest.MonkeyPatch) -> None:
    clerk, seal_id = sealing
    made: list[Admission] = []
    take = Admission.take

    def watched(self: Admission, holder: str) -> Any:
        if holder == "person:cl_many" and not made:  # the console's own: the API knows this caller by the client's id
            made.append(self)
        return take(self, holder)

    path, place = f"/console/use/{seal_id}/batch", {"mode": "place", "page": "-1", "x_mm": "far", "y_mm": "100"}
    files: Any = [("documents", ("a.pdf", reportlab_document()))]
    monkeypatch.setattr(Admission, "take", watched)
    assert "FIELD_UNACCEPTABLE" in told(clerk.post(path, place, status=422, files=files).text)
    [uploads] = made
    with take(uploads, "somebody") as other, take(uploads, "person:cl_many") as own:
        other.arrived(UPLOAD_BYTES)
        assert "TOO_BUSY" in told(clerk.post(path, place, status=429, files=files).text)
        assert own.size_bytes == 0
    assert "FIELD_UNACCEPTABLE" in told(clerk.post(path, place, status=422, files=files).text), "what was held is free again"


@pytest.fixture(scope="module")
def developer(here: Here) -> Pages:
    return open_pages(here, "cl_developer", "client.manage", "webhook.manage", "seal.use", "seal.read")


def test_a_client_is_registered_its_secret_shown_once_and_its_first_calls_to_copy(developer: Pages) -> None:
    offered = developer.get("/console/clients/new").text
    assert 'value="seal.use"' in offered
    assert 'value="audit.read"' not in offered, "nobody passes on what he does not hold"
    given = {"name": "不动产登记", "client_id": "cl_land", "scopes": ["seal.use", "seal.read"]}
    made = developer.post("/console/clients/new", given, status=200).text
    (secret,) = re.findall(r'<code id="secret">(\w+[^<]+)</code>', made)
    assert f"curl -u cl_land:{secret}" in made
    assert "/v1/seals/SEAL_ID/signatures" in made
    assert "CLIENT_EXISTS" in told(developer.post("/console/clients/new", given, status=409).text)
    door: dict[str, Any] = {"data": {"grant_type": "client_credentials"}, "auth": ("cl_land", secret)}
    assert developer.here.http.post("/oauth2/token", **door).status_code == 200
    assert (secret in developer.get("/console/clients/cl_land").text, "cl_land" in developer.get("/console/clients").text) == (False, True)
    for _ in range(2):  # pressed twice
        renewed = developer.post("/console/clients/cl_land/secret", {"overlap": "on"}, status=200, at="/console/clients/cl_land")
    assert 'id="secret"' in renewed.text
    assert developer.here.http.post("/oauth2/token", **door).status_code == 200, "the one that is in use"
    for verb, word in (("disable", "The client is disabled"), ("enable", "The client is enabled")):
        assert word in told(developer.follow(developer.post(f"/console/clients/cl_land/{verb}", at="/console/clients/cl_land")).text)


@pytest.mark.usefixtures("auditor")  # registers the client that the address is for
def test_an_endpoint_is_added_changed_and_removed(developer: Pages) -> None:
    mine = {"client": "cl_developer", "active": "on"}
    refused = developer.post("/console/webhooks/new", mine | {"url": "ftp://x.example", "all": "on"}, status=422)
    assert "ftp://x.example" in refused.text
    unknown = developer.post("/console/webhooks/new", {"client": "cl_none", "url": "http://127.0.0.1:9/h", "all": "on"}, status=422)
    assert "WEBHOOK_OWNER_UNKNOWN" in told(unknown.text)
    given = {"client": "cl_auditor", "url": "http://127.0.0.1:9/h", "types": ["seal.used"], "active": "on", "once": "the-same-form"}
    made = developer.post("/console/webhooks/new", given, status=200)
    assert developer.post("/console/webhooks/new", given).headers["location"] == "/console/webhooks", "pressed twice: one address"
    assert "whsec_" in made.text, "shown this once"
    (hook,) = set(re.findall(r"/console/webhooks/(wh_[0-9a-f]{24})/edit", made.text))
    assert "whsec_" not in developer.get(f"/console/webhooks/{hook}").text
    listed = developer.get("/console/webhooks?client=cl_auditor").text
    assert set(re.findall(r'href="/console/webhooks/(wh_[0-9a-f]{24})"', listed)) == {hook}
    assert hook in developer.get("/console/webhooks").text
    assert hook not in developer.get("/console/webhooks?client=cl_developer").text
    changed = {"url": "http://127.0.0.1:9/other", "all": "on", "etag": "*"}
    assert "The address was changed" in told(developer.follow(developer.post(f"/console/webhooks/{hook}/edit", changed)).text)
    at = f"/console/webhooks/{hook}"
    assert "The address was removed" in told(developer.follow(developer.post(f"{at}/remove", at=at)).text)


def test_what_was_sent_is_shown_and_sent_again(here: Here, developer: Pages) -> None:
    from datetime import UTC, datetime

    from sqlalchemy import insert

    from service_kit.row_values import write_time
    from service_kit.tables import webhook_deliveries, webhook_endpoints

    hook, at = "wh_" + "b" * 24, write_time(datetime.now(UTC))
    endpoint = {
        "endpoint_id": hook,
        "owner": "cl_developer",
        "url": "http://127.0.0.1:9/",
        "types": "*",
        "description": "接收方",
        "status": "disabled",
        "created_at": at,
        "changed_at": at,
        "version": 1,
        "secret_sealed": b"x",
    }
    delivery = {
        "delivery_id": "whd_1",
        "endpoint_id": hook,
        "event_id": "ev_1",
        "event_type": "seal.used",
        "body": b'{"seal":"sl_1"}',
        "status": "given-up",
        "attempts": 8,
        "created_at": at,
        "sent_from_at": at,
        "finished_at": at,
        "last_error": "OUTBOUND_UNREACHABLE",
    }
    here.house.context.database.write(
        lambda conn: (conn.execute(insert(webhook_endpoints), endpoint), conn.execute(insert(webhook_deliveries), delivery))
    )
    assert "接收方" in developer.get("/console/webhooks").text
    page = developer.get(f"/console/webhooks/{hook}?status=given-up").text
    assert "/console/deliveries/whd_1" in page
    assert "OUTBOUND_UNREACHABLE" in page
    assert "Nothing was sent" in told(developer.get(f"/console/webhooks/{hook}?status=delivered").text)
    assert "&#34;seal&#34;: &#34;sl_1&#34;" in developer.get("/console/deliveries/whd_1").text
    edit = developer.get(f"/console/webhooks/{hook}/edit").text
    assert 'value="http://127.0.0.1:9/"' in edit
    etag = re.search(r'name="etag" value="([^"]+)"', edit)
    assert etag is not None
    stale = {"url": "http://127.0.0.1:9/", "all": "on", "etag": '"7"'}
    assert "WEBHOOK_CHANGED" in told(developer.post(f"/console/webhooks/{hook}/edit", stale, status=412).text)
    fresh = developer.post(f"/console/webhooks/{hook}/secret", status=200, at=f"/console/webhooks/{hook}").text
    assert "whsec_" in fresh
    assert "The address was removed" in told(
        developer.follow(developer.post(f"/console/webhooks/{hook}/remove", at=f"/console/webhooks/{hook}")).text
    )


@pytest.fixture(scope="module")
def operator(here: Here) -> Pages:
    return open_pages(here, "cl_operator", "system.read", "identity.decide", "licence.report")


def test_an_operator_reads_the_doctor_with_its_remedies(operator: Pages, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "Database" in told(operator.get("/console/system").text)
    monkeypatch.setattr("yinxin.doctor.DAYS_WARNED", {"tsa_days_left": 99_999})
    found = told(operator.get("/console/system").text)
    assert "look at this soon" in found
    assert "yinxin ca renew" in found

    assert "house-sweep" in told(operator.get("/console/system/jobs").text)
    assert "Seal maker" in told(operator.get("/console/system/certificates").text)
    assert "yinxin backup make --dir DIR --out FILE" in told(operator.get("/console/system/backups").text)


def test_federation_and_reporting_are_shown(here: Here, operator: Pages) -> None:

    from datetime import UTC, datetime

    from idp.model.federation import Conflict, ConflictState, Doubt
    from idp.store.federation import insert_conflict

    assert "No upstream is connected" in told(operator.get("/console/federation").text)
    at = datetime.now(UTC)
    people = idp_people(here)
    conflict = Conflict(
        conflict_id="ic_0000000000000001",
        upstream="province",
        subject="s-1",
        doubt=Doubt.NAME_DIFFERS,
        account_id="pe_none",
        kind="person",
        name="张示例",
        id_type="resident_id",
        id_number="11010519491231002X",
        level=3,
        state=ConflictState.OPEN,
        opened_at=at,
        last_at=at,
        tries=2,
    )
    here.house.context.database.write(lambda conn: insert_conflict(conn, people.vault, conflict))
    listed = told(operator.get("/console/federation").text)
    assert "张示例" in listed
    assert "The same number, another name" in listed
    path = "/console/federation/conflicts/ic_0000000000000001"
    shown = told(operator.get(path).text)
    assert "…002X" in shown
    assert "11010519491231002X" not in shown
    assert operator.post(path, {"decision": "link", "account_id": "pe_nobody", "reason": "x"}, status=422)
    decided = operator.follow(operator.post(path, {"decision": "reject", "account_id": "ignored", "reason": "查无此人"}))
    assert "on record" in told(decided.text)
    assert "查无此人" in told(operator.get(path).text)
    assert "No collector is configured" in told(operator.get("/console/reporting").text)


def idp_people(here: Here) -> Any:
    import idp.service

    return idp.service.people_desk(here.house.context)


def canned(monkeypatch: pytest.MonkeyPatch, answers: dict[tuple[str, str], Any]) -> None:
    """Let the API answer some calls with these bodies, or refuse them with these problems."""
    real = ApiCalls.call

    async def call(self: ApiCalls, method: str, path: str, **what: Any) -> ApiAnswer:
        found = answers.get((method, path.partition("?")[0]))
        if found is None:
            return await real(self, method, path, **what)
        if isinstance(found, ApiProblem):
            raise found
        return ApiAnswer(200, found, {})

    monkeypatch.setattr(ApiCalls, "call", call)


def test_reporting_with_a_collector(operator: Pages, monkeypatch: pytest.MonkeyPatch) -> None:
    at = "2026-11-28T09:00:00Z"
    report = {
        "number": 7,
        "key": "k",
        "licence": "lc_1",
        "state": "dead",
        "attempts": 8,
        "last_error": "REGION_UNAVAILABLE",
        "sent_at": None,
    }
    differs = {"size": 9, "repaired": 1, "findings": [{"kind": "missing", "log_index": 3}]}
    answers: dict[tuple[str, str], Any] = {
        ("GET", "/v1/licence-reporting"): {"is_configured": True, "waiting": 2, "dead": 1, "oldest_at": at, "followed": 9},
        ("GET", "/v1/licence-reports"): {"reports": [report | {"taken_at": at}], "next_after": 7},
        ("POST", "/v1/licence-reconciliations"): differs,
        ("POST", "/v1/licence-reports/7/retry"): {},
    }
    canned(monkeypatch, answers)
    shown = operator.get("/console/reporting?state=dead").text
    assert "/console/reporting/7/retry" in shown
    assert "REGION_UNAVAILABLE" in shown
    assert "1 differences" in told(operator.post("/console/reporting", {"repair": "on"}, status=200).text)
    answers["POST", "/v1/licence-reconciliations"] = differs | {"findings": []}
    assert "Both have the same" in told(operator.post("/console/reporting", status=200).text)
    answers["POST", "/v1/licence-reconciliations"] = ApiProblem(503, "REGION_UNAVAILABLE", "not there")
    assert "not there" in told(operator.post("/console/reporting", status=503).text)
    retried = operator.post("/console/reporting/7/retry", {"reason": "x", "replacing": "on"}, at="/console/reporting")
    assert "It will be sent again" in told(operator.follow(retried).text)


def test_where_the_api_refuses_the_page_says_so_and_keeps_what_was_typed(
    operator: Pages, developer: Pages, auditor: Pages, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused, ended = ApiProblem(429, "TOO_BUSY", "come back"), ApiProblem(401, "TOKEN_REVOKED", "over")
    answers: dict[tuple[str, str], Any] = {}
    canned(monkeypatch, answers)
    document = {"document": ("a.pdf", b"%PDF-1.7")}
    report = {"verdict": "invalid", "tampered": True, "signatures": []}
    answers["POST", "/v1/verifications"] = refused
    assert "come back" in told(operator.post("/console/verify", status=429, files=document).text)
    answers["POST", "/v1/verifications"] = report
    answers["POST", "/v1/verifications/changes"] = refused
    assert "Invalid" in told(operator.post("/console/verify", status=200, files=document).text), "the verdict stands without pictures"
    answers["GET", "/v1/audit/entries/e1"] = {
        **dict.fromkeys(("id", "actor", "action", "subject", "writer"), "x"),
        "at": "2026-11-28T09:00:00Z",
        "outcome": "done",
        "facts": {},
        "number": 1,
        "log_index": None,
    }
    answers["GET", "/v1/audit/entries/e1/receipt"] = ApiProblem(409, "LOG_ENTRY_PENDING", "not yet")
    assert "Not in the log yet" in told(auditor.get("/console/audit/e1").text)
    answers["GET", "/v1/audit/entries/e1/receipt"] = refused
    assert auditor.get("/console/audit/e1", 429)
    hook = {"id": "wh_x", "url": "http://127.0.0.1/", "description": "", "types": ["*"], "active": True, "status_reason": None}
    answers["GET", "/v1/webhooks/wh_x"] = hook
    answers["GET", "/v1/webhooks/wh_x/deliveries"] = {"deliveries": [], "next_before": None}
    delivery = {
        **dict.fromkeys(("id", "event_id", "event_type", "body"), "x"),
        "status": "pending",
        "tries": [{"number": 1, "at": "2026-11-28T09:00:00Z", "status": None, "error": "OUTBOUND_REFUSED", "milliseconds": 3}],
    }
    answers["GET", "/v1/webhook-deliveries/d1"] = delivery
    answers["POST", "/v1/webhook-deliveries/d1/resend"] = {}
    assert "It will be sent again" in told(developer.follow(developer.post("/console/deliveries/d1")).text)
    # A sign-in that ended meanwhile begins again, wherever it shows
    answers["POST", "/v1/verifications"] = ended
    leaving = open_pages(operator.here, "cl_leaving", "system.read")
    assert "/console/sign-in" in leaving.post("/console/verify", status=303, files=document).headers["location"]


def test_nothing_but_identifiers_becomes_part_of_a_call_of_the_api(auditor: Pages, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    real = ApiCalls.call

    async def call(self: ApiCalls, method: str, path: str, **what: Any) -> ApiAnswer:
        asked.append(path)
        return await real(self, method, path, **what)

    monkeypatch.setattr(ApiCalls, "call", call)
    for part in ("x%3Fsubject=y", "x%23y", "..", "x%00", "%2e%2e", "a%5Cb", "x%20y", "x;y", "%E5%8D%B0"):
        answer = auditor.here.http.get(
            f"/console/audit/{part}/receipt.json", headers={"cookie": f"yinxin-console={auditor.cookies['yinxin-console']}"}
        )
        assert answer.status_code == 404, part
    assert asked == []
