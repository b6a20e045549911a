"""Heavy work is admitted by places and by bytes as they arrive; what is over is told to come back."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from service_kit.admission import Admission
from standards.errors import Kind, TrustError


def test_places_are_given_back_also_after_a_failure() -> None:
    admission = Admission(places=2, bytes_max=100)
    with ExitStack() as stack:
        for holder in ("a", "b"):
            stack.enter_context(admission.take(holder)).whole()
        with pytest.raises(TrustError) as refused, admission.take("c"):
            pass
        assert (refused.value.kind, refused.value.code) == (Kind.TOO_MANY, "TOO_BUSY")
        assert refused.value.facts == {"retry_after_seconds": 2}
    with pytest.raises(ValueError, match="inside"), admission.take("a") as held:
        held.whole()
        raise ValueError("inside")
    with admission.take("a") as first, admission.take("b") as second:
        first.whole()
        second.whole()


def test_who_sends_nothing_takes_nothing() -> None:
    admission = Admission(places=1, bytes_max=100)
    with ExitStack() as stack:
        idle = [stack.enter_context(admission.take("stranger")) for _ in range(50)]
        with admission.take("honest") as held:
            held.arrived(90)
            held.whole()
            with pytest.raises(TrustError, match="TOO_BUSY"):
                idle[0].whole()
        idle[0].whole()


def test_bytes_count_together_but_one_always_fits() -> None:
    admission = Admission(places=9, bytes_max=100)
    with admission.take("a") as held:
        held.arrived(1000)
    with admission.take("a") as held:
        held.arrived(60)
        with pytest.raises(TrustError, match="TOO_BUSY"), admission.take("b") as other:
            other.arrived(40)
            other.arrived(1)
        with admission.take("b") as other:
            other.arrived(40)


def test_one_holder_has_half_of_the_bytes_at_most() -> None:
    admission = Admission(places=9, bytes_max=100)
    with admission.take("a") as held, admission.take("a") as more:
        held.arrived(30)
        more.arrived(20)
        with pytest.raises(TrustError, match="TOO_BUSY"):
            more.arrived(1)
        with admission.take("b") as other:
            other.arrived(20)
    with admission.take("a") as held, admission.take("a") as more:
        held.arrived(30)
        more.arrived(20)
