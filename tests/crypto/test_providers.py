"""Every provider against every vector, every provider against every other, and the malformed corpus in front of each."""

from __future__ import annotations

import ctypes
import gc
import multiprocessing
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from typing import TYPE_CHECKING, Any

import pytest

from crypto.sm2 import SM2PrivateKey, SM2PublicKey
from standards import gbt32918_sm2 as sm2
from standards import x690_der as der
from standards.errors import TrustError
from standards.rfc5958_private_keys import write_sm2_private_key
from tests.crypto import published_vectors as v
from tests.crypto.sm2_arithmetic import G, multiply, recover_from_repeated_nonce, sign_with_nonce, verifies
from tests.crypto.sm2_providers import ALL, NATIVE, provider
from tests.optional import need
from tests.standards.test_gbt32918_sm2 import BAD_SIGNATURES
from tests.untraced import untraced

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

each = pytest.mark.parametrize("name", ALL)
each_native = pytest.mark.parametrize("name", NATIVE)
pairs = pytest.mark.parametrize(("signing", "verifying"), list(product(NATIVE, ALL)))


def sample_public(name: str) -> SM2PublicKey:
    return SM2PublicKey.from_point(v.SM2_POINT, provider(name))


def sample_private(name: str) -> SM2PrivateKey:
    return SM2PrivateKey.from_scalar(v.SM2_SCALAR, v.SM2_POINT, provider(name))


@pytest.mark.clause("GB/T 32918.5-2017 A.2", "GB/T 32918.2-2016 7.1")
@each
def test_published_signature(name: str) -> None:
    public = sample_public(name)
    assert public.z_a() == v.SM2_Z_A
    assert public.digest(v.SM2_MESSAGE) == v.SM2_E
    assert public.verify(v.SM2_SIGNATURE, v.SM2_MESSAGE)
    assert public.verify(v.SM2_SIGNATURE, memoryview(v.SM2_MESSAGE))
    assert public.verify_digest(v.SM2_SIGNATURE, v.SM2_E)


@pytest.mark.clause("GB/T 32918.2-2016 7.1")
@each
def test_everything_near_the_published_signature_is_refused(name: str) -> None:
    public = sample_public(name)
    assert not public.verify(v.SM2_SIGNATURE, v.SM2_MESSAGE + b".")
    assert not public.verify(v.SM2_SIGNATURE, v.SM2_MESSAGE, b"")
    assert not public.verify(v.SM2_SIGNATURE, v.SM2_MESSAGE, b"alice123@yahoo.com")
    assert not public.verify(v.SM2_SIGNATURE, v.SM2_MESSAGE, bytes(8192))
    assert not public.verify_digest(v.SM2_SIGNATURE, v.SM2_E[:-1])
    for r, s in (
        (v.SM2_S, v.SM2_R),
        (v.SM2_R, sm2.N - v.SM2_S),
        (v.SM2_R ^ 1, v.SM2_S),
        (v.SM2_R, v.SM2_S ^ 1),
        (1, 1),
        (sm2.N - 1, sm2.N - 2),
    ):
        assert not public.verify(sm2.write_signature(r, s), v.SM2_MESSAGE)
    other = SM2PublicKey.from_point(sm2.write_point(sm2.GX, sm2.GY), provider(name))
    assert not other.verify(v.SM2_SIGNATURE, v.SM2_MESSAGE)


@each
@pytest.mark.parametrize("case", BAD_SIGNATURES)
def test_malformed_signatures_never_reach_the_library(name: str, case: str) -> None:
    assert sample_public(name).verify(BAD_SIGNATURES[case], v.SM2_MESSAGE) is False
    assert sample_public(name).verify_digest(BAD_SIGNATURES[case], v.SM2_E) is False


@each
def test_a_signature_whose_sum_is_the_point_at_infinity(name: str) -> None:
    """With t = -s/d the sum sG + tP is O: each number is in range, so only the computation shows that it is not valid."""
    s = 12345
    t = -s * pow(int.from_bytes(v.SM2_SCALAR, "big"), -1, sm2.N) % sm2.N
    r = (t - s) % sm2.N
    assert not sample_public(name).verify_digest(sm2.write_signature(r, s), v.SM2_E)


@pairs
def test_every_signature_verifies_everywhere(signing: str, verifying: str) -> None:
    key = SM2PrivateKey.generate(provider(signing))
    public = SM2PublicKey.from_point(key.public_key.point, provider(verifying))
    for message, uid in ((b"", sm2.DEFAULT_ID), (b"m" * 1000, b""), (b"\x00", bytes(8190)), (b"x", bytes(8191))):
        signature = key.sign(message, uid)
        assert public.verify(signature, message, uid)
        assert not public.verify(signature, message, uid + b"1" if len(uid) < 8191 else b"")
        assert not public.verify(signature, message + b"1", uid)
    point = sm2.read_point(key.public_key.point)
    r, s = sm2.read_signature(key.sign_digest(v.SM2_E))
    assert verifies(point, int.from_bytes(v.SM2_E, "big"), r, s)


@each_native
def test_user_id_over_the_limit_is_an_error_when_signing(name: str) -> None:
    with pytest.raises(TrustError, match="SM2_ID_TOO_LONG"):
        sample_private(name).sign(b"m", bytes(8192))
    with pytest.raises(TrustError, match="SM2_DIGEST_LENGTH"):
        sample_private(name).sign_digest(bytes(31))


@pytest.mark.parametrize(("sealing", "opening"), list(product(NATIVE, NATIVE)))
@pytest.mark.parametrize("size", [1, 19, 32, 255, 256, 70_000])
def test_encrypted_by_one_opened_by_the_other(sealing: str, opening: str, size: int) -> None:
    public = sample_public(sealing)
    plaintext = os.urandom(size)
    assert sample_private(opening).decrypt(public.encrypt(plaintext)) == plaintext


@pytest.mark.clause("GB/T 32918.5-2017 C.2", "GB/T 32918.4-2016 7.1")
@each_native
def test_published_ciphertext_and_its_disturbed_twins(name: str) -> None:
    key = sample_private(name)
    assert key.decrypt(v.SM2_CIPHERTEXT) == v.SM2_PLAINTEXT
    parts = sm2.read_ciphertext(v.SM2_CIPHERTEXT)
    for c3, c2 in ((bytes(32), parts.c2), (parts.c3[::-1], parts.c2), (parts.c3, parts.c2[::-1]), (parts.c3, parts.c2[:-1])):
        with pytest.raises(TrustError, match="SM2_DECRYPT_FAILED"):
            key.decrypt(sm2.write_ciphertext(sm2.SM2Ciphertext(parts.x, parts.y, c3, c2)))
    with pytest.raises(TrustError, match="SM2_DECRYPT_FAILED"):
        key.decrypt(sm2.write_ciphertext(sm2.SM2Ciphertext(sm2.GX, sm2.GY, parts.c3, parts.c2)))
    with pytest.raises(TrustError, match="SM2_POINT_OFF_CURVE"):
        key.decrypt(sm2.write_ciphertext(sm2.SM2Ciphertext(parts.x, parts.y ^ 1, parts.c3, parts.c2)))
    with pytest.raises(TrustError, match="DER_TRAILING_BYTES"):
        key.decrypt(v.SM2_CIPHERTEXT + b"\x00")


@each_native
@pytest.mark.parametrize("size", [0, sm2.MAX_PLAINTEXT_BYTES + 1])
def test_plaintexts_outside_the_limits(name: str, size: int) -> None:
    with pytest.raises(TrustError, match="SM2_PLAINTEXT_LENGTH"):
        sample_public(name).encrypt(bytes(size))


@pytest.mark.clause("GB/T 32918.1-2016 6.1")
@each_native
@pytest.mark.parametrize("d", [0, sm2.N - 1, sm2.N, sm2.N + 1, 2**256 - 1])
def test_private_numbers_out_of_range(name: str, d: int) -> None:
    scalar = d.to_bytes(32, "big")
    with pytest.raises(TrustError, match="SM2_PRIVATE_KEY_RANGE"):
        SM2PrivateKey.from_scalar(scalar, provider=provider(name))
    with pytest.raises(TrustError, match="SM2_PRIVATE_KEY_RANGE"):
        SM2PrivateKey.from_pkcs8(write_sm2_private_key(scalar, v.SM2_POINT), provider=provider(name))


@each_native
@pytest.mark.parametrize("d", [1, 2, sm2.N - 2, 2**128])
def test_private_numbers_at_the_edge_work(name: str, d: int) -> None:
    key = SM2PrivateKey.from_scalar(d.to_bytes(32, "big"), provider=provider(name))
    point = multiply(d, G)
    assert point is not None
    assert key.public_key.point == sm2.write_point(*point)
    assert key.public_key.verify(key.sign(b"m"), b"m")
    assert key.to_pkcs8() == write_sm2_private_key(d.to_bytes(32, "big"), sm2.write_point(*point))


@each_native
def test_private_key_with_a_foreign_point(name: str) -> None:
    with pytest.raises(TrustError, match="SM2_KEY_PAIR_MISMATCH"):
        SM2PrivateKey.from_scalar(v.SM2_SCALAR, sm2.write_point(sm2.GX, sm2.GY), provider(name))
    with pytest.raises(TrustError, match="SM2_KEY_PAIR_MISMATCH"):
        SM2PrivateKey.from_pkcs8(write_sm2_private_key(v.SM2_SCALAR, sm2.write_point(sm2.GX, sm2.GY)), provider=provider(name))
    with pytest.raises(TrustError, match="SM2_POINT_OFF_CURVE"):
        SM2PrivateKey.from_scalar(v.SM2_SCALAR, b"\x04" + bytes(64), provider(name))


@each
@pytest.mark.parametrize("point", [bytes(64), b"\x04" + bytes(64), b"\x00", v.SM2_POINT[:-1] + b"\x00", b"\xff" * 64])
def test_points_off_the_curve(name: str, point: bytes) -> None:
    with pytest.raises(TrustError, match="SM2_POINT"):
        SM2PublicKey.from_point(point, provider(name))


def test_gmssl_never_signs_decrypts_or_makes_keys() -> None:
    only = provider("gmssl")
    for refused in (
        lambda: SM2PrivateKey.generate(only),
        lambda: SM2PrivateKey.from_scalar(v.SM2_SCALAR, provider=only),
        lambda: SM2PrivateKey.from_pkcs8(write_sm2_private_key(v.SM2_SCALAR, v.SM2_POINT), provider=only),
        lambda: sample_public("gmssl").encrypt(b"x"),
        lambda: only.load_private(v.SM2_SCALAR),
        only.generate,
        lambda: only.point_of(None),
        lambda: only.scalar_of(None),
        lambda: only.sign(None, v.SM2_E),
        lambda: only.encrypt(None, b"x"),
        lambda: only.decrypt(None, b"x"),
    ):
        with pytest.raises(TrustError, match="CRYPTO_CAPABILITY_MISSING"):
            refused()


@each_native
@pytest.mark.clause("GB/T 32918.2-2016 6.1")
@untraced()
def test_no_nonce_comes_twice_in_ten_thousand(name: str) -> None:
    """With e fixed, r repeats exactly when the nonce does."""
    key = sample_private(name)
    seen = {sm2.read_signature(key.sign_digest(v.SM2_E))[0] for _ in range(10_000)}
    assert len(seen) == 10_000


def test_a_repeated_nonce_gives_the_key_away() -> None:
    """What the two tests beside this one guard against: the detector finds a planted reuse, and reuse is fatal."""
    d = int.from_bytes(v.SM2_SCALAR, "big")
    first, second = sign_with_nonce(d, 1111, 987654321), sign_with_nonce(d, 2222, 987654321)
    assert recover_from_repeated_nonce(first, second) == d
    same = [sign_with_nonce(d, int.from_bytes(v.SM2_E, "big"), k)[0] for k in (5, 6, 5)]
    assert len(set(same)) == 2


def _sign_in_child(connection: Connection, key: SM2PrivateKey) -> None:
    connection.send([key.sign_digest(v.SM2_E) for _ in range(20)])
    connection.close()


@each_native
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_fork_does_not_repeat_the_parents_nonces(name: str) -> None:
    key = sample_private(name)
    key.sign_digest(v.SM2_E)  # the generator is in use before the fork
    fork = multiprocessing.get_context("fork")
    seen: list[bytes] = []
    for _ in range(3):
        receiver, sender = fork.Pipe(duplex=False)
        child = fork.Process(target=_sign_in_child, args=(sender, key))
        child.start()
        seen += receiver.recv()
        child.join()
        assert child.exitcode == 0
    seen += [key.sign_digest(v.SM2_E) for _ in range(20)]
    assert len({sm2.read_signature(signature)[0] for signature in seen}) == len(seen) == 80
    assert all(key.public_key.verify_digest(signature, v.SM2_E) for signature in seen)


@each_native
def test_one_key_in_eight_threads(name: str) -> None:
    key = sample_private(name)
    start = threading.Barrier(8)

    def work(number: int) -> int:
        start.wait()
        good = 0
        for count in range(40):
            message = f"{number}-{count}".encode()
            signature = key.sign(message)
            good += key.public_key.verify(signature, message) and not key.public_key.verify(signature, message + b"x")
        return good

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(work, range(8))) == [40] * 8


@each_native
def test_the_interpreter_lock_is_free_while_the_library_works(name: str) -> None:
    """While one thread encrypts a megabyte again and again, another keeps counting."""
    public, stop, count = sample_public(name), threading.Event(), 0

    def work() -> None:
        for _ in range(5):
            public.encrypt(bytes(sm2.MAX_PLAINTEXT_BYTES))
        stop.set()

    worker = threading.Thread(target=work)
    worker.start()
    while not stop.is_set():
        count += 1
    worker.join()
    assert count > 1000


def test_errors_of_openssl_do_not_stay_behind() -> None:
    """Each kind of failure drains the library's queue at once: the next failure is reported with its own text."""
    libcrypto: Any = provider("libcrypto")
    waiting = libcrypto._lib.ERR_get_error
    assert waiting() == 0
    assert not libcrypto.verify(libcrypto.load_public(v.SM2_POINT), b"\x30\x00", v.SM2_E)
    assert waiting() == 0
    with pytest.raises(TrustError, match="SM2_DECRYPT_FAILED"):
        libcrypto.decrypt(libcrypto.load_private(v.SM2_SCALAR), b"\x30\x00")
    assert waiting() == 0
    with pytest.raises(TrustError, match="CRYPTO_PROVIDER_FAILED") as caught:
        libcrypto.load_public(b"\x04" + bytes(64))
    assert waiting() == 0
    assert caught.value.facts["operation"] == "load_public"
    assert "error:" in str(caught.value.facts["detail"])


@each_native
def test_what_a_library_refuses_is_its_own_error(name: str) -> None:
    """Both load some keys that are none (which ones is their affair): what they do refuse comes out as one error."""
    chosen = provider(name)
    refused = {"libcrypto": lambda: chosen.load_public(b"\x04" + b"\x01" * 64), "botan": lambda: chosen.load_private(bytes(32))}
    with pytest.raises(TrustError, match="CRYPTO_PROVIDER_FAILED"):
        refused[name]()
    with pytest.raises(TrustError, match="SM2_DECRYPT_FAILED"):
        chosen.decrypt(chosen.load_private(v.SM2_SCALAR), b"\x30\x00")


def test_the_libraries_let_through_what_our_checks_stop() -> None:
    """Why the checks stand in front of every provider: OpenSSL 3.0 loads d = n-1, Botan 2 loads a point that is not on the curve."""
    libcrypto, botan = provider("libcrypto"), provider("botan")
    if libcrypto.version.startswith("OpenSSL 3.0"):
        libcrypto.load_private((sm2.N - 1).to_bytes(32, "big"))
    if botan.version.startswith("Botan 2"):
        botan.load_public(b"\x04" + b"\x01" * 64)
    for name in NATIVE:
        with pytest.raises(TrustError, match="SM2_PRIVATE_KEY_RANGE"):
            SM2PrivateKey.from_scalar((sm2.N - 1).to_bytes(32, "big"), provider=provider(name))
        with pytest.raises(TrustError, match="SM2_POINT_OFF_CURVE"):
            SM2PublicKey.from_point(b"\x04" + b"\x01" * 64, provider(name))


class MallocInfo(ctypes.Structure):
    """What glibc's ``mallinfo2`` returns; ``uordblks`` counts the bytes in use."""

    _fields_ = [
        (name, ctypes.c_size_t)
        for name in ("arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks", "fordblks", "keepcost")
    ]


def bytes_in_use() -> int:
    """What the C library has handed out and not got back. The size of the process would hide a leak in memory freed before."""
    ask = getattr(ctypes.CDLL(None), "mallinfo2", None)
    need("mallinfo2", ask, "only glibc 2.33 and later counts the bytes in use")
    assert ask is not None
    ask.restype = MallocInfo
    return int(ask().uordblks)


@each_native
def test_an_operation_is_used_again_unless_it_failed(name: str) -> None:
    chosen = provider(name)
    public, private = chosen.load_public(v.SM2_POINT), chosen.load_private(v.SM2_SCALAR)
    signatures = [chosen.sign(private, v.SM2_E) for _ in range(3)]
    assert len(private.signing) == 1
    for signature in signatures:
        assert chosen.verify(public, signature, v.SM2_E)
        assert len(public.verifying) == 1
        assert not chosen.verify(public, signature, bytes(32))
        assert not public.verifying
    assert len(set(signatures)) == 3


@each_native
@untraced()
def test_keys_and_contexts_are_freed(name: str) -> None:
    """Thousands of keys loaded, used and let go leave no memory behind; those that are kept show that a leak would be seen."""
    chosen = provider(name)
    kept: list[object] = []

    def grown(rounds: int, *, keep: bool) -> int:
        gc.collect()  # garbage of others, let go meanwhile, would hide what grows here
        before = bytes_in_use()
        for _ in range(rounds):
            public, private = chosen.load_public(v.SM2_POINT), chosen.load_private(v.SM2_SCALAR)
            for _ in range(2):  # the second time with the operation of the first
                assert chosen.verify(public, v.SM2_SIGNATURE, v.SM2_E)
                chosen.sign(private, v.SM2_E)
            if keep:
                kept.extend((public, private))
        return bytes_in_use() - before

    grown(100, keep=False)
    assert grown(1_000, keep=False) < 100_000
    assert grown(1_000, keep=True) > 500_000


@each
def test_versions_and_capabilities_are_stated(name: str) -> None:
    chosen = provider(name)
    assert chosen.name == name
    assert len(chosen.version) > 5
    assert ("sign" in chosen.capabilities) == (name in NATIVE)


def test_non_minimal_integers_are_stopped_before_gmssl() -> None:
    """The package itself takes an extra element in the SEQUENCE; in front of it the codec does not."""
    extra = der.sequence(der.integer(v.SM2_R), der.integer(v.SM2_S), der.integer(1))
    assert not sample_public("gmssl").verify(extra, v.SM2_MESSAGE)
