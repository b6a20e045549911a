"""What a verification answers."""

from __future__ import annotations

from datetime import date  # noqa: TC003 - pydantic reads the annotations at run time
from typing import Literal

from pydantic import BaseModel

from service_kit.written_times import WrittenUtc  # noqa: TC001 - pydantic reads the annotations at run time


class StepAnswer(BaseModel):
    """One check that was run."""

    code: str
    outcome: Literal["pass", "fail", "warn", "not-checked"]
    clause: str
    detail: str


class SignatureAnswer(BaseModel):
    """What was found out about one signature; null where it cannot be known."""

    name: str
    kind: str
    verdict: Literal["valid", "invalid", "indeterminate"]
    cryptographically_valid: bool | None
    document_intact: bool | None
    trusted: bool | None
    signer: str | None
    signed_at: WrittenUtc | None
    steps: list[StepAnswer]


class QuestionAnswer(BaseModel):
    """One question that is asked of a licence besides its seals, with its own verdict."""

    name: Literal["number", "content", "seal", "log", "status", "copy", "holder"]
    verdict: Literal["valid", "invalid", "indeterminate"]
    steps: list[StepAnswer]


class SaidAnswer(BaseModel):
    """Which licence it is. `holders`: names, null where the question `holder` was asked; `valid_to`: null for no end.

    A licence file says all of it. Of a credential what whoever shows it keeps back is absent; where that is `valid_to`, an end is not known.
    """

    identifier: str | None = None
    name: str | None = None
    number: str | None = None
    holders: list[str] | None = None
    issuer: str | None = None
    issued_on: date | None = None
    valid_from: date | None = None
    valid_to: date | None = None


class VerificationAnswer(BaseModel):
    """What was found out about one file: the same shape as `yinxin verify --json` gives per file.

    `questions`: there for licences only. `steps`: what there is to say of the file as a whole; absent where that is nothing. `says`: which licence it
    is; absent where its content, number, seal or entry in the log is in doubt. Whether it is in force is for the verdict. Of a credential, which
    has no entry in the log, it is absent also where it is not shown to be in force.
    """

    file: str
    verdict: Literal["valid", "invalid", "indeterminate"]
    tampered: bool | None
    signatures: list[SignatureAnswer]
    steps: list[StepAnswer] | None = None
    questions: list[QuestionAnswer] | None = None
    says: SaidAnswer | None = None
