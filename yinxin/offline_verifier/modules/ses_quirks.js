// The habits of real seal files that are tolerated: each is read, and each leaves a quirk { code, where, found }; as
// standards/gbt38540_seal/quirks.py. Indefinite lengths are not tolerated: what was signed would no longer be certain.

import { MalformedError, toBinary, toHex, utcTime } from "./bytes.js";
import { DerNode, Tag, contextTag, decodeOid, readDer, readNode, tagText } from "./der.js";
import { Oid, SM2_SIGNATURE_OIDS } from "./oids.js";
import { readSpki } from "./signatures.js";
import { readGb18030, readUtf8 } from "./texts.js";

export const SEAL_TEXT_BYTES = 4096;
const SEAL_SIGNATURE_BYTES = 2048;
export const SEAL_TOKEN_BYTES = 65536;
const SEAL_CERTIFICATE_BYTES = 64 * 1024;
const SES_QUIRKS = 64;
const LENGTH_OCTETS = 8;
const QUIRK_CHILDREN = 100000;
const ENCODING = "SES_ENCODING_NONDER";
export const TAG_VARIANT = "SES_TAG_VARIANT";
const SES_STRINGS = new Set([
  Tag.UTF8_STRING, Tag.PRINTABLE_STRING, Tag.TELETEX_STRING, Tag.IA5_STRING, Tag.VISIBLE_STRING, Tag.NUMERIC_STRING, Tag.BMP_STRING, Tag.UNIVERSAL_STRING,
]);
const CHINA_MS = 8 * 3600 * 1000;
const LONG_TIME = /^(\d{4})[-/]?(\d\d)[-/]?(\d\d)[T ]?(\d\d):?(\d\d):?(\d\d)(?:[.,]\d{1,9})?[ \t\n\r\f\v]?(?:(Z)|([+-])(\d\d):?(\d\d))?$/;
const SHORT_TIME = /^(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(?:(Z)|([+-])(\d\d)(\d\d))?$/;

export const sesMalformed = (reason, where, facts = {}) => new MalformedError("SES_MALFORMED", { reason, where, ...facts });

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
export class Quirks {
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

export function readTolerant(data, quirks) {
  const node = tolerantNode(data, 0, data.length, quirks);
  if (node.end !== data.length) throw new MalformedError("DER_TRAILING_BYTES", { offset: node.end });
  return node;
}

// -- values, each with what is tolerated in it

export function readNumber(node, where, quirks) {
  const value = node.expect(Tag.INTEGER).value;
  if (!value.length || value.length > LENGTH_OCTETS) throw sesMalformed("integer-length", where, { octets: value.length });
  if (value.length > 1 && ((value[0] === 0 && value[1] < 0x80) || (value[0] === 0xff && value[1] >= 0x80))) quirks.add(ENCODING, where, "integer");
  let number = BigInt("0x" + toHex(value));
  if (value[0] >= 0x80) number -= 1n << BigInt(8 * value.length);
  return Number(number); // beyond 2^53 it is no number that anything here stands for
}

/** A BOOLEAN DEFAULT FALSE that is there: FALSE should have been left out, and TRUE is FF. */
export function readFlag(node, where, quirks) {
  const value = node.expect(Tag.BOOLEAN).value;
  if (value.length !== 1) throw sesMalformed("boolean-length", where);
  if (value[0] !== 0xff) quirks.add(ENCODING, where, "boolean");
  return value[0] !== 0;
}

/** A character string of the kind `tag`, or of another kind, or in another character set than its kind has. */
export function readSealText(node, tag, where, quirks) {
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
export function readSealIdentifier(node, where, quirks) {
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

export function readSealAlgorithm(node, where, quirks) {
  const oid = node.oid();
  if (SM2_SIGNATURE_OIDS.has(oid) && oid !== Oid.SM2_WITH_SM3) quirks.add("SES_OID_ALIAS", where, oid);
  return oid;
}

/** The content of a BIT STRING or OCTET STRING, whichever of the two `tag` wants and the file has. */
export function readSealBytes(node, tag, where, most, quirks) {
  if (node.tag !== Tag.BIT_STRING && node.tag !== Tag.OCTET_STRING) node.expect(tag);
  if (node.tag !== tag) quirks.add(TAG_VARIANT, where, tagText(node.tag));
  const content = node.tag === Tag.BIT_STRING ? node.bits() : node.octets();
  if (content.length > most) throw sesMalformed("too-long", where);
  return content;
}

/** A certificate inside an OCTET STRING, or standing by itself. */
export function readCertificateBytes(node, where, quirks) {
  if (node.tag !== Tag.SEQUENCE) return readSealBytes(node, Tag.OCTET_STRING, where, SEAL_CERTIFICATE_BYTES, quirks);
  quirks.add(TAG_VARIANT, where, "bare-certificate");
  if (node.raw.length > SEAL_CERTIFICATE_BYTES) throw sesMalformed("too-long", where);
  return node.raw;
}

/** The content of a signature's BIT STRING; 64 bytes are a bare r ‖ s. */
export function readSealSignatureValue(node, where, quirks) {
  const value = readSealBytes(node, Tag.BIT_STRING, where, SEAL_SIGNATURE_BYTES, quirks);
  if (value.length === 64) quirks.add("SES_RAW_RS", where);
  return value;
}

/** [0] EXPLICIT BIT STRING around a time-stamp token, or one of its variants: implicit, untagged, the token by itself. */
export function readSealToken(node, where, quirks) {
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
export function readSealDate(node, where, quirks) {
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
