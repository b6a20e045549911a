"""Whose names of rights are whose: found by an exact login name or client id, and what the holders of rights are called."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict

import idp.service
from service_kit.composition import ServiceParts, needs
from yinxin.duties import FIND_HOLDERS

if TYPE_CHECKING:
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


def build(context: ServiceContext) -> ServiceParts:
    """The parts for the composition. Only where the identity provider runs in the same process."""
    router = APIRouter(tags=["roles"])
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

    return ServiceParts(name=NAME, router=router)
