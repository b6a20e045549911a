"""What goes over the wire: requests refuse unknown members (a caller cannot set what is not his to set), answers are complete.

Times are RFC 3339 in UTC; lengths are millimetres, from the lower-left corner of the page as it is seen.
"""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - pydantic reads the annotations at run time
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from seal_service import limits
from seal_service.places import PAGES_TEXT_MAX, PLACES_MAX
from service_kit.request_shapes import WHOLE, RequestShape
from standards.rfc7468_pem import write_pem

if TYPE_CHECKING:
    from seal_service.model import Seal, SealUse

_ORGANISATION = "呼伦贝尔市政务服务演示中心（样例）"
_CREDIT_CODE = "11150700MB1234562Q"
_SEAL_EXAMPLE: dict[str, Any] = {
    "id": "sl_5f0c9a3e1b7d2468ace01357",
    "code": "15070000000001",
    "name": _ORGANISATION,
    "organisation": _ORGANISATION,
    "purpose": "",
    "credit_code": _CREDIT_CODE,
    "type_code": "1",
    "state": "active",
    "state_reason": None,
    "version": 2,
    "picture_width_mm": 42.0,
    "picture": "/v1/seals/sl_5f0c9a3e1b7d2468ace01357/picture.svg",
    "certificate": "-----BEGIN CERTIFICATE-----\nMIIB...\n-----END CERTIFICATE-----\n",
    "made_at": "2026-05-01T08:00:00Z",
    "state_at": "2026-05-01T08:00:00Z",
    "grants": ["cl_portal"],
}


class _Request(RequestShape):
    model_config = ConfigDict(str_strip_whitespace=True)


KEY_REQUEST: Final = (
    "PKCS #10 (PEM) that the owner's device made for its SM2 key: the seal gets that key, and is used by POST "
    "/v1/seals/{seal_id}/remote-signatures alone. Without it the key is made and kept here."
)


DataVersion = Annotated[
    Literal[4, 5] | None,
    WHOLE,
    Field(
        description="Data version of the SESeal: 4 (GB/T 38540-2020) or 5 (GM/T 0031-2025); without it the setting `seals.data_version`."
    ),
]


class MakeSeal(_Request):
    """A seal to be made."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"organisation": _ORGANISATION, "credit_code": _CREDIT_CODE, "type_code": "1"}]},
    )

    organisation: Annotated[
        str,
        Field(min_length=1, max_length=limits.ORGANISATION_CHARACTERS, description="The registered name; stands in the ring of the seal."),
    ]
    credit_code: Annotated[str, Field(min_length=18, max_length=18, description="Unified social credit code (GB 32100).")]
    name: Annotated[
        str | None,
        Field(max_length=limits.SEAL_NAME_CHARACTERS, description="What the seal is called in lists; without it organisation and purpose."),
    ] = None
    purpose: Annotated[str, Field(max_length=limits.PURPOSE_CHARACTERS, description="A short line below the star, such as 业务专用章.")] = (
        ""
    )
    type_code: Annotated[
        str,
        Field(
            pattern=r"^[0-9]{1,2}$",
            description="Type of seal: 1 法定名称章, 2 财务, 3 发票, 4 合同, 5 法定代表人名章, 6 业务专用章, 99 其他.",
        ),
    ] = "1"
    division: Annotated[
        str | None,
        Field(
            pattern=r"^[0-9]{6}$",
            description="Division of the maker (GB/T 2260), first part of the seal code; without it the one of the credit code.",
        ),
    ] = None
    picture_width_mm: Annotated[float, Field(ge=20, le=60, description="Diameter of the seal.")] = 42.0
    grants: Annotated[
        list[str] | None, Field(max_length=100, description="Clients that may use the seal; without it the calling client.")
    ] = None
    certificate_request: Annotated[str, Field(max_length=limits.PEM_CHARACTERS, description=KEY_REQUEST)] = ""
    data_version: DataVersion = None


class StateChange(_Request):
    """Why a seal changes its state."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "device reported lost"}]})

    reason: Annotated[str, Field(min_length=1, max_length=limits.REASON_CHARACTERS)]
    papers: Annotated[
        list[str], Field(max_length=limits.PAPERS_PER_ACT, description="Ids of papers handed in with POST /v1/seal-papers.")
    ] = Field(default=[])


class Acceptance(_Request):
    """A step that needs no reason."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": ""}]})

    reason: Annotated[str, Field(max_length=limits.REASON_CHARACTERS)] = ""
    papers: Annotated[list[str], Field(max_length=limits.PAPERS_PER_ACT)] = Field(default=[])


Millimetres = Annotated[float, Field(allow_inf_nan=False)]
Width = Annotated[float, Field(allow_inf_nan=False, ge=5, le=100, description="Without it the seal's own width.")]
Page = Annotated[int, Field(ge=-1, le=1_000_000, description="1 is the first page, -1 the last.")]
PagesRule = Annotated[
    str, Field(min_length=1, max_length=PAGES_TEXT_MAX, description="all, odd, even, first, last, or numbers and ranges such as 1,3-5.")
]


class PlaceOrder(_Request):
    """One place: a page, and the seal's centre in millimetres from the lower-left corner of the page as seen."""

    page: Page
    x_mm: Millimetres
    y_mm: Millimetres
    width_mm: Width | None = None


class SeamOrder(_Request):
    """A riding seam: the seal is cut into slices, one at the edge of each page."""

    edge: Literal["left", "right", "top", "bottom"] = "right"
    pages: Annotated[PagesRule | Annotated[list[Page], Field(min_length=1, max_length=PLACES_MAX)], Field()] = "all"
    offset_mm: Annotated[
        Millimetres | None, Field(description="Centre of the seal along the edge, from its lower or left end; without it the middle.")
    ] = None
    width_mm: Width | None = None
    pages_per_seal: Annotated[
        int | None, Field(ge=2, le=PLACES_MAX, description="How many pages share one seal; without it at most 20.")
    ] = None


FieldNames = Annotated[list[Annotated[str, Field(min_length=1, max_length=256)]], Field(min_length=1, max_length=1000)]


class LockOrder(_Request):
    """Which fields nobody may change after this seal (PDF): some, or all but some. Give one of the two."""

    fields: FieldNames | None = None
    all_but: FieldNames | None = None


class EmptyFieldOrder(PlaceOrder):
    """An empty signature field to be prepared: where its seal will stand, its name, and what is locked once it is signed."""

    name: Annotated[str | None, Field(min_length=1, max_length=128, description="Without it the next free one: Seal1, Seal2, ...")] = None
    height_mm: Annotated[Width | None, Field(description="Without it as high as wide.")] = None
    lock: bool | LockOrder = False


class EmptyFields(_Request):
    """The fields of one request."""

    fields: Annotated[list[EmptyFieldOrder], Field(min_length=1, max_length=limits.EMPTY_FIELDS_MAX)]


class PlacementOrder(_Request):
    """Where and how a document is sealed. Without a place the seal is invisible.

    One place (page, x_mm, y_mm), the same place on several pages (pages, x_mm, y_mm), a keyword of the text, several places, a riding seam;
    a seam may stand beside places.
    """

    page: Page | None = None
    x_mm: Millimetres | None = None
    y_mm: Millimetres | None = None
    width_mm: Width | None = None
    keyword: Annotated[str | None, Field(min_length=1, max_length=limits.KEYWORD_CHARACTERS)] = None
    pages: PagesRule | None = None
    places: Annotated[list[PlaceOrder] | None, Field(min_length=1, max_length=PLACES_MAX)] = None
    seam: SeamOrder | None = None
    lock: Annotated[
        bool | LockOrder, Field(description="Close the document: whoever signs it later breaks this seal. Or lock some fields.")
    ] = False
    occurrence: Annotated[
        Literal["every"] | Annotated[int, Field(ge=-1, le=10_000)],
        Field(description="Which occurrence of the keyword: from 1, -1 the last, or every."),
    ] = 1
    opacity: Annotated[float, Field(ge=0.1, le=1, description="Of the seal's ink (PDF).")] = 1.0
    field: Annotated[
        str | None, Field(min_length=1, max_length=128, description="A prepared signature field to fill, or the name of a new one (PDF).")
    ] = None
    certify: Annotated[
        Literal[1, 2, 3] | None,
        WHOLE,
        Field(
            description="Certify the document with its first signature (PDF): 1 allows no change, 2 filling and signing prepared fields, "
            "3 notes as well."
        ),
    ] = None
    profile: Annotated[
        str | None,
        Field(pattern=r"^[a-z][a-z0-9+-]{0,31}$", description="Form of the signature; without it the default of the kind of document."),
    ] = None


class DigestOrder(_Request):
    """A digest to be sealed: the document stays with its owner."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"digest": "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"}]}
    )

    digest: Annotated[str, Field(max_length=64, description="SM3 of the content: 32 bytes in hex or base64.")]
    digest_algorithm: Literal["SM3"] = "SM3"
    timestamp: Annotated[bool, Field(description="Add an RFC 3161 time-stamp.")] = False
    document_type: Annotated[
        str, Field(max_length=limits.DOCUMENT_TYPE_CHARACTERS, description="What kind of document it is, in the words of the grant.")
    ] = ""
    profile: Annotated[
        Literal["cms", "pades", "pades+ses", "ses"],
        Field(
            description="cms, which states its time (the default); pades, for /Contents of a PDF whose /M states it; pades+ses, the same with the "
            "sealing value of GB/T 38540 as a signed attribute; ses, the sealing value alone."
        ),
    ] = "cms"
    property_info: Annotated[
        str,
        Field(
            max_length=128,
            description="With pades+ses and ses, ASCII: what of the original the sealing value protects; of a PDF /ByteRange[a b c d].",
        ),
    ] = ""


class DigestAnswer(BaseModel):
    """A detached value over a digest: `cms`, or for the profile ses `ses`."""

    seal_use: str
    audit_entry: str
    cms: Annotated[str | None, Field(description="CMS SignedData (RFC 5652, detached, SM2 with SM3), DER in base64.")] = None
    ses: Annotated[str | None, Field(description="SES_Signature (GB/T 38540), DER in base64.")] = None
    signed_at: datetime


class SealAnswer(BaseModel):
    """A seal."""

    model_config = ConfigDict(json_schema_extra={"examples": [_SEAL_EXAMPLE]})

    id: str
    code: str
    name: str
    organisation: str
    purpose: str
    credit_code: str
    type_code: str
    state: str
    state_reason: str | None
    version: int
    picture_width_mm: float
    picture: str
    certificate: str | None
    made_at: datetime
    state_at: datetime
    name_mongolian: str = ""
    name_romanised: str = ""
    edition: int = 1
    application_id: str | None = None
    powers_separated: Annotated[bool, Field(description="Nobody may hold two powers over it.")] = False
    filing: Annotated[str | None, Field(description="The region's receipt, or not-configured.")] = None
    valid_until: datetime | None = None
    grants: list[str] | None = None


class SealList(BaseModel):
    """Seals, and where the next page begins."""

    seals: list[SealAnswer]
    next_after: Annotated[str | None, Field(description="Give it as `after` to get the next page; null on the last.")]


class UseAnswer(BaseModel):
    """One use of a seal."""

    id: str
    seal_id: str
    client_id: str
    kind: str
    state: str
    digest: Annotated[str, Field(description="SM3 that was signed, hex.")]
    is_timestamped: bool
    intent_at: datetime
    finished_at: datetime | None
    void_reason: str | None
    result_digest: Annotated[str | None, Field(description="SM3 of the result, hex.")]
    result_bytes: int | None
    result: Annotated[str | None, Field(description="Where the result can be fetched again.")]
    intent_audit_entry: str
    result_audit_entry: str | None


class UseList(BaseModel):
    """Uses of a seal, and where the next page begins."""

    uses: list[UseAnswer]
    next_after: str | None


def write_seal(seal: Seal, grants: list[str] | None = None) -> SealAnswer:
    """A seal as it goes out."""
    return SealAnswer(
        id=seal.id,
        code=seal.code,
        name=seal.name,
        organisation=seal.organisation,
        purpose=seal.purpose,
        credit_code=seal.credit_code,
        type_code=seal.type_code,
        state=seal.state.value,
        state_reason=seal.state_reason,
        version=seal.version,
        picture_width_mm=seal.picture_width_mm,
        picture=f"/v1/seals/{seal.id}/picture.svg",
        certificate=None if seal.certificate_der is None else write_pem("CERTIFICATE", seal.certificate_der).decode("ascii"),
        made_at=seal.made_at,
        state_at=seal.state_at,
        name_mongolian=seal.name_mongolian,
        name_romanised=seal.name_romanised,
        edition=seal.edition,
        application_id=seal.application_id,
        powers_separated=seal.are_powers_separated,
        filing=seal.filing,
        valid_until=seal.valid_until,
        grants=grants,
    )


def write_use(use: SealUse) -> UseAnswer:
    """A use of a seal as it goes out."""
    return UseAnswer(
        id=use.id,
        seal_id=use.seal_id,
        client_id=use.client_id,
        kind=use.kind.value,
        state=use.state.value,
        digest=use.digest.hex(),
        is_timestamped=use.is_timestamped,
        intent_at=use.intent_at,
        finished_at=use.finished_at,
        void_reason=use.void_reason,
        result_digest=use.result_digest,
        result_bytes=use.result_bytes,
        result=None if use.result_digest is None else f"/v1/seal-uses/{use.id}/result",
        intent_audit_entry=use.intent_audit_id,
        result_audit_entry=use.result_audit_id,
    )
