"""Seals: the list, one seal with all that happened to it, and the steps of its life."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from starlette.responses import Response

from seal_service.life import REMAKEABLE, SEAL_LIFE, SealState, Transition, transition_named
from yinxin.console.papers import PAPER_BYTES_MAX, hand_in_papers
from yinxin.console.seal_words import holder_in, names_of, words_for

if TYPE_CHECKING:
    from yinxin.console.console import Console
    from yinxin.console.visit import Visit

SEALS: Final = "/console/seals"
PAGE_SIZE: Final = 25
CHAIN_BYTES_MAX: Final = 256 * 1024
SEES_ALL: Final = ("seal.make", "seal.review", "seal.secure")
MY_POWERS: Final = ("seal.manage", "seal.use", "seal.audit")
APPLIED_FOR: Final = (("change", REMAKEABLE), ("renew", REMAKEABLE), ("cancel", transition_named("cancel", SEAL_LIFE).sources))
"""Of a seal that there is, and in which of its states."""
HARMFUL: Final = frozenset({"cancel", "invalidate", "destroy"})
SVG_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; sandbox"  # a picture alone: nothing in it runs or loads


def steps_for(visit: Visit, seal: dict[str, Any], powers: frozenset[str]) -> list[Transition]:
    """The steps that this person may take now, as the table of the life of seals has them. ``revoke`` is another word for ``cancel``."""
    return [
        step
        for step in SEAL_LIFE
        if step.verb is not None
        and step.verb != "revoke"
        and seal["state"] in step.sources
        and step.scope in visit.scopes
        and (step.power is None or step.power in powers or (step.is_open_to_security and visit.may("seal.secure")))
    ]


async def load_seal(visit: Visit, seal_id: str) -> dict[str, Any]:
    """One seal with its version and what this person holds over it."""
    answer = await visit.api.get(f"/v1/seals/{quote(seal_id, safe='')}")
    held = (await visit.api.get(f"/v1/seals/{quote(seal_id, safe='')}/powers")).body
    mine = frozenset(each["power"] for each in held["powers"] if each["holder"] == visit.person.holder)
    return {**answer.body, "etag": answer.etag, "powers": held["powers"], "separated": held["separated"], "mine": mine}


def add_pages(console: Console) -> None:
    """Add them."""
    console.menu("seals", "nav_seals", SEALS, "seal.read", icon="seal")

    @console.page(SEALS, needs="seal.read")
    async def list_seals(visit: Visit) -> Response:
        sees_all = visit.may(*SEES_ALL)
        has_own = visit.may(*MY_POWERS) and not visit.may("seal.secure")
        of = visit.query("of") or ("mine" if has_own or not sees_all else "all")
        if of not in {"mine", "all"} or not sees_all:
            of = "mine"
        state, search = visit.query("state"), visit.query("search")
        state = state if state in set(SealState) else ""
        found = await visit.api.get("/v1/seals", of=of, state=state, search=search, after=visit.query("after"), limit=PAGE_SIZE)
        return visit.render(
            "seals.html",
            seals=found.body["seals"],
            next_after=found.body["next_after"],
            of=of,
            sees_all=sees_all,
            state=state,
            search=search,
            states=[each.value for each in SealState],
            **words_for(visit),
        )

    @console.page(SEALS + "/{seal_id}", needs="seal.read")
    async def show_seal(visit: Visit, seal_id: str) -> Response:
        seal = await load_seal(visit, seal_id)
        timeline: dict[str, Any] = {"acts": [], "next_after": None}
        sees_history = bool(seal["mine"] & {"manage", "audit"}) or visit.may(*SEES_ALL)
        if sees_history:  # what became of a seal is not for its mere users
            timeline = (await visit.api.get(f"/v1/seals/{seal['id']}/timeline", after=visit.query("after"), limit=100)).body
        acts = [{**act, "holder": holder_in(act["by"])} for act in timeline["acts"]]
        applies = visit.may("seal.apply") and "manage" in seal["mine"]
        return visit.render(
            "seal.html",
            seal=seal,
            steps=steps_for(visit, seal, seal["mine"]),
            acts=acts,
            sees_history=sees_history,
            next_after=timeline["next_after"],
            names=await names_of(visit, [act["holder"] for act in acts]),
            kinds=[kind for kind, states in APPLIED_FOR if applies and seal["state"] in states],
            harmful=HARMFUL,
            tab="overview",
            **words_for(visit),
        )

    @console.page(SEALS + "/{seal_id}/picture.svg", needs="seal.read")
    async def show_picture(visit: Visit, seal_id: str) -> Response:
        answer = await visit.api.get(f"/v1/seals/{quote(seal_id, safe='')}/picture.svg")
        headers = {"content-security-policy": SVG_POLICY, "cache-control": "private, max-age=300"}
        return Response(answer.content, media_type="image/svg+xml", headers=headers)

    @console.page(SEALS + "/{seal_id}/seal.esl", needs="seal.read")
    async def fetch_seal_data(visit: Visit, seal_id: str) -> Response:
        answer = await visit.api.get(f"/v1/seals/{quote(seal_id, safe='')}/seal.esl")
        headers = {"content-disposition": answer.headers["content-disposition"], "cache-control": "no-store"}
        return Response(answer.content, media_type="application/octet-stream", headers=headers)

    @console.page(SEALS + "/{seal_id}/certificate-request.pem", needs="seal.make")
    async def fetch_request(visit: Visit, seal_id: str) -> Response:
        answer = await visit.api.get(f"/v1/seals/{quote(seal_id, safe='')}/certificate-request")
        headers = {"content-disposition": 'attachment; filename="seal.csr.pem"', "cache-control": "no-store"}
        return Response(answer.content, media_type="application/x-pem-file", headers=headers)

    @console.page(SEALS + "/{seal_id}/certificate", methods=("POST",), needs="seal.make")
    async def install_certificate(visit: Visit, seal_id: str) -> Response:
        form = await visit.form(file_bytes_max=CHAIN_BYTES_MAX)
        file = form.file("chain")
        pem = file.content.decode("ascii", "replace") if file is not None else form.get("certificates")
        path = f"/v1/seals/{quote(seal_id, safe='')}/certificate"
        await visit.api.post(path, json={"certificates": pem}, if_match=form.get("version"))
        return visit.go(f"{SEALS}/{quote(seal_id, safe='')}", notice="notice_made")

    @console.page(SEALS + "/{seal_id}/steps/{verb}", methods=("POST",), needs=("seal.manage", "seal.make", "seal.use", "seal.review"))
    async def take_step(visit: Visit, seal_id: str, verb: str) -> Response:
        form = await visit.form(file_bytes_max=PAPER_BYTES_MAX)
        body = {"reason": form.get("reason"), "papers": await hand_in_papers(visit, form)}
        await visit.api.post(f"/v1/seals/{quote(seal_id, safe='')}/{quote(verb, safe='')}", json=body, if_match=form.get("version") or None)
        return visit.go(f"{SEALS}/{quote(seal_id, safe='')}", notice="notice_frozen" if verb == "freeze" else "notice_step_done")
