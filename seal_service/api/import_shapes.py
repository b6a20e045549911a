"""What goes over the wire about seals that were made elsewhere and are to be kept here. Times are RFC 3339 in UTC."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - pydantic reads the annotations at run time
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from crypto.report_json import write_step
from seal_service import limits
from seal_service.actions.find_import import read_steps
from seal_service.api.life_shapes import ApplicationAnswer, Holders, PaperIds  # noqa: TC001 - pydantic reads the annotations at run time
from seal_service.api.life_values import write_application
from seal_service.api.shapes import KEY_REQUEST
from seal_service.model import Application, KeyCustody, Paper, SealImport
from seal_service.seal_data.certified_key import open_certificate
from service_kit.request_shapes import RequestShape
from standards.gbt38540_seal.read import read_seal


class ImportRequest(RequestShape):
    """What is wanted of a seal from elsewhere: where its key is, and who is to hold which power over it."""

    model_config = ConfigDict(
        str_strip_whitespace=True,
        json_schema_extra={"examples": [{"reason": "系统迁移", "custody": "keystore", "managers": ["seal-office"], "users": ["portal"]}]},
    )

    reason: Annotated[str, Field(min_length=1, max_length=limits.REASON_CHARACTERS)]
    custody: Annotated[
        Literal["keystore", "device", "owner", "absent"],
        Field(
            description="Where the key is: handed in as `key` and kept here; in a device of this deployment (`device_key`); in its owner's device, "
            "who signs in two phases (`certificate_request`); or not within reach, and the seal is archived."
        ),
    ] = "absent"
    device_key: Annotated[str, Field(max_length=64, description="The name of the key in a device of this deployment.")] = ""
    certificate_request: Annotated[str, Field(max_length=limits.PEM_CHARACTERS, description=KEY_REQUEST)] = ""
    organisation: Annotated[
        str, Field(max_length=limits.IMPORT_NAME_CHARACTERS, description="Without it as the certificate states it.")
    ] = ""
    credit_code: Annotated[str, Field(max_length=18, description="Without it as the certificate states it (GB 32100).")] = ""
    managers: Holders = Field(default=[])
    users: Holders = Field(default=[])
    auditors: Holders = Field(default=[])
    papers: PaperIds = Field(default=[])


class StepAnswer(BaseModel):
    """One step of the verification."""

    code: str
    outcome: Literal["pass", "fail", "warn", "not-checked"]
    clause: str
    detail: str


class ImportAnswer(BaseModel):
    """A seal from elsewhere: its application, what it says of itself, and what was found out about it."""

    application: ApplicationAnswer
    code: Annotated[str, Field(description="What the seal calls itself (esID).")]
    seal_version: Annotated[int, Field(description="Data version: 1 (GM/T 0031-2014), 4 (GB/T 38540-2020) or 5 (GM/T 0031-2025).")]
    vendor: str
    created_at: datetime
    valid_from: datetime
    valid_until: datetime
    width_mm: int
    height_mm: int
    picture_format: str
    subject: Annotated[str | None, Field(description="Of its certificate; null where that breaks the rules of certificates.")]
    issuer: str | None
    custody: Literal["keystore", "device", "owner", "absent"]
    becomes: Annotated[Literal["made", "archived"], Field(description="The state of the seal once it is taken over.")]
    verdict: Annotated[
        Literal["valid", "indeterminate"], Field(description="What is indeterminate could not be verified and is only archived.")
    ]
    unverified: Annotated[list[str], Field(description="Codes of the steps that could not be decided.")]
    checked_at: datetime
    steps: list[StepAnswer]


def write_import(application: Application, taken_in: SealImport, language: str, papers: list[Paper] | None = None) -> ImportAnswer:
    """What was handed in as it goes out; the steps in ``language``."""
    seal = read_seal(taken_in.seal_data_der)
    certificate = open_certificate(taken_in.certificates_der[0]).certificate
    steps = [StepAnswer.model_validate(write_step(step, language)) for step in read_steps(taken_in.steps_json)]
    return ImportAnswer.model_validate(
        {
            "application": write_application(application, papers),
            "code": seal.es_id,
            "seal_version": seal.version,
            "vendor": seal.vid,
            "created_at": seal.property.created_at,
            "valid_from": seal.property.valid_from,
            "valid_until": seal.property.valid_until,
            "width_mm": seal.picture.width_mm,
            "height_mm": seal.picture.height_mm,
            "picture_format": seal.picture.kind,
            "subject": None if certificate is None else certificate.subject_text,
            "issuer": None if certificate is None else certificate.issuer_text,
            "custody": taken_in.custody.value,
            "becomes": "archived" if taken_in.custody is KeyCustody.ABSENT else "made",
            "verdict": taken_in.verdict,
            "unverified": list(dict.fromkeys(step.code for step in steps if step.outcome == "not-checked")),
            "checked_at": taken_in.checked_at,
            "steps": steps,
        }
    )
