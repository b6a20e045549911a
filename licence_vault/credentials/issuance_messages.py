"""The messages of OpenID4VCI 1.0 in the pre-authorised code flow: offers and metadata written, requests and proofs read. Pure."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, quote

from crypto.jose import write_jwk
from licence_vault.credential_errors import credential_configuration_unknown, credential_proof_invalid, credential_request_malformed
from licence_vault.credentials.holder_tokens import check_holder_token
from licence_vault.credentials.lanes import LANES, Lane, LaneName
from licence_vault.credentials.sd_jwt_vc import CLAIMS, TOKEN_TYPE, vct_of
from standards.errors import TrustError
from standards.rfc7493_i_json import StrictJsonError, read_strict_object

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from crypto.jose import VerificationKey

GRANT_TYPE: Final = "urn:ietf:params:oauth:grant-type:pre-authorized_code"
PROOF_TYPE: Final = "openid4vci-proof+jwt"
ISSUER_PATH: Final = "/licences/credentials"
TOKEN_PATH: Final = ISSUER_PATH + "/token"
NONCE_PATH: Final = ISSUER_PATH + "/nonce"
CREDENTIAL_PATH: Final = ISSUER_PATH + "/credential"
GM_KEYS_PATH: Final = ISSUER_PATH + "/gm-jwks"
ISSUER_METADATA_PATH: Final = "/.well-known/openid-credential-issuer" + ISSUER_PATH  # 12.2.2
AUTHORIZATION_METADATA_PATH: Final = "/.well-known/oauth-authorization-server" + ISSUER_PATH  # RFC 8414 3.1
KEY_METADATA_PATH: Final = "/.well-known/jwt-vc-issuer" + ISSUER_PATH  # draft-ietf-oauth-sd-jwt-vc 4.1
TX_CODE_DIGITS: Final = 6
REQUEST_BYTES: Final = 16 * 1024
FORM_PAIRS: Final = 16
PROOF_SECONDS: Final = 300  # how old a proof may be; its nonce is younger
AHEAD_SECONDS: Final = 30
_CONFIGURATION: Final = re.compile(r"([0-9A-Za-z]{1,64})\.(es256|sm2)")
_NAMES_EN: Final = {
    "identifier": "Licence identifier",
    "licence_number": "Licence number",
    "licence_version": "Version",
    "licence_name": "Licence name",
    "licence_type": "Licence type",
    "issuing_authority": "Issuing authority",
    "issued_on": "Issued on",
    "valid_from": "Valid from",
    "valid_to": "Valid to",
    "area_code": "Division",
    "holders": "Holders",
    "fields": "Items on the face",
}
_NAMES_ZH: Final = {
    "identifier": "证照标识",
    "licence_number": "证照编号",
    "licence_version": "版本号",
    "licence_name": "证照名称",
    "licence_type": "证照类型",
    "issuing_authority": "颁发机构",
    "issued_on": "颁发日期",
    "valid_from": "有效期起始日期",
    "valid_to": "有效期截止日期",
    "area_code": "行政区划代码",
    "holders": "持证主体",
    "fields": "照面信息",
}


@dataclass(frozen=True, slots=True)
class OfferedType:
    """A licence type of which credentials are issued."""

    code: str
    name: str


@dataclass(frozen=True, slots=True)
class CredentialRequest:
    """What a wallet asks for (8.2). ``proof``: a JWT, unread."""

    configuration_id: str
    proof: str


# ---- offers


def configuration_id(type_code: str, lane: LaneName) -> str:
    """The name of a credential configuration: the type and the lane."""
    return f"{type_code}.{lane}"


def lane_of_configuration(configuration: str) -> Lane:
    """The lane of a configuration. CREDENTIAL_CONFIGURATION_UNKNOWN."""
    found = _CONFIGURATION.fullmatch(configuration)
    if found is None:
        raise credential_configuration_unknown()
    return LANES[LaneName(found[2])]


def write_offer(issuer: str, configurations: Sequence[str], code: str, *, has_tx_code: bool) -> dict[str, Any]:
    """A credential offer (4.1.1). ``has_tx_code``: the wallet asks its user for the digits he was given another way."""
    grant: dict[str, Any] = {"pre-authorized_code": code}
    if has_tx_code:
        grant["tx_code"] = {"input_mode": "numeric", "length": TX_CODE_DIGITS}
    return {"credential_issuer": issuer, "credential_configuration_ids": list(configurations), "grants": {GRANT_TYPE: grant}}


def write_offer_uri(offer: Mapping[str, Any]) -> str:
    """The offer as wallets take it from a link or a printed code (4.1)."""
    return "openid-credential-offer://?credential_offer=" + quote(json.dumps(offer, separators=(",", ":")), safe="")


# ---- metadata


def write_issuer_metadata(base_url: str, types: Iterable[OfferedType]) -> dict[str, Any]:
    """The Credential Issuer Metadata (12.2.4). ``base_url``: of the deployment."""
    configurations: dict[str, Any] = {}
    for each in types:
        for lane in LANES.values():
            configurations[configuration_id(each.code, lane.name)] = {
                "format": TOKEN_TYPE,
                "scope": configuration_id(each.code, lane.name),
                "vct": vct_of(base_url, each.code),
                "cryptographic_binding_methods_supported": ["jwk"],
                "credential_signing_alg_values_supported": [str(lane.algorithm)],
                "proof_types_supported": {"jwt": {"proof_signing_alg_values_supported": [str(lane.algorithm)]}},
                "credential_metadata": {
                    "display": [{"name": each.name, "locale": "zh-CN"}],
                    "claims": [
                        {
                            "path": [claim],
                            "display": [{"name": _NAMES_ZH[claim], "locale": "zh-CN"}, {"name": _NAMES_EN[claim], "locale": "en"}],
                        }
                        for claim in CLAIMS
                    ],
                },
            }
    return {
        "credential_issuer": base_url + ISSUER_PATH,
        "credential_endpoint": base_url + CREDENTIAL_PATH,
        "nonce_endpoint": base_url + NONCE_PATH,
        "credential_configurations_supported": configurations,
    }


def write_authorization_metadata(base_url: str) -> dict[str, Any]:
    """The issuer's own authorization server (RFC 8414): it knows the pre-authorised code and nothing else."""
    return {
        "issuer": base_url + ISSUER_PATH,
        "token_endpoint": base_url + TOKEN_PATH,
        "grant_types_supported": [GRANT_TYPE],
        "response_types_supported": [],
        "token_endpoint_auth_methods_supported": ["none"],
        "pre-authorized_grant_anonymous_access_supported": True,
    }


def write_key_metadata(base_url: str, keys: Iterable[VerificationKey]) -> dict[str, Any]:
    """The keys of ES256 that sign credentials (draft-ietf-oauth-sd-jwt-vc 4.2), and where those of SM2 are: never in the same set."""
    ordinary = [write_jwk(key) for key in keys if key.algorithm == LANES[LaneName.ES256].algorithm]
    return {"issuer": base_url + ISSUER_PATH, "jwks": {"keys": ordinary}, "gm_jwks_uri": base_url + GM_KEYS_PATH}


def write_gm_keys(keys: Iterable[VerificationKey]) -> dict[str, Any]:
    """The keys of SM2 that sign credentials, as a JWK Set."""
    return {"keys": [write_jwk(key) for key in keys if key.algorithm == LANES[LaneName.SM2].algorithm]}


def write_type_metadata(base_url: str, offered: OfferedType) -> dict[str, Any]:
    """What a ``vct`` stands for (draft-ietf-oauth-sd-jwt-vc 5): names of the type and of its claims; every claim may be left out."""
    return {
        "vct": vct_of(base_url, offered.code),
        "name": offered.name,
        "display": [{"locale": "zh-CN", "name": offered.name}],
        "claims": [
            {
                "path": [claim],
                "sd": "always",
                "display": [{"locale": "zh-CN", "label": _NAMES_ZH[claim]}, {"locale": "en", "label": _NAMES_EN[claim]}],
            }
            for claim in CLAIMS
        ],
    }


# ---- requests


def read_form(content_type: str, body: bytes) -> dict[str, str]:
    """A form, each parameter once (RFC 6749 3.2). CREDENTIAL_REQUEST_MALFORMED."""
    if content_type.partition(";")[0].strip().lower() != "application/x-www-form-urlencoded":
        raise credential_request_malformed("content type")
    try:
        pairs = parse_qsl(
            body.decode("ascii"), keep_blank_values=True, strict_parsing=bool(body), max_num_fields=FORM_PAIRS, errors="strict"
        )
    except ValueError:
        raise credential_request_malformed("form") from None
    form = dict(pairs)
    if len(form) != len(pairs):
        raise credential_request_malformed("a parameter comes twice")
    return form


def read_credential_request(body: bytes) -> CredentialRequest:
    """Read a request to the credential endpoint (8.2): one configuration, one proof. CREDENTIAL_REQUEST_MALFORMED, CREDENTIAL_PROOF_INVALID."""
    try:
        members = read_strict_object(body)
    except StrictJsonError:
        raise credential_request_malformed("JSON") from None
    configuration = members.get("credential_configuration_id")
    if not isinstance(configuration, str) or "credential_identifier" in members:
        raise credential_request_malformed("credential_configuration_id")
    if "credential_response_encryption" in members:  # silence would be a promise
        raise credential_request_malformed("credential_response_encryption")
    proofs = members.get("proofs")
    listed = proofs.get("jwt") if isinstance(proofs, dict) and proofs.keys() == {"jwt"} else None
    if not isinstance(listed, list) or len(listed) != 1 or not isinstance(listed[0], str):
        raise credential_proof_invalid("one proof of the kind jwt")
    return CredentialRequest(configuration, listed[0])


def check_key_proof(proof: str, lane: Lane, *, issuer: str, at: datetime) -> tuple[VerificationKey, str]:
    """The holder's key and the nonce of a proof (F.1), whose nonce is still to be judged. CREDENTIAL_PROOF_INVALID names the rule."""
    try:
        checked = check_holder_token(proof, lane, token_type=PROOF_TYPE)
    except TrustError as error:
        raise credential_proof_invalid(str(error.facts.get("reason", error.code))) from None
    issued, nonce = checked.claims.get("iat"), checked.claims.get("nonce")
    now = at.timestamp()
    if checked.claims.get("aud") != issuer:
        raise credential_proof_invalid("aud")
    if type(issued) is not int or not now - PROOF_SECONDS <= issued <= now + AHEAD_SECONDS:
        raise credential_proof_invalid("iat")
    if not isinstance(nonce, str) or not nonce:
        raise credential_proof_invalid("nonce")
    return checked.key, nonce


def issuer_of(base_url: str) -> str:
    """The Credential Issuer Identifier of a deployment (12.2.1)."""
    return base_url + ISSUER_PATH
