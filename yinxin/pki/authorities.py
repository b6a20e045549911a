"""The deployment's authorities, opened from its folder and key store: root, issuing, time-stamps, OCSP, and the maker of seals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from crypto.authority import CertificateAuthority
from crypto.certificates import Certificate
from crypto.ocsp_responder import OcspResponder
from crypto.timestamps import DEMONSTRATION_POLICY, TimeStampAuthority
from crypto.trust_list import Anchor, TrustList
from standards.errors import Kind, TrustError
from yinxin.deployment import ISSUING_KEY, MAKER_KEY, OCSP_KEY, ROOT_KEY, TSA_KEY

if TYPE_CHECKING:
    from collections.abc import Mapping

    from crypto.signer import Signer
    from yinxin.deployment import Deployment

ROOT: Final = "root"
ISSUING: Final = "issuing"
TSA: Final = "tsa"
OCSP: Final = "ocsp"
MAKER: Final = "seal-maker"
NAMES: Final = (ROOT, ISSUING, TSA, OCSP, MAKER)
CERTIFICATE_BYTES_MAX: Final = 65_536


@dataclass(frozen=True, slots=True)
class Authorities:
    """All of them. ``certificates``: by name."""

    certificates: Mapping[str, Certificate]
    root: CertificateAuthority
    issuing: CertificateAuthority
    time_stamps: TimeStampAuthority
    responder: OcspResponder
    maker: Signer

    def by_name(self, issuer: str) -> CertificateAuthority:
        """``root`` or ``issuing``."""
        return self.root if issuer == ROOT else self.issuing

    def chain(self) -> tuple[Certificate, ...]:
        """What stands above a certificate of the issuing authority, root last."""
        return (self.certificates[ISSUING], self.certificates[ROOT])

    def trust(self, crls: tuple[bytes, ...]) -> TrustList:
        """The trust list of this deployment: its root for every purpose, its other certificates, and these revocation lists."""
        return TrustList(
            anchors=(Anchor(self.certificates[ROOT]),),
            intermediates=tuple(self.certificates[name] for name in (ISSUING, TSA, OCSP)),
            crls=crls,
        )


def crl_path(issuer: str) -> str:
    """The address of an issuer's revocation list."""
    return f"/ca/{issuer}.crl"


def certificate_path(name: str) -> str:
    """The address of one of the authority's own certificates."""
    return f"/ca/{name}.cer"


def load_own_certificate(deployment: Deployment, name: str) -> Certificate:
    """One of the authority's own certificates; CA_INCOMPLETE where it is missing or unreadable."""
    try:
        with deployment.certificate_path(name).open("rb") as file:
            return Certificate.from_der(file.read(CERTIFICATE_BYTES_MAX))
    except OSError as error:
        raise TrustError(Kind.UNAVAILABLE, "CA_INCOMPLETE", certificate=name, reason=error.strerror) from None
    except TrustError as error:  # no certificate at all
        raise TrustError(Kind.UNAVAILABLE, "CA_INCOMPLETE", certificate=name, reason=error.code) from None


def authority_of(deployment: Deployment, name: str, certificate: Certificate) -> CertificateAuthority:
    """``root`` or ``issuing``, with the addresses that go into what it issues."""
    base = deployment.settings.base_url
    return CertificateAuthority(
        certificate,
        deployment.keystore.signer(ROOT_KEY if name == ROOT else ISSUING_KEY),
        crl_urls=(base + crl_path(name),),
        ocsp_urls=(base + "/ocsp",) if name == ISSUING else (),
        ca_issuers_urls=(base + certificate_path(name),),
    )


def open_authorities(deployment: Deployment) -> Authorities:
    """All authorities of a finished deployment; CA_INCOMPLETE, or what the key store says."""
    certificates = {name: load_own_certificate(deployment, name) for name in NAMES}
    keystore = deployment.keystore
    above = (certificates[ISSUING], certificates[ROOT])
    return Authorities(
        certificates=certificates,
        root=authority_of(deployment, ROOT, certificates[ROOT]),
        issuing=authority_of(deployment, ISSUING, certificates[ISSUING]),
        time_stamps=TimeStampAuthority(certificates[TSA], above, keystore.signer(TSA_KEY), DEMONSTRATION_POLICY),
        responder=OcspResponder(certificates[ISSUING], certificates[OCSP], keystore.signer(OCSP_KEY)),
        maker=keystore.signer(MAKER_KEY),
    )
