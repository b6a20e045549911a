"""The status of seals over HTTP: for anyone, not fetched twice in vain, of now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seal_service.actions.make_seal import SealRequest, make_seal
from seal_service.seal_data.status_list import open_status_list
from service_kit.callers import Caller
from tests.deployments import Here, make_deployment, served_here
from tests.seal_service.house import CREDIT_CODE, ORGANISATION

if TYPE_CHECKING:
    from pathlib import Path


def test_the_list_and_the_status_of_one_seal(tmp_path: Path) -> None:
    folder = make_deployment(tmp_path / "deployment")
    settings = folder / "settings.toml"
    settings.write_text(settings.read_text(encoding="utf-8") + "\n[seals]\ntwo_person_review = false\n", encoding="utf-8")
    with served_here(folder) as here:
        check(here)


def check(here: Here) -> None:
    context = here.house.context
    caller = Caller("cl_a", "cl_a", frozenset({"seal.manage", "seal.use", "seal.read"}))
    seal = make_seal(context, caller, SealRequest(organisation=ORGANISATION, credit_code=CREDIT_CODE))
    listed = here.http.get("/v1/seal-status-list")
    assert (listed.status_code, listed.headers["content-type"]) == (200, "application/cms")
    opened = open_status_list(listed.content, context.trust(), context.clock.now())
    assert opened.content is not None
    assert [history.seal_id for history in opened.content.seals] == [seal.code]
    again = here.http.get("/v1/seal-status-list", headers={"if-none-match": listed.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    one = here.http.get(f"/v1/seal-status/{seal.code}").json()
    assert (one["status"], one["meaning"]) == (0, "valid")
    assert here.http.get("/v1/seal-status/99999999999999").status_code == 404
    assert here.http.get("/v1/seal-status/abc").status_code == 422
