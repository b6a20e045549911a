"""The audit trail: searching it, exporting it, proving an entry, having all of it checked now."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from starlette.responses import Response

from crypto.checkpoints import LogIdentity, LogVerifierKey, Receipt, verify_receipt
from standards import gbt33560_oids as oids
from standards.errors import MalformedError, TrustError
from yinxin.console.api_calls import ApiProblem
from yinxin.console.audit_texts import TEXTS
from yinxin.console.console import problem_of_error
from yinxin.console.work_words import WHOLE_DAY, handed_on, instant_of, show

if TYPE_CHECKING:
    from yinxin.console.console import Console
    from yinxin.console.visit import Visit

AUDIT: Final = "audit.read"
FIELDS: Final = ("subject", "actor", "action", "since", "until")
ENTRIES_SHOWN: Final = 50
NOT_YET: Final = 409


def add_pages(console: Console) -> None:
    """Add them."""
    console.frame.add_texts(TEXTS)
    console.menu("audit", "trail_nav", "/console/audit", AUDIT, icon="audit")

    @console.page("/console/audit", needs=AUDIT)
    async def search_trail(visit: Visit) -> Response:
        asked = {name: visit.query(name) for name in FIELDS}
        try:
            wanted = _wanted(asked)
        except TrustError as error:
            return show(visit, "audit.html", rows=None, next_before=None, asked=asked, problem=problem_of_error(error, visit.language))
        found = (await visit.api.get("/v1/audit/entries", **wanted, before=visit.query("before"), limit=ENTRIES_SHOWN)).body
        return show(visit, "audit.html", rows=found["entries"], next_before=found["next_before"], asked=asked)

    @console.page("/console/audit/entries.csv", needs=AUDIT)
    async def export_trail(visit: Visit) -> Response:
        return handed_on(await visit.api.get("/v1/audit/entries.csv", **_wanted({name: visit.query(name) for name in FIELDS})))

    @console.page("/console/audit/check", methods=("GET", "POST"), needs=AUDIT)
    async def check_trail(visit: Visit) -> Response:
        checked = None if visit.request.method == "GET" else (await visit.api.post("/v1/audit/checks")).body
        return show(visit, "audit_check.html", checked=checked)

    @console.page("/console/audit/{entry_id}", needs=AUDIT)
    async def show_entry(visit: Visit, entry_id: str) -> Response:
        entry = (await visit.api.get(f"/v1/audit/entries/{entry_id}")).body
        receipt, proven = None, None
        try:
            receipt = (await visit.api.get(f"/v1/audit/entries/{entry_id}/receipt")).body
        except ApiProblem as problem:  # not in the log yet: it takes less than a second
            if problem.status != NOT_YET:
                raise
        if receipt is not None:
            proven = is_proven(receipt)
        return show(visit, "audit_entry.html", entry=entry, receipt=receipt, proven=proven)

    @console.page("/console/audit/{entry_id}/receipt.json", needs=AUDIT)
    async def fetch_receipt(visit: Visit, entry_id: str) -> Response:
        receipt = (await visit.api.get(f"/v1/audit/entries/{entry_id}/receipt")).body
        headers = {"content-disposition": f'attachment; filename="receipt-{receipt["id"]}.json"', "cache-control": "no-store"}
        return Response(json.dumps(receipt, ensure_ascii=False, indent=1), media_type="application/json", headers=headers)


def is_proven(receipt: dict[str, Any]) -> bool:
    """Whether a receipt of the API proves its entry under the keys that it names: computed here, not believed."""
    try:
        keys = tuple(LogVerifierKey.from_text(each) for each in receipt["verifier_keys"])
        read = Receipt.from_text(receipt["entry"].encode(), receipt["receipt"].encode())
    except MalformedError:
        return False
    origin = receipt["checkpoint"].split("\n", 1)[0]
    return verify_receipt(read, LogIdentity(origin, oids.SM3, keys)).verified is True


def _wanted(asked: dict[str, str]) -> dict[str, str | None]:
    return {
        "subject": asked["subject"],
        "actor": asked["actor"],
        "action": asked["action"],
        "since": instant_of("since", asked["since"]),
        "until": instant_of("until", asked["until"], into_day=WHOLE_DAY),
    }
