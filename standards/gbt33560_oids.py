"""Object identifiers: GB/T 33560 (GM/T 0006) for the national algorithms, PKIX and PKCS for the rest.

One name per identifier for the whole project. Where the field has several habits for one meaning, the one we write has the plain
name and the others end in ``_ALIAS``; readers accept both, writers never write an alias.
"""

from __future__ import annotations

from typing import Final

# National algorithms
SM2_CURVE: Final = "1.2.156.10197.1.301"
SM2_SIGN_ALIAS: Final = "1.2.156.10197.1.301.1"  # older habit for SM2_WITH_SM3
SM2_ENCRYPT: Final = "1.2.156.10197.1.301.3"
SM3: Final = "1.2.156.10197.1.401"
HMAC_SM3: Final = "1.2.156.10197.1.401.2"
HMAC_SM3_ALIAS: Final = "1.2.156.10197.1.401.3.1"  # as Tongsuo writes it
SM2_WITH_SM3: Final = "1.2.156.10197.1.501"
SM2_WITH_SM3_ALIAS: Final = "1.2.156.10197.501"  # seen in real seals, one arc missing
SM4_ECB: Final = "1.2.156.10197.1.104.1"
SM4_CBC: Final = "1.2.156.10197.1.104.2"
SM4_GCM: Final = "1.2.156.10197.1.104.8"
SM2_SIGNATURE_OIDS: Final = frozenset({SM2_WITH_SM3, SM2_SIGN_ALIAS, SM2_WITH_SM3_ALIAS})

# Our own, below 2.25 (ITU-T X.667: the arc is the UUID 6f1c9a52-3d0e-4b8f-9a47-c15e80d27b36 as a number); docs/reference/ses-in-pdf.md
SES_SIGNATURE_ATTRIBUTE: Final = "2.25.147692821850848792979906746716972546870"  # signed attribute: one SES_Signature of GB/T 38540

# GB/T 35275 content types
GM_DATA: Final = "1.2.156.10197.6.1.4.2.1"
GM_SIGNED_DATA: Final = "1.2.156.10197.6.1.4.2.2"
GM_ENVELOPED_DATA: Final = "1.2.156.10197.6.1.4.2.3"

# RFC 5652 content types and attributes
CMS_DATA: Final = "1.2.840.113549.1.7.1"
CMS_SIGNED_DATA: Final = "1.2.840.113549.1.7.2"
CMS_ENCRYPTED_DATA: Final = "1.2.840.113549.1.7.6"
TST_INFO: Final = "1.2.840.113549.1.9.16.1.4"
CONTENT_TYPE: Final = "1.2.840.113549.1.9.3"
MESSAGE_DIGEST: Final = "1.2.840.113549.1.9.4"
SIGNING_TIME: Final = "1.2.840.113549.1.9.5"
EXTENSION_REQUEST: Final = "1.2.840.113549.1.9.14"
SIGNING_CERTIFICATE: Final = "1.2.840.113549.1.9.16.2.12"
SIGNATURE_TIME_STAMP: Final = "1.2.840.113549.1.9.16.2.14"
SIGNING_CERTIFICATE_V2: Final = "1.2.840.113549.1.9.16.2.47"
CMS_ALGORITHM_PROTECTION: Final = "1.2.840.113549.1.9.52"
ADBE_REVOCATION: Final = "1.2.840.113583.1.1.8"
RI_OCSP_RESPONSE: Final = "1.3.6.1.5.5.7.16.2"

# Keys and signatures of the wider world
RSA: Final = "1.2.840.113549.1.1.1"
MD5_WITH_RSA: Final = "1.2.840.113549.1.1.4"
SHA1_WITH_RSA: Final = "1.2.840.113549.1.1.5"
MGF1: Final = "1.2.840.113549.1.1.8"
RSA_PSS: Final = "1.2.840.113549.1.1.10"
SHA256_WITH_RSA: Final = "1.2.840.113549.1.1.11"
SHA384_WITH_RSA: Final = "1.2.840.113549.1.1.12"
SHA512_WITH_RSA: Final = "1.2.840.113549.1.1.13"
SHA224_WITH_RSA: Final = "1.2.840.113549.1.1.14"
EC_PUBLIC_KEY: Final = "1.2.840.10045.2.1"
ECDSA_WITH_SHA1: Final = "1.2.840.10045.4.1"
ECDSA_WITH_SHA256: Final = "1.2.840.10045.4.3.2"
ECDSA_WITH_SHA384: Final = "1.2.840.10045.4.3.3"
ECDSA_WITH_SHA512: Final = "1.2.840.10045.4.3.4"
SECP256R1: Final = "1.2.840.10045.3.1.7"
SECP384R1: Final = "1.3.132.0.34"
SECP521R1: Final = "1.3.132.0.35"
ED25519: Final = "1.3.101.112"

# Digests
MD5: Final = "1.2.840.113549.2.5"
SHA1: Final = "1.3.14.3.2.26"
SHA224: Final = "2.16.840.1.101.3.4.2.4"
SHA256: Final = "2.16.840.1.101.3.4.2.1"
SHA384: Final = "2.16.840.1.101.3.4.2.2"
SHA512: Final = "2.16.840.1.101.3.4.2.3"
SHA3_256: Final = "2.16.840.1.101.3.4.2.8"
SHA3_384: Final = "2.16.840.1.101.3.4.2.9"
SHA3_512: Final = "2.16.840.1.101.3.4.2.10"

# Password-based encryption
PBES2: Final = "1.2.840.113549.1.5.13"
PBKDF2: Final = "1.2.840.113549.1.5.12"
HMAC_SHA1: Final = "1.2.840.113549.2.7"
HMAC_SHA256: Final = "1.2.840.113549.2.9"
HMAC_SHA384: Final = "1.2.840.113549.2.10"
HMAC_SHA512: Final = "1.2.840.113549.2.11"
AES128_CBC: Final = "2.16.840.1.101.3.4.1.2"
AES192_CBC: Final = "2.16.840.1.101.3.4.1.22"
AES256_CBC: Final = "2.16.840.1.101.3.4.1.42"

# Certificate extensions, names and purposes
SUBJECT_KEY_IDENTIFIER: Final = "2.5.29.14"
KEY_USAGE: Final = "2.5.29.15"
SUBJECT_ALT_NAME: Final = "2.5.29.17"
BASIC_CONSTRAINTS: Final = "2.5.29.19"
CRL_NUMBER: Final = "2.5.29.20"
CRL_REASON: Final = "2.5.29.21"
INVALIDITY_DATE: Final = "2.5.29.24"
DELTA_CRL_INDICATOR: Final = "2.5.29.27"
ISSUING_DISTRIBUTION_POINT: Final = "2.5.29.28"
CERTIFICATE_ISSUER: Final = "2.5.29.29"
NAME_CONSTRAINTS: Final = "2.5.29.30"
CRL_DISTRIBUTION_POINTS: Final = "2.5.29.31"
CERTIFICATE_POLICIES: Final = "2.5.29.32"
POLICY_MAPPINGS: Final = "2.5.29.33"
AUTHORITY_KEY_IDENTIFIER: Final = "2.5.29.35"
POLICY_CONSTRAINTS: Final = "2.5.29.36"
EXTENDED_KEY_USAGE: Final = "2.5.29.37"
FRESHEST_CRL: Final = "2.5.29.46"
INHIBIT_ANY_POLICY: Final = "2.5.29.54"
NO_REV_AVAIL: Final = "2.5.29.56"  # RFC 9608
AUTHORITY_INFO_ACCESS: Final = "1.3.6.1.5.5.7.1.1"
OCSP_NO_CHECK: Final = "1.3.6.1.5.5.7.48.1.5"
OCSP_BASIC: Final = "1.3.6.1.5.5.7.48.1.1"
OCSP_NONCE: Final = "1.3.6.1.5.5.7.48.1.2"
AD_OCSP: Final = "1.3.6.1.5.5.7.48.1"
AD_CA_ISSUERS: Final = "1.3.6.1.5.5.7.48.2"
EKU_TIME_STAMPING: Final = "1.3.6.1.5.5.7.3.8"
EKU_OCSP_SIGNING: Final = "1.3.6.1.5.5.7.3.9"
EKU_ANY: Final = "2.5.29.37.0"

COMMON_NAME: Final = "2.5.4.3"
SERIAL_NUMBER: Final = "2.5.4.5"
COUNTRY: Final = "2.5.4.6"
LOCALITY: Final = "2.5.4.7"
STATE: Final = "2.5.4.8"
ORGANISATION: Final = "2.5.4.10"
ORGANISATIONAL_UNIT: Final = "2.5.4.11"
