"""Licences of other regions: verified here whatever that region says, kept sealed with their age, and never valid while unverified."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from crypto.report import Verdict
from crypto.trust_list import TrustList
from licence_vault.actions.change_licence_state import change_licence_state
from licence_vault.actions.query_foreign_licence import Age, ForeignLicence, query_foreign_licence
from licence_vault.api.foreign_routes import write_foreign
from licence_vault.jobs import exchange_jobs_of
from licence_vault.model import step_named
from licence_vault.ports import FOREIGN, ForeignAnswer, ForeignQuery
from licence_vault.reporting import limits
from licence_vault.service import exchange_desk_of
from licence_vault.uses import UseMode
from standards.errors import TrustError
from tests.audit_trail import find_entries
from tests.licence_vault.abroad_here import OFFICE, OTHER_OFFICE, REGION, Abroad, abroad_in, as_new, refusal
from yinxin.region_simulator import Knobs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Abroad]:
    with abroad_in(tmp_path_factory.mktemp("foreign")) as abroad:
        yield abroad


@pytest.fixture
def abroad(shared: Abroad) -> Abroad:
    return as_new(shared)


def test_a_licence_of_another_region_is_verified_here(abroad: Abroad) -> None:
    shown = abroad.ask(mode=UseMode.CONSENTED, consent="同意书 1")
    assert (shown.verdict, shown.age, shown.problem) == (Verdict.VALID, Age.FRESH, None)
    assert shown.licence is not None
    assert shown.licence.identifier == abroad.record.identifier
    assert {each.name: each.verdict for each in shown.report.questions}.keys() == {"number", "content", "seal", "log", "status", "holder"}
    wanted = ForeignQuery(REGION, abroad.record.identifier, "", "", UseMode.BY_DUTY, "", "", "")
    written = write_foreign(wanted, shown)
    assert (written.verdict, written.age, written.licence) == ("valid", "fresh", shown.licence.as_json())
    assert written.questions[0].codes == ["LICENCE_NUMBER_VALID"]
    assert write_foreign(wanted, replace(shown, licence=None)).licence is None
    [(path, _, told)] = abroad.simulator.requests
    assert (path, told["mode"], told["consent"], told["reason"], told["asked_by"]) == (
        "/region/queries",
        "consented",
        "同意书 1",
        "跨省通办",
        "cl_office",
    )
    with abroad.desk.context.database.read() as conn:
        done, intended = find_entries(conn, subject=f"licence-region:{REGION}", limit=2)
    assert (intended.outcome, intended.facts["consent"], intended.facts["reason"]) == ("intended", "同意书 1", "跨省通办")
    assert (done.outcome, done.facts["verdict"], done.facts["age"]) == ("done", "valid", "fresh")


def test_what_is_fresh_is_not_asked_for_again_but_by_somebody_else(abroad: Abroad) -> None:
    first = abroad.ask()
    abroad.later(60)
    again = abroad.ask()
    assert (abroad.asked(), again.fetched_at, again.verdict) == (1, first.fetched_at, Verdict.VALID)
    abroad.ask(OTHER_OFFICE)
    assert abroad.asked() == 2
    assert refusal(lambda: abroad.ask(reason="")) == ("FIELD_UNACCEPTABLE", "must not be empty")  # also of what is kept
    abroad.later(limits.FOREIGN_FRESH_SECONDS)
    assert abroad.ask().fetched_at > first.fetched_at
    assert abroad.asked() == 3


def test_what_could_not_be_told_is_asked_for_again(abroad: Abroad) -> None:
    """That region has published its list meanwhile: who comes again within the hour is not told for all of it that nobody knows."""
    document, tokens = abroad.simulator.shared[abroad.record.identifier]
    abroad.simulator.shared[abroad.record.identifier] = (document, ())
    assert abroad.ask().verdict is Verdict.INDETERMINATE
    abroad.simulator.shared[abroad.record.identifier] = (document, tokens)
    assert (abroad.ask().verdict, abroad.asked()) == (Verdict.VALID, 2)
    assert (abroad.ask().verdict, abroad.asked()) == (Verdict.VALID, 2)
    # and where that region is away by then, what is kept is shown as it was
    abroad.simulator.shared[abroad.record.identifier] = (document, ())
    assert abroad.ask(OTHER_OFFICE).verdict is Verdict.INDETERMINATE
    abroad.way.is_down = True
    shown = abroad.ask(OTHER_OFFICE)
    assert (shown.verdict, shown.age, shown.problem) == (Verdict.INDETERMINATE, Age.FRESH, "REGION_UNAVAILABLE")


@pytest.mark.parametrize(
    ("knobs", "problem"),
    [(None, "REGION_UNAVAILABLE"), (Knobs(status=500), "REGION_UNAVAILABLE"), (Knobs(body=b"garbage"), "REGION_ANSWER_UNTRUSTED")],
)
def test_what_is_stale_is_shown_where_that_region_is_away_and_is_never_valid(abroad: Abroad, knobs: Knobs | None, problem: str) -> None:
    first = abroad.ask()
    abroad.later(limits.FOREIGN_FRESH_SECONDS + 1)
    abroad.way.is_down, abroad.simulator.knobs = knobs is None, knobs or Knobs()
    shown = abroad.ask()
    assert (shown.verdict, shown.age, shown.problem, shown.fetched_at) == (
        Verdict.INDETERMINATE,
        Age.STALE,
        problem,
        first.fetched_at,
    )
    assert shown.licence is not None
    abroad.later(limits.FOREIGN_KEPT_SECONDS)
    [job] = exchange_jobs_of(abroad.desk)
    assert job.run() == 1
    assert refusal(abroad.ask)[0] == problem  # and where nothing is kept, that is all there is to say


def test_what_was_kept_long_enough_is_gone_though_nothing_has_swept(abroad: Abroad) -> None:
    abroad.ask()
    abroad.way.is_down = True
    abroad.later(limits.FOREIGN_KEPT_SECONDS)
    assert abroad.ask().age is Age.STALE
    abroad.later(1)
    assert refusal(abroad.ask)[0] == "REGION_UNAVAILABLE"
    abroad.way.is_down = False
    assert abroad.ask().age is Age.FRESH


def test_a_list_that_is_out_of_date_makes_nothing_valid_however_fresh_the_answer_is(abroad: Abroad) -> None:
    abroad.later(2 * 86_400)
    shown = abroad.ask()
    assert (shown.age, shown.verdict) == (Age.FRESH, Verdict.INDETERMINATE)


def test_what_was_revoked_meanwhile_is_invalid_and_not_kept(abroad: Abroad) -> None:
    assert abroad.ask().verdict is Verdict.VALID
    change_licence_state(
        abroad.here.vault.context, abroad.here.clerk, abroad.record.id, step_named("revoke"), reason="依据", if_revision=None
    )
    abroad.here.take_in()
    abroad.later(limits.FOREIGN_FRESH_SECONDS + 1)
    abroad.share(abroad.record)
    shown = abroad.ask()
    assert (shown.verdict, shown.licence) == (Verdict.INVALID, None)
    abroad.way.is_down = True
    assert refusal(abroad.ask)[0] == "REGION_UNAVAILABLE"  # the older copy, which would have looked better, is gone


def test_a_sound_licence_of_somebody_else_is_none_of_this_one(abroad: Abroad) -> None:
    abroad.share(abroad.here.issue())
    abroad.simulator.knobs = Knobs(is_swapping=True)
    shown = abroad.ask()
    assert (shown.verdict, shown.report.verdict, shown.licence) == (Verdict.INVALID, Verdict.INVALID, None)
    assert told(shown)["number"] == ("invalid", ["LICENCE_NUMBER_VALID", "LICENCE_NOT_ASKED_FOR"]), "one question says why"


def told(shown: ForeignLicence) -> dict[str, tuple[str, list[str]]]:
    """Verdict and codes by question, as it goes over the wire."""
    wanted = ForeignQuery(REGION, "", "", "", UseMode.BY_DUTY, "", "", "")
    return {each.name: (each.verdict, each.codes) for each in write_foreign(wanted, shown).questions}


def test_who_does_not_know_the_holder_learns_nothing(abroad: Abroad) -> None:
    shown = abroad.ask(holder_code="110105194912310000")
    assert (shown.verdict, shown.licence) == (Verdict.INVALID, None)


@pytest.mark.parametrize("spoil", [lambda document: document[:-30], lambda document: b"no licence", lambda document: b""])
def test_a_file_that_does_not_hold_is_invalid(abroad: Abroad, spoil: Callable[[bytes], bytes]) -> None:
    document, _ = abroad.simulator.shared[abroad.record.identifier]
    abroad.share(abroad.record, spoil(document))
    shown = abroad.ask()
    assert (shown.verdict, shown.licence) == (Verdict.INVALID, None)
    assert told(shown)["number"] == ("invalid", ["LICENCE_NOT_ASKED_FOR"])


def test_a_region_that_nobody_here_trusts_is_not_asked_and_one_whose_list_is_empty_is_not_believed(abroad: Abroad) -> None:
    for region in ("110000", "../440", "000000"):
        with pytest.raises(TrustError, match="LICENCE_REGION_UNKNOWN"):
            abroad.ask(region=region)
    assert abroad.asked() == 0
    assert abroad.ask(region="440400").verdict is Verdict.INDETERMINATE
    (abroad.folder / "440500.json").write_bytes(b"{")
    assert refusal(lambda: abroad.ask(region="440500"))[0] == "TRUST_FILE_UNUSABLE"


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"identifier": "no number"}, "GB/T 36904"),
        ({"mode": UseMode.ENTRUSTED}, "where the holder consented or entrusted somebody, and only there"),
        ({"mode": UseMode.CONSENTED}, "where the holder consented or entrusted somebody, and only there"),
        ({"consent": "同意书"}, "where the holder consented or entrusted somebody, and only there"),
        ({"reason": " "}, "must not be empty"),
    ],
)
def test_what_is_asked_without_right_or_reason_is_not_asked(abroad: Abroad, changes: dict[str, Any], found: str) -> None:
    assert refusal(lambda: abroad.ask(**changes)) == ("FIELD_UNACCEPTABLE", found)
    assert abroad.asked() == 0


def test_none_and_no_are_answers_and_forget_what_was_kept(abroad: Abroad) -> None:
    abroad.ask()
    abroad.later(limits.FOREIGN_FRESH_SECONDS + 1)
    abroad.simulator.knobs = Knobs(refuses_with="E-3")
    assert refusal(abroad.ask) == ("LICENCE_FOREIGN_REFUSED", "E-3")
    abroad.way.is_down = True
    assert refusal(abroad.ask)[0] == "REGION_UNAVAILABLE", "what it gives out no more is shown no more"
    abroad.simulator.knobs, abroad.way.is_down = Knobs(), False
    del abroad.simulator.shared[abroad.record.identifier]
    assert refusal(abroad.ask)[0] == "LICENCE_FOREIGN_NOT_FOUND"
    abroad.way.is_down = True
    assert refusal(abroad.ask)[0] == "REGION_UNAVAILABLE"


@pytest.mark.parametrize(
    ("answer", "rule"),
    [
        ({"outcome": "found"}, "file"),
        ({"outcome": "found", "file": "no base64!"}, "file"),
        ({"outcome": "found", "file": "", "status": {}}, "status"),
        ({"outcome": "found", "file": "", "status": [1]}, "status"),
        ({"outcome": "perhaps"}, "outcome"),
    ],
)
def test_an_answer_in_another_form_is_none(abroad: Abroad, answer: dict[str, Any], rule: str) -> None:
    about = {"region": REGION, "identifier": abroad.record.identifier}
    abroad.simulator.knobs = Knobs(body=json.dumps(about | answer).encode())
    assert refusal(abroad.ask) == ("REGION_ANSWER_UNTRUSTED", rule)
    abroad.simulator.knobs = Knobs(is_about_another=True)
    assert refusal(abroad.ask) == ("REGION_ANSWER_UNTRUSTED", "identifier")


@pytest.mark.parametrize(
    "answer",
    [
        ForeignAnswer(bytes(limits.FOREIGN_FILE_BYTES + 1)),
        ForeignAnswer(b"", (b"",) * (limits.FOREIGN_TOKENS + 1)),
        ForeignAnswer(b"", (bytes(limits.FOREIGN_TOKEN_BYTES + 1),)),
    ],
    ids=["file", "tokens", "token"],
)
def test_what_is_too_large_is_no_answer(abroad: Abroad, answer: ForeignAnswer) -> None:
    class Huge:
        def trust_of(self, region: str) -> TrustList:
            return TrustList.empty()

        def query(self, wanted: ForeignQuery) -> ForeignAnswer:
            return answer

    desk = replace(abroad.desk, regions=Huge())
    wanted = ForeignQuery(REGION, abroad.record.identifier, "x", "y", UseMode.BY_DUTY, "", "x", "x")
    assert refusal(lambda: query_foreign_licence(desk, OFFICE, wanted)) == ("REGION_ANSWER_UNTRUSTED", "size")


def test_what_is_kept_is_sealed(abroad: Abroad) -> None:
    abroad.ask()
    with abroad.desk.context.database.read() as conn:
        [sealed] = conn.exec_driver_sql("SELECT content_sealed FROM licence_foreign").scalars().all()
    document, _ = abroad.simulator.shared[abroad.record.identifier]
    assert document[:8] == b"%PDF-1.7"
    assert b"%PDF" not in sealed
    assert b"JVBERi0" not in sealed  # nor in base64


def test_nobody_is_asked_where_nothing_is_configured(abroad: Abroad) -> None:
    assert exchange_desk_of(abroad.here.means) is None
    assert exchange_jobs_of(None) == ()
    context = abroad.here.vault.context
    configured = replace(abroad.here.means, context=replace(context, links={**context.links, FOREIGN: abroad.desk.regions}))
    found = exchange_desk_of(configured)
    assert found is not None
    assert found.regions is abroad.desk.regions
    assert timedelta(seconds=limits.FOREIGN_KEPT_SECONDS) > timedelta(seconds=limits.FOREIGN_FRESH_SECONDS)
