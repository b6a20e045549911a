"""From requests to values, and from values to answers, of the life of a seal."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from seal_service import limits
from seal_service.actions.choose_grant import write_hours
from seal_service.actions.grant_seal import GrantOrder
from seal_service.errors import field_unacceptable
from seal_service.pictures.own_picture import is_own_picture
from service_kit.clock import in_utc
from standards.rfc7468_pem import read_pem

if TYPE_CHECKING:
    from datetime import datetime

    from seal_service.model import Act, Application, Edition, Grant, Paper, PowerHolder
from seal_service.api.life_shapes import (
    _HOURS,
    _OFFSET,
    ActAnswer,
    ApplicationAnswer,
    EditionAnswer,
    GrantAnswer,
    GrantRequest,
    PaperAnswer,
    PowerAnswer,
    Timeline,
)


def read_certificates(pem: str) -> list[bytes]:
    """The certificates (DER) of a request, the seal's own first. Raises TrustError FIELD_UNACCEPTABLE."""
    found = [der for label, der in read_pem(pem.encode("utf-8", "replace")) if label == "CERTIFICATE"]
    if not 1 <= len(found) <= limits.CHAIN_CERTIFICATES:
        raise field_unacceptable("certificates", f"1 to {limits.CHAIN_CERTIFICATES} certificates in PEM")
    return found


def _read_time(field: str, at: datetime | None) -> datetime | None:
    return None if at is None else in_utc(at, partial(field_unacceptable, field))


def read_grant(body: GrantRequest) -> GrantOrder:
    """The order in a request. Raises TrustError FIELD_UNACCEPTABLE."""
    hours = _HOURS.fullmatch(body.hours)
    if body.hours and hours is None:
        raise field_unacceptable("hours", "HH:MM-HH:MM")
    offset = _OFFSET.fullmatch(body.utc_offset)
    if offset is None:
        raise field_unacceptable("utc_offset", "+HH:MM or -HH:MM")
    minutes = int(offset[2]) * 60 + int(offset[3])
    return GrantOrder(
        holder=body.holder,
        via_client=body.via_client,
        forms=frozenset(body.forms),
        document_types=frozenset(body.document_types),
        uses_max=body.uses_max,
        valid_from=_read_time("valid_from", body.valid_from),
        valid_until=_read_time("valid_until", body.valid_until),
        from_minute=None if hours is None else int(hours[1]) * 60 + int(hours[2]),
        until_minute=None if hours is None else int(hours[3]) * 60 + int(hours[4]),
        offset_minutes=minutes if offset[1] == "+" else -minutes,
        reason=body.reason,
    )


def write_grant(grant: Grant) -> GrantAnswer:
    """A grant as it goes out."""
    hours, minutes = divmod(abs(grant.offset_minutes), 60)
    return GrantAnswer(
        id=grant.id,
        seal_id=grant.seal_id,
        holder=grant.holder,
        granted_by=grant.granted_by,
        granted_at=grant.granted_at,
        via_client=grant.via_client,
        forms=sorted(grant.forms),
        document_types=sorted(grant.document_types),
        uses_max=grant.uses_max,
        used=grant.used,
        valid_from=grant.valid_from,
        valid_until=grant.valid_until,
        hours=write_hours(grant),
        utc_offset=f"{'-' if grant.offset_minutes < 0 else '+'}{hours:02d}:{minutes:02d}",
        revoked_by=grant.revoked_by,
        revoked_at=grant.revoked_at,
        revoked_reason=grant.revoked_reason,
        version=grant.version,
    )


def write_application(application: Application, papers: list[Paper] | None = None) -> ApplicationAnswer:
    """An application as it goes out."""
    return ApplicationAnswer(
        id=application.id,
        kind=application.kind.value,
        state=application.state.value,
        seal_id=application.seal_id,
        applied_by=application.applied_by,
        applied_at=application.applied_at,
        reason=application.reason,
        organisation=application.organisation,
        credit_code=application.credit_code,
        name=application.name,
        name_mongolian=application.name_mongolian,
        name_romanised=application.name_romanised,
        purpose=application.purpose,
        type_code=application.type_code,
        division=application.division,
        design="" if is_own_picture(application.design_json) else application.design_json,
        own_picture=is_own_picture(application.design_json),
        picture_width_mm=application.picture_width_mm,
        managers=list(application.managers),
        users=list(application.users),
        auditors=list(application.auditors),
        certificate="external" if application.is_certificate_outside else "built-in",
        reviewed_by=application.reviewed_by,
        reviewed_at=application.reviewed_at,
        review_reason=application.review_reason,
        version=application.version,
        state_at=application.state_at,
        papers=None if papers is None else [write_paper(paper) for paper in papers],
    )


def write_paper(paper: Paper) -> PaperAnswer:
    """A paper as it goes out."""
    return PaperAnswer(
        id=paper.id,
        name=paper.name,
        digest=paper.digest,
        size_bytes=paper.size_bytes,
        handed_in_by=paper.handed_in_by,
        handed_in_at=paper.handed_in_at,
    )


def write_power(each: PowerHolder) -> PowerAnswer:
    """A power as it goes out."""
    return PowerAnswer(holder=each.holder, power=each.power.value, given_by=each.given_by, given_at=each.given_at)


def write_timeline(found: list[Act], limit: int) -> Timeline:
    """A page of a history; ``found`` has one more than ``limit`` where there is a next page."""
    page = found[:limit]
    return Timeline(
        acts=[
            ActAnswer(
                position=act.position,
                seal_id=act.seal_id,
                application_id=act.application_id,
                act=act.act,
                from_state=act.from_state,
                to_state=act.to_state,
                by=act.actor,
                at=act.at,
                reason=act.reason,
                papers=[{"name": name, "digest": digest} for name, digest in act.papers],
                audit_entry=act.audit_id,
            )
            for act in page
        ],
        next_after=page[-1].position if len(found) > limit else None,
    )


def write_edition(edition: Edition) -> EditionAnswer:
    """A making as it goes out."""
    return EditionAnswer(
        edition=edition.edition,
        state=edition.state.value,
        name=edition.name,
        organisation=edition.organisation,
        purpose=edition.purpose,
        application_id=edition.application_id,
        begun_at=edition.begun_at,
        made_at=edition.made_at,
        retired_at=edition.retired_at,
        key_destroyed=edition.is_key_destroyed,
        key_left_with=edition.key_left_with,
    )
