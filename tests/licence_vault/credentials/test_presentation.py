"""OpenID4VP from the question to the verdict, in both lanes, and what must not count as an answer."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from unittest.mock import patch
from urllib.parse import parse_qs, urlsplit

import pytest
from openvc.openid4vp import verify_vp_token

from crypto.report import Verdict
from licence_vault.actions.ask_presentation import ANSWER_SECONDS, KEPT_SECONDS, sweep_presentations
from licence_vault.actions.presentation_desk import status_here
from licence_vault.credentials.lanes import LANES, LaneName
from licence_vault.credentials.presentation_messages import LicenceQuestion, check_answer, client_id_of, reaches, read_answer, read_question
from licence_vault.status.register import StatusPlace
from standards.errors import TrustError
from tests.licence_vault.credentials.issuer_setting import ISSUER, QUESTIONS, Issuer, close_issuer, open_issuer
from tests.licence_vault.credentials.wallets import AT, BASE, NONCE, Key, issue, present
from tests.licence_vault.samples import TYPE_CODE, sample_licence

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import httpx

LANE = pytest.mark.parametrize("name", LaneName)
ASKED: list[list[str | int | None]] = [["licence_name"], ["holders", None, "name"], ["fields", "KZ_scope"]]
SHOWN = {"licence_name", "holders", None, "name", "fields", "KZ_scope"}
STATUS = sample_licence().status


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Issuer]:
    made = open_issuer(tmp_path_factory.mktemp("verifier"))
    yield made
    close_issuer(made)


@pytest.fixture
def vault(opened: Issuer) -> Iterator[Issuer]:
    """The one vault of the module, with a licence that is in force."""
    opened.clock.at = AT
    opened.statuses.clear()
    opened.statuses[STATUS.list, STATUS.index] = 0
    with patch("licence_vault.api.peer_rates.Rates.take", lambda *_: 0.0):
        yield opened


def credential(vault: Issuer, name: LaneName = LaneName.ES256, **changes: Any) -> str:
    """A credential as the vault's own key signs it."""
    public = next(key for key in vault.desk.keys.by_id().values() if key.algorithm == LANES[name].algorithm)
    signer = Key(vault.keystore.signer(public.key_id), public)
    return issue(name, issuer_name=ISSUER, signed_by=signer, **changes)


def show(
    asked: dict[str, Any],
    text: str,
    name: LaneName = LaneName.ES256,
    *,
    shown: Callable[[str | None], bool] = SHOWN.__contains__,
    **changes: Any,
) -> str:
    request = asked["request"]
    return present(text, name, show=shown, **{"aud": request["client_id"], "nonce": request["nonce"], **changes})


def steps(result: dict[str, Any]) -> set[str]:
    report = result["report"]
    parts = [*report["signatures"], *report["questions"]]
    return {step["code"] for part in parts for step in part["steps"] if step["outcome"] in {"fail", "not-checked"}}


def refusal(answered: httpx.Response, status: int = 400) -> str:
    assert answered.status_code == status, answered.text
    return str(answered.json()["code"])


@LANE
@pytest.mark.clause("OIDC 4VP 8.2")
def test_a_licence_is_asked_for_shown_and_judged(vault: Issuer, name: LaneName) -> None:
    asked = vault.ask(*ASKED, lanes=[str(name)])
    assert vault.result(asked)["state"] == "waiting"
    answered = vault.answer(asked, show(asked, credential(vault, name), name))
    assert (answered.status_code, answered.json()) == (200, {})
    result = vault.result(asked, **{"accept-language": "zh-CN"})
    assert (result["state"], result["verdict"], result["report"]["verdict"]) == ("answered", "valid", "valid")
    assert result["claims"]["holders"] == [{"name": "张三（示例）"}]
    assert result["claims"]["fields"] == {"KZ_scope": "示例经营范围"}
    assert result["report"]["questions"][0]["steps"][0]["detail"] == "所询问的内容均已出示。"
    assert vault.audited("presentation.answer", asked["id"]) == ["done"]
    assert "张三" not in json.dumps(vault.audited("presentation.answer", "张三"))
    with vault.desk.database.read() as connection:
        kept = connection.exec_driver_sql("SELECT result_sealed FROM licence_presentations WHERE id = ?", (asked["id"],)).scalar_one()
    assert "张三".encode() not in bytes(kept)


@pytest.mark.clause("OIDC 4VP 5")
def test_the_request_says_what_a_wallet_needs(vault: Issuer) -> None:
    asked = vault.ask(*ASKED, lanes=["es256", "sm2"])
    request = asked["request"]
    query = {name: values[0] for name, values in parse_qs(urlsplit(asked["request_uri"]).query).items()}
    assert json.loads(query.pop("dcql_query")) == request["dcql_query"]
    assert json.loads(query.pop("client_metadata")) == request["client_metadata"]
    assert query == {name: value for name, value in request.items() if isinstance(value, str)}
    assert request["client_id"] == "redirect_uri:" + request["response_uri"]
    formats = request["client_metadata"]["vp_formats_supported"]["dc+sd-jwt"]
    assert formats["kb-jwt_alg_values"] == ["ES256", "SGD_SM3_SM2"]


def test_another_verifier_judges_the_same_answer_to_our_query(vault: Issuer) -> None:
    now = datetime.now(AT.tzinfo).replace(microsecond=0)
    asked = vault.ask(*ASKED)
    term: dict[str, Any] = {"issued_at": now - timedelta(days=1), "expires_at": now + timedelta(days=1)}
    text = show(asked, credential(vault, **term), at=now)
    fetched = []

    def fetch(url: str) -> dict[str, Any]:
        fetched.append(url)
        read: dict[str, Any] = vault.http.get(urlsplit(url).path).json()
        return read

    verdict = verify_vp_token(
        {"licence": [text]},
        dcql_query=asked["request"]["dcql_query"],
        nonce=asked["request"]["nonce"],
        client_id=asked["request"]["client_id"],
        jwt_vc_issuer_fetch=fetch,
        require_holder_binding=True,
    )
    assert len(verdict.for_query("licence")) == 1
    assert fetched == [BASE + "/.well-known/jwt-vc-issuer/licences/credentials"]


# ---- answers that do not count


@LANE
@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"nonce": NONCE}, "CREDENTIAL_BINDING_NONCE"),
        ({"aud": BASE}, "CREDENTIAL_BINDING_AUDIENCE"),
        ({"holder": "thief"}, "CREDENTIAL_BINDING_BAD"),
        ({"at": AT - timedelta(seconds=400)}, "CREDENTIAL_BINDING_TIME"),
        ({"shown": lambda claim: claim == "licence_name"}, "PRESENTATION_INCOMPLETE"),
    ],
)
@pytest.mark.clause("OIDC 4VP 14")
def test_presentations_that_prove_nothing_here(vault: Issuer, name: LaneName, changes: dict[str, Any], code: str) -> None:
    asked = vault.ask(*ASKED, lanes=[str(name)])
    assert vault.answer(asked, show(asked, credential(vault, name), name, **changes)).status_code == 200
    result = vault.result(asked)
    assert (result["verdict"], steps(result)) == ("invalid", {code})


@pytest.mark.parametrize(
    ("changes", "verdict", "code"),
    [
        ({"expires_at": AT - timedelta(minutes=1)}, "invalid", "CREDENTIAL_EXPIRED"),
        ({"issued_at": AT + timedelta(minutes=1)}, "invalid", "CREDENTIAL_NOT_YET_VALID"),
        ({"data": sample_licence(status=type(STATUS)("https://elsewhere.example/1", 1))}, "indeterminate", "CREDENTIAL_STATUS_UNKNOWN"),
    ],
)
def test_credentials_that_are_not_in_force(vault: Issuer, changes: dict[str, Any], verdict: str, code: str) -> None:
    asked = vault.ask(*ASKED)
    vault.answer(asked, show(asked, credential(vault, **changes)))
    result = vault.result(asked)
    assert (result["verdict"], steps(result)) == (verdict, {code})


@pytest.mark.parametrize(
    ("status", "code"), [(1, "CREDENTIAL_STATUS_INVALID"), (2, "CREDENTIAL_STATUS_SUSPENDED"), (3, "CREDENTIAL_STATUS_ANNUAL")]
)
def test_what_is_revoked_counts_no_more(vault: Issuer, status: int, code: str) -> None:
    vault.statuses[STATUS.list, STATUS.index] = status
    asked = vault.ask(*ASKED)
    vault.answer(asked, show(asked, credential(vault)))
    assert (vault.result(asked)["verdict"], steps(vault.result(asked))) == ("invalid", {code})


def test_issuers_nobody_named_types_and_lanes_nobody_asked_for(vault: Issuer) -> None:
    asked = vault.ask(*ASKED)
    vault.answer(asked, show(asked, issue()))
    assert vault.result(asked)["verdict"] != "valid"
    assert vault.result(asked)["claims"] is None
    assert "CREDENTIAL_ISSUER_UNKNOWN" in steps(vault.result(asked))
    other = vault.ask(*ASKED, types=["OTHER"])
    vault.answer(other, show(other, credential(vault)))
    assert (vault.result(other)["verdict"], steps(vault.result(other))) == ("invalid", {"CREDENTIAL_TYPE_OTHER"})
    lane = vault.ask(*ASKED)
    vault.answer(lane, show(lane, credential(vault, LaneName.SM2), LaneName.SM2))
    assert "CREDENTIAL_KEY_UNKNOWN" in steps(vault.result(lane))
    assert vault.result(lane)["verdict"] != "valid"


@pytest.mark.clause("OIDC 4VP 14.1")
def test_an_answer_is_taken_once_even_if_many_come(vault: Issuer) -> None:
    asked = vault.ask(*ASKED)
    text = show(asked, credential(vault))
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: vault.answer(asked, text), range(6)))
    assert sorted(each.status_code for each in answers) == [200] + [400] * 5
    assert {refusal(each) for each in answers if each.status_code == 400} == {"PRESENTATION_OVER"}
    again = vault.ask(*ASKED)
    vault.answer(again, text)  # the same presentation to another question
    assert steps(vault.result(again)) == {"CREDENTIAL_BINDING_NONCE", "CREDENTIAL_BINDING_AUDIENCE"}


def test_answers_that_leave_the_question_waiting(vault: Issuer) -> None:
    asked = vault.ask(*ASKED)
    text = show(asked, credential(vault))
    assert refusal(vault.answer(asked, text, state="other")) == "PRESENTATION_STATE_WRONG"
    assert refusal(vault.answer(asked, text, state=None)) == "CREDENTIAL_REQUEST_MALFORMED"
    tokens: tuple[Any, ...] = (
        "{",
        "[]",
        '{"licence":"x"}',
        '{"licence":[]}',
        '{"licence":["a","b"]}',
        '{"licence":[1]}',
        '{"other":["a"]}',
    )
    for token in tokens:
        assert refusal(vault.answer(asked, text, vp_token=token)) == "CREDENTIAL_REQUEST_MALFORMED"
    assert refusal(vault.answer(asked, text, vp_token=None)) == "CREDENTIAL_REQUEST_MALFORMED"
    assert refusal(vault.answer(asked, text, error="access_denied")) == "CREDENTIAL_REQUEST_MALFORMED"
    assert refusal(vault.answer(asked, "x" * 200_000), 413) == "BODY_TOO_LARGE"
    nobody = {"request": {**asked["request"], "response_uri": f"{BASE}/licences/presentations/{'a' * 32}/answer"}}
    assert refusal(vault.answer(nobody, text), 404) == "PRESENTATION_UNKNOWN"
    assert vault.result(asked)["state"] == "waiting"
    assert vault.answer(asked, text).status_code == 200
    assert vault.result(asked)["verdict"] == "valid"


def test_a_verdict_written_into_the_database_is_not_believed(vault: Issuer) -> None:
    asked, other = vault.ask(*ASKED), vault.ask(*ASKED)
    vault.answer(asked, show(asked, credential(vault), holder="thief"))
    vault.answer(other, show(other, credential(vault)))
    with vault.desk.database.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE licence_presentations SET verdict = 'valid' WHERE id = ?", (asked["id"],))
    assert vault.result(asked)["verdict"] == "invalid"
    with vault.desk.database.engine.begin() as connection:
        moved = (
            "UPDATE licence_presentations SET result_sealed = (SELECT result_sealed FROM licence_presentations WHERE id = ?) WHERE id = ?"
        )
        connection.exec_driver_sql(moved, (other["id"], asked["id"]))
    assert "verdict" not in vault.result(asked)


def test_a_wallet_may_decline(vault: Issuer) -> None:
    asked = vault.ask()
    assert vault.answer(asked, "", vp_token=None, error="access_denied").status_code == 200
    result = vault.result(asked)
    assert (result["state"], result["verdict"], result["claims"]) == ("declined", None, None)


def test_questions_end_and_what_was_shown_is_forgotten(vault: Issuer) -> None:
    late, answered = vault.ask(*ASKED), vault.ask(*ASKED)
    text = show(late, credential(vault))
    vault.answer(answered, show(answered, credential(vault)))
    vault.clock.at = AT + timedelta(seconds=ANSWER_SECONDS)
    assert refusal(vault.answer(late, text)) == "PRESENTATION_OVER"
    assert (vault.result(late)["state"], vault.result(answered)["state"]) == ("expired", "answered")
    vault.clock.at = AT + timedelta(seconds=ANSWER_SECONDS + KEPT_SECONDS)
    assert vault.result(answered)["state"] == "answered"
    vault.clock.at += timedelta(seconds=1)
    assert [vault.result(each)["code"] for each in (late, answered)] == ["PRESENTATION_UNKNOWN"] * 2, "though nothing has swept"
    assert sweep_presentations(vault.asking) >= 2
    assert vault.result(answered)["code"] == "PRESENTATION_UNKNOWN"


def test_nobody_else_learns_the_answer(vault: Issuer) -> None:
    asked = vault.ask()
    assert vault.http.get(f"{QUESTIONS}/{asked['id']}", headers={"x-client": "stranger"}).status_code == 404
    assert vault.http.get(f"{QUESTIONS}/{'a' * 32}").status_code == 404
    assert repr(vault.asking) == "PresentationDesk()"


@pytest.mark.parametrize(
    "order",
    [
        {"types": []},
        {"types": ["a b"]},
        {"claims": [["_sd"]]},
        {"claims": [["exp"]]},
        {"claims": [[None]]},
        {"claims": [["holders", ""]]},
        {"claims": [["holders", -1]]},
        {"claims": [["holders", None, "name", "x", "y"]]},
        {"claims": []},
        {"lanes": []},
        {"purpose": ""},
        {"purpose": "a\nb"},
        {"unknown": 1},
    ],
)
def test_questions_that_cannot_be_asked(vault: Issuer, order: dict[str, Any]) -> None:
    body = {"types": [TYPE_CODE], "claims": [["licence_name"]], "purpose": "测试", **order}
    assert vault.http.post(QUESTIONS, json=body).status_code == 422


@pytest.mark.parametrize(
    ("path", "found"),
    [
        (("a",), True),
        (("a", None, "b"), True),
        (("a", 1, "c"), True),
        (("a", 2), False),
        (("a", None, "d"), False),
        (("a", "b"), False),
        (("e", None), False),
        (("e", 0), False),
        (("f",), False),
    ],
)
@pytest.mark.clause("OIDC 4VP 7.1")
def test_where_paths_lead(path: tuple[str | int | None, ...], found: bool) -> None:
    assert reaches({"a": [{"b": 1}, {"c": 2}], "e": {"x": 1}}, path) is found


def test_an_empty_question_and_a_text_that_is_no_answer() -> None:
    with pytest.raises(TrustError, match="PRESENTATION_QUESTION_UNFIT"):
        read_question([TYPE_CODE], [["licence_name"]], [])
    assert read_answer({"state": "s", "error": "x" * 500}).error == "x" * 64
    question = LicenceQuestion((TYPE_CODE,), (("licence_name",),), (LaneName.ES256,))
    checked = check_answer(
        "\ud800~", question, base_url=BASE, request_id="r", nonce="n", issuers={}, at=AT, status_of=lambda _uri, _index: 0
    )
    assert checked.report.verdict is Verdict.INVALID
    assert client_id_of(BASE, "r").startswith("redirect_uri:" + BASE)


# ---- status


def test_the_status_of_licences_of_this_vault_is_that_of_this_moment(vault: Issuer) -> None:
    database = vault.desk.database
    places: dict[int, int] = {7: 1}
    with (
        patch("licence_vault.actions.presentation_desk.list_numbers", lambda _: range(1, 2)),
        patch("licence_vault.actions.presentation_desk.status_of", lambda _, place: places.get(StatusPlace(1, place.index).index, 0)),
    ):
        find = status_here(database, BASE)
        assert (find(BASE + "/licences/status/1", 7), find(BASE + "/licences/status/1", 8)) == (1, 0)
        assert find(BASE + "/licences/status/2", 7) is None
        for foreign in ("https://other.example/licences/status/1", BASE + "/licences/status/x", BASE + ".evil.example/licences/status/1"):
            assert find(foreign, 7) is None
