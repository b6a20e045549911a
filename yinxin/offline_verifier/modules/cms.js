// Verifying a CMS signature as a whole: what its bytes show, its time-stamp, and the signer's certificate at the right time.
//
// The right time is that of a time-stamp which verifies and is trusted; else the time the signer claims, with the warning that nobody else
// vouches for it; else now. As crypto/cms_verification.py.
import { isoTime } from "./bytes.js";
import { Purpose, validatePath } from "./chains.js";
import { SIGNED_ONLY, examineCms } from "./cms_examine.js";
import { digestOf } from "./hashes.js";
import { Oid } from "./oids.js";
import { Outcome, notChecked, passed, trustOf, warned } from "./report.js";
import { NO_EVIDENCE, joinEvidence, makeEvidence } from "./revocation.js";
import { CLOCK_TOLERANCE_MS, TOKEN_CLAUSE, examineToken } from "./timestamps.js";

const MAX_TIMESTAMPS = 4;
const TIME_CLAUSE = "ETSI EN 319 102-1 5.2.8";
const UNSIGNED_CLAUSE = "RFC 5652 5.3";

// Validation material and archive time-stamps of CAdES: they add evidence for later and change nothing about this signature
const HARMLESS_UNSIGNED = new Set([
  "1.2.840.113549.1.9.16.2.21", "1.2.840.113549.1.9.16.2.22", "1.2.840.113549.1.9.16.2.23", "1.2.840.113549.1.9.16.2.24",
  "1.2.840.113549.1.9.16.2.48", "0.4.0.1733.2.4", Oid.SES_SIGNATURE_ATTRIBUTE,
]);

// The result where nothing can be known
export const undecidedResult = (...steps) => ({
  cryptographicallyValid: null, documentIntact: null, trusted: null, signer: null, signerCertificate: null, signedAt: null, timestampAt: null, steps,
  certificates: [], signedAttributes: [], encapsulated: null,
});

// Verify one SignedData of either dialect, without padding behind it. contentDigest(oid), content(): the detached content; claimedAt: a claim
// about the time from outside that the signature covers (/M of a PDF signature); provenBy: when a document time-stamp shows it existed.
export async function verifySignedData(der, options) {
  const {
    contentDigest = null, content = null, trust, at, purpose = Purpose.DOCUMENT, evidence = NO_EVIDENCE, requireSignedAttributes = true,
    allowEncapsulated = false, claimedAt = null, provenBy = null,
  } = options;
  const found = await examineCms(der, { contentDigest, content, requireSignedAttributes, allowEncapsulated });
  if (found.signed === null || found.signer === null) return undecidedResult(...found.steps);
  const { steps } = found;
  const merged = joinEvidence(evidence, makeEvidence(found.crls, found.ocsp));
  const claimed = found.signingAt ?? claimedAt;
  let timestampAt = await checkTimestamps(found.signer, trust, at, merged, steps, provenBy);
  if (claimed !== null && claimed - at > CLOCK_TOLERANCE_MS) {
    steps.push(notChecked("SIG_TIME_IN_FUTURE", TIME_CLAUSE, { claimed_at: isoTime(claimed), at: isoTime(at) }));
  }
  if (claimed !== null && timestampAt !== null && claimed - timestampAt > CLOCK_TOLERANCE_MS) {
    steps.push(warned("SIG_TIME_AFTER_TIMESTAMP", TIME_CLAUSE, { claimed_at: isoTime(claimed), gen_at: isoTime(timestampAt) }));
  }
  let [trusted, isUndoneLater] = [null, false];
  if (found.certificate !== null) {
    const validate = (moment) => validatePath(found.certificate, { intermediates: found.certificates, trust, purpose, evidence: merged, now: at, ...moment });
    let path = null;
    if (timestampAt === null && provenBy !== null) {
      // Shown to exist by a moment at which all was well is as good as a time-stamp of its own; where it was not, nothing is lost
      path = await validate({ at: provenBy });
      timestampAt = path.trusted ? provenBy : null;
    }
    if (path === null || timestampAt === null) {
      path = await validate({ at: Math.min(timestampAt ?? claimed ?? at, at), isProven: timestampAt !== null });
    }
    const isTimeStated = timestampAt !== null || claimed !== null;
    const pathSteps = path.steps.map((step) => undecidedOutsideValidity(step, path.anchor !== null, isTimeStated));
    isUndoneLater = timestampAt === null && (isWithdrawn(path.anchor, at) || pathSteps.some((step) => step.code === "CERT_REVOKED_AFTER"));
    trusted = isUndoneLater ? null : trustOf(pathSteps);
    steps.push(...pathSteps);
  }
  if (timestampAt === null) {
    // A thief of the key can claim any time, so an unproven time carries a signature past neither a revocation nor the end of trust
    steps.push((isUndoneLater ? notChecked : warned)("SIG_TIME_UNPROVEN", TIME_CLAUSE, { claimed_at: isoTime(claimed) }));
  }
  return {
    cryptographicallyValid: found.cryptographicallyValid,
    documentIntact: found.documentIntact,
    trusted,
    signer: found.certificate === null ? null : found.certificate.subjectText,
    signerCertificate: found.certificate,
    signedAt: claimed ?? timestampAt,
    timestampAt,
    steps,
    certificates: found.certificates,
    signedAttributes: found.signer.signedAttributes ?? [],
    encapsulated: found.signed.content,
  };
}

// Whether trust in the anchor has been ended by decision before the verification
const isWithdrawn = (anchor, at) => anchor !== null && anchor.trustedUntil !== null && anchor.trustedUntil < at;

// A certificate outside its validity fails only where that is known: under no anchor nothing in it is proven, and where nobody states a time of
// signing, a certificate that has expired by now may well have been valid then
function undecidedOutsideValidity(step, isAnchored, isTimeStated) {
  const isOpen = step.code === "CERT_NOT_VALID_AT_TIME" && (!isAnchored || (!isTimeStated && step.facts.reason === "expired"));
  return isOpen ? { ...step, outcome: Outcome.NOT_CHECKED } : step;
}

// The earliest time among the signature's time-stamps, if every one of them may be relied on; one bad one spoils the proof
async function checkTimestamps(signer, trust, at, evidence, steps, provenBy) {
  const tokens = [];
  for (const attribute of signer.unsignedAttributes) {
    if (attribute.oid === Oid.SIGNATURE_TIME_STAMP) tokens.push(...(attribute.values.length ? attribute.values : [new Uint8Array()]));
    else if (HARMLESS_UNSIGNED.has(attribute.oid)) steps.push(warned("CMS_UNSIGNED_ATTRIBUTE_IGNORED", UNSIGNED_CLAUSE, { attribute: attribute.oid }));
    else if (!SIGNED_ONLY.has(attribute.oid)) steps.push(notChecked("CMS_UNSIGNED_ATTRIBUTE_UNKNOWN", UNSIGNED_CLAUSE, { attribute: attribute.oid }));
  }
  if (tokens.length > MAX_TIMESTAMPS) {
    steps.push(notChecked("TS_TOO_MANY", TOKEN_CLAUSE, { found: tokens.length, limit: MAX_TIMESTAMPS }));
    return null;
  }
  const times = [];
  let isSound = true;
  for (const token of tokens) {
    const stamp = await examineToken(token, (oid) => digestOf(oid, signer.signature), trust, at, evidence, provenBy);
    steps.push(...condenseToken(stamp));
    isSound = isSound && stamp.isProof;
    if (stamp.genAt !== null) times.push(stamp.genAt);
  }
  return isSound && times.length ? Math.min(...times) : null;
}

// One step on a token, after its warnings. What fails in a token leaves the signature's own time undecided, no more than that.
export function condenseToken(stamp) {
  const gen_at = isoTime(stamp.genAt);
  const steps = stamp.steps.filter((step) => step.outcome === Outcome.WARN).map((step) => ({ ...step, facts: { ...step.facts, role: "time-stamp" } }));
  if (stamp.isProof) return [...steps, passed("TS_OK", TOKEN_CLAUSE, { gen_at })];
  if (stamp.imprintMatches === false) return [...steps, notChecked("TS_IMPRINT_BAD", TOKEN_CLAUSE, { gen_at })];
  const cause = stamp.steps.find((step) => step.outcome === Outcome.FAIL) ?? stamp.steps.find((step) => step.outcome === Outcome.NOT_CHECKED);
  const code = cause.facts.role !== "time-stamp" ? "TS_BAD" : cause.outcome === Outcome.FAIL ? "TS_TSA_CERT_BAD" : "TS_UNTRUSTED";
  return [...steps, notChecked(code, TOKEN_CLAUSE, { gen_at, reason: cause.code })];
}
