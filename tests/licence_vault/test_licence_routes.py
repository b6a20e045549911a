"""Licences over HTTP: what a department's system does, what strangers are told, and that nothing is set that is not the caller's to set."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest
import zxingcpp
from starlette.routing import Route

from crypto.sm3 import sm3
from licence_vault.actions.publish_status_lists import publish_status_lists
from standards.gbt36904_licence_number import SERIAL_CHARACTERS_MIN, write_licence_number
from tests.audit_trail import find_entries
from tests.fakes.sealer import MARK
from tests.licence_vault.faces.designs import picture_of
from tests.licence_vault.issuing_here import FACE, ISSUER, OTHER_ISSUER
from tests.licence_vault.served import Office, office, served_licences
from tests.licence_vault.type_files import TYPE, type_file

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.deployments import Here

ORDER: dict[str, Any] = {
    "type": TYPE,
    "issuer": ISSUER,
    "holders": [{"name": "张三（示例）", "code": "11010519491231002X", "code_type": "111"}],
    "fields": {"KZ_address": "示例路1号"},
    "valid_from": "2026-11-28",
    "valid_to": "2031-11-27",
}


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Here]:
    members = {ISSUER: "cl_clerk", OTHER_ISSUER: "cl_stranger"}
    with served_licences(tmp_path_factory.mktemp("licences") / "d", [type_file(face=FACE)], members) as (served, _):
        yield served


@pytest.fixture(scope="module")
def clerk(here: Here) -> Office:
    return office(here, "cl_clerk", "licence.issue", "licence.read")


@pytest.fixture(scope="module")
def stranger(here: Here) -> Office:
    return office(here, "cl_stranger", "licence.issue", "licence.read")


@pytest.fixture(scope="module")
def licence(clerk: Office) -> dict[str, Any]:
    """One that tests look at and leave as it is."""
    made: dict[str, Any] = clerk.call("POST", "/v1/licences", ORDER, status=201).json()
    return made


def test_a_department_issues_downloads_and_revokes(clerk: Office) -> None:
    issued = clerk.call("POST", "/v1/licences", ORDER | {"forms": ["pdf", "ofd"]}, status=201, idempotency_key="k1")
    again = clerk.call("POST", "/v1/licences", ORDER | {"forms": ["pdf", "ofd"]}, status=201, idempotency_key="k1")
    assert again.json()["id"] == issued.json()["id"]
    shown = clerk.call("GET", issued.headers["location"], status=200)
    assert (shown.json(), shown.headers["etag"]) == (issued.json(), issued.headers["etag"])
    assert shown.json()["state"] == "issued"
    assert shown.json()["data"]["holders"][0]["name"] == "张三（示例）"
    for file in shown.json()["files"]:
        content = clerk.call("GET", file["url"], status=200)
        assert (sm3(content.content).hex(), len(content.content)) == (file["digest"], file["bytes"])
        assert content.headers["content-type"] == f"application/{file['form']}"
        assert content.headers["cache-control"] == "no-store"

    path = issued.headers["location"]
    assert clerk.refusal("POST", f"{path}/revoke", {"reason": "x"}, status=428)[0] == "PRECONDITION_REQUIRED"
    assert clerk.refusal("POST", f"{path}/revoke", {"reason": "x"}, status=412, if_match='"1"')[0] == "LICENCE_CHANGED"
    revoked = _when_logged(clerk, f"{path}/revoke", {"reason": "处罚决定书（样例）"}, issued.headers["etag"], 200)
    assert (revoked.json()["state"], revoked.json()["state_reason"]) == ("revoked", "处罚决定书（样例）")
    events = clerk.call("GET", f"{path}/events", status=200).json()["events"]
    assert [(each["event_name"], each["by"]) for each in events] == [("制证", "cl_clerk"), ("签发", "cl_clerk"), ("吊销", "cl_clerk")]

    # where each stands in the public log, under one commitment: what a department's own books are written from
    leaves = [_leaf_at(clerk, each["log_index"]) for each in events[:2]]
    assert [each["event"] for each in leaves] == ["made", "issued"]
    assert len({each["commitment"] for each in leaves}) == 1


def _leaf_at(clerk: Office, index: int) -> dict[str, Any]:
    """Once it is under a checkpoint, which takes a moment."""
    for _ in range(200):
        answer = clerk.here.http.get(f"/licences/log/entries/{index}")
        if answer.status_code == 200:
            break
        time.sleep(0.05)
    leaf: dict[str, Any] = json.loads(answer.json()["entry"])
    return leaf


def test_a_change_is_the_next_version(clerk: Office) -> None:
    first = clerk.call("POST", "/v1/licences", ORDER, status=201)
    path = first.headers["location"]
    body = {"reason": "迁址", "fields": {"KZ_address": "新址"}, "holders": [{"name": "李四（示例）", "code": "A1", "code_type": "999"}]}
    changed = _when_logged(clerk, f"{path}/change", body, first.headers["etag"], 201).json()
    assert (changed["version"], changed["predecessor"], changed["data"]["number"]) == (
        2,
        first.json()["id"],
        first.json()["data"]["number"],
    )
    assert clerk.call("GET", path, status=200).json()["successor"] == changed["id"]


def _when_logged(clerk: Office, path: str, body: dict[str, Any], etag: str, status: int) -> Any:
    """Once the log has taken in the event before, which takes a moment."""
    for _ in range(200):
        answer = clerk.here.http.post(path, headers=clerk.headers | {"if-match": etag}, json=body)
        if answer.status_code != 503:
            break
        assert answer.json()["code"] == "LICENCE_LOG_PENDING"
        assert answer.headers["retry-after"]
    assert answer.status_code == status, answer.text
    return answer


def test_licences_are_listed_page_by_page(clerk: Office, licence: dict[str, Any]) -> None:
    seen: list[str] = []
    after = ""
    while True:
        page = clerk.call("GET", f"/v1/licences?limit=1&type={TYPE}&after={after}", status=200).json()
        seen += [each["id"] for each in page["licences"]]
        if page["next_after"] is None:
            break
        after = page["next_after"]
    assert licence["id"] in seen
    assert seen == sorted(set(seen))
    found = clerk.call("GET", "/v1/licences?holder_code=11010519491231002X&holder_code_type=111&state=issued", status=200).json()
    assert licence["id"] in [each["id"] for each in found["licences"]]
    assert clerk.refusal("GET", "/v1/licences?holder_code=1", status=422)[0] == "FIELD_UNACCEPTABLE"
    assert clerk.refusal("GET", f"/v1/licences?issuer={OTHER_ISSUER}", status=404)[0] == "LICENCE_ISSUER_NOT_FOUND"
    by_number = {"number": licence["data"]["number"]}
    assert [each["id"] for each in clerk.here.http.get("/v1/licences", params=by_number, headers=clerk.headers).json()["licences"]] == [
        licence["id"]
    ]


def test_the_newest_are_listed_first_where_that_is_asked_for(clerk: Office) -> None:
    made = [clerk.call("POST", "/v1/licences", ORDER, status=201).json()["id"] for _ in range(3)]
    first = clerk.call("GET", "/v1/licences?newest_first=true&limit=2", status=200).json()
    more = clerk.call("GET", f"/v1/licences?newest_first=true&limit=1&after={first['next_after']}", status=200).json()
    assert [each["id"] for each in first["licences"] + more["licences"]] == made[::-1]


def test_strangers_get_the_answer_of_what_does_not_exist(stranger: Office, licence: dict[str, Any], here: Here) -> None:
    """Every operation with a licence in it: the same answer for one of another authority as for none. Those of holders: test_use_routes."""
    routes = [
        each
        for each in here.application.routes
        if isinstance(each, Route) and "{licence_id}" in each.path and each.path.startswith("/v1/") and not each.path.startswith("/v1/my/")
    ]
    bodies: dict[str, dict[str, Any]] = {
        "change": {"fields": {}},
        "replace": {"reason": "x"},
        "extend": {"valid_to": "2031-01-01"},
        "copies": {"made_by": "x"},
    }
    asked = 0
    for route in routes:
        path = route.path
        for method in (route.methods or set()) - {"HEAD"}:
            answers = []
            for licence_id in (licence["id"], "lc_000000000000000000000000"):
                filled = path.replace("{licence_id}", licence_id).replace("{form}", "pdf").replace("{copy_id}", "cp_" + "0" * 24)
                body = None if method == "GET" else {"reason": "x"} | bodies.get(path.rpartition("/")[2], {})
                if path.endswith("/addresses"):
                    body = {"client": None}
                content = {} if body is None else {"json": body}
                answer = here.http.request(method, filled, headers=stranger.headers | {"if-match": "*"}, **content)
                answers.append((answer.status_code, answer.json()["code"], answer.text.replace(licence_id, "ID").split('"request_id"')[0]))
            assert answers[0] == answers[1], path
            # What holders do is not a system's at all, whatever licence it names (test_use_routes.py asks as another person)
            assert answers[0][:2] == ((403, "SCOPE_MISSING") if path.startswith("/v1/my/") else (404, "LICENCE_NOT_FOUND")), path
            asked += 1
    assert asked >= 14
    assert stranger.refusal("POST", "/v1/licences", ORDER, status=404)[0] == "LICENCE_ISSUER_NOT_FOUND"
    assert licence["id"] not in stranger.call("GET", "/v1/licences", status=200).text


@pytest.mark.parametrize("member", ["id", "identifier", "state", "version", "status_index", "made_by", "commitment", "salt", "predecessor"])
def test_nothing_is_set_that_is_not_the_callers_to_set(clerk: Office, member: str) -> None:
    assert clerk.refusal("POST", "/v1/licences", ORDER | {member: "1"}, status=422)[0] == "REQUEST_INVALID"


def test_what_the_type_does_not_allow_is_named_without_its_value(clerk: Office) -> None:
    wrong = json.loads(json.dumps(ORDER))
    wrong["fields"] = {"KZ_address": "示例路1号", "KZ_manager": "秘密的号码"}
    code, facts = clerk.refusal("POST", "/v1/licences", wrong, status=422)
    assert (code, facts["place"], facts["broken"]) == ("LICENCE_CONTENT_UNACCEPTABLE", "KZ_manager", 1)
    assert "秘密" not in json.dumps(facts, ensure_ascii=False)


def test_everything_that_the_type_does_not_allow_is_told_at_once(clerk: Office) -> None:
    holder = {"name": "示例", "code": "12345", "code_type": "001"}
    wrong = ORDER | {"fields": {}, "holders": [holder], "valid_to": "2199-01-01"}
    told = clerk.call("POST", "/v1/licences", wrong, status=422).json()
    places = [each["at"] for each in told["violations"]]
    assert {"KZ_address", "holders[0].code", "valid_to"} <= set(places)
    assert (told["facts"]["place"], told["facts"]["broken"]) == (places[0], len(places))
    assert all(each["told"] and each["rule"] for each in told["violations"])
    row = {name: value for name, value in wrong.items() if name not in {"type", "issuer"}}
    tried = _send(clerk, "/v1/licence-batches/dry-run", json.dumps([row, row]).encode()).json()
    assert (tried["rows"], tried["good"]) == (2, 0)
    assert [(each["number"], each["place"]) for each in tried["problems"]] == [(number, place) for number in (1, 2) for place in places]


def _send(clerk: Office, path: str, content: bytes, **fields: str) -> Any:
    wanted = {"type": TYPE, "issuer": ISSUER, "format": "json"} | fields
    return clerk.here.http.post(path, headers=clerk.headers, data=wanted, files={"file": ("rows", content)})


def test_a_batch_over_http(clerk: Office, stranger: Office, here: Here) -> None:
    good = {name: value for name, value in ORDER.items() if name not in {"type", "issuer"}}
    rows = json.dumps([good, good | {"fields": {}}]).encode()
    tried = _send(clerk, "/v1/licence-batches/dry-run", rows)
    assert tried.json() == {
        "rows": 2,
        "good": 1,
        "problems": [{"number": 2, "code": "LICENCE_CONTENT_UNACCEPTABLE", "place": "KZ_address", "rule": "required", "told": "必填"}],
    }
    keyed = Office(clerk.here, clerk.client_id, clerk.headers | {"idempotency-key": "rows-of-today"})
    opened, again = (_send(keyed, "/v1/licence-batches", rows, forms="ofd") for _ in range(2))
    assert again.json() == opened.json()
    assert _send(keyed, "/v1/licence-batches", rows, forms="pdf").json()["code"] == "IDEMPOTENCY_KEY_REUSED"
    assert (opened.status_code, opened.json()["state"], opened.json()["failed"]) == (201, "ready", 1)
    path = opened.headers["location"]
    for method, place in (("GET", path), ("GET", f"{path}/rows"), ("POST", f"{path}/start"), ("POST", f"{path}/cancel")):
        assert stranger.refusal(method, place, status=404)[0] == "LICENCE_BATCH_NOT_FOUND"
    newest = clerk.call("GET", "/v1/licence-batches?limit=1", status=200).json()
    assert newest == {"batches": [opened.json()], "next_before": None}
    assert clerk.call("GET", f"/v1/licence-batches?before={opened.json()['id']}", status=200).json()["batches"] == []
    assert stranger.call("GET", "/v1/licence-batches", status=200).json()["batches"] == []
    assert clerk.call("POST", f"{path}/start", status=202).json()["state"] == "running"
    job = next(job for part in here.application._composition.parts for job in part.jobs if job.name == "licence-batches")
    while clerk.call("GET", path, status=200).json()["state"] == "running":
        job.run()
    report = clerk.call("GET", f"{path}/rows?limit=1", status=200).json()
    assert (report["rows"][0]["state"], report["next_after"]) == ("issued", 1)
    assert clerk.call("GET", f"{path}/rows?after=1&state=failed", status=200).json()["rows"][0]["code"] == "LICENCE_CONTENT_UNACCEPTABLE"
    assert clerk.call("GET", f"/v1/licences/{report['rows'][0]['licence']}", status=200).json()["files"][0]["form"] == "ofd"
    assert clerk.refusal("POST", f"{path}/cancel", status=409)[0] == "LICENCE_BATCH_STATE_CONFLICT"


@pytest.mark.parametrize("fields", [{"format": "ods"}, {"forms": "doc"}, {"forms": "pdf,pdf"}])
def test_a_batch_says_what_it_is(clerk: Office, fields: dict[str, str]) -> None:
    assert _send(clerk, "/v1/licence-batches", b"[]", **fields).json()["code"] == "FIELD_UNACCEPTABLE"
    headers = clerk.headers | {"content-type": "multipart/form-data; boundary=x"}
    missing = clerk.here.http.post("/v1/licence-batches", headers=headers, content=b"--x--\r\n")
    assert missing.status_code == 422


def test_a_licence_of_elsewhere_is_taken_in(clerk: Office) -> None:
    identifier = write_licence_number(TYPE, "11100000000013338W", "B" * SERIAL_CHARACTERS_MIN, 1)
    body = ORDER | {"transferred_from": identifier, "reason": "迁入"}
    taken = clerk.call("POST", "/v1/licences/transferred-in", body, status=201, idempotency_key="in")
    assert (taken.json()["transferred_from"], taken.json()["predecessor"], taken.json()["state"]) == (identifier, None, "issued")
    again = clerk.call("POST", "/v1/licences/transferred-in", body, status=409)
    assert again.json()["code"] == "LICENCE_TRANSFER_UNFIT"


def test_what_an_ended_licence_said_can_be_erased(clerk: Office) -> None:
    issued = clerk.call("POST", "/v1/licences", ORDER, status=201)
    path = issued.headers["location"]
    ended = _when_logged(clerk, f"{path}/withdraw", {"reason": "x"}, issued.headers["etag"], 200)
    clerk.call("POST", f"{path}/erase", {"reason": "x"}, status=200, if_match=ended.headers["etag"])
    assert clerk.call("GET", path, status=200).json()["data"] is None


def test_the_printed_code_is_verified_for_anybody(clerk: Office, here: Here) -> None:
    issued = clerk.call("POST", "/v1/licences", ORDER, status=201)
    licence, path = issued.json(), issued.headers["location"]
    content = clerk.call("GET", f"{path}/files/pdf", status=200).content
    (scanned,) = zxingcpp.read_barcodes(picture_of(content.rpartition(MARK)[0], 200))

    def ask(text: str, **more: str) -> dict[str, Any]:
        answer = here.http.post("/v1/licence-code-verifications", json={"text": text} | more)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    publish_status_lists(here.house.context)
    good = ask(scanned.text + "\n")
    assert good["verdict"] == "valid"
    assert {each["name"]: each["verdict"] for each in good["questions"]} == dict.fromkeys(("code", "number", "status"), "valid")
    assert (good["says"]["identifier"], good["says"]["holders"]) == (licence["identifier"], ["张三（示例）"])
    assert ask(scanned.text, at="2020-01-01T00:00:00Z")["verdict"] != "valid"
    for text in (scanned.text[:-4] + "AAAA", "https://elsewhere.example/v#AAAA", "x"):
        assert (ask(text)["verdict"], ask(text)["says"]) in {("invalid", None), ("indeterminate", None)}

    _when_logged(clerk, f"{path}/revoke", {"reason": "x"}, issued.headers["etag"], 200)
    for _ in range(100):  # a list is published anew within a second
        publish_status_lists(here.house.context)
        ended = ask(scanned.text)
        if ended["verdict"] == "invalid":
            break
        time.sleep(0.05)
    assert {each["name"]: each["verdict"] for each in ended["questions"]} == {"code": "valid", "number": "valid", "status": "invalid"}
    for body in ({}, {"text": ""}, {"text": "x" * 5000}, {"text": "x", "trust": "me"}):
        assert here.http.post("/v1/licence-code-verifications", json=body).status_code == 422


def test_annotated_copies_over_http(clerk: Office, stranger: Office, licence: dict[str, Any], here: Here) -> None:
    # made, listed, read
    wish = {"form": "ofd", "made_by": "示例窗口", "reason": "办理示例事项"}
    path = f"/v1/licences/{licence['id']}/copies"
    made = clerk.call("POST", path, wish, status=201, idempotency_key="copy-1")
    copy = made.json()
    assert clerk.call("POST", path, wish, status=201, idempotency_key="copy-1").json() == copy
    second = clerk.call("POST", path, wish | {"form": "pdf", "until": "2126-01-01T00:00:00Z"}, status=422)
    assert second.json()["code"] == "FIELD_UNACCEPTABLE"
    clerk.call("POST", path, wish | {"form": "pdf"}, status=201)
    listed = clerk.call("GET", f"{path}?limit=1", status=200).json()
    assert (len(listed["copies"]), listed["next_before"]) == (1, listed["copies"][0]["id"])
    older = clerk.call("GET", f"{path}?before={listed['next_before']}", status=200).json()
    assert older["next_before"] is None
    index = older["copies"][0]["log_index"]
    said = {"made_by": "示例窗口", "reason": "办理示例事项", "client": "cl_clerk", "mode": None, "log_index": index}
    assert older["copies"] == [copy | said]
    assert _leaf_at(clerk, index)["event"] == "annotated"
    file = clerk.call("GET", made.headers["location"], status=200)
    assert (sm3(file.content).hex(), file.headers["content-type"]) == (copy["digest"], "application/ofd")
    assert (copy["url"], file.headers["cache-control"]) == (made.headers["location"], "no-store")
    for member in ("id", "made_at", "state", "mode", "client", "digest"):
        assert clerk.refusal("POST", path, wish | {member: "x"}, status=422)[0] == "REQUEST_INVALID"

    # fetched once: by whoever has the address, or by the one system it is for
    addresses = copy["url"].removesuffix("file") + "addresses"
    open_address = clerk.call("POST", addresses, {"client": None}, status=201).json()
    fetched = here.http.get(open_address["url"])
    assert (fetched.status_code, fetched.content, fetched.headers["cache-control"]) == (200, file.content, "no-store")
    assert here.http.get(open_address["url"]).json()["code"] == "LICENCE_DOWNLOAD_GONE"
    registry, other = office(here, "cl_registry", "licence.use"), office(here, "cl_other", "licence.use")
    bound = clerk.call("POST", addresses, {"client": "cl_registry"}, status=201).json()
    token = bound["url"].rpartition("/")[2]
    assert here.http.get(f"/licences/downloads/{token}").json()["code"] == "LICENCE_DOWNLOAD_GONE"
    assert other.refusal("GET", bound["url"], status=404)[0] == "LICENCE_DOWNLOAD_GONE"
    assert registry.call("GET", bound["url"], status=200).content == file.content
    assert registry.refusal("GET", bound["url"], status=404)[0] == "LICENCE_DOWNLOAD_GONE"
    assert here.http.get("/licences/downloads/short").status_code == 422
    assert stranger.refusal("GET", bound["url"], status=403)[0] == "SCOPE_MISSING"


def test_licences_of_an_older_repository_over_http(clerk: Office, stranger: Office) -> None:
    row = {name: value for name, value in ORDER.items() if name not in {"type", "issuer"}} | {"number": "旧一", "identifier": "1.2.3"}
    taken = _send(clerk, "/v1/imported-licences", json.dumps([row]).encode())
    assert taken.json() == {"rows": 1, "taken_over": 1, "marked": 1, "skipped": 0, "issued_here": 0}
    query = "holder_code=11010519491231002X&holder_code_type=111&limit=1"
    listed = clerk.call("GET", f"/v1/imported-licences?{query}", status=200).json()
    [found] = listed["imported"]
    assert (found["marks"]["number"], found["marks"]["content"], found["marks"]["log"]) == ("invalid", "valid", "absent")
    assert clerk.refusal("GET", "/v1/imported-licences?holder_code=1", status=422)[0] == "FIELD_UNACCEPTABLE"
    path = f"/v1/imported-licences/{found['id']}"
    assert clerk.call("GET", path, status=200).json()["cells"]["number"] == "旧一"
    assert clerk.refusal("GET", f"{path}/file", status=404)[0] == "LICENCE_IMPORT_FILE_NOT_FOUND"
    sent = {"headers": clerk.headers, "files": {"file": ("old.pdf", b"%PDF-1.4 no seal")}}
    assert clerk.here.http.request("PUT", f"{path}/file", **sent).json()["marks"]["seal"] == "absent"
    given = clerk.call("GET", f"{path}/file", status=200)
    assert (given.content, given.headers["content-type"], given.headers["cache-control"]) == (
        b"%PDF-1.4 no seal",
        "application/pdf",
        "no-store",
    )
    for each in (path, f"{path}/file"):
        assert stranger.refusal("GET", each, status=404)[0] == "LICENCE_IMPORT_NOT_FOUND"
    with clerk.here.house.context.database.read() as conn:
        trail = [each.action for each in find_entries(conn, subject=f"licence-import:{found['id']}", limit=5)]
    assert trail[0] == "licence-import.read-file"


@pytest.mark.parametrize(
    "day",
    [
        0,
        1795910400,
        "1795910400",
        "20261128",
        "2026-11-28T00:00:00Z",
        "2026-11-28T00:00:00",
        " 2026-11-28",
        "2026-11-28\n",
        "2026-02-30",
        True,
    ],
)
def test_a_day_is_written_as_one_and_in_no_other_way(clerk: Office, day: object) -> None:
    """A number would count as seconds since 1970, and a time is another day elsewhere: the licence would say days that nobody meant."""
    before = len(clerk.call("GET", "/v1/licences?limit=100", status=200).json()["licences"])
    for name in ("valid_from", "valid_to", "issued_on"):
        assert clerk.refusal("POST", "/v1/licences", ORDER | {name: day}, status=422)[0] == "REQUEST_INVALID"
    assert len(clerk.call("GET", "/v1/licences?limit=100", status=200).json()["licences"]) == before
