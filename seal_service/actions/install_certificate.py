"""A seal that waits for the certificate of an outside authority: its request, and the certificate when it comes."""

from __future__ import annotations

import unicodedata
from dataclasses import replace
from typing import TYPE_CHECKING

from crypto.path import validate_path
from crypto.trust_list import Purpose
from seal_service import store
from seal_service.actions.apply_for_seal import changed_seal
from seal_service.actions.certify_seal import Certified, build_seal_data
from seal_service.actions.check_power import check_not_applicant
from seal_service.actions.find_seals import find_seal
from seal_service.actions.owners_key import OUTSIDE, read_owners_key
from seal_service.actions.record_making import Making, finish_making
from seal_service.errors import certificate_refused, seal_not_found, seal_state_conflict, seal_version_conflict
from seal_service.verify import sealer_of
from service_kit.callers import person_of
from standards.gbt20518_certificate import is_sm2_certificate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crypto.certificates import Certificate
    from seal_service.model import Edition, Seal
    from service_kit.callers import Caller
    from service_kit.composition import ServiceContext


def find_request(context: ServiceContext, caller: Caller, seal_id: str) -> bytes:
    """The request (PKCS #10, DER) of a seal that waits for its certificate. Raises SEAL_NOT_FOUND, SEAL_STATE_CONFLICT."""
    seal, edition = _waiting(context, caller, seal_id)
    if edition is None or edition.request_der is None:
        raise seal_state_conflict(seal_id, "certificate-request", seal.state)
    return edition.request_der


def install_certificate(
    context: ServiceContext,
    caller: Caller,
    seal_id: str,
    certificate: Certificate,
    chain: Sequence[Certificate],
    *,
    data_version: int | None = None,
    if_version: int | None = None,
) -> Seal:
    """Take the certificate of an outside authority, make the SESeal for it, and record the seal as made.

    ``chain``: what stands above, nearest first, at most up to the anchor. ``data_version`` of the SESeal: 4, 5, or None as the setting has it.
    The applicant is not who hands it in. Raises SEAL_NOT_FOUND, SEAL_CHANGED, SEAL_STATE_CONFLICT, SECOND_PERSON_NEEDED,
    SEAL_CERTIFICATE_REFUSED, SEAL_CERTIFICATE_UNACCEPTABLE, SEAL_MAKING_CUT_OFF.
    """
    # 1. What waits, and what it is to become.
    seal, edition = _waiting(context, caller, seal_id)
    if if_version is not None and seal.version != if_version:
        raise seal_version_conflict(seal_id, str(if_version), seal.version)
    with context.database.read() as conn:
        application = None if edition is None or edition.application_id is None else store.load_application(conn, edition.application_id)
        check_not_applicant(conn, caller, application, "install-certificate")
    if edition is None or application is None:
        raise seal_state_conflict(seal_id, "certificate", seal.state)
    wanted = replace(
        changed_seal(seal, application),
        edition=edition.edition,
        key_id=edition.key_id,
        application_id=application.id,
        is_certificate_outside=True,
        is_key_here=not edition.key_id.startswith(OUTSIDE),
    )

    # 2. The certificate is for our key and its owner, for this kind of use, in force, and of an authority that is trusted here.
    at = context.clock.now()
    if (
        edition.request_der is None
        or certificate.spki_der != read_owners_key(edition.request_der)
        or not is_sm2_certificate(certificate.fields)
    ):
        raise certificate_refused("another key")
    _check_owner(certificate, wanted)
    path = validate_path(certificate, trust=context.trust(), purpose=Purpose.DOCUMENT, at=at, now=at, intermediates=tuple(chain))
    if path.trusted is not True:
        raise certificate_refused(" ".join(step.code for step in path.steps if step.outcome in {"fail", "not-checked"}))

    # 3. The SESeal, with no transaction open; then everything at once.
    certified = Certified(
        certificate, tuple(each.der for each in chain), build_seal_data(context, wanted, certificate, data_version), certificate.not_after
    )
    making = Making(seal, wanted, edition, application)
    return context.database.write(lambda conn: finish_making(context, conn, person_of(caller), making, certified))


def _check_owner(certificate: Certificate, wanted: Seal) -> None:
    """SEAL_CERTIFICATE_REFUSED unless the certificate names whom the seal was applied for: every signature says what it says.

    Authorities that write no credit code, or nothing but the code, are judged by what they do write.
    """
    name, credit_code = sealer_of(certificate.der)
    if credit_code is not None and credit_code != wanted.credit_code:
        raise certificate_refused("another credit code")
    if (name is None and credit_code is None) or (name is not None and _plain(name) != _plain(wanted.organisation)):
        raise certificate_refused("another organisation")


def _plain(name: str) -> str:
    """A name for comparing: full-width forms as half-width ones, no spaces."""
    return "".join(unicodedata.normalize("NFKC", name).split())


def _waiting(context: ServiceContext, caller: Caller, seal_id: str) -> tuple[Seal, Edition | None]:
    seal, _ = find_seal(context, caller, seal_id)
    with context.database.read() as conn:
        edition = store.load_waiting_edition(conn, seal.id)
        if store.load_seal(conn, seal_id) is None:
            raise seal_not_found(seal_id)
    return seal, edition
