// Finding and judging a certification path (RFC 5280, 6) for a purpose at a moment, under a trust list; as crypto/path*.py.
//
// The search goes upwards by name, depth first, proven by signature, within fixed bounds: whatever a hostile file brings costs no more.
import { isoTime, sameBytes, toBinary } from "./bytes.js";
import { nameViolation } from "./name_constraints.js";
import { normalisedName } from "./names.js";
import { Oid } from "./oids.js";
import { failed, notChecked, passed, trustOf, warned } from "./report.js";
import { NO_EVIDENCE, Revocation, checkRevocation, joinEvidence, makeEvidence } from "./revocation.js";
import { Check } from "./signatures.js";
import { KeyUse, profileDeviations } from "./x509.js";

export const Purpose = { DOCUMENT: "document-seal", TIMESTAMP: "time-stamp", SEAL_MAKER: "seal-maker", OCSP: "ocsp" };

const MAX_PATHS = 16; // complete paths that are judged
const MAX_PATH_CERTIFICATES = 10; // real paths have 2 to 5 certificates, anchor included
const MAX_OFFERED = 2000;
const MAX_SIGNATURE_CHECKS = 128; // of SM2; under longer keys fewer
const ORDINARY_KEY_BYTES = 512; // of a SubjectPublicKeyInfo; RSA of 4,096 bits takes a little more

// What a check under this key costs, in checks of SM2
const costOf = (spki) => 1 + Math.floor(Math.floor(spki.length / ORDINARY_KEY_BYTES) ** 2 / 2);

const MAX_PATH_STEPS = 2000;
const MAX_CANDIDATES = 64; // certificates of one name that are tried as issuer of one certificate
const MAX_BROKEN_LINKS = 8;
const SHORT_LIVED_DAYS = 7; // for so long the issuer's word that it publishes nothing does in place of evidence
const DAY_MILLISECONDS = 86400000;

const PATH_CLAUSE = "RFC 5280 6.1";
const VALIDITY_CLAUSE = "RFC 5280 6.1.3 a 2";
const REVOCATION_CLAUSE = "RFC 5280 6.3";
const USAGE_CLAUSE = "RFC 5280 4.2.1.3";
const STAMPING_CLAUSE = "RFC 3161 2.3";
const RESPONDER_CLAUSE = "RFC 6960 4.2.2.2";

// Critical extensions whose meaning is acted on here, or that cannot make a path worse
const KNOWN_CRITICAL = new Set([
  Oid.KEY_USAGE, Oid.BASIC_CONSTRAINTS, Oid.EXTENDED_KEY_USAGE, Oid.NAME_CONSTRAINTS, Oid.SUBJECT_ALT_NAME, Oid.SUBJECT_KEY_IDENTIFIER,
  Oid.AUTHORITY_KEY_IDENTIFIER, Oid.CRL_DISTRIBUTION_POINTS, Oid.CERTIFICATE_POLICIES, Oid.POLICY_MAPPINGS, Oid.INHIBIT_ANY_POLICY, Oid.NO_REV_AVAIL,
]);
const DEDICATED_PURPOSES = new Set([Oid.EKU_TIME_STAMPING, Oid.EKU_OCSP_SIGNING]);

// Validate `leaf` for a purpose at the moment `at`. What the document brings (intermediates, evidence) is believed only as far as signatures
// prove it. isProven false: nobody but the holder of the key vouches for `at`, so evidence must reach until `now` (or provenBy, a moment by
// which somebody else shows the signature to have existed). { trusted, chain, anchor, steps }
export async function validatePath(leaf, { intermediates = [], trust, purpose, at, evidence = NO_EVIDENCE, now = null, isProven = true, provenBy = null }) {
  const search = new PathSearch(trust, intermediates, purpose, at);
  const offered = joinEvidence(evidence, makeEvidence([], [], trustedResponders(trust, at)));
  const moment = { at, now, isProven, provenBy };
  let [best, count] = [null, 0];
  for await (const path of search.paths(leaf)) {
    const judged = await judgePath(path, purpose, offered, trust, moment);
    if (judged.trusted) return judged;
    if (best === null || (best.trusted === false && judged.trusted === null)) best = judged;
    count += 1;
    if (count >= MAX_PATHS) break;
  }
  return best ?? (await withoutAnchor(leaf, search, purpose, at, now));
}

async function judgePath(path, purpose, evidence, trust, moment) {
  const leaf = path.chain[0];
  const steps = [
    ...checkChain(path),
    checkUsage(leaf, purpose),
    ...checkTime(path.chain.slice(0, -1), moment.at, moment.now),
    ...(await checkRevocations(path, evidence, trust, moment)),
    ...checkNationalProfile(leaf),
  ];
  return { trusted: trustOf(steps), chain: path.chain, anchor: path.anchor, steps };
}

async function withoutAnchor(leaf, search, purpose, at, now) {
  const broken = await search.brokenLink();
  const steps = [];
  if (broken !== null) {
    const [certificate, issuer] = broken;
    steps.push(failed("CERT_CHAIN_BAD", PATH_CLAUSE, { reason: "not-signed-by-its-issuer", certificate: certificate.subjectText, issuer: issuer.subjectText }));
  } else {
    const reason = [...search.obstacles].join(", ") || (leaf.isSelfIssued ? "self-signed" : "issuer-unknown");
    steps.push(notChecked("CERT_NO_ANCHOR", PATH_CLAUSE, { reason, certificate: leaf.subjectText, issuer: leaf.issuerText }));
  }
  steps.push(checkUsage(leaf, purpose), ...checkTime([leaf], at, now), ...checkNationalProfile(leaf));
  return { trusted: trustOf(steps), chain: [leaf], anchor: null, steps };
}

// Anchors that are OCSP responders themselves (RFC 6960, 4.2.2.2, local configuration)
function trustedResponders(trust, at) {
  return trust.anchors
    .filter((anchor) => anchor.purposes.has(Purpose.OCSP) && (anchor.certificate.extendedKeyUsage ?? []).includes(Oid.EKU_OCSP_SIGNING))
    .filter((anchor) => isAnchorTrustedAt(anchor, at))
    .map((anchor) => anchor.certificate);
}

export function isAnchorTrustedAt(anchor, at) {
  return (anchor.trustedFrom ?? anchor.certificate.notBefore) <= at && at <= (anchor.trustedUntil ?? anchor.certificate.notAfter);
}

// -- the search

class PathSearch {
  constructor(trust, offered, purpose, at) {
    this.trust = trust;
    this.purpose = purpose;
    this.at = at;
    this.offered = new Map(); // by name, and by name and key identifier, each a Map of certificates in order
    for (const certificate of offered.slice(0, MAX_OFFERED)) {
      const name = normalisedName(certificate.subject);
      for (const key of [offeredKey(name, certificate.subjectKeyId), name]) {
        if (!this.offered.has(key)) this.offered.set(key, new Map());
        this.offered.get(key).set(certificate.id, certificate);
      }
    }
    this.checked = new Map();
    this.spent = 0;
    this.stepCount = 0;
    this.broken = [];
    this.obstacles = new Set(); // what stood in the way, as stable words
  }

  paths(leaf) {
    return this.extend([leaf], false);
  }

  // After a search without result: a certificate and an issuer, itself proven up to an anchor, that did not sign it. That is a forged or
  // changed certificate rather than an unknown issuer.
  async brokenLink() {
    for (const [certificate, issuer] of [...this.broken]) {
      for await (const _ of this.extend([issuer], false)) return [certificate, issuer];
    }
    return null;
  }

  async *extend(path, isWeak) {
    const last = path[path.length - 1];
    for (const anchor of this.trust.anchorsByCertificate(last)) if (this.isUsable(anchor)) yield { chain: path, anchor, isWeak };
    if (path.length >= MAX_PATH_CERTIFICATES) {
      this.obstacles.add("path-too-long");
      return;
    }
    for (const [issuer, anchor] of this.candidates(last)) {
      this.stepCount += 1;
      if (this.stepCount > MAX_PATH_STEPS) {
        this.obstacles.add("search-limit");
        return;
      }
      if (path.some((each) => sameBytes(each.subject, issuer.subject) && sameBytes(each.spki, issuer.spki))) continue;
      const check = await this.check(last, issuer);
      if (check === Check.BAD) {
        if (this.broken.length < MAX_BROKEN_LINKS && keyMismatch(last.authorityKeyId, issuer.subjectKeyId) < 2) this.broken.push([last, issuer]);
      } else if (check === Check.UNSUPPORTED) {
        this.obstacles.add("algorithm-unsupported");
      } else if (check !== null) {
        const weak = isWeak || check === Check.WEAK;
        if (anchor === null) yield* this.extend([...path, issuer], weak);
        else if (this.isUsable(anchor)) yield { chain: [...path, issuer], anchor, isWeak: weak };
      }
    }
  }

  isUsable(anchor) {
    if (!anchor.purposes.has(this.purpose)) {
      this.obstacles.add("anchor-not-for-this-purpose");
      return false;
    }
    if (!isAnchorTrustedAt(anchor, this.at)) {
      this.obstacles.add("anchor-not-trusted-at-this-time");
      return false;
    }
    return true;
  }

  // Who may have issued it, by name, the likeliest first: right key identifier, anchors, trust list, valid at the time
  candidates(certificate) {
    const name = normalisedName(certificate.issuer);
    const wanted = certificate.authorityKeyId;
    const fitting = wanted === null ? [] : (this.offered.get(offeredKey(name, wanted)) ?? new Map()).values();
    const offered = [...fitting, ...(this.offered.get(name) ?? new Map()).values()].slice(0, MAX_CANDIDATES);
    const found = [
      ...this.trust.anchorsBySubject(name).map((anchor) => [anchor.certificate, anchor]),
      ...this.trust.intermediatesBySubject(name).map((each) => [each, null]),
      ...[...new Map(offered.map((each) => [each.id, each])).values()].map((each) => [each, null]),
    ];
    const rank = ([issuer]) => 2 * keyMismatch(wanted, issuer.subjectKeyId) + (issuer.notBefore <= this.at && this.at <= issuer.notAfter ? 0 : 1);
    const order = (one, other) => rank(one) - rank(other) || costOf(one[0].spki) - costOf(other[0].spki);
    return found.sort(order).slice(0, MAX_CANDIDATES);
  }

  async check(certificate, issuer) {
    const key = `${certificate.id}/${toBinary(issuer.spki)}`;
    if (!this.checked.has(key)) {
      const cost = costOf(issuer.spki);
      if (this.spent + cost > MAX_SIGNATURE_CHECKS) {
        this.obstacles.add("search-limit");
        return null;
      }
      this.spent += cost;
      this.checked.set(key, await certificate.isIssuedBy(issuer));
    }
    return this.checked.get(key);
  }
}

const offeredKey = (name, keyId) => `${name}\u0002${keyId === null ? "" : toBinary(keyId)}`;

// 0: the key identifiers agree; 1: one is not stated; 2: they differ
function keyMismatch(wanted, offered) {
  if (wanted === null || offered === null) return 1;
  return sameBytes(wanted, offered) ? 0 : 2;
}

// -- the rules over one path whose signatures are proven

function checkChain(path) {
  const problems = [...issuerProblems(path.chain), ...nameProblems(path.chain), ...extensionProblems(path.chain)];
  const steps = problems.map(([certificate, reason]) => failed("CERT_CHAIN_BAD", PATH_CLAUSE, { reason, certificate: certificate.subjectText }));
  if (path.isWeak) steps.push(notChecked("CERT_WEAK_ALGORITHM", PATH_CLAUSE, { certificate: path.chain[0].subjectText }));
  const facts = { certificates: path.chain.length, issuer: path.chain[0].issuerText, anchor: path.anchor.certificate.subjectText };
  if (!problems.length) steps.push(passed("CERT_CHAIN_OK", PATH_CLAUSE, facts));
  return steps;
}

function issuerProblems(chain) {
  const found = [];
  let below = 0; // intermediates that are not self-issued, below the issuer at hand
  chain.slice(1).forEach((issuer, i) => {
    const isOldAnchor = i === chain.length - 2 && issuer.version < 3; // a root without extensions, trusted by decision
    if (!issuer.isCa && !isOldAnchor) found.push([issuer, "issuer-is-not-a-ca"]);
    if (issuer.keyUsage !== null && !issuer.keyUsage.has(KeyUse.KEY_CERT_SIGN)) found.push([issuer, "issuer-may-not-sign-certificates"]);
    if (issuer.pathLength !== null && below > issuer.pathLength) found.push([issuer, "path-longer-than-allowed"]);
    if (!issuer.isSelfIssued) below += 1;
  });
  return found;
}

function extensionProblems(chain) {
  const judged = chain.length > 1 ? chain.slice(0, -1) : chain;
  return judged.flatMap((certificate) =>
    [...certificate.extensions.values()]
      .filter((extension) => extension.critical && !KNOWN_CRITICAL.has(extension.oid))
      .map((extension) => [certificate, `unknown-critical-extension ${extension.oid}`]),
  );
}

function nameProblems(chain) {
  const found = [];
  chain.forEach((issuer, i) => {
    if (!i || issuer.nameConstraints === null) return;
    chain.slice(0, i).forEach((certificate, j) => {
      if (j && certificate.isSelfIssued) return;
      const problem = nameViolation(issuer.nameConstraints, certificate.subject, certificate.subjectAltNames);
      if (problem !== null) found.push([certificate, problem]);
    });
  });
  return found;
}

// Whether the leaf's key may be used for the purpose
function checkUsage(leaf, purpose) {
  const [problem, clause] = usageProblem(leaf, purpose);
  if (problem !== null) return failed("CERT_USAGE_BAD", clause, { reason: problem, purpose, certificate: leaf.subjectText });
  return passed("CERT_USAGE_OK", clause, { purpose });
}

function usageProblem(leaf, purpose) {
  const signs = leaf.keyUsage === null || leaf.keyUsage.has(KeyUse.DIGITAL_SIGNATURE) || leaf.keyUsage.has(KeyUse.NON_REPUDIATION);
  if (!signs) return ["key-usage-does-not-sign", USAGE_CLAUSE];
  const purposes = leaf.extendedKeyUsage;
  if (purpose === Purpose.TIMESTAMP) {
    if (purposes === null || purposes.length !== 1 || purposes[0] !== Oid.EKU_TIME_STAMPING) return ["extended-key-usage-not-time-stamping-alone", STAMPING_CLAUSE];
    if (!leaf.extensions.get(Oid.EXTENDED_KEY_USAGE).critical) return ["extended-key-usage-not-critical", STAMPING_CLAUSE];
    return [null, STAMPING_CLAUSE];
  }
  if (purpose === Purpose.OCSP) return [(purposes ?? []).includes(Oid.EKU_OCSP_SIGNING) ? null : "extended-key-usage-not-ocsp-signing", RESPONDER_CLAUSE];
  if (purposes !== null && purposes.every((each) => DEDICATED_PURPOSES.has(each))) return ["certificate-made-for-another-service", USAGE_CLAUSE];
  return [null, USAGE_CLAUSE];
}

function checkTime(certificates, at, now) {
  const steps = [];
  let isGood = true;
  for (const certificate of certificates) {
    if (!(certificate.notBefore <= at && at <= certificate.notAfter)) {
      isGood = false;
      const reason = at < certificate.notBefore ? "not-yet-valid" : "expired";
      steps.push(failed("CERT_NOT_VALID_AT_TIME", VALIDITY_CLAUSE, { reason, certificate: certificate.subjectText, at: isoTime(at) }));
    } else if (now !== null && now > certificate.notAfter) {
      steps.push(warned("CERT_EXPIRED_AFTER", VALIDITY_CLAUSE, { certificate: certificate.subjectText, expired_at: isoTime(certificate.notAfter) }));
    }
  }
  if (isGood) steps.push(passed("CERT_TIME_OK", VALIDITY_CLAUSE, { at: isoTime(at) }));
  return steps;
}

async function checkRevocations(path, evidence, trust, moment) {
  const steps = [];
  for (let i = 0; i + 1 < path.chain.length; i++) {
    const certificate = path.chain[i];
    steps.push(await revocationStep(certificate, path.chain[i + 1], path, joinEvidence(evidence, trust.evidenceFor(certificate)), moment));
  }
  return steps;
}

// At which moment evidence must show the certificate good: up to now, or to its end, where `at` may have been made up
function evidenceMoment(moment, certificate) {
  const seenFrom = signatureSeenFrom(moment);
  return seenFrom === null ? moment.at : Math.max(moment.at, Math.min(seenFrom, certificate.notAfter));
}

// By when the signature existed, where that is not `at` itself
function signatureSeenFrom({ now, isProven, provenBy }) {
  if (isProven || now === null) return null;
  return provenBy === null ? now : Math.min(provenBy, now);
}

// Why the word of its issuer that nothing is published about a certificate (noRevAvail) does not do in place of evidence, or null
function objectionToNone(certificate, moment) {
  if (certificate.isCa || certificate.namesRevocationSource) return "no-revocation-available-contradicted";
  if (certificate.notAfter - certificate.notBefore > SHORT_LIVED_DAYS * DAY_MILLISECONDS) return "no-revocation-available-for-long";
  return (signatureSeenFrom(moment) ?? certificate.notAfter) <= certificate.notAfter ? null : "no-revocation-available-and-no-proven-time";
}

async function revocationStep(certificate, issuer, path, evidence, moment) {
  const result = await checkRevocation(certificate, issuer, evidence, evidenceMoment(moment, certificate), moment.now);
  const subject = certificate.subjectText;
  if (result.status === Revocation.GOOD) {
    return passed("CERT_REVOCATION_OK", REVOCATION_CLAUSE, { certificate: subject, source: result.source, dated: isoTime(result.thisUpdate) });
  }
  if (result.status === Revocation.REVOKED) {
    const facts = { certificate: subject, reason: result.reason, revoked_at: isoTime(result.revokedAt) };
    const isLater = result.revokedAt !== null && result.revokedAt > moment.at;
    const step = (isLater ? warned : failed)(isLater ? "CERT_REVOKED_AFTER" : "CERT_REVOKED_BEFORE", REVOCATION_CLAUSE, facts);
    step.revokedAt = result.revokedAt;
    return step;
  }
  let reason = result.reason ?? null;
  if (result.status === Revocation.MISSING) {
    if (path.anchor.revocation === "not-published") {
      return warned("CERT_REVOCATION_NOT_PUBLISHED", REVOCATION_CLAUSE, { certificate: subject, anchor: path.anchor.certificate.subjectText });
    }
    if (certificate.extensions.has(Oid.NO_REV_AVAIL)) {
      const objection = objectionToNone(certificate, moment);
      if (objection === null) {
        const days = Math.ceil((certificate.notAfter - certificate.notBefore) / DAY_MILLISECONDS);
        return warned("CERT_REVOCATION_NOT_AVAILABLE", "RFC 9608 3", { certificate: subject, days });
      }
      reason = objection;
    }
  }
  return notChecked("CERT_REVOCATION_UNKNOWN", REVOCATION_CLAUSE, { certificate: subject, status: result.status, reason });
}

function checkNationalProfile(leaf) {
  return profileDeviations(leaf).map(([deviation, clause]) => warned("CERT_PROFILE_DEVIATION", clause, { deviation, certificate: leaf.subjectText }));
}
