// Seals and sealing values of all three data versions (GM/T 0031-2014, GB/T 38540-2020, GM/T 0031-2025), with the habits of real files.
//
// Strict where nothing speaks for tolerance; each tolerated deviation leaves a quirk { code, where, found }. The same readings, limits and
// refusals as standards/gbt38540_seal: SES_MALFORMED with `reason` and `where`. Indefinite lengths are not tolerated.

import { MalformedError, sameBytes, toBinary, toHex, utcTime } from "./bytes.js";
import { DerNode, Tag, contextTag, decodeOid, readDer, readNode, tagText, writeSequence } from "./der.js";
import { SM2_SIGNATURE_OIDS, Oid } from "./oids.js";
import { readSpki } from "./signatures.js";
import { readGb18030, readUtf8 } from "./texts.js";

export const SES_V1 = 1;
export const SES_V4 = 4;
export const SES_V5 = 5;
export const SES_CRITICAL_UNKNOWN = "SES_CRITICAL_EXT_UNKNOWN";
export const SES_CERTIFICATES = 1; // certListType: the signers' certificates themselves
const SES_DIGESTS = 2;
const SEAL_BYTES = 8 * 1024 * 1024;
const PICTURE_BYTES = 4 * 1024 * 1024;
const PICTURE_MM = 10000;
const SEAL_LIST_ENTRIES = 64;
const SEAL_EXTENSIONS = 64;
const EXTENSION_BYTES = 65536;
const SEAL_TEXT_BYTES = 4096;
const SEAL_SIGNATURE_BYTES = 2048;
const SEAL_TOKEN_BYTES = 65536;
const DATA_HASH_BYTES = 64;
const SEAL_CERTIFICATE_BYTES = 64 * 1024;
const SES_QUIRKS = 64;
const LENGTH_OCTETS = 8;
const QUIRK_CHILDREN = 100000;
const ENCODING = "SES_ENCODING_NONDER";
const TAG_VARIANT = "SES_TAG_VARIANT";
const TIME_UNREADABLE = "SES_TIME_UNREADABLE";
const SES_STRINGS = new Set([Tag.UTF8_STRING, Tag.PRINTABLE_STRING, Tag.TELETEX_STRING, Tag.IA5_STRING, Tag.VISIBLE_STRING, Tag.NUMERIC_STRING]);
// Credit code and name, name in Mongolian, name in Latin letters: what real seals of the regions carry
const KNOWN_EXTENSIONS = new Set(["1.2.156.112600.7.1", "1.2.156.112600.7.2", "1.2.156.112600.7.3"]);
const CHINA_MS = 8 * 3600 * 1000;
const LONG_TIME = /^(\d{4})[-/]?(\d\d)[-/]?(\d\d)[T ]?(\d\d):?(\d\d):?(\d\d)(?:[.,]\d{1,9})?[ \t\n\r\f\v]?(?:(Z)|([+-])(\d\d):?(\d\d))?$/;
const SHORT_TIME = /^(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(?:(Z)|([+-])(\d\d)(\d\d))?$/;

const sesMalformed = (reason, where, facts = {}) => new MalformedError("SES_MALFORMED", { reason, where, ...facts });

/** A time as the field writes it in text, in milliseconds; null if it is none. Without a zone it is Chinese local time. */
export function timeInText(text) {
  const bare = text.replace(/^[\0 \t\r\n]+|[\0 \t\r\n]+$/g, "");
  const match = LONG_TIME.exec(bare) ?? SHORT_TIME.exec(bare);
  if (!match) return null;
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map(Number);
  const [zulu, sign, zoneHours, zoneMinutes] = match.slice(7);
  const century = match[1].length === 4 ? 0 : year >= 50 ? 1900 : 2000; // as X.509 reads UTCTime
  const zone = zulu ? 0 : sign ? (Number(zoneHours) * 60 + Number(zoneMinutes)) * 60000 * (sign === "-" ? -1 : 1) : CHINA_MS;
  const at = utcTime(century + year, month, day, hour, minute, second);
  if (at === null || Math.abs(zone) >= 24 * 3600 * 1000) return null;
  const shifted = at - zone;
  return shifted < utcTime(1, 1, 1) || shifted >= utcTime(9999, 12, 31) + 24 * 3600 * 1000 ? null : shifted;
}

/** The deviations met so far in one file. */
class Quirks {
  constructor() {
    this.found = new Map();
  }

  /** Note one; the same at the same place counts once. */
  add(code, where, found = "") {
    this.found.set([code, where, found].join("\0"), { code, where, found });
    if (this.found.size > SES_QUIRKS) throw sesMalformed("too-many-deviations", where);
  }

  listed() {
    return [...this.found.values()];
  }
}

/** A node whose elements may have lengths longer than needed; that is noted. */
class TolerantNode extends DerNode {
  constructor(buffer, start, body, end, quirks) {
    super(buffer, start, body, end);
    this.quirks = quirks;
  }

  children(tag = null) {
    if (tag !== null) this.expect(tag);
    if (!(this.tag & 0x20)) throw new MalformedError("DER_NOT_CONSTRUCTED", { offset: this.start });
    const found = [];
    for (let offset = this.body; offset < this.end; offset = found[found.length - 1].end) {
      if (found.length >= QUIRK_CHILDREN) throw new MalformedError("DER_TOO_MANY_ELEMENTS", { offset: this.start });
      found.push(tolerantNode(this.buffer, offset, this.end, this.quirks));
    }
    return found;
  }
}

function tolerantNode(buffer, offset, end, quirks) {
  try {
    const node = readNode(buffer, offset, end);
    return new TolerantNode(buffer, node.start, node.body, node.end, quirks);
  } catch (error) {
    const octets = buffer[offset + 1] & 0x7f;
    if (!(error instanceof MalformedError) || error.code !== "DER_LENGTH" || octets === 0 || octets > LENGTH_OCTETS) throw error;
    const body = offset + 2 + octets;
    let length = 0;
    for (let at = offset + 2; at < Math.min(body, buffer.length); at++) length = length * 256 + buffer[at];
    if (body > end || body + length > end) throw new MalformedError("DER_TRUNCATED", { offset });
    quirks.add(ENCODING, "length", "longer-than-needed");
    return new TolerantNode(buffer, offset, body, body + length, quirks);
  }
}

function readTolerant(data, quirks) {
  const node = tolerantNode(data, 0, data.length, quirks);
  if (node.end !== data.length) throw new MalformedError("DER_TRAILING_BYTES", { offset: node.end });
  return node;
}

// -- values, each with what is tolerated in it

function readNumber(node, where, quirks) {
  const value = node.expect(Tag.INTEGER).value;
  if (!value.length || value.length > LENGTH_OCTETS) throw sesMalformed("integer-length", where, { octets: value.length });
  if (value.length > 1 && ((value[0] === 0 && value[1] < 0x80) || (value[0] === 0xff && value[1] >= 0x80))) quirks.add(ENCODING, where, "integer");
  let number = BigInt("0x" + toHex(value));
  if (value[0] >= 0x80) number -= 1n << BigInt(8 * value.length);
  return Number(number); // beyond 2^53 it is no number that anything here stands for
}

/** A BOOLEAN DEFAULT FALSE that is there: FALSE should have been left out, and TRUE is FF. */
function readFlag(node, where, quirks) {
  const value = node.expect(Tag.BOOLEAN).value;
  if (value.length !== 1) throw sesMalformed("boolean-length", where);
  if (value[0] !== 0xff) quirks.add(ENCODING, where, "boolean");
  return value[0] !== 0;
}

/** A character string of the kind `tag`, or of another kind, or in another character set than its kind has. */
function readSealText(node, tag, where, quirks) {
  if (!SES_STRINGS.has(node.tag)) node.expect(tag);
  if (node.tag !== tag) quirks.add(TAG_VARIANT, where, tagText(node.tag));
  const { value } = node;
  if (value.length > SEAL_TEXT_BYTES) throw sesMalformed("text-too-long", where);
  try {
    return node.text();
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
    quirks.add(ENCODING, where, "character-set");
  }
  return readUtf8(value) ?? readGb18030(value) ?? toBinary(value);
}

/** An OBJECT IDENTIFIER in dotted form. What is none, or is text in disguise, stays opaque. */
function readSealIdentifier(node, where, quirks) {
  const value = node.expect(Tag.OBJECT_IDENTIFIER).value;
  if (value.length >= 3 && value.every((octet) => octet >= 0x20 && octet < 0x7f)) quirks.add(ENCODING, where, "identifier-of-text");
  try {
    return decodeOid(value);
  } catch (error) {
    if (!(error instanceof MalformedError) || value.length < 1 || value.length > 128) throw error;
    quirks.add(ENCODING, where, "identifier");
    return "hex:" + toHex(value);
  }
}

function readSealAlgorithm(node, where, quirks) {
  const oid = node.oid();
  if (SM2_SIGNATURE_OIDS.has(oid) && oid !== Oid.SM2_WITH_SM3) quirks.add("SES_OID_ALIAS", where, oid);
  return oid;
}

/** The content of a BIT STRING or OCTET STRING, whichever of the two `tag` wants and the file has. */
function readSealBytes(node, tag, where, most, quirks) {
  if (node.tag !== Tag.BIT_STRING && node.tag !== Tag.OCTET_STRING) node.expect(tag);
  if (node.tag !== tag) quirks.add(TAG_VARIANT, where, tagText(node.tag));
  const content = node.tag === Tag.BIT_STRING ? node.bits() : node.octets();
  if (content.length > most) throw sesMalformed("too-long", where);
  return content;
}

/** A certificate inside an OCTET STRING, or standing by itself. */
function readCertificateBytes(node, where, quirks) {
  if (node.tag !== Tag.SEQUENCE) return readSealBytes(node, Tag.OCTET_STRING, where, SEAL_CERTIFICATE_BYTES, quirks);
  quirks.add(TAG_VARIANT, where, "bare-certificate");
  if (node.raw.length > SEAL_CERTIFICATE_BYTES) throw sesMalformed("too-long", where);
  return node.raw;
}

/** The content of a signature's BIT STRING; 64 bytes are a bare r ‖ s. */
function readSealSignatureValue(node, where, quirks) {
  const value = readSealBytes(node, Tag.BIT_STRING, where, SEAL_SIGNATURE_BYTES, quirks);
  if (value.length === 64) quirks.add("SES_RAW_RS", where);
  return value;
}

/** [0] EXPLICIT BIT STRING around a time-stamp token, or one of its variants: implicit, untagged, the token by itself. */
function readSealToken(node, where, quirks) {
  let inner = node;
  if (node.tag === contextTag(0)) {
    inner = node.onlyChild();
    if (inner.tag === Tag.BIT_STRING) return readSealBytes(inner, Tag.BIT_STRING, where, SEAL_TOKEN_BYTES, quirks);
  }
  quirks.add(TAG_VARIANT, where, tagText(node.tag));
  let content;
  if (inner.tag === contextTag(0, false)) content = inner.value[0] === 0 ? inner.value.subarray(1) : inner.value;
  else if (inner.tag === Tag.SEQUENCE) content = inner.raw;
  else content = readSealBytes(inner, inner.tag === Tag.OCTET_STRING ? Tag.OCTET_STRING : Tag.BIT_STRING, where, SEAL_TOKEN_BYTES, quirks);
  if (content.length > SEAL_TOKEN_BYTES) throw sesMalformed("too-long", where);
  return content;
}

/** UTCTime or GeneralizedTime, either of them; without Z or as text it is noted. */
function readSealDate(node, where, quirks) {
  let text;
  if (node.tag === Tag.UTC_TIME || node.tag === Tag.GENERALIZED_TIME) {
    try {
      return node.time();
    } catch (error) {
      if (!(error instanceof MalformedError)) throw error;
      quirks.add(ENCODING, where, "time");
    }
    text = toBinary(node.value);
  } else text = readSealText(node, Tag.GENERALIZED_TIME, where, quirks);
  const at = timeInText(text);
  if (at === null) throw sesMalformed("time", where);
  return at;
}

/** The few fields of a certificate that a seal needs even where the certificate breaks a rule elsewhere: { spki, notBefore, notAfter }. */
export function readCertificateFrame(der) {
  const outer = readDer(der).children(Tag.SEQUENCE);
  let fields = outer.length === 3 ? outer[0].children(Tag.SEQUENCE) : [];
  if (fields.length && fields[0].tag === contextTag(0)) fields = fields.slice(1);
  if (fields.length < 6) throw new MalformedError("CERT_MALFORMED", { elements: fields.length });
  const validity = fields[3].children(Tag.SEQUENCE);
  if (validity.length !== 2) throw new MalformedError("CERT_MALFORMED", { validity: validity.length });
  return { spki: readSpki(fields[5].raw).raw, notBefore: validity[0].time(), notAfter: validity[1].time() };
}

// -- seals

const namedSes = (error) => (error.code === "SES_MALFORMED" ? error : new MalformedError("SES_MALFORMED", { reason: error.code, ...error.facts }));

function readNamed(data, where, read) {
  try {
    if (data.length > SEAL_BYTES) throw sesMalformed("too-large", where);
    const quirks = new Quirks();
    return read(readTolerant(data, quirks), quirks);
  } catch (error) {
    throw error instanceof MalformedError ? namedSes(error) : error;
  }
}

/** One SESeal that fills `data`. Throws SES_MALFORMED. */
export const readSeal = (data) => readNamed(data, "SESeal", sealOf);

/** One SES_Signature that fills `data`. Throws SES_MALFORMED. */
export const readSealSignature = (data) => readNamed(data, "SES_Signature", sealSignatureOf);

function elementsOf(node, where, ...counts) {
  const elements = node.children(Tag.SEQUENCE);
  if (!counts.includes(elements.length)) throw sesMalformed("element-count", where, { elements: elements.length });
  return elements;
}

/** The version by structure first, never by the number that a version 1 header states. */
function sealVersion(elements, headerVersion) {
  if (elements.length === 2) return SES_V1;
  if (elements.length === 4) return headerVersion === SES_V5 ? SES_V5 : SES_V4;
  if (elements.length === 5 && headerVersion === SES_V5) return SES_V5;
  throw sesMalformed("element-count", "SESeal", { elements: elements.length, version: headerVersion });
}

function sealOf(node, quirks) {
  const elements = elementsOf(node, "SESeal", 2, 4, 5);
  const info = elements[0];
  const parts = elementsOf(info, "SES_SealInfo", 4, 5);
  const header = elementsOf(parts[0], "SES_Header", 3);
  if (readSealText(header[0], Tag.IA5_STRING, "SES_Header.ID", quirks) !== "ES") throw sesMalformed("header-id", "SES_Header.ID");
  const headerVersion = readNumber(header[1], "SES_Header.version", quirks);
  const version = sealVersion(elements, headerVersion);
  const [maker, algorithm, value] = version === SES_V1 ? elementsOf(elements[1], "SES_SignInfo", 3) : elements.slice(1, 4);
  readSealText(header[2], Tag.IA5_STRING, "SES_Header.Vid", quirks);
  return {
    version,
    headerVersion,
    esId: readSealText(parts[1], Tag.IA5_STRING, "SES_SealInfo.esID", quirks),
    property: sealProperty(parts[2], version, quirks),
    picture: sealPicture(parts[3], quirks),
    extensions: parts.length === 5 ? sealExtensions(parts[4], version, quirks) : [],
    makerCertificate: readCertificateBytes(maker, "SESeal.cert", quirks),
    algorithm: readSealAlgorithm(algorithm, "SESeal.signAlgID", quirks),
    signature: readSealSignatureValue(value, "SESeal.signedValue", quirks),
    timeStamp: elements.length === 5 ? readSealToken(elements[4], "SESeal.timeStamp", quirks) : null,
    infoRaw: info.raw,
    // in version 1 a frame around bytes as received
    signedBytes: version === SES_V1 ? writeSequence(info.raw, maker.raw, algorithm.raw) : info.raw,
    quirks: quirks.listed(),
  };
}

function sealProperty(node, version, quirks) {
  const where = "SES_ESPropertyInfo";
  const parts = elementsOf(node, where, version === SES_V1 ? 6 : 7);
  const kind = readNumber(parts[0], `${where}.type`, quirks);
  const name = readSealText(parts[1], Tag.UTF8_STRING, `${where}.name`, quirks);
  const listType = version === SES_V1 ? SES_CERTIFICATES : readNumber(parts[2], `${where}.certListType`, quirks);
  if (listType !== SES_CERTIFICATES && listType !== SES_DIGESTS) throw sesMalformed("list-type", `${where}.certListType`);
  const entries = parts[parts.length - 4].children(Tag.SEQUENCE);
  if (entries.length > SEAL_LIST_ENTRIES) throw sesMalformed("too-many", `${where}.certList`);
  const [createdAt, validFrom, validUntil] = ["createDate", "validStart", "validEnd"].map((field, i) =>
    readSealDate(parts[parts.length - 3 + i], `${where}.${field}`, quirks),
  );
  return {
    kind, name, listType, createdAt, validFrom, validUntil,
    certificates: listType === SES_CERTIFICATES ? sealCertificates(entries, quirks) : [],
    digests: listType === SES_DIGESTS ? entries.map((entry) => certificateDigest(entry, quirks)) : [],
  };
}

/** The entries that are certificates; what is none is passed over and noted. */
function sealCertificates(entries, quirks) {
  const certificates = [];
  entries.forEach((entry, number) => {
    const where = `SES_ESPropertyInfo.certList[${number}]`;
    const der = entry.tag === Tag.SEQUENCE ? entry.raw : entry.value.subarray(entry.tag === Tag.BIT_STRING ? 1 : 0);
    try {
      readCertificateFrame(der);
    } catch (error) {
      if (!(error instanceof MalformedError)) throw error;
      quirks.add("SES_CERT_LIST_ENTRY_BAD", where, error.code);
      return;
    }
    readCertificateBytes(entry, where, quirks);
    certificates.push(der);
  });
  return certificates;
}

function certificateDigest(node, quirks) {
  const where = "CertDigestObj";
  const [kind, value] = elementsOf(node, where, 2);
  return {
    kind: readSealText(kind, Tag.PRINTABLE_STRING, `${where}.type`, quirks),
    value: readSealBytes(value, Tag.OCTET_STRING, `${where}.value`, DATA_HASH_BYTES, quirks),
  };
}

function sealPicture(node, quirks) {
  const where = "SES_ESPictureInfo";
  const parts = elementsOf(node, where, 4);
  const [widthMm, heightMm] = parts.slice(2).map((part) => readNumber(part, `${where}.size`, quirks));
  if (!(widthMm >= 0 && widthMm <= PICTURE_MM && heightMm >= 0 && heightMm <= PICTURE_MM)) throw sesMalformed("size", where);
  return {
    kind: readSealText(parts[0], Tag.IA5_STRING, `${where}.type`, quirks),
    data: readSealBytes(parts[1], Tag.OCTET_STRING, `${where}.data`, PICTURE_BYTES, quirks),
    widthMm,
    heightMm,
  };
}

/** Untagged in versions 4 and 5; version 1 prints EXPLICIT without a number, so there both forms are right. */
function sealExtensions(node, version, quirks) {
  const where = "SES_SealInfo.extDatas";
  if (node.tag !== contextTag(0)) return extensionsOf(node.children(Tag.SEQUENCE), where, quirks);
  if (version !== SES_V1) quirks.add(TAG_VARIANT, where, "tagged");
  return extensionsOf(explicitElements(node) ?? node.children(), where, quirks);
}

/** [0] EXPLICIT in TBS_Sign; implicit or untagged is noted. */
function signatureExtensions(node, quirks) {
  const where = "TBS_Sign.extDatas";
  if (node.tag !== contextTag(0)) {
    quirks.add(TAG_VARIANT, where, "untagged");
    return extensionsOf(node.children(Tag.SEQUENCE), where, quirks);
  }
  const elements = explicitElements(node);
  if (elements === null) quirks.add(TAG_VARIANT, where, "implicit");
  return extensionsOf(elements ?? node.children(), where, quirks);
}

/** The ExtData elements inside [0] and SEQUENCE OF; null where the latter is not there, so that the tag is an implicit one. */
function explicitElements(node) {
  const children = node.children();
  if (children.length !== 1) return null;
  const elements = children[0].children(Tag.SEQUENCE);
  return !elements.length || elements[0].tag === Tag.SEQUENCE ? elements : null;
}

function extensionsOf(nodes, where, quirks) {
  if (nodes.length > SEAL_EXTENSIONS) throw sesMalformed("too-many", where);
  return nodes.map((node) => {
    const parts = elementsOf(node, where, 2, 3);
    const oid = readSealIdentifier(parts[0], `${where}.extnID`, quirks);
    const isCritical = parts.length === 3 && readFlag(parts[1], `${where}.critical`, quirks);
    if (isCritical && !KNOWN_EXTENSIONS.has(oid)) quirks.add(SES_CRITICAL_UNKNOWN, where, oid);
    return { oid, isCritical, value: readSealBytes(parts[parts.length - 1], Tag.OCTET_STRING, `${where}.extnValue`, EXTENSION_BYTES, quirks) };
  });
}

// -- sealing values

function sealSignatureOf(node, quirks) {
  const elements = node.children(Tag.SEQUENCE);
  if (![2, 4, 5].includes(elements.length)) throw sesMalformed("element-count", "SES_Signature", { elements: elements.length });
  const isOld = elements.length === 2;
  const parts = elementsOf(elements[0], "TBS_Sign", ...(isOld ? [7] : [5, 6]));
  const statedVersion = readNumber(parts[0], "TBS_Sign.version", quirks);
  const seal = sealOf(parts[1], new Quirks());
  for (const { code, where, found } of seal.quirks) quirks.add(code, where, found);
  const [certificate, algorithm, value] = isOld ? [parts[5], parts[6], elements[1]] : elements.slice(1, 4);
  const [timeInfoAt, timeInfoToken] = timeInfo(parts[2], quirks, isOld);
  return {
    version: isOld ? SES_V1 : Math.max(seal.version, SES_V4),
    statedVersion,
    seal,
    sealRaw: parts[1].raw,
    timeInfoAt,
    timeInfoToken,
    dataHash: readSealBytes(parts[3], Tag.BIT_STRING, "TBS_Sign.dataHash", DATA_HASH_BYTES, quirks),
    propertyInfo: readSealText(parts[4], Tag.IA5_STRING, "TBS_Sign.propertyInfo", quirks),
    extensions: parts.length === 6 ? signatureExtensions(parts[5], quirks) : [],
    toBeSigned: elements[0].raw,
    signerCertificate: readCertificateBytes(certificate, "SES_Signature.cert", quirks),
    algorithm: readSealAlgorithm(algorithm, "SES_Signature.signatureAlgID", quirks),
    signature: readSealSignatureValue(value, "SES_Signature.signature", quirks),
    timeStamp: elements.length === 5 ? readSealToken(elements[4], "SES_Signature.timeStamp", quirks) : null,
    quirks: quirks.listed(),
  };
}

/** What stands in version 1 without its BIT STRING: a token, a time, text. Of what is none of them only that is said. */
function oldTime(node, where, quirks) {
  quirks.add(TAG_VARIANT, where, tagText(node.tag));
  if (node.tag === Tag.SEQUENCE && node.raw.length <= SEAL_TOKEN_BYTES) return [null, node.raw];
  try {
    return [readSealDate(node, where, quirks), null];
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
    quirks.add(TIME_UNREADABLE, where);
    return [null, null];
  }
}

/** The claimed time, or a token in its place: GeneralizedTime in versions 4 and 5, anything inside a BIT STRING in version 1. */
function timeInfo(node, quirks, isOld) {
  const where = "TBS_Sign.timeInfo";
  if (node.tag !== Tag.BIT_STRING && node.tag !== Tag.OCTET_STRING) return isOld ? oldTime(node, where, quirks) : [readSealDate(node, where, quirks), null];
  const content = readSealBytes(node, isOld ? Tag.BIT_STRING : Tag.GENERALIZED_TIME, where, SEAL_TOKEN_BYTES, quirks);
  let inner = null;
  try {
    inner = readDer(content);
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
  }
  if (inner !== null && inner.tag === Tag.SEQUENCE) return [null, content];
  const text = inner !== null && (inner.tag === Tag.UTC_TIME || inner.tag === Tag.GENERALIZED_TIME) ? content.subarray(2) : content;
  const at = timeInText(toBinary(text.subarray(0, SEAL_TEXT_BYTES)));
  if (at === null) quirks.add(TIME_UNREADABLE, where);
  return [at, null];
}
