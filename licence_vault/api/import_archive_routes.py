"""Files of licences of older repositories over HTTP, many at once in an archive."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Final

import anyio.to_thread
from anyio import CapacityLimiter
from fastapi import APIRouter, Request  # noqa: TC002 - FastAPI reads the annotations at run time
from pydantic import BaseModel, ConfigDict, Field

from licence_vault import limits
from licence_vault.actions.attach_archive import ArchiveOrder, Outcome, attach_archive
from licence_vault.errors import field_unacceptable
from licence_vault.model import SCOPE_ISSUE
from service_kit.admission import Admission
from service_kit.composition import caller_of, needs
from service_kit.multipart import read_form
from service_kit.problems import language_of, problem_answers
from service_kit.rule_texts import rule_in

if TYPE_CHECKING:
    from licence_vault.actions.attach_archive import ArchiveReport
    from licence_vault.actions.issuing_means import IssuingMeans

_TAGS: Final[list[Any]] = ["licences"]


class ArchivedFileAnswer(BaseModel):
    """What came of one file of an archive."""

    path: Annotated[str, Field(description="In the archive.")]
    sought_by: Annotated[str | None, Field(description="The printed number, identifier or id that its licence was sought by.")]
    imported: Annotated[str | None, Field(description="Identifier of the imported licence it belongs to.")]
    outcome: Outcome
    seal: Annotated[str | None, Field(description="The mark of the file that is attached now.")]
    code: Annotated[str | None, Field(description="Of a file that was refused.")]
    rule: Annotated[str | None, Field(description="What is not so, where the file was not attached.")]
    told: Annotated[str | None, Field(description="The rule in the caller's language.")]


class ImportArchiveAnswer(BaseModel):
    """What came of an archive. ``files``: in it. The other counts are of entries: there is one for each file, in their order, and behind them one for
    each row of the index whose file is not there (``not_matched``). ``not_reached``: the time was over; send the archive again.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "files": 1,
                    "attached": 1,
                    "replaced": 0,
                    "unchanged": 0,
                    "not_matched": 0,
                    "refused": 0,
                    "not_reached": 0,
                    "entries": [
                        {
                            "path": "2019/示字〔2019〕第000001号.pdf",
                            "sought_by": "示字〔2019〕第000001号",
                            "imported": "li_0123456789abcdef01234567",
                            "outcome": "attached",
                            "seal": "valid",
                            "code": None,
                            "rule": None,
                            "told": None,
                        }
                    ],
                }
            ]
        }
    )

    files: int
    attached: int
    replaced: int
    unchanged: int
    not_matched: int
    refused: int
    not_reached: int
    entries: list[ArchivedFileAnswer]


def add_import_archive_routes(router: APIRouter, means: IssuingMeans) -> None:
    """Add them to the service's router."""
    settings = means.context.settings.limits
    archive_bytes = min(limits.IMPORT_ARCHIVE_BYTES, settings.body_bytes)
    uploads = Admission(places=limits.IMPORT_ARCHIVES_AT_ONCE, bytes_max=limits.IMPORT_ARCHIVES_AT_ONCE * archive_bytes)
    # Of their own: single files need not wait for an archive, which takes seconds
    threads = CapacityLimiter(limits.IMPORT_ARCHIVES_AT_ONCE)

    @router.post(
        "/v1/imported-licences/files",
        name="attach_imported_licence_files",
        summary="Attach the files of imported licences that come in one archive; the seal of each is verified",
        description="Each file is matched with a licence of the issuer and type and attached as by `PUT .../{import_id}/file`: by an index "
        "`files.csv` or `files.xlsx` in the archive (columns `number` 证照编号 and `file` 文件), without one by its name (id of the imported licence, "
        "identifier or printed number, and `.pdf` or `.ofd`). What is wrong with one file holds up no other. A file that is attached already is "
        f"left as it is: the same archive may be sent again. At most {limits.IMPORT_ARCHIVE_FILES} files of {limits.IMPORT_FILE_BYTES} bytes.",
        response_model=ImportArchiveAnswer,
        responses=problem_answers(400, 401, 403, 404, 413, 422, 429, 503),
        openapi_extra=_archive_upload(),
        tags=_TAGS,
    )
    @needs(SCOPE_ISSUE)
    async def attach_files(request: Request) -> ImportArchiveAnswer:
        ends_at = time.monotonic() + settings.request_seconds
        caller = caller_of(request)
        with uploads.take(caller.holder) as held:
            form = await read_form(
                request,
                files={"archive"},
                fields={"issuer", "type"},
                file_bytes_max=archive_bytes,
                field_bytes_max=limits.IDENTIFIER_CHARACTERS,
                held=held,
            )
            if "archive" not in form.files:
                raise field_unacceptable("archive", "a ZIP archive")
            order = ArchiveOrder(form.fields.get("issuer", ""), form.fields.get("type", ""), form.files["archive"].content)
            report = await anyio.to_thread.run_sync(partial(attach_archive, means, caller, order, ends_at=ends_at), limiter=threads)
        return _written(report, language_of(request.headers.get("accept-language")))


def _written(report: ArchiveReport, language: str) -> ImportArchiveAnswer:
    entries = [
        ArchivedFileAnswer(
            path=each.path,
            sought_by=each.name,
            imported=each.import_id,
            outcome=each.outcome,
            seal=None if each.seal is None else each.seal.value,
            code=each.code,
            rule=each.rule,
            told=None if each.rule is None else rule_in(language, each.rule),
        )
        for each in report.entries
    ]
    counts = {outcome.value: report.counts[outcome] for outcome in Outcome}
    return ImportArchiveAnswer(files=report.files, entries=entries, **counts)


def _archive_upload() -> dict[str, Any]:
    text = {"type": "string"}
    properties = {
        "issuer": text | {"description": "Credit code of the issuing authority."},
        "type": text | {"description": "Code of the type."},
        "archive": {"type": "string", "format": "binary", "description": "A ZIP archive of PDF and OFD files."},
    }
    schema = {"type": "object", "required": list(properties), "additionalProperties": False, "properties": properties}
    return {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": schema}}}}
