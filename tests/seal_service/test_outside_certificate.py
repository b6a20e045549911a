"""A seal whose certificate an outside authority issues: it waits with its request, and takes no certificate but the right one."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from crypto.authority import Profile
from crypto.certificate_requests import SubjectRequest, read_proven_request
from crypto.report import Verdict
from seal_service.actions.install_certificate import find_request, install_certificate
from seal_service.actions.make_approved_seal import make_approved_seal
from seal_service.actions.sweep_intents import sweep_intents
from seal_service.model import SealState
from seal_service.seal_data.seal_file import verify_esl
from standards.errors import TrustError
from tests.pki import DemoPki
from tests.seal_service.test_applications import MAKER, ORDER, USER, approved, code_of

if TYPE_CHECKING:
    from crypto.certificates import Certificate
    from tests.seal_service.house import House


def issue(pki: DemoPki, wanted: SubjectRequest) -> Certificate:
    now = datetime.now(UTC).replace(microsecond=0)
    return pki.issuing.issue(wanted, Profile.SEAL_SIGNING, not_before=now - timedelta(minutes=5), not_after=now + timedelta(days=30))


def test_a_seal_waits_for_its_certificate_and_takes_only_its_own(house: House) -> None:
    context = house.context
    seal = make_approved_seal(context, MAKER, approved(house, replace(ORDER, is_certificate_outside=True)).id)
    assert (seal.state, seal.certificate_der) == (SealState.MADE_REQUESTED, None)
    sweep_intents(context)  # waiting is no orphan
    wanted = read_proven_request(find_request(context, MAKER, seal.id))
    assert code_of(find_request, context, USER, "sl_none") == "SEAL_NOT_FOUND"

    strange = DemoPki.create(datetime.now(UTC), label="strange")
    another = SubjectRequest(wanted.subject_der, house.pki.maker.spki_der)
    for certificate, reason in ((issue(house.pki, another), "another key"), (issue(strange, wanted), "CERT_NO_ANCHOR")):
        with pytest.raises(TrustError, match="SEAL_CERTIFICATE_REFUSED") as refused:
            install_certificate(context, MAKER, seal.id, certificate, ())
        assert reason in str(refused.value.facts["reason"])

    made = install_certificate(context, MAKER, seal.id, issue(house.pki, wanted), house.pki.chain)
    assert (made.state, made.is_certificate_outside) == (SealState.MADE, True)
    assert verify_esl(made.seal_data_der or b"", house.pki.trust_list(), context.clock.now()).verdict is Verdict.VALID
    assert code_of(find_request, context, MAKER, seal.id) == "SEAL_STATE_CONFLICT"
    assert code_of(install_certificate, context, MAKER, seal.id, issue(house.pki, wanted), ()) == "SEAL_STATE_CONFLICT"
