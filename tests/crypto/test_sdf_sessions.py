"""Sessions of one SDF device (GM/T 0018): what fails for one of them is no end of the others."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import pytest

from crypto.devices.description import read_descriptions
from crypto.devices.sdf import SdfDriver
from standards.errors import TrustError
from tests.crypto.test_devices import MESSAGE, is_good, refused
from tests.devices.soft import SoftDevice

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def sdf(tmp_path: Path) -> SoftDevice:
    return SoftDevice("sdf", tmp_path)


@pytest.fixture
def driver(sdf: SoftDevice) -> SdfDriver:
    return SdfDriver(read_descriptions(sdf.described()).devices["soft"])


def counts(sdf: SoftDevice) -> tuple[int, int]:
    """Devices that are open, and sessions under which theirs was closed."""
    return int(sdf.knobs.soft_devices()), int(sdf.knobs.soft_torn())


def wait_until(is_so: Callable[[], bool]) -> None:
    until = time.monotonic() + 30
    while not is_so():
        assert time.monotonic() < until
        time.sleep(0.001)


@pytest.mark.clause("GM/T 0018-2012 6.2")
def test_a_session_that_is_refused_leaves_the_others_their_device(sdf: SoftDevice, driver: SdfDriver) -> None:
    first = driver.open_session()
    sdf.set("full", 1)
    refused(driver.open_session, "DEVICE_FAILED")
    assert counts(sdf) == (1, 0)
    second = driver.open_session()
    for session in (first, second):
        session.close()
    driver.close()
    assert counts(sdf) == (0, 0)


def test_a_device_without_sessions_is_opened_anew_once(sdf: SoftDevice, driver: SdfDriver) -> None:
    sdf.set("full", 1)
    driver.open_session().close()
    assert counts(sdf) == (1, 0)
    sdf.set("full", 2)
    refused(driver.open_session, "DEVICE_FAILED")
    driver.open_session().close()
    driver.close()
    driver.close()
    assert counts(sdf) == (0, 0)


@pytest.mark.parametrize("one_handle", [0, 1])
def test_a_lost_device_is_closed_with_the_last_of_its_sessions(sdf: SoftDevice, driver: SdfDriver, one_handle: int) -> None:
    sdf.set("one_handle", one_handle)
    old = [driver.open_session(), driver.open_session()]
    sdf.set("gone", 1)
    new = driver.open_session()
    assert counts(sdf) == (1 if one_handle else 2, 0)
    for session in old:
        session.close()
    assert counts(sdf) == (1, 0)
    driver.close()
    assert counts(sdf) == (1, 0)
    new.close()
    assert counts(sdf) == (0, 0)


def test_whoever_is_signing_when_a_session_is_refused_gets_his_signature(sdf: SoftDevice) -> None:
    devices = sdf.open(sessions=2)
    signer = devices.signer("sdf-key")
    signer.sign(MESSAGE)
    sdf.set("hang", 1)
    signatures: list[bytes] = []
    slow = threading.Thread(target=lambda: signatures.append(signer.sign(MESSAGE)))
    slow.start()
    wait_until(lambda: sdf.knobs.soft_hanging() == 1)
    sdf.set("full", 1)
    with pytest.raises(TrustError) as caught:
        signer.sign(MESSAGE)
    assert caught.value.facts["call"] == "SDF_OpenSession"
    sdf.set("hang", 0)
    slow.join()
    assert is_good(signer, signatures[0])
    assert (sdf.logins, counts(sdf)) == (1, (1, 0))


def test_closing_waits_for_whoever_is_signing(sdf: SoftDevice) -> None:
    devices = sdf.open(sessions=1)
    signer = devices.signer("sdf-key")
    signer.sign(MESSAGE)
    sdf.set("hang", 1)
    signatures: list[bytes] = []
    slow = threading.Thread(target=lambda: signatures.append(signer.sign(MESSAGE)))
    slow.start()
    wait_until(lambda: sdf.knobs.soft_hanging() == 1)
    devices.close()
    assert counts(sdf) == (1, 0)
    sdf.set("hang", 0)
    slow.join()
    assert is_good(signer, signatures[0])
    wait_until(lambda: counts(sdf)[0] == 0)
    assert counts(sdf) == (0, 0)
