"""Known answers that every provider must give before it is used at all. A wrong answer refuses the provider: it fails closed.

The values are those printed in GB/T 32918.5-2017, GB/T 32905-2016, GB/T 32907-2016 and RFC 8998; where a standard gives none, a round
trip and its disturbed twin stand in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from crypto.providers.protocol import SM4GCM, Capability, SM2Provider
from standards.errors import Kind, TrustError

if TYPE_CHECKING:
    from crypto.providers.pyca import Pyca

_SCALAR: Final = bytes.fromhex("3945208f7b2144b13f36e38ac6d39f95889393692860b51a42fb81ef4df7c5b8")
_POINT: Final = bytes.fromhex(
    "0409f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13"
)
_E: Final = bytes.fromhex("f0b43e94ba45accaace692ed534382eb17e6ab5a19ce7b31f4486fdfc0d28640")
_SIGNATURE: Final = bytes.fromhex(
    "3046022100f5a03b0648d2c4630eeac513e1bb81a15944da3827d5b74143ac7eaceee720b3"
    "022100b1b6aa29df212fd8763182bc0d421ca1bb9038fd1f7f42d4840b69c485bbc1aa"
)
_PLAINTEXT: Final = b"encryption standard"
_CIPHERTEXT: Final = bytes.fromhex(
    "307c022004ebfc718e8d1798620432268e77feb6415e2ede0e073c0f4f640ecd2e149a73022100e858f9d81e5430a57b36daab8f950a3c64e6ee6a63094d99283a"
    "ff767e124df0042059983c18f809e262923c53aec295d30383b54e39d609d160afcb1908d0bd8766041321886ca989ca9c7d58087307ca93092d651efa"
)
_C3_OFFSET: Final = 73  # the first byte of HASH in _CIPHERTEXT
_SM3_ANSWERS: Final = (
    (b"abc", bytes.fromhex("66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0")),
    (b"abcd" * 16, bytes.fromhex("debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732")),
)
_HMAC_KEY: Final = bytes.fromhex("1e225cafb90339bba1b24076d4206c3e79c355805d851682bc818baa4f5a7779")
_HMAC_ANSWER: Final = bytes.fromhex("f9938b1b2515117f25dcd636c9a6a0e7f00bccaf5347e0e0df435cfca736cfc1")
_SM4_KEY: Final = bytes.fromhex("0123456789abcdeffedcba9876543210")
_SM4_ANSWER: Final = bytes.fromhex("681edf34d206965e86b3e94f536e4246")
_GCM_NONCE: Final = bytes.fromhex("00001234567800000000abcd")
_GCM_AAD: Final = bytes.fromhex("feedfacedeadbeeffeedfacedeadbeefabaddad2")
_GCM_PLAINTEXT: Final = b"".join(bytes((byte,)) * 8 for byte in (0xAA, 0xBB, 0xCC, 0xDD, 0xEE, 0xFF, 0xEE, 0xAA))
_GCM_ANSWER: Final = bytes.fromhex(
    "17f399f08c67d5ee19d0dc9969c4bb7d5fd46fd3756489069157b282bb200735d82710ca5c22f0ccfa7cbf93d496ac15a56834cbcf98c397b4024a2691233b8d"
    "83de3541e4c2b58177e065a9bf7b62ec"
)


def _require(provider: str, check: str, good: object) -> None:
    if not good:
        raise TrustError(Kind.UNAVAILABLE, "CRYPTO_SELF_TEST_FAILED", provider=provider, check=check)


def check_sm2_provider(provider: SM2Provider) -> None:
    """Run every known answer that fits the provider's capabilities; ``CRYPTO_SELF_TEST_FAILED`` names the first that is wrong."""
    name, can = provider.name, provider.capabilities
    public = provider.load_public(_POINT)
    _require(name, "verify-sample", provider.verify(public, _SIGNATURE, _E))
    _require(name, "refuse-other-digest", not provider.verify(public, _SIGNATURE, _E[:-1] + bytes((_E[-1] ^ 1,))))
    _require(name, "refuse-other-signature", not provider.verify(public, _SIGNATURE[:-1] + bytes((_SIGNATURE[-1] ^ 1,)), _E))
    if not can & {Capability.SIGN, Capability.DECRYPT}:
        return
    private = provider.load_private(_SCALAR)
    _require(name, "public-point", provider.point_of(private) == _POINT)
    _require(name, "private-number", provider.scalar_of(private) == _SCALAR)
    if Capability.SIGN in can:
        first, second = provider.sign(private, _E), provider.sign(private, _E)
        _require(name, "sign", provider.verify(public, first, _E) and provider.verify(public, second, _E))
        _require(name, "fresh-nonce", first != second and _SIGNATURE not in {first, second})
    if Capability.DECRYPT in can:
        _require(name, "decrypt-sample", provider.decrypt(private, _CIPHERTEXT) == _PLAINTEXT)
        _require(name, "refuse-other-c3", _refuses(provider, private, _flip(_CIPHERTEXT, _C3_OFFSET)))
        _require(name, "refuse-other-c2", _refuses(provider, private, _flip(_CIPHERTEXT, len(_CIPHERTEXT) - 1)))
    if {Capability.ENCRYPT, Capability.DECRYPT} <= can:
        _require(name, "encrypt", provider.decrypt(private, provider.encrypt(public, _PLAINTEXT)) == _PLAINTEXT)
    if Capability.GENERATE in can:
        made = provider.generate()
        _require(name, "generate", provider.verify(provider.load_public(provider.point_of(made)), provider.sign(made, _E), _E))


def _flip(data: bytes, offset: int) -> bytes:
    return data[:offset] + bytes((data[offset] ^ 1,)) + data[offset + 1 :]


def _refuses(provider: SM2Provider, private: object, ciphertext: bytes) -> bool:
    try:
        provider.decrypt(private, ciphertext)
    except TrustError as error:
        return error.code == "SM2_DECRYPT_FAILED"
    return False


def check_symmetric_provider(provider: Pyca) -> None:
    """SM3, HMAC-SM3, SM4-CBC (one block, which with a zero IV is the sample of GB/T 32907) and SM4-GCM (RFC 8998)."""
    for message, answer in _SM3_ANSWERS:
        running = provider.new_sm3()
        running.update(message)
        _require(provider.name, "sm3", running.finalize() == answer)
    _require(provider.name, "hmac-sm3", provider.hmac_sm3(_HMAC_KEY, b"") == _HMAC_ANSWER)
    _require(provider.name, "sm4-encrypt", provider.sm4_cbc(_SM4_KEY, bytes(16), _SM4_KEY, encrypt=True) == _SM4_ANSWER)
    _require(provider.name, "sm4-decrypt", provider.sm4_cbc(_SM4_KEY, bytes(16), _SM4_ANSWER, encrypt=False) == _SM4_KEY)
    _check_gcm(provider)


def check_bulk_provider(provider: SM4GCM, other: SM4GCM) -> None:
    """SM4-GCM as :func:`check_symmetric_provider`, and some thousand bytes, for which libraries have code of their own, against ``other``."""
    _check_gcm(provider)
    long = b"".join(index.to_bytes(4, "big") for index in range(1025)) + b"rest"
    sealed = other.sm4_gcm_seal(_SM4_KEY, _GCM_NONCE, long, _GCM_AAD)
    _require(provider.name, "sm4-gcm-seal-long", provider.sm4_gcm_seal(_SM4_KEY, _GCM_NONCE, long, _GCM_AAD) == sealed)
    _require(provider.name, "sm4-gcm-open-long", provider.sm4_gcm_open(_SM4_KEY, _GCM_NONCE, sealed, _GCM_AAD) == long)
    _require(provider.name, "sm4-gcm-refuse-long", provider.sm4_gcm_open(_SM4_KEY, _GCM_NONCE, _flip(sealed, 4000), _GCM_AAD) is None)


def _check_gcm(provider: SM4GCM) -> None:
    _require(provider.name, "sm4-gcm-seal", provider.sm4_gcm_seal(_SM4_KEY, _GCM_NONCE, _GCM_PLAINTEXT, _GCM_AAD) == _GCM_ANSWER)
    _require(provider.name, "sm4-gcm-open", provider.sm4_gcm_open(_SM4_KEY, _GCM_NONCE, _GCM_ANSWER, _GCM_AAD) == _GCM_PLAINTEXT)
    _require(provider.name, "sm4-gcm-refuse", provider.sm4_gcm_open(_SM4_KEY, _GCM_NONCE, _flip(_GCM_ANSWER, 0), _GCM_AAD) is None)
