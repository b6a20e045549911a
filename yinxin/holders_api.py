"""Whose names of rights are whose: found by an exact login name or client id, and what the holders of rights are called; and, for a licence vault
that runs elsewhere, under which codes the person behind a token holds licences.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field

import idp.service
from service_kit.callers import NAME_CHARACTERS, Caller
from service_kit.composition import ServiceParts, needs
from service_kit.json_bodies import JsonRoute
from service_kit.problems import problem_answers
from service_kit.request_shapes import RequestShape
from yinxin.duties import FIND_HOLDERS, PROVE_HOLDERS
from yinxin.holder_links import HouseDirectory

if TYPE_CHECKING:
    from licence_vault.ports import HolderCode
    from service_kit.composition import ServiceContext

NAME: Final = "holders"
HOLDERS_MAX: Final = 100


class HolderView(BaseModel):
    """A holder of rights and what he is called."""

    holder: str
    name: str


class HolderList(BaseModel):
    """Those that were found; who is not known is left out."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"holders": [{"holder": "person:pe_0f3c5a7e9b1d", "name": "演示用户"}]}]})

    holders: list[HolderView]


class HolderQuery(RequestShape):
    """Who called: `client_id` and `gid` of the token."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"client": "portal", "grant": "gr_0f3c5a7e9b1d"}]})

    client: Annotated[str, Field(min_length=1, max_length=NAME_CHARACTERS)]
    grant: Annotated[str, Field(min_length=1, max_length=NAME_CHARACTERS)]


class HolderCodeView(BaseModel):
    """A code (GB/T 36903 Annex A) and how well it is proven, 0 to 4."""

    code_type: str
    code: str
    level: int


class ActedForView(BaseModel):
    """An organisation that the person acts for; `powers` null: everything."""

    holder: HolderCodeView
    powers: list[str] | None


class ProvenHolder(BaseModel):
    """The person behind a token as of now; `account` null: nobody who counts."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"account": "ac_0f3c5a7e9b1d", "own": [{"code_type": "111", "code": "11010519491231002X", "level": 3}], "acts_for": []}
            ]
        }
    )

    account: str | None
    own: list[HolderCodeView]
    acts_for: list[ActedForView]


def build(context: ServiceContext) -> ServiceParts:
    """The parts for the composition. Only where the identity provider runs in the same process."""
    router = APIRouter(tags=["roles"], route_class=JsonRoute)
    names = idp.service.holder_names(context)

    @router.get("/v1/holders", name="find_holders", summary="Find holders of rights by exact names", response_model=HolderList)
    @needs(FIND_HOLDERS)
    def read_holders(
        login: Annotated[str, Query(max_length=128, description="A login name or the id of a client, exactly.")] = "",
        holder: Annotated[
            list[str] | None, Query(max_length=HOLDERS_MAX, description="Names of rights, such as `person:` and a subject.")
        ] = None,
    ) -> HolderList:
        wanted = list(dict.fromkeys(each[:255] for each in holder or ()))
        found = names.by_login(login) if login else None
        if found is not None and found not in wanted:
            wanted.append(found)
        if login and found is None:
            wanted.append(login)  # perhaps a client
        known = names.names_of(wanted)
        return HolderList(holders=[HolderView(holder=each, name=known[each]) for each in wanted if each in known])

    directory = HouseDirectory(context)

    @router.post(
        "/v1/holder-queries",
        name="prove_holder",
        summary="Under which codes the person behind a token holds licences",
        description="For a licence vault that runs elsewhere: `client` and `grant` are `client_id` and `gid` of the token that a person called it with.",
        response_model=ProvenHolder,
        responses=problem_answers(401, 403, 422),
    )
    @needs(PROVE_HOLDERS)
    def prove(body: HolderQuery, response: Response) -> ProvenHolder:
        response.headers["cache-control"] = "no-store"
        found = directory.find(Caller(body.client, "", frozenset(), grant_id=body.grant), context.clock.now())
        if found is None:
            return ProvenHolder(account=None, own=[], acts_for=[])
        return ProvenHolder(
            account=found.account,
            own=[_code(each) for each in found.own],
            acts_for=[
                ActedForView(holder=_code(each.holder), powers=None if each.powers is None else sorted(each.powers))
                for each in found.acts_for
            ],
        )

    return ServiceParts(name=NAME, router=router)


def _code(holder: HolderCode) -> HolderCodeView:
    return HolderCodeView(code_type=holder.code_type, code=holder.code, level=holder.level)
