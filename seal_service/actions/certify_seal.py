"""The middle of every making, with no transaction open: certificate and SESeal for a key that is there. What records them is elsewhere."""

from __future__ import annotations

from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from crypto.authority import Profile
from crypto.sm3 import sm3
from seal_service.actions.change_seal_state import REVOCATION_REASON
from seal_service.actions.find_seals import draw_picture
from seal_service.errors import time_stamp_not_configured
from seal_service.limits import PICTURE_DPI, VENDOR_ID
from seal_service.ports import SEAL_MAKER
from seal_service.render import draw_picture as draw_png
from seal_service.seal_data.make import SealDescription, SealMaker, build_seal
from service_kit import fail_points
from standards import x690_der as der
from standards.errors import TrustError
from standards.gbt38540_seal.values import CREDIT_CODE_AND_NAME, MONGOLIAN_NAME, ROMANISED_NAME, SealExtension, SealPicture
from standards.gbt38540_seal.versions import V5

if TYPE_CHECKING:
    from datetime import datetime

    from crypto.certificates import Certificate
    from seal_service.model import Seal
    from service_kit.composition import ServiceContext

_EXTENSIONS: Final = ((MONGOLIAN_NAME, True), (ROMANISED_NAME, False))  # critical as in the seals of the region


@dataclass(frozen=True, slots=True)
class Certified:
    """What a making yields: certificate, issuers (nearest first), SESeal, and until when both hold (aware UTC)."""

    certificate: Certificate
    chain_der: tuple[bytes, ...]
    seal_data_der: bytes
    valid_until: datetime

    @property
    def facts(self) -> dict[str, str | int | bool | None]:
        """For the audit trail."""
        return {
            "certificate": self.certificate.fingerprint,
            "serial": f"{self.certificate.serial:x}",
            "seal_data": sm3(self.seal_data_der).hex(),
        }


def certify_seal(context: ServiceContext, seal: Seal, spki_der: bytes, *, actor: str, data_version: int | None = None) -> Certified:
    """Have the built-in authority certify the key of ``seal`` (SubjectPublicKeyInfo, DER), and make the SESeal. Where that fails, what was
    issued is revoked; from then on that is for whoever records the making (``revoke_unused``).

    ``data_version``: of the SESeal, 4 or 5; None as the deployment's setting has it. National convention for seals: O is the credit code followed by the name, CN is the seal code.
    """
    certificate = context.issuer.issue(
        common_name=seal.code,
        organisation=seal.credit_code + seal.organisation,
        spki_der=spki_der,
        profile=Profile.SEAL_SIGNING,
        actor=actor,
    )
    with ExitStack() as on_failure:
        on_failure.callback(revoke_unused, context, certificate, actor=actor)
        chain_der = tuple(above.der for above in context.issuer.chain())
        fail_points.reach("make-seal.certified")
        seal_data_der = build_seal_data(context, seal, certificate, data_version)
        on_failure.pop_all()
    return Certified(certificate, chain_der, seal_data_der, certificate.not_after)


def build_seal_data(context: ServiceContext, seal: Seal, certificate: Certificate, data_version: int | None = None) -> bytes:
    """SESeal for the certificate: valid as long as it is, with the seal's picture in its true size and its further names.

    Version 5 (GM/T 0031-2025) verifies the maker's certificate first and time-stamps the maker's signature: TIME_STAMP_NOT_CONFIGURED.
    """
    version = context.settings.seals.data_version if data_version is None else data_version
    if version == V5 and context.time_stamp is None:
        raise time_stamp_not_configured()
    maker = SEAL_MAKER.needed(context)
    picture = draw_picture(seal)
    at = max(context.clock.now().replace(microsecond=0), certificate.not_before)
    description = SealDescription(
        es_id=seal.code,
        vid=VENDOR_ID,
        kind=int(seal.type_code),
        name=seal.name,
        created_at=at,
        valid_from=certificate.not_before,
        valid_until=certificate.not_after,
        picture=SealPicture("PNG", draw_png(picture, dpi=PICTURE_DPI), round(picture.width_mm), round(picture.height_mm)),
        extensions=write_name_extensions(seal),
    )
    if version != V5:
        return build_seal(description, [certificate], SealMaker(maker.certificate, maker.signer))
    described = SealMaker(maker.certificate, maker.signer, context.trust(), context.time_stamp)
    return build_seal(description, [certificate], described, version=V5)


def write_name_extensions(seal: Seal) -> tuple[SealExtension, ...]:
    """The extensions of seals in minority languages; none for a seal without a further name. Each value is the DER of a UTF8String."""
    given = [
        SealExtension(oid, is_critical, der.utf8_string(text))
        for (oid, is_critical), text in zip(_EXTENSIONS, (seal.name_mongolian, seal.name_romanised), strict=True)
        if text
    ]
    if not given:
        return ()
    return (SealExtension(CREDIT_CODE_AND_NAME, critical=False, value=der.utf8_string(seal.credit_code + seal.name)), *given)


def revoke_unused(context: ServiceContext, certificate: Certificate, *, actor: str) -> None:
    """Revoke the certificate of a making that is known to have come to nothing. Where that fails it stays in the issuer's register, for a
    key nobody uses.
    """
    with suppress(TrustError):
        context.issuer.revoke(certificate.serial, reason=REVOCATION_REASON, actor=actor)
