// Verifying seals and sealing values by the steps of GM/T 0031-2014, GB/T 38540-2020 and GM/T 0031-2025, as seal_service/seal_data does.
//
// All steps run. Times are judged by a time-stamp that may be relied on, else by what the signer claims; "expired by now" is told apart from
// "expired when used". Any failure is invalid, what could not be decided leaves it open, and nothing unknown is ever valid.

import { fromHex, isoTime, sameBytes, TrustError } from "./bytes.js";
import { verifySignedData } from "./cms.js";
import { Tag } from "./der.js";
import { Oid } from "./oids.js";
import { failed, fileReport, notChecked, Outcome, passed, signatureReport, verdictOf, warned } from "./report.js";
import { NO_EVIDENCE } from "./revocation.js";
import { checkSealStatus, openSealLists } from "./seal_status.js";
import {
  checkDataHash, checkMembership, checkSealPath, checkSealValue, digestHere, openCertificate, sealClause, sealingClause, subjectOf,
} from "./ses_keys.js";
import { readSeal, readSealSignature, SES_CRITICAL_UNKNOWN, SES_V1, SES_V4, SES_V5 } from "./ses_read.js";
import { examineToken } from "./timestamps.js";

const SES_FORM = "GB/T 38540-2020 format";
const NO_ORIGINAL = "GB/T 38540-2020 sealing verification g";
const CLOCK_TOLERANCE = 300 * 1000;
const LOCAL_AS_UTC = 8 * 3600 * 1000; // some makers write Chinese local time with the Z of UTC
const together = (...findings) => (findings.includes(false) ? false : findings.includes(null) ? null : true);

// -- when something was sealed

/** A time-stamp over `stamped` as { provenAt, statedAt, steps }: one step on the token, after its warnings. */
async function checkSealToken(token, imprints, setting, clause) {
  const readings = [];
  for (const imprint of imprints) readings.push(await examineToken(token, imprint, setting.trust, setting.now, setting.evidence));
  const found = readings.find((reading) => reading.imprintMatches) ?? readings[0];
  const stated = isoTime(found.genAt);
  const steps = found.steps.filter((step) => step.outcome === Outcome.WARN).map((step) => ({ ...step, facts: { ...step.facts, role: "time-stamp" } }));
  const bad = found.steps.find((step) => step.outcome === Outcome.FAIL);
  if (found.isProof) steps.push(passed("TS_OK", clause, { gen_at: stated }));
  else if (found.imprintMatches === false) steps.push(failed("TS_IMPRINT_BAD", clause, { gen_at: stated }));
  else if (bad) steps.push(failed(bad.facts.role === "time-stamp" ? "TS_TSA_CERT_BAD" : "TS_BAD", clause, { gen_at: stated, reason: bad.code }));
  else {
    const cause = found.steps.find((step) => step.outcome === Outcome.NOT_CHECKED);
    steps.push(notChecked("TS_UNTRUSTED", clause, { gen_at: stated, reason: cause ? cause.code : null }));
  }
  return { provenAt: found.isProof ? found.genAt : null, statedAt: found.genAt ?? null, steps };
}

/** The time of sealing and the steps on it; `at` is what everything is judged by, never after the time of verification. */
async function findSealingTime(signature, setting, enclosedAt) {
  const clause = sealingClause(signature.version, "h");
  const steps = [];
  const proven = enclosedAt === null ? [] : [enclosedAt];
  let claimedAt = signature.timeInfoAt;
  if (signature.timeInfoToken !== null) {
    // The text of version 1 does not say what the token stamps: dataHash, or its digest; anything else is undecided
    const imprints = [() => signature.dataHash, (oid) => digestHere(oid, signature.dataHash)];
    const token = await checkSealToken(signature.timeInfoToken, imprints, setting, sealingClause(signature.version, "d"));
    steps.push(...token.steps.map((step) => (step.code === "TS_IMPRINT_BAD" ? { ...step, outcome: Outcome.NOT_CHECKED } : step)));
    claimedAt = token.statedAt;
    if (token.provenAt !== null) proven.push(token.provenAt);
  }
  if (signature.timeStamp !== null) {
    const token = await checkSealToken(signature.timeStamp, [(oid) => digestHere(oid, signature.signature)], setting, clause);
    steps.push(...token.steps);
    if (token.provenAt !== null) proven.push(token.provenAt);
  }
  const provenAt = proven.length ? Math.min(...proven) : null;
  if (claimedAt !== null && claimedAt - setting.now > CLOCK_TOLERANCE) {
    steps.push(notChecked("SIG_TIME_IN_FUTURE", clause, { claimed_at: isoTime(claimedAt), at: isoTime(setting.now) }));
  }
  if (claimedAt !== null && provenAt !== null && claimedAt - provenAt > CLOCK_TOLERANCE) {
    steps.push(warned("SIG_TIME_AFTER_TIMESTAMP", clause, { claimed_at: isoTime(claimedAt), gen_at: isoTime(provenAt) }));
  }
  return { at: Math.min(provenAt ?? claimedAt ?? setting.now, setting.now), claimedAt, provenAt, steps };
}

// -- the seal by itself

const quirkSteps = (quirks, clause) =>
  quirks.map(({ code, where, found }) => warned(code, clause, { where, [code === SES_CRITICAL_UNKNOWN ? "extension" : "found"]: found }));

/** Every step on the seal. `usedAt` null judges the seal alone as of now; `provenAt`: the same where it is proven. */
async function examineSeal(seal, setting, usedAt, provenAt) {
  const { version, headerVersion, property } = seal;
  const clause = (letter) => sealClause(version, letter);
  const steps = quirkSteps(seal.quirks, clause("a"));
  if (version === SES_V4 && headerVersion !== SES_V4) steps.push(failed("SES_VERSION_UNKNOWN", clause("a"), { found: headerVersion }));
  else steps.push(passed("SES_FORMAT_OK", clause("a"), { version }));
  const maker = openCertificate(seal.makerCertificate);
  const [valueIsGood, valueStep] = await checkSealValue(
    maker, seal.algorithm, seal.signedBytes, seal.signature, version, clause("b"), ["SEAL_SIG_OK", "SEAL_SIG_BAD"], "maker",
  );
  steps.push(valueStep);
  if (version === SES_V5) steps.push(makingTime(property, maker, clause("c")));
  const path = await makerPath(seal, maker, setting, usedAt);
  steps.push(...path.steps, ...validityNow(property, setting, usedAt === null, clause("e")));
  if (usedAt !== null) steps.push(...madeBeforeUse(property, usedAt, clause("e")));
  const shown = provenAt === null ? [] : [provenAt];
  if (seal.timeStamp !== null) {
    const token = await checkSealToken(seal.timeStamp, [(oid) => digestHere(oid, seal.signature)], setting, clause("f"));
    steps.push(...token.steps, ...madeBeforeStamp(property, token, clause("f")));
    if (token.provenAt !== null) shown.push(token.provenAt);
  }
  // Whoever has the maker's key since dates the making back
  if (path.undoneAt !== null && (shown.length ? Math.min(...shown) : setting.now) > path.undoneAt) {
    steps.push(notChecked("SEAL_MAKING_UNPROVEN", clause("d"), { undone_at: isoTime(path.undoneAt) }));
  }
  return { steps, valueIsGood, maker, path };
}

/** Step c of version 5: the seal and its maker's certificate were good when the seal was made. */
function makingTime(property, maker, clause) {
  const madeAt = property.createdAt;
  const last = maker.frame === null ? property.validUntil : Math.min(property.validUntil, maker.frame.notAfter);
  if (madeAt - LOCAL_AS_UTC > last || (maker.frame !== null && madeAt < maker.frame.notBefore)) {
    return failed("SEAL_MAKE_TIME_BAD", clause, { made_at: isoTime(madeAt) });
  }
  if (madeAt > last) return warned("SEAL_CREATE_TIME_SHIFTED", clause, { made_at: isoTime(madeAt), limit: isoTime(last) });
  return passed("SEAL_MAKE_TIME_OK", clause, { made_at: isoTime(madeAt) });
}

/**
 * Step d, at the moment of making. In versions 1 and 4 real makers' certificates begin a little after the stated making; they are then judged
 * from their beginning on, as long as that lies before the use. There a revocation up to the use counts; version 5 asks for the making alone.
 */
function makerPath(seal, maker, setting, usedAt) {
  const moment = usedAt ?? setting.now;
  let at = Math.min(seal.property.createdAt, setting.now);
  const isOld = seal.version !== SES_V5;
  if (isOld && maker.frame !== null && at < maker.frame.notBefore && maker.frame.notBefore <= moment) at = maker.frame.notBefore;
  return checkSealPath(maker, "maker", setting, at, sealClause(seal.version, "d"), { revokedUntil: isOld ? moment : null });
}

/** Step e. That a seal has expired since it was used is only said; so is that of a seal that is looked at alone. */
function validityNow(property, setting, isAlone, clause) {
  const { validFrom, validUntil } = property;
  if (setting.now > validUntil) return [warned("SEAL_EXPIRED_NOW", clause, { valid_until: isoTime(validUntil) })];
  if (setting.now < validFrom && isAlone) return [failed("SEAL_NOT_YET_VALID", clause, { valid_from: isoTime(validFrom) })];
  return isAlone ? [passed("SEAL_TIME_OK", clause, { valid_from: isoTime(validFrom), valid_until: isoTime(validUntil) })] : [];
}

/** A seal cannot be used before it is made; eight hours are local time written as UTC. */
function madeBeforeUse(property, usedAt, clause) {
  const madeAt = property.createdAt;
  if (madeAt - usedAt > LOCAL_AS_UTC + CLOCK_TOLERANCE) {
    return [failed("SEAL_NOT_YET_VALID", clause, { reason: "made-later", made_at: isoTime(madeAt), at: isoTime(usedAt) })];
  }
  if (madeAt - usedAt > CLOCK_TOLERANCE) return [warned("SEAL_CREATE_TIME_SHIFTED", clause, { made_at: isoTime(madeAt), limit: isoTime(usedAt) })];
  return [];
}

/** Step f of version 5: the seal was made no later than it was time-stamped. */
function madeBeforeStamp(property, token, clause) {
  const madeAt = property.createdAt;
  if (token.statedAt === null || madeAt - token.statedAt <= CLOCK_TOLERANCE) return [];
  const facts = { made_at: isoTime(madeAt), limit: isoTime(token.statedAt) };
  const isShifted = madeAt - token.statedAt <= LOCAL_AS_UTC + CLOCK_TOLERANCE;
  return [isShifted ? warned("SEAL_CREATE_TIME_SHIFTED", clause, facts) : failed("TS_BEFORE_CREATE", clause, facts)];
}

function validityWhenUsed(property, usedAt, clause) {
  const facts = { at: isoTime(usedAt), valid_from: isoTime(property.validFrom), valid_until: isoTime(property.validUntil) };
  if (usedAt < property.validFrom) return failed("SEAL_NOT_YET_VALID", clause, facts);
  if (usedAt > property.validUntil) return failed("SEAL_EXPIRED_AT_SIGNING", clause, facts);
  return passed("SEAL_TIME_OK", clause, facts);
}

// -- the whole

const settingOf = (trust, now, { intermediates = [], evidence = NO_EVIDENCE } = {}) => ({ trust, now, intermediates, evidence });

/** Judge a seal alone as of `at`: { steps, cryptographicallyValid, trusted, maker }. `status`: from openSealLists. */
async function verifySeal(seal, trust, at, status) {
  const found = await examineSeal(seal, settingOf(trust, at), null, null);
  const steps = [...found.steps, ...checkSealStatus(seal, status, at, false, true)];
  return { steps, cryptographicallyValid: found.valueIsGood, trusted: found.path.trusted, maker: subjectOf(found.maker) };
}

/**
 * Verify a sealing value that was read, as of `at`. The original: `data` its bytes, or `dataDigest`, its digest by OID (a function) or its SM3
 * alone; neither leaves the document undecided. `enclosedAt`: the time of a reliable time-stamp over what holds this value as a signed part.
 */
export async function verifySealSignature(signature, options) {
  const { trust, at, data = null, dataDigest = null, status = [], intermediates = [], evidence = NO_EVIDENCE, enclosedAt = null } = options;
  const setting = settingOf(trust, at, { intermediates, evidence });
  const { version } = signature;
  const clause = (letter) => sealingClause(version, letter);
  const signer = openCertificate(signature.signerCertificate);
  const time = await findSealingTime(signature, setting, enclosedAt);
  const seal = await examineSeal(signature.seal, setting, time.at, time.provenAt);
  const isOfSeal = ({ code, where, found }) => signature.seal.quirks.some((each) => each.code === code && each.where === where && each.found === found);
  const steps = quirkSteps(signature.quirks.filter((quirk) => !isOfSeal(quirk)), clause("a"));
  steps.push(versionStep(signature));
  const [valueIsGood, valueStep] = await checkSealValue(
    signer, signature.algorithm, signature.toBeSigned, signature.signature, version, clause("b"), ["SIG_VALUE_OK", "SIG_VALUE_BAD"], "signer",
  );
  const [isMember, memberStep] = await checkMembership(signature, signer);
  steps.push(valueStep, memberStep, validityWhenUsed(signature.seal.property, time.at, clause("d")));
  const path = await checkSealPath(signer, "signer", setting, time.at, clause("e"), { isProven: time.provenAt !== null });
  const [hashIsGood, hashStep] = await checkDataHash(signature, originalOf(data, dataDigest), signer);
  steps.push(...path.steps, hashStep, ...time.steps);
  if (time.provenAt === null) {
    // A thief of the key can claim any time, so an unproven time carries a signature past neither a revocation nor the end of trust
    steps.push((path.undoneAt !== null ? notChecked : warned)("SIG_TIME_UNPROVEN", clause("h"), { claimed_at: isoTime(time.claimedAt) }));
  }
  const hasOriginal = data !== null || dataDigest !== null;
  return {
    steps: [...seal.steps, ...checkSealStatus(signature.seal, status, time.at, time.provenAt !== null, false), ...steps],
    cryptographicallyValid: together(seal.valueIsGood, valueIsGood, isMember, ...(hasOriginal ? [hashIsGood] : [])),
    documentIntact: hashIsGood === false ? false : hashIsGood && valueIsGood ? true : null,
    trusted: together(path.trusted, seal.path.trusted),
    signer: subjectOf(signer),
    signerCertificate: signer.certificate,
    signedAt: time.claimedAt ?? time.provenAt,
    timestampAt: time.provenAt,
  };
}

function originalOf(data, dataDigest) {
  if (data !== null) return { digest: (oid) => digestHere(oid, data), data };
  if (dataDigest === null) return { digest: null, data: null };
  if (typeof dataDigest === "function") return { digest: dataDigest, data: null };
  return { digest: (oid) => (oid === Oid.SM3 ? dataDigest : new Uint8Array(0)), data: null };
}

/** The form, the number in TBS_Sign and the embedded seal must be of one version; numbers of version 1 mean nothing. */
function versionStep({ version, statedVersion, seal }) {
  const clause = sealingClause(version, "a");
  if (seal.version !== version || (version !== SES_V1 && statedVersion !== seal.headerVersion)) {
    return failed("SES_VERSION_MISMATCH", clause, { stated: statedVersion, seal: seal.headerVersion });
  }
  return passed("SES_FORMAT_OK", clause, { version });
}

// -- files

/** What seal data begin as: "seal", "signature", "signed-data"; null for anything else. Says nothing about whether the rest can be read. */
export function sealContentOf(data) {
  const tags = [];
  let offset = 0;
  while (tags.length < 4 && offset + 2 <= data.length) {
    tags.push(data[offset]);
    if (!(data[offset] & 0x20)) break;
    const octets = data[offset + 1];
    offset += 2 + (octets > 0x80 ? octets & 0x7f : 0);
  }
  const first = offset + 2 <= data.length ? data.subarray(offset + 2, offset + 2 + data[offset + 1]) : new Uint8Array(0);
  const starts = (...wanted) => wanted.every((tag, i) => tags[i] === tag);
  if (starts(Tag.SEQUENCE, Tag.SEQUENCE, Tag.SEQUENCE) && first.length === 2 && first[0] === 0x45 && first[1] === 0x53) return "seal";
  if (tags.length === 3 && starts(Tag.SEQUENCE, Tag.SEQUENCE, Tag.INTEGER)) return "signature";
  if (tags.length === 2 && starts(Tag.SEQUENCE, Tag.OBJECT_IDENTIFIER) && SIGNED_DATA_TYPES.some((type) => sameBytes(type, first))) return "signed-data";
  return null;
}

const SIGNED_DATA_TYPES = [fromHex("2a864886f70d010702"), fromHex("2a811ccf550601040202")];

/** Whether there is something to say about this content. A bare SEQUENCE of numbers is not enough. */
export function isSealData(data) {
  const found = sealContentOf(data);
  if (found !== "signature") return found !== null;
  return Array.from(data.subarray(0, 128), (each) => String.fromCharCode(each)).join("").includes("\x16\x02ES");
}

async function sealReported(name, kind, run) {
  let found;
  try {
    found = await run();
  } catch (error) {
    const isCoded = error instanceof TrustError;
    const step = isCoded
      ? failed("SES_MALFORMED", SES_FORM, { reason: error.code, ...error.facts })
      : notChecked("SES_MALFORMED", SES_FORM, { reason: error?.name ?? "Error" }); // unknown trouble is "not decided"
    found = { steps: [step], cryptographicallyValid: null, trusted: null, signer: null, signedAt: null };
  }
  const { steps, cryptographicallyValid, trusted, signer, signedAt } = found;
  const verdict = verdictOf(steps);
  const report = signatureReport({ name, kind, verdict, cryptographicallyValid, documentIntact: null, trusted, signer, signedAt, steps });
  return fileReport({ verdict, tampered: null, signatures: [report] });
}

/** Verify a seal alone (.esl): the one entry is named "seal"; nothing is said about any document. */
export async function verifySealFile(data, trust, at) {
  const status = await openSealLists(trust, at);
  return sealReported("seal", "ses-seal", async () => {
    const seal = readSeal(data);
    const found = await verifySeal(seal, trust, at, status);
    return { ...found, signer: found.maker, signedAt: seal.property.createdAt };
  });
}

/** Verify a sealing value alone (.dat): SES_Signature, or SignedData of a Type="Sign" value. Without its document it is at best indeterminate. */
export async function verifySesValue(data, trust, at) {
  if (sealContentOf(data) === "signed-data") {
    return sealReported("signature", "gbt35275-signature", async () => {
      const found = await verifySignedData(data, { trust, at, requireSignedAttributes: false, allowEncapsulated: true });
      return { ...found, steps: [...found.steps, notChecked("DATA_MISSING", NO_ORIGINAL)] };
    });
  }
  const status = await openSealLists(trust, at);
  return sealReported("signature", "ses-signature", async () => verifySealSignature(readSealSignature(data), { trust, at, status }));
}

/** Verify a seal or a sealing value, whichever the content is. */
export const verifySealData = (data, trust, at) => (sealContentOf(data) === "seal" ? verifySealFile : verifySesValue)(data, trust, at);
