// A certificate as the verifiers see it (RFC 5280, 4; GB/T 20518): read once and strictly, with the question "did this issuer sign it?".
//
// All extensions that decide about trust are read when the certificate is made, so nothing throws later.
import { MalformedError, sameBytes, toBinary, toHex } from "./bytes.js";
import { Tag, contextTag, readDer, tagText } from "./der.js";
import { nameAttribute, nameText, readGeneralName, readGeneralNames, readName } from "./names.js";
import { Oid } from "./oids.js";
import { Check, readAlgorithm, readSpki, verifySignature } from "./signatures.js";

const MAX_CERTIFICATE_BYTES = 65536;
const MAX_EXTENSIONS = 64;
const MAX_SERIAL_BYTES = 64;
const MAX_PURPOSES = 64;
const MAX_SUBTREES = 1000;
const MAX_DISTRIBUTION_POINTS = 64;
const MAX_KEY_IDENTIFIER_BYTES = 128;
const MAX_PATH_LENGTH = 1000;
const MAX_REMEMBERED_CERTIFICATES = 4096;

export const KeyUse = {
  DIGITAL_SIGNATURE: 0, NON_REPUDIATION: 1, KEY_ENCIPHERMENT: 2, DATA_ENCIPHERMENT: 3, KEY_AGREEMENT: 4, KEY_CERT_SIGN: 5, CRL_SIGN: 6,
};

// -- extensions

// A non-empty SEQUENCE OF Extension as Map(oid -> { oid, critical, value }); one type twice is malformed
export function readExtensions(node) {
  const nodes = node.children(Tag.SEQUENCE);
  if (nodes.length < 1 || nodes.length > MAX_EXTENSIONS) throw new MalformedError("CERT_EXTENSIONS_COUNT", { limit: MAX_EXTENSIONS, found: nodes.length });
  const found = new Map();
  for (const item of nodes) {
    const parts = item.children(Tag.SEQUENCE);
    if (parts.length < 2 || parts.length > 3) throw new MalformedError("CERT_EXTENSION_MALFORMED", { elements: parts.length });
    const oid = parts[0].oid();
    if (found.has(oid)) throw new MalformedError("CERT_EXTENSION_DUPLICATE", { oid });
    found.set(oid, { oid, critical: parts.length === 3 && parts[1].boolean(), value: parts[parts.length - 1].octets() });
  }
  return found;
}

function boundedNodes(nodes, most, extension) {
  if (nodes.length < 1 || nodes.length > most) throw new MalformedError("EXTENSION_COUNT", { extension, limit: most, found: nodes.length });
  return nodes;
}

function readBasicConstraints(value) {
  const parts = readDer(value).children(Tag.SEQUENCE);
  let [ca, pathLength] = [false, null];
  if (parts.length && parts[0].tag === Tag.BOOLEAN) ca = parts.shift().boolean();
  if (parts.length) pathLength = parts.shift().smallInteger();
  if (parts.length || (pathLength !== null && !(pathLength >= 0 && pathLength <= MAX_PATH_LENGTH))) throw new MalformedError("BASIC_CONSTRAINTS_MALFORMED");
  return { ca, pathLength };
}

function keyIdentifier(octets) {
  if (octets.length < 1 || octets.length > MAX_KEY_IDENTIFIER_BYTES) throw new MalformedError("KEY_IDENTIFIER_LENGTH", { limit: MAX_KEY_IDENTIFIER_BYTES });
  return octets;
}

function readAuthorityKeyIdentifier(value) {
  let keyId = null;
  for (const part of readDer(value).children(Tag.SEQUENCE)) {
    if (part.tag === 0x80) keyId = keyIdentifier(part.value);
    else if (part.tag === 0xa1) readGeneralNames(part.children());
    else part.integer(0x82);
  }
  return keyId;
}

export function readNameConstraints(value) {
  const found = { permitted: [], excluded: [] };
  for (const part of readDer(value).children(Tag.SEQUENCE)) {
    const trees = boundedNodes(part.children(), MAX_SUBTREES, "nameConstraints").map(readSubtree);
    if (part.tag === 0xa0) {
      found.permitted.push(...trees);
    } else {
      part.expect(0xa1);
      found.excluded.push(...trees);
    }
  }
  return found;
}

// isPlain is false where minimum or maximum deviate from what RFC 5280 allows
function readSubtree(node) {
  const [base, ...rest] = boundedNodes(node.children(Tag.SEQUENCE), 3, "GeneralSubtree");
  const isPlain = !rest.length || (rest.length === 1 && rest[0].tag === 0x80 && toBinary(rest[0].value) === "\x00");
  return { base: readGeneralName(base), isPlain };
}

function readDistributionPoints(value) {
  return boundedNodes(readDer(value).children(Tag.SEQUENCE), MAX_DISTRIBUTION_POINTS, "cRLDistributionPoints").map((node) => {
    let fullNames = [];
    for (const part of node.children(Tag.SEQUENCE)) {
      if (part.tag === 0xa0) fullNames = readDistributionPointName(part).fullNames;
      else if (part.tag === 0x81) part.namedBits(0x81);
      else readGeneralNames(part.expect(0xa2).children());
    }
    return { fullNames };
  });
}

// DistributionPointName inside its explicit tag: the full names, or the bytes of the name relative to the issuer
export function readDistributionPointName(node) {
  const choice = node.onlyChild();
  if (choice.tag === 0xa1) return { fullNames: [], relativeName: choice.raw };
  return { fullNames: readGeneralNames(choice.expect(0xa0).children()), relativeName: null };
}

// Whether responders are named; addresses are never followed from here
function namesResponder(value) {
  let isNamed = false;
  for (const node of boundedNodes(readDer(value).children(Tag.SEQUENCE), MAX_DISTRIBUTION_POINTS, "authorityInfoAccess")) {
    const parts = node.children(Tag.SEQUENCE);
    if (parts.length !== 2) throw new MalformedError("ACCESS_DESCRIPTION_MALFORMED", { elements: parts.length });
    isNamed = parts[0].oid() === Oid.AD_OCSP || isNamed;
    readGeneralName(parts[1]);
  }
  return isNamed;
}

// -- the certificate

function readCertificate(der) {
  if (der.length > MAX_CERTIFICATE_BYTES) throw new MalformedError("CERT_TOO_LARGE", { limit: MAX_CERTIFICATE_BYTES, found: der.length });
  const outer = readDer(der).children(Tag.SEQUENCE);
  if (outer.length !== 3) throw new MalformedError("CERT_MALFORMED", { elements: outer.length });
  let tbs = outer[0].children(Tag.SEQUENCE);
  let version = 1;
  if (tbs.length && tbs[0].tag === contextTag(0)) {
    version = tbs[0].onlyChild().smallInteger() + 1;
    tbs = tbs.slice(1);
  }
  if (tbs.length < 6 || ![1, 2, 3].includes(version)) throw new MalformedError("CERT_MALFORMED", { elements: tbs.length, version });
  const validity = tbs[3].children(Tag.SEQUENCE);
  if (validity.length !== 2 || tbs[0].value.length > MAX_SERIAL_BYTES) throw new MalformedError("CERT_MALFORMED", { validity: validity.length });
  readName(tbs[2].raw);
  readName(tbs[4].raw);
  return {
    der,
    tbs: outer[0].raw,
    version,
    serial: tbs[0].integer(),
    tbsAlgorithm: readAlgorithm(tbs[1]),
    issuer: tbs[2].raw,
    notBefore: validity[0].time(),
    notAfter: validity[1].time(),
    subject: tbs[4].raw,
    spki: tbs[5].raw,
    key: readSpki(tbs[5].raw),
    extensions: readTrailingParts(tbs.slice(6), version),
    algorithm: readAlgorithm(outer[1]),
    signature: outer[2].bits(),
  };
}

// issuerUniqueID [1], subjectUniqueID [2] (not used) and extensions [3], each at most once, in order
function readTrailingParts(parts, version) {
  let [extensions, last] = [new Map(), 0];
  for (const part of parts) {
    const number = { 0x81: 1, 0x82: 2, 0xa3: 3 }[part.tag] ?? 0;
    if (number <= last || version < (number === 3 ? 3 : 2)) throw new MalformedError("CERT_MALFORMED", { tag: tagText(part.tag), version });
    last = number;
    if (number === 3) extensions = readExtensions(part.onlyChild());
  }
  return extensions;
}

export class Certificate {
  constructor(der) {
    Object.assign(this, readCertificate(der));
    const read = (oid, reader) => (this.extensions.has(oid) ? reader(this.extensions.get(oid).value) : null);
    this.keyUsage = read(Oid.KEY_USAGE, (value) => readDer(value).namedBits()); // Set of KeyUse, or null where not stated
    const basic = read(Oid.BASIC_CONSTRAINTS, readBasicConstraints);
    this.isCa = basic !== null && basic.ca;
    this.pathLength = basic !== null && basic.ca ? basic.pathLength : null;
    this.extendedKeyUsage = read(Oid.EXTENDED_KEY_USAGE, (value) =>
      boundedNodes(readDer(value).children(Tag.SEQUENCE), MAX_PURPOSES, "extKeyUsage").map((node) => node.oid()),
    );
    this.subjectKeyId = read(Oid.SUBJECT_KEY_IDENTIFIER, (value) => keyIdentifier(readDer(value).octets()));
    this.authorityKeyId = read(Oid.AUTHORITY_KEY_IDENTIFIER, readAuthorityKeyIdentifier);
    this.nameConstraints = read(Oid.NAME_CONSTRAINTS, readNameConstraints);
    this.subjectAltNames = read(Oid.SUBJECT_ALT_NAME, (value) => readGeneralNames(readDer(value).children(Tag.SEQUENCE))) ?? [];
    this.crlDistributionPoints = read(Oid.CRL_DISTRIBUTION_POINTS, readDistributionPoints) ?? [];
    const hasResponder = read(Oid.AUTHORITY_INFO_ACCESS, namesResponder) === true;
    // What noRevAvail excludes (RFC 9608, 3)
    this.namesRevocationSource = hasResponder || this.extensions.has(Oid.CRL_DISTRIBUTION_POINTS) || this.extensions.has(Oid.FRESHEST_CRL);
    this.id = toHex(der); // equal certificates have equal ids
    this.checks = new Map(); // signature checks already made, by the issuer's key
  }

  get subjectText() {
    return nameText(this.subject);
  }

  get issuerText() {
    return nameText(this.issuer);
  }

  get commonName() {
    return nameAttribute(this.subject, Oid.COMMON_NAME);
  }

  get organisation() {
    return nameAttribute(this.subject, Oid.ORGANISATION);
  }

  get isSelfIssued() {
    return sameBytes(this.subject, this.issuer);
  }

  // Whether the issuer's key made this certificate's signature, as a Check; names, times and rights are not looked at
  async isIssuedBy(issuer) {
    return this.isSignedBy(issuer.spki);
  }

  async isSignedBy(spki) {
    if (!sameBytes(this.tbsAlgorithm.raw, this.algorithm.raw)) return Check.BAD;
    const key = toHex(spki);
    if (!this.checks.has(key)) this.checks.set(key, await verifySignature(spki, this.algorithm, this.tbs, this.signature));
    return this.checks.get(key);
  }
}

const rememberedCertificates = new Map();

// The certificate in these bytes; the same object for the same bytes while it is remembered
export function certificateFromDer(der) {
  const key = toHex(der);
  let found = rememberedCertificates.get(key);
  if (found === undefined) {
    found = new Certificate(der);
    if (rememberedCertificates.size >= MAX_REMEMBERED_CERTIFICATES) rememberedCertificates.clear();
    rememberedCertificates.set(key, found);
  }
  return found;
}

const SM2_CURVE_DER = "06082a811ccf5501822d";
const MAX_SERIAL_NUMBER = 1n << 159n; // 20 octets, positive

// In what a certificate with an SM2 key leaves the national profile: [[name, clause]]; none for other keys
export function profileDeviations(certificate) {
  const { parameters } = certificate.key.algorithm;
  if (parameters === null || toHex(parameters) !== SM2_CURVE_DER) return [];
  const usage = certificate.extensions.get(Oid.KEY_USAGE);
  const basic = certificate.extensions.get(Oid.BASIC_CONSTRAINTS);
  const bits = certificate.keyUsage ?? new Set();
  const some = (...wanted) => wanted.some((each) => bits.has(each));
  const isMixed = some(KeyUse.DIGITAL_SIGNATURE, KeyUse.NON_REPUDIATION) && some(KeyUse.KEY_ENCIPHERMENT, KeyUse.DATA_ENCIPHERMENT, KeyUse.KEY_AGREEMENT);
  const rules = [
    [certificate.version === 3, "version-not-3", "5.2.3.1"],
    [certificate.serial > 0n && certificate.serial < MAX_SERIAL_NUMBER, "serial-number-range", "5.2.3.2"],
    [certificate.algorithm.oid === Oid.SM2_WITH_SM3, "signature-algorithm-alias", "5.2.3.3"],
    [certificate.subject.length !== 2, "subject-empty", "5.2.3.6"],
    [usage !== undefined, "key-usage-missing", "5.2.4.2.4"],
    [usage === undefined || usage.critical, "key-usage-not-critical", "5.2.4.2.4"],
    [!isMixed, "signing-and-encryption-mixed", "5.2.4.2.4"],
    [!certificate.isCa || basic.critical, "basic-constraints-not-critical", "5.2.4.2.10"],
    [certificate.extensions.has(Oid.SUBJECT_KEY_IDENTIFIER), "subject-key-identifier-missing", "5.2.4.2.3"],
    [certificate.isSelfIssued || certificate.extensions.has(Oid.AUTHORITY_KEY_IDENTIFIER), "authority-key-identifier-missing", "5.2.4.2.2"],
  ];
  return rules.filter(([isKept]) => !isKept).map(([, name, clause]) => [name, `GB/T 20518-2018 ${clause}`]);
}
