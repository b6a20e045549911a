"""Heavy work is admitted by places and by bytes; what is over is told to come back."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from service_kit.admission import Admission
from standards.errors import Kind, TrustError


def test_places_are_given_back_also_after_a_failure() -> None:
    admission = Admission(places=2, bytes_max=100)
    with ExitStack() as held:
        held.enter_context(admission.take(10))
        held.enter_context(admission.take(10))
        with pytest.raises(TrustError) as refused, admission.take(10):
            pass
        assert (refused.value.kind, refused.value.code) == (Kind.TOO_MANY, "TOO_BUSY")
        assert refused.value.facts == {"retry_after_seconds": 2}
    with pytest.raises(ValueError, match="inside"), admission.take(10):
        raise ValueError("inside")
    with admission.take(10), admission.take(10):
        pass


def test_bytes_count_together_but_one_always_fits() -> None:
    admission = Admission(places=9, bytes_max=100)
    with admission.take(1000):
        pass
    with admission.take(60):
        with pytest.raises(TrustError), admission.take(41):
            pass
        with admission.take(40):
            pass
