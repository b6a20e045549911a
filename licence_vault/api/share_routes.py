"""The share interface in the shape of GB/T 36906: one POST for each question, head and data in, head and data out.

The calls stand as data: what each needs and may carry, and who answers it. Every call carries a reason, and the access token in its head.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import anyio.to_thread
from fastapi import APIRouter, Request, Response

from licence_vault import limits
from licence_vault.actions.list_shared_types import find_shared_type, list_shared_types
from licence_vault.actions.query_shared import ShareCall, query_by_code, query_by_identifier, query_of_holder
from licence_vault.actions.verify_shared import StatedLicence, verify_shared_file, verify_stated
from licence_vault.api.peer_rates import PeerRates, peer_of
from licence_vault.api.share_copies import FORM, MAKER, give_address, give_addresses, give_file
from licence_vault.api.share_data import write_items, write_licence_data, write_result, write_type
from licence_vault.api.share_envelope import (
    ShareRequest,
    read_identifier,
    read_parts,
    read_request,
    read_text,
    read_type_code,
    write_answer,
    write_refusal,
)
from licence_vault.api.wallet_answers import read_body
from licence_vault.errors import (
    licence_unmatched,
    sealer_missing,
    share_caller_differs,
    share_holder_type_unknown,
    share_malformed,
)
from licence_vault.faces.qr import read_message
from licence_vault.uses import CODE_PREFIX, SCOPE_USE, Officer
from service_kit.admission import Admission
from service_kit.composition import public
from service_kit.problems import problem_answers
from standards.errors import Kind, TrustError
from standards.gb32100_credit_code import is_credit_code
from standards.gbt36903_metadata import CREDIT_CODE, HOLDER_CODE_TYPES, RESIDENT_ID

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from licence_vault.actions.issuing_means import IssuingMeans
    from licence_vault.actions.use_desk import UseDesk
    from licence_vault.ports import CallerCheck, DocumentJudge
    from service_kit.callers import Caller

PATH: Final = "/licences/share/"
_TAGS: Final[list[Any]] = ["licence share"]
_PARTS: Final[dict[str, tuple[tuple[str, ...], tuple[str, ...]]]] = {
    "operator": (("name", "role", "division"), ()),
    "certData": (("holderCode", "holder", "certNo"), ("holderTypeCode",)),
}
"""Members that are objects: what each needs and may carry."""
_TYPE: Final = "11150700MB1234562Q901"
_IDENTIFIER: Final = "1.2.156.3005.2.11100000000013338W011.11430000006122244L.20230000403.001.U"
_FILE: Final = "verifyFile"


@dataclass(frozen=True, slots=True)
class ShareDesk:
    """What the calls need. ``callers``: who checks tokens, None where nobody does; ``judge``: of files, None where none is connected;
    ``means``: what copies are made with.
    """

    use: UseDesk
    callers: CallerCheck | None
    judge: DocumentJudge | None
    means: IssuingMeans


@dataclass(frozen=True, slots=True)
class Operation:
    """A call: its members, an example of them, and who answers it."""

    name: str
    summary: str
    needed: tuple[str, ...]
    allowed: tuple[str, ...]
    example: dict[str, Any]
    answer: Callable[[ShareDesk, Caller, ShareRequest], object]


def _parts(data: Mapping[str, Any], name: str) -> dict[str, str]:
    needed, allowed = _PARTS[name]
    return read_parts(data, name, frozenset(needed), frozenset(allowed))


def _call(caller: Caller, request: ShareRequest, reason: str = "useCause") -> ShareCall:
    officer = Officer(**_parts(request.data, "operator")) if "operator" in request.data else None
    code = read_text(request.data, "useCode") if "useCode" in request.data else None
    return ShareCall(caller, read_text(request.data, reason), code, officer)


def _holder_type(code_type: str) -> str:
    if code_type not in HOLDER_CODE_TYPES:
        raise share_holder_type_unknown()
    return code_type


def _query(desk: ShareDesk, caller: Caller, request: ShareRequest) -> object:
    return write_licence_data(query_by_identifier(desk.use, _call(caller, request), read_identifier(request.data, "certIdentifier")))


def _query_of_holder(desk: ShareDesk, caller: Caller, request: ShareRequest) -> object:
    data = request.data
    holder = _holder_type(read_text(data, "holderTypeCode")), read_text(data, "holderCode")
    number = read_text(data, "certNo") if "certNo" in data else None
    found = query_of_holder(desk.use, _call(caller, request), read_type_code(data), holder, number)
    return [write_licence_data(each) for each in found]


def _query_by_code(desk: ShareDesk, caller: Caller, request: ShareRequest) -> object:
    code = read_text(request.data, "qrcode")
    if not code.startswith(CODE_PREFIX):
        try:
            read_message(code)
        except TrustError:
            raise share_malformed("qrcode", "a use code, or what the code on a licence says") from None
    return write_licence_data(query_by_code(desk.use, _call(caller, request), code))


def _verify(desk: ShareDesk, caller: Caller, request: ShareRequest) -> object:
    data = request.data
    stated = _parts(data, "certData")
    usual = CREDIT_CODE if is_credit_code(stated["holderCode"]) else RESIDENT_ID
    code_type = _holder_type(stated.get("holderTypeCode") or usual)
    licence = StatedLicence(read_type_code(data), code_type, stated["holderCode"], stated["holder"], stated["certNo"])
    return write_result(verify_stated(desk.use, caller, licence, reason=read_text(data, "useCause")))


def _verify_file(desk: ShareDesk, caller: Caller, request: ShareRequest) -> object:
    data = request.data
    if read_text(data, "contentType") != "base64":
        raise share_malformed("contentType", "base64")
    try:
        content = base64.b64decode(read_text(data, "content"), validate=True)
    except (binascii.Error, ValueError):
        raise share_malformed("content", "base64") from None
    if desk.judge is None:
        raise sealer_missing()
    result = verify_shared_file(desk.use, desk.judge, caller, read_type_code(data), content, reason=read_text(data, "useCause"))
    return write_result(result)


def _catalogue(desk: ShareDesk, caller: Caller, request: ShareRequest) -> object:
    found = list_shared_types(desk.use, caller, reason=read_text(request.data, "useCause"))
    return [write_type(*each) for each in found]


def _items(desk: ShareDesk, caller: Caller, request: ShareRequest) -> object:
    data = request.data
    definition = find_shared_type(desk.use, caller, read_type_code(data), reason=read_text(data, "useCause"))
    if definition.name != read_text(data, "certName"):
        raise licence_unmatched()
    return write_items(definition)


def _download_file(desk: ShareDesk, caller: Caller, request: ShareRequest) -> object:
    return give_file(desk.means, desk.use, _call(caller, request, "certificateCopyCause"), request.data)


def _download_url(desk: ShareDesk, caller: Caller, request: ShareRequest) -> object:
    return give_address(desk.means, desk.use, _call(caller, request), request.data)


def _download_urls(desk: ShareDesk, caller: Caller, request: ShareRequest) -> object:
    holder = _holder_type(read_text(request.data, "holderTypeCode")), read_text(request.data, "holderCode")
    return give_addresses(desk.means, desk.use, _call(caller, request), request.data, holder)


_WHY: Final = {"useCause": "办理变更登记"}
_HOLDER_QUERY: Final = {"holderCode": "91150700MA0N000012", "holderTypeCode": "001", "certTypeCode": _TYPE, **_WHY}
_STATED: Final = {
    "holderCode": "91150700MA0N000012",
    "holderTypeCode": "001",
    "holder": "示例餐饮有限公司",
    "certNo": "示字〔2026〕第000001号",
}
OPERATIONS: Final = (
    Operation(
        "queryCertInfo",
        "A licence by its number",
        ("certIdentifier", "useCause"),
        ("useCode", "operator"),
        {"certIdentifier": _IDENTIFIER, **_WHY},
        _query,
    ),
    Operation(
        "queryCertInfoByHolderCode",
        "The licences of a holder",
        ("holderCode", "holderTypeCode", "certTypeCode", "useCause"),
        ("certNo", "operator"),
        _HOLDER_QUERY,
        _query_of_holder,
    ),
    Operation(
        "queryCertInfoByQRcode",
        "A licence by a use code, or by the code printed on it",
        ("qrcode", "useCause"),
        ("operator",),
        {"qrcode": "yxu_Vn7Qb0s3mD1kE5cTtq2H8aYw4uRzJpLgXfC6oNe", **_WHY},
        _query_by_code,
    ),
    Operation(
        "verifyCertInfo",
        "Whether what somebody says of a licence is right",
        ("certTypeCode", "certData", "useCause"),
        (),
        {"certTypeCode": _TYPE, "certData": _STATED, **_WHY},
        _verify,
    ),
    Operation(
        _FILE,
        "Whether a licence file is right and the licence in force",
        ("certTypeCode", "contentType", "content", "useCause"),
        (),
        {"certTypeCode": _TYPE, "contentType": "base64", "content": "JVBERi0xLjcK…", **_WHY},
        _verify_file,
    ),
    Operation(
        "downloadUrl",
        "An address from which an annotated copy of a licence is fetched once",
        ("certIdentifier", "useCause"),
        ("expiryTime", FORM, MAKER, "useCode", "operator"),
        {"certIdentifier": _IDENTIFIER, "useCode": "yxu_Vn7Qb0s3mD1kE5cTtq2H8aYw4uRzJpLgXfC6oNe", **_WHY},
        _download_url,
    ),
    Operation(
        "downloadUrlsByHolderCode",
        "Such addresses for the licences of a holder, by duty",
        ("holderCode", "holderTypeCode", "certTypeCode", "useCause"),
        ("certNo", "expiryTime", FORM, MAKER, "operator"),
        {**_HOLDER_QUERY, "operator": {"name": "李示例", "role": "执法人员", "division": "卫生监督所"}},
        _download_urls,
    ),
    Operation(
        "downloadFile",
        "An annotated copy of a licence",
        (FORM, "certificateIdentifier", "certificateCopyCause"),
        ("certificateCopyExpiringTime", MAKER, "useCode", "operator"),
        {
            FORM: "ofd",
            "certificateIdentifier": _IDENTIFIER,
            "certificateCopyCause": "办理变更登记",
            "certificateCopyExpiringTime": "20261228235959",
            MAKER: "示例区登记窗口",
            "useCode": "yxu_Vn7Qb0s3mD1kE5cTtq2H8aYw4uRzJpLgXfC6oNe",
        },
        _download_file,
    ),
    Operation("queryCatalogue", "The licence types one may use", ("useCause",), (), dict(_WHY), _catalogue),
    Operation(
        "getCertRemarkInfo",
        "The face items of a licence type",
        ("certName", "certTypeCode", "useCause"),
        (),
        {"certName": "公共场所卫生许可证（样例）", "certTypeCode": _TYPE, **_WHY},
        _items,
    ),
)


def add_share_routes(router: APIRouter, desk: ShareDesk) -> None:
    """Add them to the service's router."""
    rates = PeerRates(limits.SHARE_PER_MINUTE)
    files = Admission(places=limits.SHARE_FILES_AT_ONCE, bytes_max=limits.SHARE_FILES_AT_ONCE * limits.SHARE_FILE_BODY_BYTES)
    for operation in OPERATIONS:
        _add(router, desk, operation, rates, files)


def _object(needed: tuple[str, ...], allowed: tuple[str, ...]) -> dict[str, Any]:
    """The schema of an object of texts, and of the objects that calls know within."""
    members = {name: _object(*_PARTS[name]) if name in _PARTS else {"type": "string"} for name in (*needed, *allowed)}
    return {"type": "object", "required": list(needed), "properties": members, "additionalProperties": False}


def _add(router: APIRouter, desk: ShareDesk, operation: Operation, rates: PeerRates, files: Admission) -> None:
    async def take(request: Request) -> Response:
        rates.take(request)
        if request.scope["query_string"]:  # a call says all in its body: what stands elsewhere must not seem to have been asked
            return write_refusal(share_malformed("address", "no parameters"))
        if operation.name != _FILE:
            body = await read_body(request, limits.SHARE_BODY_BYTES)
            return await anyio.to_thread.run_sync(partial(_answer, desk, operation, body))
        with files.take(peer_of(request)) as held:
            body = await read_body(request, limits.SHARE_FILE_BODY_BYTES, held=held)
            return await anyio.to_thread.run_sync(partial(_answer, desk, operation, body))

    example = {"head": {"accessId": "cl_registry", "accessToken": "eyJhbGciOi…"}, "data": operation.example}
    schema = {
        "type": "object",
        "required": ["head", "data"],
        "additionalProperties": False,
        "properties": {
            "head": {"type": "object", "required": ["accessId", "accessToken"]},
            "data": _object(operation.needed, operation.allowed),
        },
    }
    router.post(
        PATH + operation.name,
        name=f"share_{operation.name}",
        summary=operation.summary,
        description="In the shape of GB/T 36906; `head.status` says how it went (docs/reference/licence-sharing.md). Each answer is on record.",
        response_class=Response,
        responses={
            200: {
                "description": "The answer, or the refusal with its return code.",
                "content": {
                    "application/json": {
                        "schema": {"type": "object", "required": ["head", "data"]},
                        "example": {"head": {"status": "0", "message": "成功"}, "data": {}},
                    }
                },
            },
            **problem_answers(413, 429, 503),
        },
        openapi_extra={"requestBody": {"required": True, "content": {"application/json": {"schema": schema, "example": example}}}},
        tags=_TAGS,
    )(public("the token stands in the head of the request, and is checked there")(take))


def _answer(desk: ShareDesk, operation: Operation, body: bytes) -> Response:
    try:
        # 1. The request, strictly; then who sent it, before anything is looked up.
        request = read_request(
            body, frozenset(operation.needed), frozenset(operation.allowed), long_member="content" if operation.name == _FILE else ""
        )
        caller = _let_in(desk, request)

        # 2. The answer, which is on record by then.
        return write_answer(operation.answer(desk, caller, request))
    except TrustError as error:
        return write_refusal(error, {*operation.needed, *operation.allowed})


def _let_in(desk: ShareDesk, request: ShareRequest) -> Caller:
    if desk.callers is None:
        raise TrustError(Kind.UNAUTHENTICATED, "TOKEN_INVALID", reason="nobody checks tokens here")
    caller = desk.callers(request.access_token, SCOPE_USE)
    if not hmac.compare_digest(caller.client_id.encode(), request.access_id.encode("utf-8", "replace")):
        raise share_caller_differs()
    return caller
