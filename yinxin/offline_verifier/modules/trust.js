// Whom we trust, for what, from when until when: the trust list file (docs/reference/trust-list.md), as crypto/trust_list.py reads it,
// and the signed trust bundle (docs/reference/trust-bundle.md) that carries one with its own age.
//
// Strict: a list that is only half understood would trust something else than was meant, so it is refused as a whole.
import { MalformedError, TrustError, fromBase64, joinBytes, toHex, utcTime, utf8 } from "./bytes.js";
import { Purpose } from "./chains.js";
import { readIssuerKeys } from "./credential.js";
import { readLogKey, readWitnessKey } from "./logs.js";
import { normalisedName } from "./names.js";
import { Oid } from "./oids.js";
import { crlIssuer, makeEvidence, ocspSerials } from "./revocation.js";
import { Check, readSpki, verifySignature } from "./signatures.js";
import { sm3 } from "./sm3.js";
import { JsonError, readJson } from "./strict_json.js";
import { readUtf8 } from "./texts.js";
import { certificateFromDer } from "./x509.js";

const MAX_TRUST_LIST_BYTES = 64 * 1024 * 1024;
const MAX_ANCHORS = 1000;
const MAX_INTERMEDIATES = 10000;
const MAX_LISTED_EVIDENCE = 10000;
const MAX_STATUS_LISTS = 64;
const MAX_LOGS = 256;
const MAX_LOG_KEYS = 16;
const MAX_WITNESSES = 64;
const MAX_STATUS_ISSUERS = 256;
const MAX_STATUS_KEYS = 16;
const MAX_STATUS_TOKENS = 256;

// -- what a verifier knows

export class TrustKnowledge {
  // anchors: [{ certificate, purposes (Set), trustedFrom, trustedUntil, revocation }]; logs: [{ origin, digest (OID), keys, witnesses, quorum }]
  // with C2SP key texts; statusIssuers: [{ prefix, keys (SPKI), periods }]; the rest is DER or tokens as bytes
  constructor({ anchors = [], intermediates = [], crls = [], ocsp = [], statusLists = [], logs = [], statusIssuers = [], statusTokens = [] } = {}) {
    Object.assign(this, { anchors, intermediates, crls, ocsp, statusLists, logs, statusIssuers, statusTokens });
    this.name = "";
    this.issuedAt = ""; // RFC 3339; when it was put together, as it says itself
    this.expiresAt = null; // milliseconds; after that it says nothing of now. Null: it names no end.
    this.signers = []; // of a bundle: [{ algorithm, fingerprint (SM3 of the key) }], to be compared with what is published
    this.issuers = new Map(); // keys of credential issuers: by issuer, by key id
    this.indexes = null;
  }

  // The same with further certificates that help to find paths
  withIntermediates(certificates) {
    if (!certificates.length) return this;
    const { name, issuedAt, expiresAt, signers, issuers } = this;
    return Object.assign(new TrustKnowledge({ ...this, intermediates: [...this.intermediates, ...certificates] }), { name, issuedAt, expiresAt, signers, issuers });
  }

  index() {
    this.indexes ??= {
      byCertificate: groupBy(this.anchors, (anchor) => [anchor.certificate.id]),
      bySubject: groupBy(this.anchors, (anchor) => [normalisedName(anchor.certificate.subject)]),
      intermediates: groupBy(this.intermediates, (certificate) => [normalisedName(certificate.subject)]),
      crls: groupBy(this.crls, (crl) => (crlIssuer(crl) === null ? [] : [normalisedName(crlIssuer(crl))])),
      ocsp: groupBy(this.ocsp, (response) => [...new Set(ocspSerials(response))]),
    };
    return this.indexes;
  }

  anchorsByCertificate(certificate) {
    return this.index().byCertificate.get(certificate.id) ?? [];
  }

  anchorsBySubject(name) {
    return this.index().bySubject.get(name) ?? [];
  }

  intermediatesBySubject(name) {
    return this.index().intermediates.get(name) ?? [];
  }

  // The lists of this certificate's issuer and the OCSP responses about its serial number
  evidenceFor(certificate) {
    const { crls, ocsp } = this.index();
    return makeEvidence(crls.get(normalisedName(certificate.issuer)) ?? [], ocsp.get(certificate.serial) ?? []);
  }
}

function groupBy(items, keysOf) {
  const groups = new Map();
  for (const item of items) {
    for (const key of keysOf(item)) {
      if (!groups.has(key)) groups.set(key, []);
      groups.get(key).push(item);
    }
  }
  return groups;
}

// -- the file

const malformedTrust = (where, reason) => new MalformedError("TRUST_LIST_MALFORMED", { where, reason });

function readMembers(item, where, required, optional) {
  if (item === null || typeof item !== "object" || Array.isArray(item)) throw malformedTrust(where, "expected an object");
  const wrong = [...Object.keys(item).filter((key) => !required.includes(key) && !optional.includes(key)), ...required.filter((key) => !Object.hasOwn(item, key))];
  if (wrong.length) throw malformedTrust(where, "unknown or missing: " + wrong.sort().join(", ").slice(0, 200));
  const empty = Object.keys(item).find((key) => item[key] === null); // no member may be, and it must not count as left out
  if (empty !== undefined) throw malformedTrust(where ? `${where}.${empty}` : empty, "null");
  return item;
}

function readList(item, where, most) {
  if (!Array.isArray(item) || item.length > most) throw malformedTrust(where, `expected an array of at most ${most}`);
  return item;
}

function readString(item, where) {
  if (typeof item !== "string") throw malformedTrust(where, "expected text");
  return item;
}

function readEncoded(item, where) {
  try {
    return fromBase64(readString(item, where));
  } catch (error) {
    if (error instanceof MalformedError && error.code === "TRUST_LIST_MALFORMED") throw error;
    throw malformedTrust(where, "expected Base64");
  }
}

export function readTrustTime(item, where) {
  const match = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)Z$/.exec(readString(item, where));
  const at = match === null ? null : utcTime(...match.slice(1).map(Number));
  if (at === null) throw malformedTrust(where, "expected a time such as 2026-01-31T00:00:00Z");
  return at;
}

function readListedCertificate(item, where) {
  try {
    return certificateFromDer(readEncoded(item, where));
  } catch (error) {
    if (!(error instanceof MalformedError) || error.code === "TRUST_LIST_MALFORMED") throw error;
    throw malformedTrust(where, error.code);
  }
}

function readAnchor(item, where) {
  const fields = readMembers(item, where, ["certificate", "purposes"], ["subject", "trusted_from", "trusted_until", "revocation"]);
  readString(fields.subject ?? "", `${where}.subject`);
  const known = Object.values(Purpose);
  const purposes = readList(fields.purposes, `${where}.purposes`, known.length);
  if (!purposes.length || !purposes.every((each) => known.includes(each))) throw malformedTrust(`${where}.purposes`, "expected one or more purposes");
  const revocation = "revocation" in fields ? fields.revocation : "required";
  if (revocation !== "required" && revocation !== "not-published") throw malformedTrust(`${where}.revocation`, "expected required or not-published");
  const trustedFrom = "trusted_from" in fields ? readTrustTime(fields.trusted_from, `${where}.trusted_from`) : null;
  const trustedUntil = "trusted_until" in fields ? readTrustTime(fields.trusted_until, `${where}.trusted_until`) : null;
  if (trustedFrom !== null && trustedUntil !== null && trustedUntil < trustedFrom) throw malformedTrust(`${where}.trusted_until`, "before trusted_from");
  const certificate = readListedCertificate(fields.certificate, `${where}.certificate`);
  return { certificate, purposes: new Set(purposes), trustedFrom, trustedUntil, revocation };
}

const LOG_DIGESTS = { sm3: Oid.SM3, "sha-256": Oid.SHA256 };

function readTrustedLog(item, where) {
  const fields = readMembers(item, where, ["origin", "digest", "keys"], ["witnesses", "quorum", "periods"]);
  const digest = Object.hasOwn(LOG_DIGESTS, readString(fields.digest, `${where}.digest`)) ? LOG_DIGESTS[fields.digest] : null;
  if (digest === null) throw malformedTrust(`${where}.digest`, "expected one of sm3, sha-256");
  const ofNotes = new Map(); // the public keys by their texts
  const texts = (list, name, most, read) =>
    readList(list, `${where}.${name}`, most).map((each, i) => {
      const text = readString(each, `${where}.${name}[${i}]`);
      try {
        ofNotes.set(text, toHex(read(text).key));
      } catch (error) {
        if (!(error instanceof MalformedError)) throw error;
        throw malformedTrust(`${where}.${name}[${i}]`, error.code);
      }
      return text;
    });
  const keys = texts(fields.keys, "keys", MAX_LOG_KEYS, readLogKey);
  const witnesses = texts(fields.witnesses ?? [], "witnesses", MAX_WITNESSES, readWitnessKey);
  const own = new Set(keys.map((each) => ofNotes.get(each)));
  const atOwn = witnesses.findIndex((each) => own.has(ofNotes.get(each)));
  if (atOwn >= 0) throw malformedTrust(`${where}.witnesses[${atOwn}]`, "a log is no witness of itself");
  const quorum = fields.quorum ?? 0;
  if (!Number.isInteger(quorum) || quorum < 0 || quorum > witnesses.length) throw malformedTrust(`${where}.quorum`, "expected a number up to that of the witnesses");
  if (!keys.length) throw malformedTrust(`${where}.keys`, "expected one or more");
  return { origin: readString(fields.origin, `${where}.origin`), digest, keys, witnesses, quorum, periods: readPeriods(fields, where, keys.length) };
}

function readPeriods(fields, where, count) {
  if (!("periods" in fields)) return [];
  const items = readList(fields.periods, `${where}.periods`, count);
  if (items.length !== count) throw malformedTrust(`${where}.periods`, "expected one for each key");
  return items.map((item, i) => {
    const one = readMembers(item, `${where}.periods[${i}]`, [], ["from", "until", "withdrawn"]);
    const time = (name) => (name in one ? readTrustTime(one[name], `${where}.periods[${i}].${name}`) : null);
    return { from: time("from"), until: time("until"), withdrawn: time("withdrawn") };
  });
}

function readStatusIssuer(item, where) {
  const fields = readMembers(item, where, ["prefix", "keys"], ["periods"]);
  const prefix = readString(fields.prefix, `${where}.prefix`);
  if (!/^https?:\/\//.test(prefix) || !prefix.endsWith("/")) throw malformedTrust(`${where}.prefix`, "expected an address that ends in /");
  const keys = readList(fields.keys, `${where}.keys`, MAX_STATUS_KEYS).map((each, i) => readEncoded(each, `${where}.keys[${i}]`));
  for (const key of keys) {
    try {
      readSpki(key);
    } catch (error) {
      throw malformedTrust(`${where}.keys`, error.code ?? "KEY");
    }
  }
  return { prefix, keys, periods: readPeriods(fields, where, keys.length) };
}

/** A key that is withdrawn in one place is so in all that name it. */
function spreadWithdrawals(trusted) {
  const gone = new Map();
  const named = trusted.flatMap(({ keys, periods }) => keys.map((key, i) => [typeof key === "string" ? key : toHex(key), periods[i]]));
  for (const [key, period] of named) if (period?.withdrawn != null) gone.set(key, Math.min(period.withdrawn, gone.get(key) ?? Infinity));
  for (const one of trusted) {
    const withdrawn = one.keys.map((key) => gone.get(typeof key === "string" ? key : toHex(key)) ?? null);
    if (withdrawn.every((at) => at === null)) continue;
    one.periods = withdrawn.map((at, i) => ({ from: null, until: null, ...one.periods[i], withdrawn: at }));
  }
}

const OPTIONAL_MEMBERS = ["name", "issued_at", "intermediates", "crls", "ocsp", "status_lists", "logs", "status_issuers", "status_tokens"];

// A trust list file (JSON in UTF-8); throws TRUST_LIST_TOO_LARGE or TRUST_LIST_MALFORMED with the place of it
export function readTrustList(data) {
  if (data.length > MAX_TRUST_LIST_BYTES) throw new TrustError("TRUST_LIST_TOO_LARGE", { limit: MAX_TRUST_LIST_BYTES, found: data.length });
  return trustListFrom(readJsonDocument(data));
}

function readJsonDocument(data) {
  try {
    return readJson(readUtf8(data), { isStrict: true });
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
    throw malformedTrust("", error.message === "duplicate member" ? "a key occurs twice in one object" : "not JSON");
  }
}

function trustListFrom(document) {
  const top = readMembers(document, "", ["format", "version", "anchors"], OPTIONAL_MEMBERS);
  if (top.format !== "yinxin-trust-list" || top.version !== 1) throw malformedTrust("version", "expected yinxin-trust-list 1");
  readString(top.name ?? "", "name");
  if ("issued_at" in top) readTrustTime(top.issued_at, "issued_at");
  const about = { name: top.name ?? "", issuedAt: top.issued_at ?? "" };
  const each = (name, most, reader) => readList(top[name] ?? [], name, most).map((item, i) => reader(item, `${name}[${i}]`));
  const knowledge = new TrustKnowledge({
    anchors: each("anchors", MAX_ANCHORS, readAnchor),
    intermediates: each("intermediates", MAX_INTERMEDIATES, readListedCertificate),
    crls: each("crls", MAX_LISTED_EVIDENCE, readEncoded),
    ocsp: each("ocsp", MAX_LISTED_EVIDENCE, readEncoded),
    statusLists: each("status_lists", MAX_STATUS_LISTS, readEncoded),
    logs: each("logs", MAX_LOGS, readTrustedLog),
    statusIssuers: each("status_issuers", MAX_STATUS_ISSUERS, readStatusIssuer),
    statusTokens: each("status_tokens", MAX_STATUS_TOKENS, readEncoded),
  });
  spreadWithdrawals([...knowledge.logs, ...knowledge.statusIssuers]);
  return Object.assign(knowledge, about);
}

// -- the signed bundle (docs/reference/trust-bundle.md)

const BUNDLE_SIGNED_BEFORE = utf8("yinxin-trust-bundle/v1\n");
const MAX_BUNDLE_BYTES = 96 * 1024 * 1024;
const MAX_BUNDLE_SIGNATURES = 8;
const MAX_BUNDLE_ISSUERS = 256;
const MAX_CHECKPOINTS = 16;
const BUNDLE_ALGORITHMS = { "sm2-sm3": Oid.SM2_WITH_SM3, "ecdsa-sha256": Oid.ECDSA_WITH_SHA256, ed25519: Oid.ED25519 };

// What is known, from a trust bundle or a bare trust list. A bundle counts where one of its signatures holds and none is wrong; whose keys these
// are the reader must know from elsewhere. Throws TrustError.
export async function readBundle(data) {
  if (data.length > MAX_BUNDLE_BYTES) throw new TrustError("TRUST_LIST_TOO_LARGE", { limit: MAX_BUNDLE_BYTES, found: data.length });
  const document = readJsonDocument(data);
  if (document?.format !== "yinxin-trust-bundle") return readTrustList(data);
  const outer = readMembers(document, "", ["format", "version", "payload", "signatures"], []);
  if (outer.version !== 1) throw malformedTrust("version", "expected yinxin-trust-bundle 1");
  const payload = readEncoded(outer.payload, "payload");
  const signers = [];
  for (const [i, item] of readList(outer.signatures, "signatures", MAX_BUNDLE_SIGNATURES).entries()) {
    const where = `signatures[${i}]`;
    const one = readMembers(item, where, ["algorithm", "key", "signature"], []);
    const key = readEncoded(one.key, `${where}.key`);
    const oid = Object.hasOwn(BUNDLE_ALGORITHMS, readString(one.algorithm, `${where}.algorithm`)) ? BUNDLE_ALGORITHMS[one.algorithm] : "";
    const algorithm = { oid, parameters: null, raw: null };
    const check = await verifySignature(key, algorithm, [BUNDLE_SIGNED_BEFORE, payload], readEncoded(one.signature, `${where}.signature`));
    if (check === Check.GOOD) signers.push({ algorithm: one.algorithm, fingerprint: toHex(sm3(key)) });
    else if (check !== Check.UNSUPPORTED) throw new TrustError("TRUST_BUNDLE_SIGNATURE_BAD", { algorithm: one.algorithm });
  }
  if (!signers.length) throw new TrustError("TRUST_BUNDLE_SIGNATURE_BAD", { algorithm: "" });
  const members = ["name", "issued_at", "expires_at", "trust_list", "issuers", "checkpoints"];
  const inner = readMembers(readJsonDocument(joinBytes(payload)), "payload", members, []);
  const [issuedAt, expiresAt] = [readTrustTime(inner.issued_at, "issued_at"), readTrustTime(inner.expires_at, "expires_at")];
  if (expiresAt < issuedAt) throw malformedTrust("expires_at", "before issued_at");
  readList(inner.checkpoints, "checkpoints", MAX_CHECKPOINTS).forEach((each, i) => readString(each, `checkpoints[${i}]`));
  const knowledge = trustListFrom(inner.trust_list);
  for (const each of readList(inner.issuers, "issuers", MAX_BUNDLE_ISSUERS)) {
    const [issuer, keys] = await readIssuerKeys(utf8(JSON.stringify(each, (_, value) => (typeof value === "bigint" ? String(value) : value))));
    knowledge.issuers.set(issuer, new Map([...(knowledge.issuers.get(issuer) ?? []), ...keys]));
  }
  return Object.assign(knowledge, { name: readString(inner.name, "name"), issuedAt: inner.issued_at, expiresAt, signers });
}
