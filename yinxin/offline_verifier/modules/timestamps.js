// Verifying an RFC 3161 time-stamp token (GB/T 20520): its form, its imprint, its signature, and the authority's certificate.
import { MalformedError, isoTime, sameBytes } from "./bytes.js";
import { Purpose, validatePath } from "./chains.js";
import { examineCms } from "./cms_examine.js";
import { Tag, contextTag, readDer } from "./der.js";
import { canDigest, digestOf, isWeakDigest } from "./hashes.js";
import { Oid } from "./oids.js";
import { Outcome, Verdict, failed, notChecked, passed, verdictOf, warned } from "./report.js";
import { joinEvidence, makeEvidence } from "./revocation.js";
import { readAlgorithm } from "./signatures.js";

export const TOKEN_CLAUSE = "RFC 3161 2.4.2";
export const CLOCK_TOLERANCE_MS = 300 * 1000; // clocks of separate machines
const MAX_TOKEN_NONCE_BYTES = 65;
// RFC 3161, 4: after a revocation for one of these reasons tokens made before it stay good; without a stated reason all of them fall
const HARMLESS_REASONS = new Set(["affiliationChanged", "superseded", "cessationOfOperation"]);

// TSTInfo that fills data: { digest (algorithm), imprint, genAt, hasExtensions }
function readTstInfo(data) {
  const fields = readDer(data).children(Tag.SEQUENCE);
  if (fields.length < 5) throw new MalformedError("TS_MALFORMED", { where: "TSTInfo", elements: fields.length });
  const version = fields[0].smallInteger();
  if (version !== 1 && version !== 2) throw new MalformedError("TS_MALFORMED", { where: "TSTInfo.version", found: version });
  const imprint = fields[2].children(Tag.SEQUENCE);
  if (imprint.length !== 2) throw new MalformedError("TS_MALFORMED", { where: "messageImprint", elements: imprint.length });
  const info = { digest: readAlgorithm(imprint[0]), imprint: imprint[1].octets(), hasExtensions: false };
  let expected = [Tag.SEQUENCE, Tag.BOOLEAN, Tag.INTEGER, contextTag(0), contextTag(1)];
  for (const node of fields.slice(5)) {
    if (!expected.includes(node.tag)) throw new MalformedError("TS_MALFORMED", { where: "TSTInfo", tag: node.tag });
    expected = expected.slice(expected.indexOf(node.tag) + 1);
    if (node.tag === Tag.SEQUENCE) checkAccuracy(node);
    else if (node.tag === Tag.BOOLEAN) node.boolean();
    else if (node.tag === Tag.INTEGER) checkNonce(node);
    else if (node.tag === contextTag(1)) info.hasExtensions = true;
  }
  info.genAt = fields[4].expect(Tag.GENERALIZED_TIME).time();
  fields[3].integer();
  fields[1].oid();
  return info;
}

function checkNonce(node) {
  const nonce = node.integer();
  const size = (nonce < 0n ? -nonce : nonce).toString(2).length;
  if (node.value.length > MAX_TOKEN_NONCE_BYTES || size > 512) throw new MalformedError("TS_MALFORMED", { where: "nonce", limit: 512 });
}

function checkAccuracy(node) {
  let expected = [Tag.INTEGER, contextTag(0, false), contextTag(1, false)];
  for (const part of node.children()) {
    if (!expected.includes(part.tag)) throw new MalformedError("TS_MALFORMED", { where: "accuracy", tag: part.tag });
    expected = expected.slice(expected.indexOf(part.tag) + 1);
    const number = part.integer(part.tag);
    if (number < 0n || number > 999999n) throw new MalformedError("TS_MALFORMED", { where: "accuracy" });
  }
}

// Run every check on a token. imprinted(oid) gives the digest of what should have been stamped. provenBy: when a later time-stamp shows this
// token to have existed. { steps, info, authority, cryptographicallyValid, imprintMatches, infoIntact, trusted, genAt, isProof }
export async function examineToken(token, imprinted, trust, at, evidence, provenBy = null) {
  const found = await examineCms(token, { contentTypes: new Set([Oid.TST_INFO]), allowEncapsulated: true });
  const steps = [...found.steps];
  let [info, imprintMatches, trusted] = [null, null, null];
  if (found.signed !== null) {
    try {
      info = readTstInfo(found.signed.content ?? new Uint8Array());
    } catch (error) {
      if (!(error instanceof MalformedError)) throw error;
      steps.push(failed("TS_BAD", TOKEN_CLAUSE, { reason: error.code }));
    }
  }
  if (info !== null) {
    imprintMatches = await checkImprint(info, imprinted, steps);
    if (info.genAt - at > CLOCK_TOLERANCE_MS) steps.push(notChecked("TS_TIME_IN_FUTURE", TOKEN_CLAUSE, { gen_at: isoTime(info.genAt), at: isoTime(at) }));
    if (info.hasExtensions) steps.push(warned("TS_EXTENSIONS_IGNORED", TOKEN_CLAUSE));
  }
  if (found.certificate !== null && info !== null) {
    // isProven false: the authority's own word; a later revocation may undo it (RFC 3161, 4), so evidence must reach until now
    const path = await validatePath(found.certificate, {
      intermediates: found.certificates, trust, purpose: Purpose.TIMESTAMP, at: Math.min(info.genAt, at),
      evidence: joinEvidence(evidence, makeEvidence(found.crls, found.ocsp)), now: at, isProven: false, provenBy,
    });
    trusted = path.trusted;
    steps.push(...path.steps.map((step) => ({ ...step, outcome: tokenOutcome(step, provenBy), facts: { ...step.facts, role: "time-stamp" } })));
  }
  if (info !== null && verdictOf(steps) === Verdict.VALID) steps.push(passed("TS_OK", TOKEN_CLAUSE, { gen_at: isoTime(info.genAt) }));
  return {
    steps, info, authority: found.certificate, cryptographicallyValid: found.cryptographicallyValid, imprintMatches, infoIntact: found.documentIntact,
    trusted, genAt: info === null ? null : info.genAt, isProof: trusted === true && verdictOf(steps) === Verdict.VALID,
  };
}

// A revocation after the stamp is harmless only for the reasons that RFC 3161, 4 names, or where the token is shown to have existed before it
function tokenOutcome(step, provenBy) {
  if (step.code !== "CERT_REVOKED_AFTER" || HARMLESS_REASONS.has(step.facts.reason)) return step.outcome;
  return provenBy !== null && step.revokedAt > provenBy ? step.outcome : Outcome.FAIL;
}

async function checkImprint(info, imprinted, steps) {
  const digest = info.digest.oid;
  if (!canDigest(digest)) {
    steps.push(notChecked("SIG_ALGORITHM_UNSUPPORTED", TOKEN_CLAUSE, { algorithm: digest }));
    return null;
  }
  if (isWeakDigest(digest)) steps.push(notChecked("SIG_ALGORITHM_WEAK", TOKEN_CLAUSE, { algorithm: digest }));
  if (!sameBytes(info.imprint, await imprinted(digest))) {
    steps.push(failed("TS_IMPRINT_BAD", TOKEN_CLAUSE, { digest }));
    return false;
  }
  steps.push(passed("TS_IMPRINT_OK", TOKEN_CLAUSE, { digest }));
  return true;
}

// A token by itself (a document time-stamp), in the form that the other kinds of signature value have too
export async function verifyToken(token, imprinted, trust, at, evidence, provenBy = null) {
  const byOid = imprinted instanceof Uint8Array ? (oid) => digestOf(oid, imprinted) : imprinted;
  const found = await examineToken(token, byOid, trust, at, evidence, provenBy);
  return {
    cryptographicallyValid: found.cryptographicallyValid,
    // An imprint that fits says nothing when TSTInfo itself, or the signature over it, does not hold
    documentIntact: found.imprintMatches === false || found.infoIntact ? found.imprintMatches : null,
    trusted: found.trusted,
    signer: found.authority === null ? null : found.authority.subjectText,
    signerCertificate: found.authority,
    signedAt: found.genAt,
    timestampAt: found.isProof ? found.genAt : null,
    steps: found.steps,
    certificates: [],
    signedAttributes: [],
    encapsulated: null,
  };
}
