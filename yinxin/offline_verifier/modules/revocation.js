// Was a certificate revoked at a moment? Revocation lists (RFC 5280, 5 and 6.3) and OCSP responses (RFC 6960), taken from file and trust.
//
// As crypto/revocation.py: "good" must be shown by a statement that was fresh at that moment or made after it; everything else is stale,
// undecidable or missing, never good. That a certificate IS revoked counts however old the statement is; where a statement of that could not be
// checked and is newer than what shows the certificate good, the question stays open.
import { MalformedError, findBytes, sameBytes, toBinary } from "./bytes.js";
import { Tag, contextTag, readDer, readNode } from "./der.js";
import { digestOf } from "./hashes.js";
import { isSameName, readName } from "./names.js";
import { Oid } from "./oids.js";
import { Check, readAlgorithm, verifySignature } from "./signatures.js";
import { KeyUse, certificateFromDer, readDistributionPointName, readExtensions } from "./x509.js";

const MAX_CRL_BYTES = 32 * 1024 * 1024;
const MAX_CRL_ENTRIES = 1000000;
const MAX_ENTRY_SERIAL_BYTES = 64;
const MAX_REVOCATION_PIECES = 512; // lists and responses looked at for one certificate
const CLOCK_SKEW_MS = 5 * 60 * 1000; // evidence may be dated this much after our own clock
const MAX_OCSP_BYTES = 262144;
const MAX_SINGLE_RESPONSES = 100;
const MAX_OCSP_CERTIFICATES = 16;
const MAX_NONCE_BYTES = 128;

const REVOCATION_REASONS = {
  0: "unspecified", 1: "keyCompromise", 2: "cACompromise", 3: "affiliationChanged", 4: "superseded", 5: "cessationOfOperation",
  6: "certificateHold", 8: "removeFromCRL", 9: "privilegeWithdrawn", 10: "aACompromise",
};

export const Revocation = { GOOD: "good", REVOKED: "revoked", STALE: "stale", MISSING: "missing", UNDECIDABLE: "undecidable" };

// DER of revocation lists and OCSP responses, and responders trusted by decision
export const NO_EVIDENCE = { crls: [], ocsp: [], responders: [] };
export const makeEvidence = (crls = [], ocsp = [], responders = []) => ({ crls, ocsp, responders });
export const joinEvidence = (one, other) => ({
  crls: [...one.crls, ...other.crls], ocsp: [...one.ocsp, ...other.ocsp], responders: [...one.responders, ...other.responders],
});

// -- what one piece of evidence says: a statement { source, says, thisUpdate, nextUpdate, reason, revokedAt, keepsExpiredSince }, or it is
// ignored { source, ignored: why } because it is unreadable, of another issuer, out of scope, or not signed by whom it claims

const GOOD = "good";
const REVOKED = "revoked";
const UNUSABLE = "unusable"; // it concerns the certificate, but may not be relied on
const UNKNOWN_STATUS = "unknown";

const ignored = (source, reason) => ({ source, ignored: reason });
const statement = (source, says, thisUpdate, nextUpdate, { reason = null, revokedAt = null, keepsExpiredSince = null, allegesRevoked = false } = {}) => ({
  source, says, thisUpdate, nextUpdate, reason, revokedAt, keepsExpiredSince, allegesRevoked,
});
// Why a response may not be relied on although nothing shows it to be wrong
const OPEN = new Set(["signature-unsupported", "signature-weak", "unknown-critical-extension", "responder-revocation-unknown"]);

// What the evidence says about a certificate of this issuer at the moment `at`; { status, revokedAt, reason, source, thisUpdate }
export async function checkRevocation(certificate, issuer, evidence, at, now) {
  if (evidence.crls.length + evidence.ocsp.length > MAX_REVOCATION_PIECES) return { status: Revocation.UNDECIDABLE, reason: "too-much-evidence" };
  const examined = [];
  for (const crl of evidence.crls) examined.push(await examineCrl(crl, certificate, issuer));
  for (const response of evidence.ocsp) examined.push(await examineOcsp(response, certificate, issuer, evidence.crls, evidence.responders));
  const statements = examined.filter((each) => each.ignored === undefined);
  const why = examined.find((each) => each.ignored !== undefined && each.ignored !== "other-issuer");
  return decideRevocation(statements, certificate, at, now) ?? { status: Revocation.MISSING, reason: why?.ignored ?? null };
}

function decideRevocation(statements, certificate, at, now) {
  const weighed = statements.map((each) => [...weighStatement(each, certificate, at, now), each]);
  let good = null;
  for (const [status, , each] of weighed) if (status === Revocation.GOOD && (good === null || each.thisUpdate > good.thisUpdate)) good = each;
  // A hold ends when a newer statement shows the certificate good again (RFC 5280, 5.3.1)
  const isLifted = (each) => each.reason === "certificateHold" && good !== null && good.thisUpdate > each.thisUpdate;
  const revoked = statements.filter((each) => each.says === REVOKED && !isLifted(each));
  if (revoked.length) {
    const time = (each) => each.revokedAt ?? each.thisUpdate;
    const first = revoked.reduce((best, each) => (time(each) < time(best) ? each : best));
    return { status: Revocation.REVOKED, revokedAt: first.revokedAt, reason: first.reason, source: first.source, thisUpdate: first.thisUpdate };
  }
  const alleged = statements.find((each) => each.allegesRevoked && (good === null || each.thisUpdate > good.thisUpdate));
  if (alleged !== undefined) return { status: Revocation.UNDECIDABLE, reason: alleged.reason, source: alleged.source, thisUpdate: alleged.thisUpdate };
  if (good !== null) return { status: Revocation.GOOD, source: good.source, thisUpdate: good.thisUpdate };
  for (const wanted of [Revocation.UNDECIDABLE, Revocation.STALE]) {
    const found = weighed.find(([status]) => status === wanted);
    if (found !== undefined) return { status: wanted, reason: found[1], source: found[2].source, thisUpdate: found[2].thisUpdate };
  }
  return null;
}

function weighStatement(said, certificate, at, now) {
  if (said.says !== GOOD) return [Revocation.UNDECIDABLE, said.reason];
  if (now !== null && said.thisUpdate - now > CLOCK_SKEW_MS) return [Revocation.UNDECIDABLE, "dated-in-the-future"];
  if (said.nextUpdate !== null && said.nextUpdate < said.thisUpdate) return [Revocation.UNDECIDABLE, "next-update-before-this-update"];
  if (said.thisUpdate < at && (said.nextUpdate === null || said.nextUpdate < at)) return [Revocation.STALE, "stale"];
  const kept = said.keepsExpiredSince;
  if (said.thisUpdate > certificate.notAfter && (kept === null || kept > certificate.notAfter)) return [Revocation.STALE, "issued-after-the-certificate-expired"];
  return [Revocation.GOOD, null];
}

// -- revocation lists

const KNOWN_CRL_EXTENSIONS = new Set([
  Oid.CRL_NUMBER, Oid.AUTHORITY_KEY_IDENTIFIER, Oid.ISSUING_DISTRIBUTION_POINT, Oid.DELTA_CRL_INDICATOR, Oid.EXPIRED_CERTS_ON_CRL,
]);
const CRITICAL_TRUE = Uint8Array.of(1, 1, 255);

class RevocationList {
  // The frame of a list; its entries are looked at when asked for
  constructor(der) {
    if (der.length > MAX_CRL_BYTES) throw new MalformedError("CRL_TOO_LARGE", { limit: MAX_CRL_BYTES, found: der.length });
    const outer = readDer(der).children(Tag.SEQUENCE);
    if (outer.length !== 3) throw new MalformedError("CRL_MALFORMED", { elements: outer.length });
    const tbs = outer[0].children(Tag.SEQUENCE);
    let version = 1;
    if (tbs.length && tbs[0].tag === Tag.INTEGER) version = tbs.shift().smallInteger() + 1;
    if (tbs.length < 3 || (version !== 1 && version !== 2)) throw new MalformedError("CRL_MALFORMED", { elements: tbs.length, version });
    const [algorithm, issuer, thisUpdate, ...rest] = tbs;
    readName(issuer.raw);
    this.raw = der;
    this.tbs = outer[0].raw;
    this.issuer = issuer.raw;
    this.nextUpdate = null;
    this.entries = null;
    this.extensions = new Map();
    if (rest.length && (rest[0].tag === Tag.UTC_TIME || rest[0].tag === Tag.GENERALIZED_TIME)) this.nextUpdate = rest.shift().time();
    if (rest.length && rest[0].tag === Tag.SEQUENCE) this.entries = rest.shift();
    if (rest.length && version === 2) this.extensions = readExtensions(rest.shift().expect(contextTag(0)).onlyChild());
    if (rest.length) throw new MalformedError("CRL_MALFORMED", { elements: tbs.length, version });
    this.thisUpdate = thisUpdate.time();
    this.algorithm = readAlgorithm(outer[1]);
    this.tbsAlgorithm = readAlgorithm(algorithm);
    this.signature = outer[2].bits();
    this.index = null;
    this.checks = new Map();
    this.statements = new Map();
  }

  async isSignedBy(spki) {
    if (!sameBytes(this.tbsAlgorithm.raw, this.algorithm.raw)) return Check.BAD;
    const key = toBinary(spki);
    if (!this.checks.has(key)) this.checks.set(key, await verifySignature(spki, this.algorithm, this.tbs, this.signature));
    return this.checks.get(key);
  }

  // Serial number (content octets) -> offset of its entry
  readIndex() {
    if (this.index !== null) return this.index;
    const index = new Map();
    let count = 0;
    if (this.entries !== null) {
      const { buffer: data, end } = this.entries;
      for (let offset = this.entries.body; offset < end; count++) {
        const start = offset;
        if (end - offset < 6 || data[offset] !== 0x30) throw new MalformedError("CRL_ENTRY_MALFORMED", { offset });
        let body = offset + 2;
        if (data[offset + 1] >= 0x80) {
          const entry = readNode(data, offset, end);
          [body, offset] = [entry.body, entry.end];
        } else {
          offset = body + data[offset + 1];
        }
        const size = data[body + 1];
        if (offset > end || data[body] !== 0x02 || size < 1 || size > MAX_ENTRY_SERIAL_BYTES || body + 2 + size > offset) {
          throw new MalformedError("CRL_ENTRY_MALFORMED", { offset: start });
        }
        const first = data[body + 2];
        // A longer spelling would not be found under the shortest
        if ((first === 0 || first === 0xff) && size > 1 && data[body + 3] >= 0x80 === (first === 0xff)) throw new MalformedError("CRL_ENTRY_MALFORMED");
        index.set(toBinary(data.subarray(body + 2, body + 2 + size)), start);
        if (count >= MAX_CRL_ENTRIES) throw new MalformedError("CRL_TOO_MANY_ENTRIES", { limit: MAX_CRL_ENTRIES });
      }
    }
    if (index.size !== count) throw new MalformedError("CRL_ENTRY_REPEATED", { entries: count });
    this.index = index;
    return index;
  }

  find(certificate) {
    const serial = readDer(certificate.tbs).children().find((node) => node.tag === Tag.INTEGER);
    const offset = this.readIndex().get(toBinary(serial.value));
    return offset === undefined ? null : readRevokedEntry(readNode(this.entries.buffer, offset, this.entries.end));
  }

  // Critical extensions of entries beyond reason and invalidity date: the list must then not be used (5.3)
  hasUnknownCriticalEntryExtension() {
    if (this.entries === null || findBytes(this.raw, CRITICAL_TRUE, this.entries.body, this.entries.end) < 0) return false;
    for (const offset of this.readIndex().values()) {
      const parts = readNode(this.raw, offset).children();
      if (parts.length !== 3) continue;
      for (const extension of readExtensions(parts[2]).values()) {
        if (extension.critical && extension.oid !== Oid.CRL_REASON && extension.oid !== Oid.INVALIDITY_DATE) return true;
      }
    }
    return false;
  }

  expiredCertificatesSince() {
    const extension = this.extensions.get(Oid.EXPIRED_CERTS_ON_CRL);
    return extension === undefined ? null : readDer(extension.value).expect(Tag.GENERALIZED_TIME).time();
  }
}

function readRevokedEntry(node) {
  const parts = node.children(Tag.SEQUENCE);
  if (parts.length < 2 || parts.length > 3) throw new MalformedError("CRL_ENTRY_MALFORMED", { elements: parts.length });
  const found = { revokedAt: null, reason: "unspecified", invalidAt: null, namesOtherIssuer: false };
  for (const extension of parts.length === 3 ? readExtensions(parts[2]).values() : []) {
    if (extension.oid === Oid.CRL_REASON) found.reason = REVOCATION_REASONS[readDer(extension.value).smallInteger(Tag.ENUMERATED)] ?? "unspecified";
    else if (extension.oid === Oid.INVALIDITY_DATE) found.invalidAt = readDer(extension.value).expect(Tag.GENERALIZED_TIME).time();
    else if (extension.oid === Oid.CERTIFICATE_ISSUER) found.namesOtherIssuer = true;
  }
  parts[0].integer();
  found.revokedAt = parts[1].time();
  return found;
}

const revocationLists = new WeakMap(); // by the bytes they were read from

function readRevocationList(der) {
  let found = revocationLists.get(der);
  if (found === undefined) {
    found = new RevocationList(der);
    revocationLists.set(der, found);
  }
  return found;
}

// The issuer a list names; null where it cannot be read, since it then says nothing about anybody
export function crlIssuer(der) {
  try {
    return readRevocationList(der).issuer;
  } catch (error) {
    if (error instanceof MalformedError) return null;
    throw error;
  }
}

async function examineCrl(der, certificate, issuer) {
  try {
    const list = readRevocationList(der);
    const key = `${certificate.id}/${issuer.id}`;
    if (!list.statements.has(key)) list.statements.set(key, await examineList(list, certificate, issuer));
    return list.statements.get(key);
  } catch (error) {
    if (error instanceof MalformedError) return ignored("crl", error.code);
    throw error;
  }
}

async function examineList(list, certificate, issuer) {
  if (!isSameName(list.issuer, certificate.issuer)) return ignored("crl", "other-issuer");
  const unusable = (reason) => statement("crl", UNUSABLE, list.thisUpdate, list.nextUpdate, { reason });
  const check = await list.isSignedBy(issuer.spki);
  if (check === Check.BAD) return ignored("crl", "signature-bad");
  if (check !== Check.GOOD) {
    const said = whatItSays(list, certificate, unusable);
    return { ...unusable(`signature-${check}`), allegesRevoked: said.says === REVOKED || said.allegesRevoked === true };
  }
  if (issuer.keyUsage !== null && !issuer.keyUsage.has(KeyUse.CRL_SIGN)) return unusable("issuer-may-not-sign-lists");
  return whatItSays(list, certificate, unusable);
}

// Why a list shows no certificate good, while what it says of one that it names is the issuer's word
const NAMES_REVOKED = new Set([
  "delta-list", "partial-list", "relative-distribution-point", "other-distribution-point", "other-kind-of-certificate",
]);

// What an authentic list says: whatever is wrong with it makes it unusable, not ignorable
function whatItSays(list, certificate, unusable) {
  let said;
  try {
    said = checkListScope(list, certificate, unusable) ?? lookUp(list, certificate, unusable);
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
    said = unusable(error.code);
  }
  if (said.says === GOOD || said.says === REVOKED) return said;
  try {
    return namedAnyway(list, certificate, unusable, said.ignored ?? said.reason) ?? said;
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
    return said;
  }
}

// That the certificate is revoked, said by a list that otherwise does not decide about it, or null. Where the standard forbids to go by the list at
// all, and of a hold in a delta list, which another may have ended, it is an allegation.
function namedAnyway(list, certificate, unusable, reason) {
  const entry = list.find(certificate);
  if (entry === null || entry.namesOtherIssuer || entry.reason === "removeFromCRL" || isOfAttributeCertificates(list)) return null;
  const isHold = reason === "delta-list" && entry.reason === "certificateHold";
  if (NAMES_REVOKED.has(reason) && !isHold && !list.hasUnknownCriticalEntryExtension()) return revokedBy(list, entry);
  return { ...unusable(reason), allegesRevoked: true };
}

// Whether its serial numbers are others than those of certificates; a scope that cannot be read does not say so
function isOfAttributeCertificates(list) {
  const scope = list.extensions.get(Oid.ISSUING_DISTRIBUTION_POINT);
  try {
    return scope !== undefined && readIssuingDistributionPoint(scope.value).flags[5] === true;
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
    return false;
  }
}

// RFC 5280, 5.2 and 6.3.3 (b): why this list does not decide about the certificate, or null when it does
function checkListScope(list, certificate, unusable) {
  for (const extension of list.extensions.values()) {
    if (extension.critical && !KNOWN_CRL_EXTENSIONS.has(extension.oid)) return unusable("unknown-critical-extension");
  }
  if (list.extensions.has(Oid.DELTA_CRL_INDICATOR)) return unusable("delta-list");
  const extension = list.extensions.get(Oid.ISSUING_DISTRIBUTION_POINT);
  if (extension === undefined) return null;
  const point = readIssuingDistributionPoint(extension.value);
  if (point.flags[4]) return unusable("indirect-list");
  if (point.flags[3]) return unusable("partial-list");
  if (point.relativeName !== null) return unusable("relative-distribution-point");
  if (point.flags[5] || (point.flags[1] && certificate.isCa) || (point.flags[2] && !certificate.isCa)) return ignored("crl", "other-kind-of-certificate");
  if (point.fullNames.length) {
    const named = new Set(certificate.crlDistributionPoints.flatMap((stated) => stated.fullNames.map((name) => toBinary(name.raw))));
    if (!point.fullNames.some((name) => named.has(toBinary(name.raw)))) return ignored("crl", "other-distribution-point");
  }
  return null;
}

// 5.2.5; flags by tag number: 1 users only, 2 authorities only, 3 some reasons only, 4 indirect, 5 attribute certificates only
function readIssuingDistributionPoint(value) {
  const point = { fullNames: [], relativeName: null, flags: {} };
  for (const part of readDer(value).children(Tag.SEQUENCE)) {
    if (part.tag === 0xa0) Object.assign(point, readDistributionPointName(part));
    else if (part.tag === 0x83) point.flags[3] = part.namedBits(0x83).size > 0;
    else if ([0x81, 0x82, 0x84, 0x85].includes(part.tag)) point.flags[part.tag & 15] = part.boolean(part.tag);
    else throw new MalformedError("CRL_SCOPE_MALFORMED");
  }
  return point;
}

function lookUp(list, certificate, unusable) {
  if (list.hasUnknownCriticalEntryExtension()) return unusable("unknown-critical-entry-extension");
  const entry = list.find(certificate);
  if (entry === null) return statement("crl", GOOD, list.thisUpdate, list.nextUpdate, { keepsExpiredSince: list.expiredCertificatesSince() });
  if (entry.namesOtherIssuer) return unusable("indirect-list");
  if (entry.reason === "removeFromCRL") return unusable("remove-from-complete-list"); // belongs into delta lists only
  return revokedBy(list, entry);
}

function revokedBy(list, entry) {
  const revokedAt = entry.invalidAt === null ? entry.revokedAt : Math.min(entry.revokedAt, entry.invalidAt);
  return statement("crl", REVOKED, list.thisUpdate, list.nextUpdate, { reason: entry.reason, revokedAt });
}

// -- OCSP responses

const CERT_ID_DIGESTS = new Set([Oid.SHA1, Oid.SHA256, Oid.SM3]); // here an index, not a proof: SHA-1 does no harm

function readOcspResponse(der) {
  if (der.length > MAX_OCSP_BYTES) throw new MalformedError("OCSP_TOO_LARGE", { limit: MAX_OCSP_BYTES, found: der.length });
  const outer = readDer(der).children(Tag.SEQUENCE);
  if (outer.length < 1 || outer.length > 2) throw new MalformedError("OCSP_MALFORMED", { elements: outer.length });
  const status = outer[0].smallInteger(Tag.ENUMERATED);
  if ((status === 0) !== (outer.length === 2)) throw new MalformedError("OCSP_MALFORMED", { status, elements: outer.length });
  if (status !== 0) return null;
  const body = outer[1].expect(contextTag(0)).onlyChild().children(Tag.SEQUENCE);
  if (body.length !== 2 || body[0].oid() !== Oid.OCSP_BASIC) throw new MalformedError("OCSP_TYPE_UNKNOWN", { elements: body.length });
  return readBasicResponse(body[1].octets());
}

function readBasicResponse(der) {
  const parts = readDer(der).children(Tag.SEQUENCE);
  if (parts.length < 3 || parts.length > 4) throw new MalformedError("OCSP_MALFORMED", { basic_elements: parts.length });
  const data = parts[0].children(Tag.SEQUENCE);
  if (data.length && data[0].tag === contextTag(0)) data.shift().onlyChild().integer();
  if (data.length < 3 || data.length > 4) throw new MalformedError("OCSP_MALFORMED", { data_elements: data.length });
  let [responderName, responderKey] = [null, null];
  if (data[0].tag === contextTag(1)) {
    responderName = data[0].onlyChild().raw;
    readName(responderName);
  } else {
    responderKey = data[0].expect(contextTag(2)).onlyChild().octets();
  }
  const singles = data[2].children(Tag.SEQUENCE);
  const certificates = parts.length === 4 ? parts[3].expect(contextTag(0)).onlyChild().children(Tag.SEQUENCE) : [];
  if (singles.length > MAX_SINGLE_RESPONSES || certificates.length > MAX_OCSP_CERTIFICATES) throw new MalformedError("OCSP_TOO_MANY");
  const extensions = data.length === 4 ? readExtensions(data[3].expect(contextTag(1)).onlyChild()) : new Map();
  const nonce = extensions.get(Oid.OCSP_NONCE);
  if (nonce !== undefined) {
    const octets = readDer(nonce.value).octets();
    if (octets.length < 1 || octets.length > MAX_NONCE_BYTES) throw new MalformedError("OCSP_NONCE_LENGTH");
  }
  return {
    tbs: parts[0].raw,
    responderName,
    responderKey,
    producedAt: data[1].expect(Tag.GENERALIZED_TIME).time(),
    responses: singles.map(readSingleResponse),
    hasUnknownCriticalExtension: [...extensions.values()].some((each) => each.critical && each.oid !== Oid.OCSP_NONCE),
    algorithm: readAlgorithm(parts[1]),
    signature: parts[2].bits(),
    certificates: certificates.map((each) => each.raw),
    checks: new Map(),
  };
}

function readSingleResponse(node) {
  const parts = node.children(Tag.SEQUENCE);
  if (parts.length < 3 || parts.length > 5) throw new MalformedError("OCSP_MALFORMED", { single_elements: parts.length });
  const single = { status: UNKNOWN_STATUS, revokedAt: null, reason: "unspecified", nextUpdate: null, archiveCutoff: null, hasUnknownCriticalExtension: false };
  if (parts[1].tag === 0x80) {
    single.status = GOOD;
  } else if (parts[1].tag === 0xa1) {
    single.status = REVOKED;
    const info = parts[1].children();
    if (info.length < 1 || info.length > 2) throw new MalformedError("OCSP_MALFORMED", { revoked_elements: info.length });
    single.revokedAt = info[0].expect(Tag.GENERALIZED_TIME).time();
    if (info.length === 2) {
      single.reason = REVOCATION_REASONS[info[1].expect(contextTag(0)).onlyChild().smallInteger(Tag.ENUMERATED)] ?? "unspecified";
    }
  } else if (parts[1].tag !== 0x82) {
    throw new MalformedError("OCSP_MALFORMED", { status_tag: parts[1].tag });
  }
  for (const part of parts.slice(3)) {
    if (part.tag === contextTag(0)) {
      single.nextUpdate = part.onlyChild().expect(Tag.GENERALIZED_TIME).time();
      continue;
    }
    for (const extension of readExtensions(part.expect(contextTag(1)).onlyChild()).values()) {
      if (extension.oid === Oid.OCSP_ARCHIVE_CUTOFF) single.archiveCutoff = readDer(extension.value).expect(Tag.GENERALIZED_TIME).time();
      else single.hasUnknownCriticalExtension ||= extension.critical;
    }
  }
  const id = parts[0].children(Tag.SEQUENCE);
  if (id.length !== 4) throw new MalformedError("OCSP_MALFORMED", { cert_id_elements: id.length });
  single.id = { algorithm: readAlgorithm(id[0]), nameDigest: id[1].octets(), keyDigest: id[2].octets(), serial: id[3].integer() };
  single.thisUpdate = parts[2].expect(Tag.GENERALIZED_TIME).time();
  return single;
}

const ocspResponses = new WeakMap();

function rememberedResponse(der) {
  let found = ocspResponses.get(der);
  if (found === undefined) {
    found = readOcspResponse(der);
    ocspResponses.set(der, found);
  }
  return found;
}

// The serial numbers that a response answers for; none when it cannot be read
export function ocspSerials(der) {
  try {
    return (rememberedResponse(der)?.responses ?? []).map((single) => single.id.serial);
  } catch (error) {
    if (error instanceof MalformedError) return [];
    throw error;
  }
}

async function isAbout(id, certificate, issuer) {
  if (id.serial !== certificate.serial || !CERT_ID_DIGESTS.has(id.algorithm.oid)) return false;
  return (
    sameBytes(id.nameDigest, await digestOf(id.algorithm.oid, certificate.issuer)) &&
    sameBytes(id.keyDigest, await digestOf(id.algorithm.oid, issuer.key.keyBits))
  );
}

async function examineOcsp(der, certificate, issuer, crls, responders) {
  let basic;
  try {
    basic = rememberedResponse(der);
  } catch (error) {
    if (error instanceof MalformedError) return ignored("ocsp", error.code);
    throw error;
  }
  if (basic === null) return ignored("ocsp", "no-answer");
  const about = [];
  for (const single of basic.responses) if (await isAbout(single.id, certificate, issuer)) about.push(single);
  if (!about.length) return ignored("ocsp", "other-certificate");
  const ofStatus = (status) => about.find((each) => each.status === status);
  const single = ofStatus(REVOKED) ?? ofStatus(UNKNOWN_STATUS) ?? about[0]; // of contradicting answers the worst one counts
  let [delegate, problem] = await findResponder(basic, single.thisUpdate, issuer, crls, responders);
  if (problem === "signature-bad") return ignored("ocsp", problem);
  if (problem === null && (basic.hasUnknownCriticalExtension || single.hasUnknownCriticalExtension)) problem = "unknown-critical-extension";
  if (problem === null && single.status === UNKNOWN_STATUS) problem = "responder-does-not-know";
  let { nextUpdate } = single;
  // What an outdated responder's key signs can bear any date, so its answers do not outlive its certificate
  if (delegate !== null && nextUpdate !== null) nextUpdate = Math.min(nextUpdate, delegate.notAfter);
  if (problem !== null) {
    const allegesRevoked = single.status === REVOKED && OPEN.has(problem);
    return statement("ocsp", UNUSABLE, single.thisUpdate, nextUpdate, { reason: problem, allegesRevoked });
  }
  if (single.status === REVOKED) return statement("ocsp", REVOKED, single.thisUpdate, nextUpdate, { reason: single.reason, revokedAt: single.revokedAt });
  return statement("ocsp", GOOD, single.thisUpdate, nextUpdate, { keepsExpiredSince: single.archiveCutoff });
}

async function checkResponse(basic, spki) {
  const key = toBinary(spki);
  if (!basic.checks.has(key)) basic.checks.set(key, await verifySignature(spki, basic.algorithm, basic.tbs, basic.signature));
  return basic.checks.get(key);
}

// [the delegated responder or null, why the signature does not count or null] (RFC 6960, 4.2.2.2)
async function findResponder(basic, thisUpdate, issuer, crls, responders) {
  let found = "signature-bad";
  const enclosed = [];
  for (const der of basic.certificates) {
    try {
      enclosed.push(certificateFromDer(der));
    } catch (error) {
      if (!(error instanceof MalformedError)) throw error; // a certificate that cannot be read cannot be the responder's
    }
  }
  for (const responder of [issuer, ...responders, ...enclosed]) {
    if (!(await isNamedResponder(basic, responder))) continue;
    const isEntitled = sameBytes(responder.spki, issuer.spki) || responders.some((each) => each.id === responder.id);
    // A delegated responder must have been made by the very issuer, for this purpose; somebody else's key is no evidence at all. This is asked
    // first: to try a key costs what whoever chose it wants it to cost.
    let issued = Check.GOOD;
    if (!isEntitled) issued = isSameName(responder.issuer, issuer.subject) ? await responder.isIssuedBy(issuer) : Check.BAD;
    let check = issued === Check.BAD ? Check.BAD : await checkResponse(basic, responder.spki);
    if (check === Check.GOOD && isEntitled) return [null, null];
    if (check === Check.GOOD) check = issued;
    if (check !== Check.GOOD) {
      if (check !== Check.BAD) found = `signature-${check}`;
      continue;
    }
    let problem = await delegationProblem(responder, issuer, basic.producedAt, crls);
    if (problem === null && thisUpdate > responder.notAfter) problem = "responder-not-valid-at-time";
    if (problem === null) return [responder, null];
    found = problem;
  }
  return [null, found];
}

async function isNamedResponder(basic, responder) {
  if (basic.responderName !== null) return isSameName(basic.responderName, responder.subject);
  if (sameBytes(basic.responderKey, responder.subjectKeyId)) return true;
  return sameBytes(basic.responderKey, await digestOf(Oid.SHA1, responder.key.keyBits));
}

async function delegationProblem(responder, issuer, at, crls) {
  if (!(responder.extendedKeyUsage ?? []).includes(Oid.EKU_OCSP_SIGNING)) return "responder-not-authorised";
  if (responder.keyUsage !== null && !responder.keyUsage.has(KeyUse.DIGITAL_SIGNATURE)) return "responder-key-usage";
  if (!(responder.notBefore <= at && at <= responder.notAfter)) return "responder-not-valid-at-time";
  if (responder.extensions.has(Oid.OCSP_NO_CHECK)) return null;
  const said = [];
  for (const crl of crls) {
    const each = await examineCrl(crl, responder, issuer);
    if (each.ignored === undefined) said.push(each);
  }
  if (said.some((each) => each.says === REVOKED)) return "responder-revoked";
  const isFresh = said.some((each) => each.says === GOOD && (each.thisUpdate >= at || (each.nextUpdate !== null && at <= each.nextUpdate)));
  return isFresh ? null : "responder-revocation-unknown";
}
