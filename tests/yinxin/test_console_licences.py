"""Licences at the console: a form from the type's items, the steps of a life, a file of rows tried before it is issued, types, uses, verifying."""

from __future__ import annotations

import asyncio
import json
import re
import time
from html import unescape
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from licence_vault.credentials.issuance_messages import GRANT_TYPE, TOKEN_PATH
from service_kit.rule_texts import rule_in
from standards.errors import TrustError
from tests.licence_vault.issuing_here import FACE, ISSUER
from tests.licence_vault.served import served_licences
from tests.licence_vault.type_files import TYPE, type_file
from tests.yinxin import console_here
from tests.yinxin.console_here import Pages, open_pages, told
from yinxin.console.forms import ConsoleForm
from yinxin.console.licence_batch_pages import report_file, template_columns
from yinxin.console.licence_forms import change_of, first_values, order_of, read_values

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.deployments import Here

GIVEN = console_here.GIVEN | {"valid_from": "2026-11-28", "valid_to": "2031-11-27"}


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Here]:
    with served_licences(tmp_path_factory.mktemp("licences") / "d", [type_file(face=FACE)], {ISSUER: "cl_officer"}) as (served, _):
        yield served


@pytest.fixture(scope="module")
def officer(here: Here) -> Pages:
    return open_pages(here, "cl_officer", "licence.issue", "licence.read", "licence.credential")


def issued(officer: Pages) -> str:
    return str(officer.post(f"/console/licences/new?type={TYPE}", GIVEN).headers["location"])


def test_a_licence_is_issued_by_a_form_made_from_its_type(officer: Pages) -> None:
    assert TYPE in officer.get("/console/licences/new").text
    path = f"/console/licences/new?type={TYPE}"
    assert 'name="field.KZ_address"' in officer.get(path).text
    more = officer.post(path, GIVEN | {"add_holder": "1"}, status=200).text
    assert more.count('name="holder_name"') == 2
    assert "张三（示例）" in more, "what was typed is kept"
    for end in ({"valid_to": ""}, {"open_ended": "on"}):
        unclear = officer.post(path, GIVEN | end, status=422).text
        assert "FIELD_UNACCEPTABLE" in unclear, "neither for ever by an oversight nor both"
    refused = officer.post(path, GIVEN | {"holder_code": "110105194912310021"}, status=422).text
    assert "110105194912310021" in refused
    assert "holders[0].code: a resident identity number" in told(refused), "which field, and what is wrong with it"
    location = issued(officer)
    page = told(officer.get(location).text)
    for words in ("The licence is issued", "in force", "张三（示例）", "示例路1号", "2026-11-28 – 2031-11-27"):
        assert words in page
    assert officer.get(f"{location}/files/pdf").content.startswith(b"%PDF-")
    later = issued(officer)
    listed = officer.get("/console/licences").text
    assert listed.index(later) < listed.index(location), "the newest stands first"
    found = officer.get("/console/licences?holder_code=11010519491231002X&state=issued").text
    assert location in found
    assert location not in officer.get("/console/licences?number=none").text
    uses = told(officer.get(f"{location}/uses").text)
    assert [uses.count(words) for words in (" downloaded – – given", " read by its authority – – given")] == [1, 1], (
        "his own looks alone, once each"
    )


def test_a_holders_wallet_is_offered_credentials(officer: Pages) -> None:
    location = issued(officer)
    refused = officer.post(f"{location}/wallet", {}, status=422, at=location)
    assert "FIELD_UNACCEPTABLE" in told(refused.text) or "lanes" in refused.text
    page = officer.post(f"{location}/wallet", {"lanes": ["es256", "sm2"], "tx_code": "on"}, status=200, at=location).text
    assert 'src="data:image/svg+xml,' in page
    uri = unescape(re.search(r'href="(openid-credential-offer:[^"]+)"', page)[1])  # type: ignore[index]
    offer = json.loads(dict(parse_qsl(urlsplit(uri).query))["credential_offer"])
    (grant,) = offer["grants"].values()
    digits = re.search(r"<strong>(\d{6})</strong>", page)[1]  # type: ignore[index]
    redeem = {"grant_type": GRANT_TYPE, "pre-authorized_code": grant["pre-authorized_code"]}
    ask = officer.here.http.post
    assert ask(TOKEN_PATH, data=redeem | {"tx_code": f"{(int(digits) + 1) % 10**6:06}"}).status_code == 400, "the digits count"
    assert ask(TOKEN_PATH, data=redeem | {"tx_code": digits}).json()["access_token"]
    assert ask(TOKEN_PATH, data=redeem | {"tx_code": digits}).status_code == 400, "once"
    reader = open_pages(officer.here, "cl_looks", "licence.read")
    assert "/wallet" not in reader.get("/console/licences").text
    reader.post(f"{location}/wallet", {"lanes": ["es256"]}, status=403, at="/console/licences")


def test_the_steps_of_its_life(officer: Pages, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("yinxin.console.licence_pages.WAIT_SECONDS", 0.02)
    monkeypatch.setattr("yinxin.console.licence_pages.WAITS", 500)
    location = issued(officer)
    for verb, state in (
        ("suspend", "suspended"),
        ("resume", "in force"),
        ("annual-fail", "annual check failed"),
        ("annual-pass", "in force"),
    ):
        answer = officer.post(f"{location}/steps/{verb}", {"reason": "样例"}, at=location)
        assert state in told(officer.follow(answer).text)
    assert officer.post(f"{location}/steps/resume", {"reason": "x"}, status=409, at=location)
    assert officer.get(f"{location}/steps/suspend", 303)
    unclear = officer.post(f"{location}/steps/extend", {"reason": "x", "valid_to": ""}, status=422)
    assert "FIELD_UNACCEPTABLE" in unclear.text
    longer = officer.post(f"{location}/steps/extend", {"reason": "延续", "open_ended": "on"}).headers["location"]
    assert "No end" in told(officer.get(longer).text)
    change = f"{longer}/steps/change"
    assert 'value="示例路1号"' in officer.get(change).text
    assert officer.post(change, GIVEN | {"add_holder": "1"}, status=200).text.count('name="holder_name"') == 2
    changed = officer.post(change, GIVEN | {"field.KZ_address": "示例路2号", "reason": "迁址"}).headers["location"]
    page = officer.get(changed).text
    assert "示例路2号" in page
    assert longer in page, "the version before"
    assert officer.post(change, GIVEN | {"reason": "again"}, status=409)
    again = officer.post(f"{changed}/steps/replace", {"reason": "换发"}).headers["location"]
    assert "revoked" in told(officer.follow(officer.post(f"{again}/steps/revoke", {"reason": "处罚"}, at=again)).text)
    erased = told(officer.follow(officer.post(f"{again}/steps/erase", {"reason": "到期删除"}, at=again)).text)
    assert "was erased" in erased
    assert "示例路2号" not in erased
    assert officer.get(f"{again}/steps/change", 303)


def test_a_licence_of_another_authority_is_taken_in(officer: Pages, monkeypatch: pytest.MonkeyPatch) -> None:
    """The form of a new licence, with the identifier of the one that was transferred out; what is refused keeps what was typed."""
    from yinxin.console.api_calls import ApiAnswer, ApiCalls, ApiProblem

    monkeypatch.setattr("yinxin.console.licence_pages.WAIT_SECONDS", 0.0)
    path = f"/console/licences/new?type={TYPE}"
    foreign = "1.2.156.3005.2.11150700MB1234562Q901.11150700MB1234562Q.AAAAAAAAAAAAAAAAAAAA.001.Z"
    arrival = {"transferred_from": foreign, "reason": "迁入"}
    refused = officer.post(path, GIVEN | arrival, status=400).text
    assert "LICENCE_NUMBER_CHECK" in refused
    assert foreign in refused
    assert foreign in officer.post(path, GIVEN | arrival | {"add_holder": "1"}, status=200).text
    location = issued(officer)
    sent: list[tuple[str, Any]] = []
    real = ApiCalls.post

    async def post(self: Any, called: str, **what: Any) -> ApiAnswer:
        if not called.startswith("/v1/licences"):
            return await real(self, called, **what)
        sent.append((called, what))
        if len(sent) == 1:
            raise ApiProblem(503, "LICENCE_LOG_PENDING", "not yet")
        return ApiAnswer(201, {"id": location.rpartition("/")[2]}, {})

    monkeypatch.setattr(ApiCalls, "post", post)
    assert officer.post(path, GIVEN | arrival).headers["location"].startswith(location)
    (first, order), (again, same) = sent
    assert first == again == "/v1/licences/transferred-in"
    assert order == same, "the same request under the same key"
    assert {name: order["json"][name] for name in arrival} == arrival


def test_the_template_of_a_type_asks_for_all_that_a_row_needs() -> None:
    usual = ["holder_name", "holder_code", "holder_code_type", "valid_from", "valid_to"]
    definition = type_file(numbering="")
    keys = [item["key"] for item in definition["items"]]
    assert template_columns(definition) == [*usual, "number", *keys], "the authority brings its own numbers"
    assert template_columns(definition | {"numbering": "示字{serial:4}号"}) == [*usual, *keys]
    assert template_columns(None) == usual


def test_a_file_of_rows_is_tried_before_it_is_issued(officer: Pages) -> None:
    template = officer.get(f"/console/licence-batches/template.csv?type={TYPE}").text.strip("\ufeff\r\n")
    assert template.startswith("holder_name,holder_code,holder_code_type,valid_from,valid_to,")
    heading = "holder_name,holder_code,holder_code_type,valid_from,valid_to,KZ_address\r\n"
    good = "李四,11010519491231002X,111,2026-11-28,2031-11-27,示例路3号\r\n"
    given = {"type": TYPE, "issuer": ISSUER, "forms": "pdf"}

    def send(rows: str, status: int, **more: str) -> Any:
        files = {"file": ("rows.csv", (heading + rows).encode())}
        return officer.post("/console/licence-batches", given | more, status=status, files=files)

    assert officer.post("/console/licence-batches", given, status=422, files={"file": ("", b"")})
    assert "All 1 rows are good" in told(send(good, 200, **{"try": "1"}).text)
    bad = told(send(good + good.replace("11010519491231002X", "1"), 200).text)
    assert "2 rows, 1 of them can be issued" in bad, "with a row that is wrong nothing is begun"
    assert "LICENCE_ROW_FILE" in told(officer.post("/console/licence-batches", given, status=422, files={"file": ("r.json", b"{")}).text)
    watch = send(good, 303, once="of-this-form").headers["location"]
    twice = send(good, 303, once="of-this-form")
    assert twice.headers["location"] == "/console/licence-batches", "pressed twice, begun once"
    assert "nothing was begun again" in told(officer.follow(twice).text), "the first one may have been refused"
    assert len(set(re.findall(r'"/console/licence-batches/(\w+)"', officer.get("/console/licence-batches").text))) == 1
    for _ in range(200):
        progress = officer.get(f"{watch}/progress.json").json()
        if progress["ended"]:
            break
        time.sleep(0.05)
    assert (progress["ready"], progress["total"]) == (1, 1)
    (licence,) = set(re.findall(r"/console/licences/(lc_[0-9a-f]{24})", officer.get(watch).text))
    assert watch in officer.get("/console/licence-batches").text, "and found again"
    assert officer.get(f"{watch}/report.csv").text == f"\ufeffRow,State,Licence,Problem,Where,Rule\r\n1,issued,{licence},,,\r\n"
    chinese = officer.get(f"{watch}/report.csv", language="zh").text
    assert chinese == f"\ufeff行,状态,证照,问题,位置,规则\r\n1,已颁发,{licence},,,\r\n"
    assert officer.post(watch, status=409, at="/console/licence-batches")


def test_the_report_of_a_batch_says_what_is_wrong_in_the_language_of_its_reader(officer: Pages, monkeypatch: pytest.MonkeyPatch) -> None:
    from yinxin.console.api_calls import ApiAnswer, ApiCalls

    async def get(self: Any, path: str, **_: Any) -> ApiAnswer:
        rule = "at most 60 characters"
        told = rule_in(self.language, rule)
        row = {"number": 7, "state": "failed", "licence": None, "code": "LICENCE_CONTENT_UNACCEPTABLE", "place": "valid_to", "rule": rule}
        return ApiAnswer(200, {"rows": [row | {"told": told}], "next_after": None}, {})

    monkeypatch.setattr(ApiCalls, "get", get)
    at = "/console/licence-batches/lb_1/report.csv"
    assert officer.get(at).text.splitlines()[1] == "7,failed,,LICENCE_CONTENT_UNACCEPTABLE,valid_to,at most 60 characters"
    chinese = officer.get(at, language="zh").text.splitlines()[1]
    assert chinese == "7,失败,,LICENCE_CONTENT_UNACCEPTABLE,有效期截止日期,最多 60 个字符"


def test_types_go_from_a_draft_to_being_published_by_somebody_else(here: Here) -> None:
    author = open_pages(here, "cl_writer", "licence.define", "licence.read")
    chief = open_pages(here, "cl_head", "licence.review", "licence.read")
    assert "published" in told(author.get("/console/licence-types").text)
    offered = author.get("/console/licence-types/new").text
    (starter,) = set(re.findall(r'name="starter" value="(\w+905)"', offered))
    assert author.post("/console/licence-types/new", status=400, files={"file": ("t.json", b"no json")})
    twice = author.post("/console/licence-types/new", status=422, files={"file": ("t.json", b'{"format":1,"format":1}')})
    assert "MEMBER_REPEATED" in twice.text
    take = {"starter": starter, "once": "of-this-form"}
    made = author.post("/console/licence-types/new", take).headers["location"]
    assert author.post("/console/licence-types/new", take).headers["location"] == "/console/licence-types", "pressed twice, one draft"
    assert "nothing was taken again" in told(author.get("/console/licence-types").text)
    page = author.get(made).text
    assert "Hand in for review" in page
    assert "Publish" not in told(page)
    author.post(f"{made}/steps/submit", at=made)
    published = chief.follow(chief.post(f"{made}/steps/publish", {"reason": ""}, at=made))
    assert "published" in told(published.text)
    assert author.get(f"{made}/file.json").json()["code"] == starter
    assert chief.post(f"{made}/steps/dance", at=made)


def test_who_acts_for_no_authority_is_told_so(here: Here) -> None:
    nobody = open_pages(here, "cl_nobody", "licence.issue", "licence.read")
    for path in ("/console/licences", "/console/licences/new", "/console/licence-batches"):
        assert "You do not act for any authority" in told(nobody.get(path).text)


def test_files_are_verified_with_pictures_of_what_was_changed(officer: Pages, monkeypatch: pytest.MonkeyPatch) -> None:
    assert officer.post("/console/verify", status=422, files={"document": ("", b"")})
    plain = told(officer.post("/console/verify", {"at": "2026-01-01"}, status=200, files={"document": ("a.txt", b"text")}).text)
    assert "Indeterminate" in plain
    from yinxin.console.api_calls import ApiAnswer, ApiCalls

    real = ApiCalls.post
    step = {"code": "PDF_PAGE_CHANGED", "outcome": "fail", "clause": "", "detail": "page"}
    changes = {"pages_before": 1, "pages_after": 1, "steps": [step], "pages": [{"page": 1, "before": "AA", "after": "AA", "mask": None}]}
    report = {"verdict": "invalid", "tampered": True, "signatures": []}

    async def post(self: Any, path: str, **what: Any) -> ApiAnswer:
        made = {"/v1/verifications": report, "/v1/verifications/changes": changes}.get(path)
        return await real(self, path, **what) if made is None else ApiAnswer(200, made, {})

    monkeypatch.setattr(ApiCalls, "post", post)
    found = officer.post("/console/verify", status=200, files={"document": ("a.pdf", b"%PDF-")}).text
    assert "Invalid: the document was changed" in told(found)
    assert "data:image/png;base64,AA" in found


def test_of_a_licence_every_question_is_answered_and_whether_it_is_his(officer: Pages, monkeypatch: pytest.MonkeyPatch) -> None:
    from yinxin.console.api_calls import ApiAnswer, ApiCalls

    names = ("number", "content", "seal", "log", "status", "holder", "copy", "code")
    verdicts = dict.fromkeys(names, "valid") | {"status": "invalid", "log": "indeterminate"}
    step = {"code": "LICENCE_STEP", "outcome": "fail", "clause": "", "detail": "It was revoked."}
    answered = [{"name": name, "verdict": verdict, "steps": [step]} for name, verdict in verdicts.items()]
    days = {"issued_on": "2026-01-01", "valid_from": "2026-01-02", "valid_to": None}
    says = {"identifier": "1.2.156", "name": "示例许可证", "number": "示1", "holders": ["甲公司", "乙公司"], "issuer": "示例局", **days}
    sent: list[dict[str, str]] = []
    real = ApiCalls.post

    async def post(self: Any, path: str, **what: Any) -> ApiAnswer:
        sent.append(what["data"])
        if what["data"].get("holder_name") == " ":
            return await real(self, path, **what)
        report = {"verdict": "invalid", "tampered": False, "signatures": [], "questions": answered}
        if what["data"].get("at"):
            return ApiAnswer(200, report | {"says": {"name": "示例许可证", "valid_from": "2026-01-02"}}, {})
        return ApiAnswer(200, report | {"says": says | ({"holders": None} if what["data"].get("holder_name") else {})}, {})

    monkeypatch.setattr(ApiCalls, "post", post)
    document = {"document": ("l.pdf", b"%PDF-")}
    nobody = {"holder_name": "", "holder_code": ""}
    found = told(officer.post("/console/verify", nobody, status=200, files=document).text)
    assert "Invalid: the answers below say why" in found
    assert "document was changed" not in found, "a revoked licence was not changed"
    for said in (
        "Licence 示例许可证",
        "Number 示1",
        "甲公司、乙公司",
        "2026-01-02 – no end",
        "Identifier valid",
        "In force invalid",
        "In the public log indeterminate",
        "Holder valid",
        "It was revoked.",
    ):
        assert said in found
    part = told(officer.post("/console/verify", nobody | {"at": "2026-11-30"}, status=200, files=document).text)
    assert "Licence 示例许可证 Valid 2026-01-02 – (not shown)" in part, "of a credential no more than it discloses"
    assert [word for word in ("Issued on", "Number", "None", "no end") if word in part.partition("In the public log")[0]] == []
    assert [sorted(each) for each in sent] == [[], ["at"]]
    assert sent[1]["at"] == "2026-11-30T15:59:59Z", "within the day in China that was asked about: its last one counts"
    sent.clear()
    for wrong in ("not-a-day", "2026-02-30"):
        typed = {"holder_name": "张三（示例）", "holder_code": "x", "at": wrong}
        unread = officer.post("/console/verify", typed, status=422, files=document).text
        assert "Day to judge by: a day or a time" in told(unread)
        assert [f'value="{each}"' in unread for each in typed.values()] == [True] * 3
    assert sent == [], "nothing is judged by another day than was asked"
    who = {"holder_name": "张三（示例）", "holder_code": "11010519491231002X"}
    assert "甲公司" not in officer.post("/console/verify", who, status=200, files=document).text
    officer.post("/console/verify", who | {"holder_code": ""}, status=200, files=document)
    refused = officer.post("/console/verify", nobody | {"holder_name": " "}, status=422, files=document)
    assert "FIELD_UNACCEPTABLE" in refused.text
    assert sent == [who, who | {"holder_code": ""}, nobody | {"holder_name": " "}], "as it was typed; whether it will do, the API says"


def test_types_are_found_however_many_there_are() -> None:
    """One answer of the API holds two hundred; a city has more."""
    from yinxin.console.licence_pages import newest_types

    kept = {
        "A": [{"code": "a", "version": 1}, {"code": "b", "version": 1}],
        "B": [{"code": "a", "version": 2}],
        "C": [{"code": "c", "version": 1}],
    }
    following = {"": "A", "A": "B", "B": "C", "C": None}

    class Api:
        async def get(self, _path: str, *, state: str, after: str, limit: int) -> Any:
            assert (state, limit) == ("published", 200)
            there = following[after]
            assert there is not None
            next_after = there if following[there] else None
            return SimpleNamespace(body={"types": kept[there], "next_after": next_after})

    found = asyncio.run(newest_types(SimpleNamespace(api=Api()), "published"))  # type: ignore[arg-type]
    assert {each["code"]: each["version"] for each in found} == {"a": 2, "b": 1, "c": 1}


def test_what_a_form_says_is_what_is_sent() -> None:
    definition = {"catalogue": {"holder_category": "person"}, "items": [{"key": "KZ_a", "block": "basic", "name": "a", "kind": "lines"}]}
    assert first_values(definition)["holders"][0]["code_type"] == "111"
    form = ConsoleForm(
        {
            "holder_name": ["甲", ""],
            "holder_code": ["1", ""],
            "holder_code_type": ["111", "111"],
            "field.KZ_a": ["x\r\ny"],
            "open_ended": ["on"],
        }
    )
    values = read_values(form, definition)
    assert (len(values["holders"]), values["fields"], values["forms"]) == (1, {"KZ_a": "x\ny"}, ["pdf"])
    assert order_of(values | {"number": "7"}, "T", "I")["number"] == "7"
    assert order_of(values, "T", "I")["valid_to"] is None
    assert change_of(values, "extend", "r") == {"reason": "r", "open_ended": True}
    assert change_of(values | {"open_ended": False, "valid_to": "2030-01-01"}, "extend", "r")["valid_to"] == "2030-01-01"
    assert change_of(values, "replace", "r") == {"reason": "r"}
    with pytest.raises(TrustError, match="FIELD_UNACCEPTABLE"):
        order_of(values | {"valid_to": "2030-01-01"}, "T", "I")


def test_a_report_runs_nothing_in_a_spreadsheet() -> None:
    body = bytes(report_file([["\t=1+1", "\r=1+1", "=1+1", "a"]], "rows.csv").body).decode("utf-8-sig")
    assert body.startswith("'\t=1+1,\"'\r=1+1\",'=1+1,a")
