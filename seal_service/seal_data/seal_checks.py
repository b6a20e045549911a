"""The steps on a seal by itself: form, the maker's signature, its making, the maker's certificate, its validity, its time-stamp."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from crypto.report import Step, failed, not_checked, passed, warned
from seal_service.seal_data.certified_key import MAKER, CertifiedKey, PathFindings, check_path, check_value, open_certificate
from seal_service.seal_data.setting import CLOCK_TOLERANCE, LOCAL_AS_UTC, seal_clause
from seal_service.seal_data.time_checks import TokenTime, check_token
from standards.gbt38540_seal.quirks import CRITICAL_UNKNOWN
from standards.gbt38540_seal.versions import V4, V5

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from seal_service.seal_data.setting import Setting
    from standards.gbt38540_seal.values import Quirk, SealData


@dataclass(frozen=True, slots=True)
class SealFindings:
    """The steps on a seal. ``value_is_good``: the maker's signature value verifies."""

    steps: tuple[Step, ...]
    value_is_good: bool | None
    maker: CertifiedKey
    path: PathFindings


def quirk_steps(quirks: Iterable[Quirk], clause: str) -> list[Step]:
    """Every tolerated deviation as a warning of its name."""
    return [
        warned(quirk.code, clause, where=quirk.where, **{"extension" if quirk.code == CRITICAL_UNKNOWN else "found": quirk.found})
        for quirk in quirks
    ]


def examine_seal(seal: SealData, setting: Setting, used_at: datetime | None, proven_at: datetime | None) -> SealFindings:
    """Every step on the seal. ``used_at`` is the time of sealing, None judges the seal alone as of now; ``proven_at``: the same where it is proven."""
    version = seal.version
    steps = quirk_steps(seal.quirks, seal_clause(version, "a"))
    if version == V4 and seal.header_version != V4:
        steps.append(failed("SES_VERSION_UNKNOWN", seal_clause(version, "a"), found=seal.header_version))
    else:
        steps.append(passed("SES_FORMAT_OK", seal_clause(version, "a"), version=version))
    maker = open_certificate(seal.maker_certificate_der)
    value_is_good, value_step = check_value(
        maker,
        seal.signature_algorithm_oid,
        seal.signed_bytes,
        seal.signature,
        version,
        seal_clause(version, "b"),
        ("SEAL_SIG_OK", "SEAL_SIG_BAD"),
        MAKER,
        is_remembered=True,
    )
    steps.append(value_step)
    if version == V5:
        steps += _making_time(seal, maker)
    path = _maker_path(seal, maker, setting, used_at)
    steps += path.steps
    steps += _validity_now(seal, setting, is_alone=used_at is None)
    if used_at is not None:
        steps += _made_before_use(seal, used_at)
    shown = [] if proven_at is None else [proven_at]
    if seal.time_stamp_der is not None:
        clause = seal_clause(version, "f")
        token = check_token(seal.time_stamp_der, seal.signature, setting, clause)
        steps += [*token.steps, *_making_before_stamp(seal, token, clause)]
        shown += [] if token.proven_at is None else [token.proven_at]
    if path.undone_at is not None and min(shown, default=setting.now) > path.undone_at:
        # Whoever has the maker's key since dates the making back
        steps.append(not_checked("SEAL_MAKING_UNPROVEN", seal_clause(version, "d"), undone_at=path.undone_at.isoformat()))
    return SealFindings(tuple(steps), value_is_good, maker, path)


def _making_time(seal: SealData, maker: CertifiedKey) -> list[Step]:
    """Step c of version 5: the seal and its maker's certificate were good when the seal was made."""
    clause = seal_clause(seal.version, "c")
    made_at = seal.property.created_at
    frame = maker.frame
    last = seal.property.valid_until if frame is None else min(seal.property.valid_until, frame.not_after)
    if made_at - LOCAL_AS_UTC > last or (frame is not None and made_at < frame.not_before):
        return [failed("SEAL_MAKE_TIME_BAD", clause, made_at=made_at.isoformat())]
    if made_at > last:
        return [warned("SEAL_CREATE_TIME_SHIFTED", clause, made_at=made_at.isoformat(), limit=last.isoformat())]
    return [passed("SEAL_MAKE_TIME_OK", clause, made_at=made_at.isoformat())]


def _maker_path(seal: SealData, maker: CertifiedKey, setting: Setting, used_at: datetime | None) -> PathFindings:
    """Step d. The moment is that of making.

    In versions 1 and 4 real makers' certificates begin a little after the stated making; they are then judged from their beginning on, as
    long as that lies before the use of the seal. There a revocation up to the use counts; version 5 asks for the time of making alone.
    """
    moment = used_at or setting.now
    at = min(seal.property.created_at, setting.now)
    old = seal.version != V5
    if old and maker.frame is not None and at < maker.frame.not_before <= moment:
        at = maker.frame.not_before
    return check_path(
        maker,
        MAKER,
        setting.trust,
        at,
        now=setting.now,
        clause=seal_clause(seal.version, "d"),
        intermediates=setting.intermediates,
        evidence=setting.evidence,
        revoked_until=moment if old else None,
        must_hold_now=old and setting.strict,
    )


def _validity_now(seal: SealData, setting: Setting, *, is_alone: bool) -> list[Step]:
    """Step e. That a seal has expired since it was used is said, and fails only by the letter; so is a seal that is looked at alone."""
    clause = seal_clause(seal.version, "e")
    start, end = seal.property.valid_from, seal.property.valid_until
    if setting.now > end:
        expired = failed if setting.strict else warned
        return [expired("SEAL_EXPIRED_NOW", clause, valid_until=end.isoformat())]
    if setting.now < start and is_alone:
        return [failed("SEAL_NOT_YET_VALID", clause, valid_from=start.isoformat())]
    return [passed("SEAL_TIME_OK", clause, valid_from=start.isoformat(), valid_until=end.isoformat())] if is_alone else []


def _made_before_use(seal: SealData, used_at: datetime) -> list[Step]:
    """A seal cannot be used before it is made; eight hours are local time written as UTC."""
    made_at = seal.property.created_at
    clause = seal_clause(seal.version, "e")
    if made_at - used_at > LOCAL_AS_UTC + CLOCK_TOLERANCE:
        return [failed("SEAL_NOT_YET_VALID", clause, reason="made-later", made_at=made_at.isoformat(), at=used_at.isoformat())]
    if made_at - used_at > CLOCK_TOLERANCE:
        return [warned("SEAL_CREATE_TIME_SHIFTED", clause, made_at=made_at.isoformat(), limit=used_at.isoformat())]
    return []


def _making_before_stamp(seal: SealData, token: TokenTime, clause: str) -> list[Step]:
    """Step f of version 5: the seal was made no later than it was time-stamped."""
    made_at = seal.property.created_at
    if token.stated_at is None or made_at - token.stated_at <= CLOCK_TOLERANCE:
        return []
    facts = {"made_at": made_at.isoformat(), "limit": token.stated_at.isoformat()}
    if made_at - token.stated_at > LOCAL_AS_UTC + CLOCK_TOLERANCE:
        return [failed("TS_BEFORE_CREATE", clause, **facts)]
    return [warned("SEAL_CREATE_TIME_SHIFTED", clause, **facts)]
