// Certificates out of a seal and what their keys show; what ties a sealing value to its signer and to its document. As
// seal_service/seal_data/certified_key.py and document_checks.py.

import { fromHex, isoTime, sameBytes, TrustError } from "./bytes.js";
import { Purpose, validatePath } from "./chains.js";
import { writeInteger, writeSequence } from "./der.js";
import { canDigest, digestOf, isKnownDigest, isWeakDigest } from "./hashes.js";
import { md5 } from "./md5.js";
import { Oid, SM2_SIGNATURE_OIDS } from "./oids.js";
import { failed, notChecked, passed, trustOf, warned } from "./report.js";
import { readCertificateFrame } from "./ses_quirks.js";
import { SES_CERTIFICATES, SES_V1, SES_V4, SES_V5 } from "./ses_read.js";
import { Check, isSm2Key, readSpki, verifySignature } from "./signatures.js";
import { readSm2Point, SM2_DEFAULT_ID } from "./sm2.js";
import { sm3 } from "./sm3.js";
import { stripped } from "./texts.js";
import { certificateFromDer } from "./x509.js";

const SES_TITLES = { [SES_V1]: "GM/T 0031-2014", [SES_V4]: "GB/T 38540-2020", [SES_V5]: "GM/T 0031-2025" };
const OF_V1 = new Set([Oid.RSA, Oid.SHA1_WITH_RSA, Oid.SHA256_WITH_RSA]); // GM/T 0031-2014 allows RSA with SHA-1 and SHA-256
const SIGNED_WITH = { [Oid.SHA1_WITH_RSA]: Oid.SHA1, [Oid.SHA256_WITH_RSA]: Oid.SHA256 };
const LISTED_DIGESTS = {
  SM3: Oid.SM3, SHA1: Oid.SHA1, SHA224: Oid.SHA224, SHA256: Oid.SHA256, SHA384: Oid.SHA384, SHA512: Oid.SHA512, MD5: Oid.MD5,
};
// a, b, x_G, y_G of the curve: what stands between the identity and the key in Z_A (GB/T 32918.2 5.5)
const CURVE_OF_Z_A = fromHex(
  "fffffffeffffffffffffffffffffffffffffffff00000000fffffffffffffffc28e9fa9e9d9f5e344d5a9e4bcf6509a7f39789f515ab8f92ddbcbd414d940e93" +
    "32c4ae2c1f1981195f9904466a39c9948fe30bbff2660be1715a4589334c74c7bc3736a2f4f6779c59bdcee36b692153d0a9877cc62a474002df32e52139f0a0",
);
export const sealClause = (version, letter) => `${SES_TITLES[version]} seal verification ${letter}`;
export const sealingClause = (version, letter) => `${SES_TITLES[version]} sealing verification ${letter}`;
const codedError = (error) => {
  if (!(error instanceof TrustError)) throw error;
  return error;
};

// -- certificates out of a seal

/** What can be read of a certificate: `certificate` null where it breaks the rules of certificates, `frame` where even its key is not found. */
export function openCertificate(der) {
  try {
    const certificate = certificateFromDer(der);
    return { certificate, frame: { spki: certificate.spki, notBefore: certificate.notBefore, notAfter: certificate.notAfter }, problem: null };
  } catch (error) {
    const problem = codedError(error).code;
    try {
      return { certificate: null, frame: readCertificateFrame(der), problem };
    } catch (other) {
      codedError(other);
      return { certificate: null, frame: null, problem };
    }
  }
}

export const subjectOf = (key) => (key.certificate === null ? null : key.certificate.subjectText);

function signatureFromRaw(value) {
  if (value.length !== 64) return value;
  const number = (bytes) => BigInt("0x" + Array.from(bytes, (each) => each.toString(16).padStart(2, "0")).join(""));
  return writeSequence(writeInteger(number(value.subarray(0, 32))), writeInteger(number(value.subarray(32))));
}

/** [true, false or null where it is undecided, step] on a signature value. Versions 4 and 5 know SM2 with SM3 alone. */
export async function checkSealValue(key, oid, message, value, version, clause, [good, bad], role) {
  if (!SM2_SIGNATURE_OIDS.has(oid) && !(version === SES_V1 && OF_V1.has(oid))) {
    return [null, notChecked("SIG_ALGORITHM_UNSUPPORTED", clause, { algorithm: oid, role })];
  }
  if (key.frame === null) return [null, notChecked("CMS_CERTIFICATE_UNREADABLE", clause, { reason: key.problem, role })];
  const signature = SM2_SIGNATURE_OIDS.has(oid) ? signatureFromRaw(value) : value;
  const digestOid = oid === Oid.RSA ? Oid.SHA1 : null; // the bare key identifier, of the time of SHA-1: at best weak
  const check = await verifySignature(key.frame.spki, { oid, parameters: null, raw: null }, message, signature, digestOid);
  if (check === Check.GOOD) return [true, passed(good, clause, { role })];
  if (check === Check.BAD) return [false, failed(bad, clause, { role })];
  return [null, notChecked(check === Check.WEAK ? "SIG_ALGORITHM_WEAK" : "SIG_ALGORITHM_UNSUPPORTED", clause, { algorithm: oid, role })];
}

/**
 * Chain, validity, revocation and key usage at `at`: { steps, trusted, undoneAt }. `revokedUntil`: a revocation up to then counts. `undoneAt`: since
 * when it is not good any more that was good at the moment, by revocation or because the trust in its anchor was ended; null where it still is.
 */
export async function checkSealPath(key, role, setting, at, clause, { revokedUntil = null, isProven = false } = {}) {
  if (key.certificate === null) {
    const steps = [notChecked("CMS_CERTIFICATE_UNREADABLE", clause, { reason: key.problem, role })];
    if (key.frame !== null && !(key.frame.notBefore <= at && at <= key.frame.notAfter)) {
      steps.push(failed("CERT_NOT_VALID_AT_TIME", clause, { role, at: isoTime(at) }));
    }
    return { steps, trusted: steps.length > 1 ? false : null, undoneAt: null };
  }
  const purpose = role === "maker" ? Purpose.SEAL_MAKER : Purpose.DOCUMENT;
  const { trust, now, intermediates, evidence } = setting;
  const path = await validatePath(key.certificate, { intermediates, trust, purpose, at, evidence, now, isProven });
  const steps = path.steps.map((step) => {
    const facts = { ...step.facts, role };
    const counts = step.code === "CERT_REVOKED_AFTER" && revokedUntil !== null && Date.parse(step.facts.revoked_at) <= revokedUntil;
    return counts ? failed("CERT_REVOKED_BEFORE", step.clause, facts) : { ...step, facts };
  });
  const ends = steps.filter((step) => step.code === "CERT_REVOKED_AFTER").map((step) => Date.parse(step.facts.revoked_at));
  const until = path.anchor?.trustedUntil ?? null;
  if (until !== null && until < now) ends.push(until);
  return { steps, trusted: trustOf(steps), undoneAt: ends.length ? Math.min(...ends) : null };
}

// -- what ties a sealing value to its signer and to its document

/** SM3(Z_A ‖ data) with the identity of an SM2 key, null for another key. */
function digestWithIdentity(data, key) {
  if (key.frame === null) return null;
  try {
    const info = readSpki(key.frame.spki);
    if (!isSm2Key(info) || info.keyBits.length !== 65) return null;
    readSm2Point(info.keyBits);
    const bits = 8 * SM2_DEFAULT_ID.length;
    return sm3(sm3(Uint8Array.of(bits >> 8, bits & 255), SM2_DEFAULT_ID, CURVE_OF_Z_A, info.keyBits.subarray(1)), data);
  } catch (error) {
    codedError(error);
    return null;
  }
}

export const digestHere = async (oid, data) => (oid === Oid.MD5 ? md5(data) : digestOf(oid, data));

/** Whether the signer's certificate is one that the maker put into the seal, byte for byte or by its digest. */
export async function checkMembership(signature, signer) {
  const clause = sealingClause(signature.version, "c");
  const { property } = signature.seal;
  const certificate = signature.signerCertificate;
  if (property.listType === SES_CERTIFICATES) {
    if (property.certificates.some((listed) => sameBytes(listed, certificate))) return [true, passed("SIGNER_IN_SEAL", clause)];
    return [false, failed("SIGNER_NOT_IN_SEAL", clause, { certificates: property.certificates.length })];
  }
  let undecided = null;
  for (const { kind, value } of property.digests) {
    const name = stripped(kind.toUpperCase().replaceAll("-", "").replaceAll("_", ""));
    const oid = Object.hasOwn(LISTED_DIGESTS, name) ? LISTED_DIGESTS[name] : kind;
    if (!isKnownDigest(oid) || !(oid === Oid.MD5 || canDigest(oid))) {
      undecided ??= notChecked("CERT_DIGEST_ALG_UNKNOWN", clause, { algorithm: kind });
    } else if (sameBytes(await digestHere(oid, certificate), value)) {
      return isWeakDigest(oid) ? [null, notChecked("SIG_ALGORITHM_WEAK", clause, { algorithm: kind })] : [true, passed("SIGNER_IN_SEAL", clause)];
    } else if (oid === Oid.SM3 && sameBytes(digestWithIdentity(certificate, signer), value)) {
      return [true, warned("DATA_HASH_ZA_VARIANT", clause, { where: "certList" })];
    }
  }
  if (undecided) return [null, undecided];
  return [false, failed("SIGNER_NOT_IN_SEAL", clause, { certificates: property.digests.length })];
}

/** Whether dataHash is that of the original: plain SM3; with the signer's identity in front it passes with a warning. */
export async function checkDataHash(signature, original, signer) {
  const clause = sealingClause(signature.version, "g");
  if (original.digest === null) return [null, notChecked("DATA_MISSING", clause)];
  if (sameBytes(await original.digest(Oid.SM3), signature.dataHash)) return [true, passed("DATA_HASH_OK", clause)];
  const other = SIGNED_WITH[signature.algorithm];
  if (other !== undefined) {
    if (!canDigest(other)) return [null, notChecked("SIG_ALGORITHM_UNSUPPORTED", clause, { algorithm: other })];
    if (sameBytes(await original.digest(other), signature.dataHash)) {
      const facts = { algorithm: other };
      return isWeakDigest(other) ? [null, notChecked("SIG_ALGORITHM_WEAK", clause, facts)] : [true, passed("DATA_HASH_OK", clause, facts)];
    }
  }
  if (original.data !== null && sameBytes(digestWithIdentity(original.data, signer), signature.dataHash)) {
    return [true, warned("DATA_HASH_ZA_VARIANT", clause, { where: "dataHash" })];
  }
  return [false, failed("DATA_HASH_BAD", clause)];
}
