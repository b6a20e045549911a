// ITU-T X.690 (DER): a strict reader. A node is a window on the bytes received; node.raw is exactly what was signed.
//
// The same rules and codes as standards/x690_der.py.
import { MalformedError, fromUtf8, joinBytes, toBinary, toHex, toNumber, utcTime } from "./bytes.js";

export const Tag = {
  BOOLEAN: 0x01, INTEGER: 0x02, BIT_STRING: 0x03, OCTET_STRING: 0x04, NULL: 0x05, OBJECT_IDENTIFIER: 0x06, ENUMERATED: 0x0a, UTF8_STRING: 0x0c,
  SEQUENCE: 0x30, SET: 0x31, NUMERIC_STRING: 0x12, PRINTABLE_STRING: 0x13, TELETEX_STRING: 0x14, IA5_STRING: 0x16, UTC_TIME: 0x17,
  GENERALIZED_TIME: 0x18, VISIBLE_STRING: 0x1a, UNIVERSAL_STRING: 0x1c, BMP_STRING: 0x1e,
};

const MAX_CHILDREN = 100000; // a CRL of a large CA has tens of thousands of entries; more is an attack
const MAX_OID_BYTES = 128;
const MAX_INTEGER_BYTES = 1024; // RSA moduli aside, the longest in use are serial numbers and nonces of under 70
export const MAX_MODULUS_BYTES = 8192; // as long as a key may be in all
const MAX_BER_DEPTH = 64; // real CMS nests under 20 deep
const MAX_BER_ELEMENTS = 300000;

// The identifier byte of context tag [number]
export const contextTag = (number, constructed = true) => (constructed ? 0xa0 : 0x80) + number;

const ASCII_TAGS = new Set([Tag.NUMERIC_STRING, Tag.PRINTABLE_STRING, Tag.IA5_STRING, Tag.VISIBLE_STRING]);

function decodeText(tag, value) {
  if (tag === Tag.UTF8_STRING) return fromUtf8(value);
  if (tag === Tag.TELETEX_STRING) return toBinary(value);
  if (tag === Tag.BMP_STRING) return new TextDecoder("utf-16be", { fatal: true, ignoreBOM: true }).decode(value);
  if (ASCII_TAGS.has(tag)) {
    if (value.some((each) => each > 127)) throw new RangeError();
    return toBinary(value);
  }
  if (value.length % 4) throw new RangeError();
  let out = "";
  for (let at = 0; at < value.length; at += 4) {
    const point = Number(toNumber(value.subarray(at, at + 4)));
    if (point >= 0xd800 && point < 0xe000) throw new RangeError();
    out += String.fromCodePoint(point);
  }
  return out;
}

export class DerNode {
  // One TLV inside a buffer: tag is the whole identifier byte; start, body and end are offsets
  constructor(buffer, start, body, end) {
    this.buffer = buffer;
    this.tag = buffer[start];
    this.start = start;
    this.body = body;
    this.end = end;
  }

  get raw() {
    return this.buffer.subarray(this.start, this.end);
  }

  get value() {
    return this.buffer.subarray(this.body, this.end);
  }

  expect(tag) {
    if (this.tag !== tag) throw new MalformedError("DER_UNEXPECTED_TAG", { expected: tag, found: this.tag, offset: this.start });
    return this;
  }

  // The elements of a constructed value, in order; with a tag, this node's own identifier is checked first
  children(tag = null) {
    if (tag !== null) this.expect(tag);
    if (!(this.tag & 0x20)) throw new MalformedError("DER_NOT_CONSTRUCTED", { offset: this.start });
    const found = [];
    for (let offset = this.body; offset < this.end; offset = found[found.length - 1].end) {
      if (found.length >= MAX_CHILDREN) throw new MalformedError("DER_TOO_MANY_ELEMENTS", { limit: MAX_CHILDREN });
      found.push(readNode(this.buffer, offset, this.end));
    }
    return found;
  }

  // The one element of an explicit tag
  onlyChild() {
    const children = this.children();
    if (children.length !== 1) throw new MalformedError("DER_ELEMENT_COUNT", { expected: 1, found: children.length });
    return children[0];
  }

  // A two's complement integer in its shortest form (X.690 8.3.2), as BigInt
  integer(tag = Tag.INTEGER, limit = MAX_INTEGER_BYTES) {
    const value = this.expect(tag).value;
    if (value.length > limit) throw new MalformedError("DER_INTEGER_TOO_LONG", { limit, offset: this.start });
    if (!value.length || (value.length > 1 && ((value[0] === 0 && value[1] < 0x80) || (value[0] === 0xff && value[1] >= 0x80)))) {
      throw new MalformedError("DER_INTEGER_NOT_MINIMAL", { offset: this.start });
    }
    const number = toNumber(value);
    return value[0] >= 0x80 ? number - (1n << BigInt(8 * value.length)) : number;
  }

  // The same as a Number, for small values: what is too large to be exact is larger than any limit
  smallInteger(tag = Tag.INTEGER) {
    return Number(this.integer(tag));
  }

  boolean(tag = Tag.BOOLEAN) {
    const value = this.expect(tag).value;
    if (value.length !== 1 || (value[0] !== 0xff && value[0] !== 0x00)) throw new MalformedError("DER_BOOLEAN", { offset: this.start });
    return value[0] === 0xff;
  }

  null() {
    if (this.expect(Tag.NULL).body !== this.end) throw new MalformedError("DER_NULL", { offset: this.start });
  }

  oid(tag = Tag.OBJECT_IDENTIFIER) {
    return decodeOid(this.expect(tag).value);
  }

  octets(tag = Tag.OCTET_STRING) {
    return this.expect(tag).value;
  }

  // The contents of a BIT STRING that is a whole number of octets
  bits(tag = Tag.BIT_STRING) {
    const value = this.expect(tag).value;
    if (!value.length || value[0] !== 0) throw new MalformedError("DER_BIT_STRING", { offset: this.start });
    return value.subarray(1);
  }

  // The numbers of the bits set in a named bit list, as a Set
  namedBits(tag = Tag.BIT_STRING) {
    const value = this.expect(tag).value;
    const unused = value[0];
    if (!value.length || unused > 7 || (value.length === 1 && unused) || (value.length > 1 && value[value.length - 1] & ((1 << unused) - 1))) {
      throw new MalformedError("DER_BIT_STRING", { offset: this.start });
    }
    const found = new Set();
    for (let i = 1; i < value.length; i++) for (let j = 0; j < 8; j++) if (value[i] & (0x80 >> j)) found.add(8 * (i - 1) + j);
    return found;
  }

  // Any of the ASN.1 character strings
  text() {
    if (!TEXT_TAGS.has(this.tag)) throw new MalformedError("DER_UNEXPECTED_TAG", { expected: "character string", found: this.tag });
    try {
      return decodeText(this.tag, this.value);
    } catch {
      throw new MalformedError("DER_TEXT", { offset: this.start });
    }
  }

  // UTCTime or GeneralizedTime ending in Z; years of UTCTime 50..99 are 19xx (RFC 5280, 4.1.2.5.1)
  time(tag = null) {
    const kind = tag === null ? this.tag : tag;
    if (kind !== Tag.UTC_TIME && kind !== Tag.GENERALIZED_TIME) {
      throw new MalformedError("DER_UNEXPECTED_TAG", { expected: "Time", found: kind, offset: this.start });
    }
    const pattern = kind === Tag.UTC_TIME ? /^(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/ : /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(?:\.(\d{1,6})\d*)?Z$/;
    const text = toBinary(this.value);
    const match = pattern.exec(text);
    if (match === null || text.endsWith("\n")) throw new MalformedError("DER_TIME", { offset: this.start });
    const [year, month, day, hour, minute, second] = match.slice(1, 7).map(Number);
    const fullYear = kind === Tag.UTC_TIME ? year + (year >= 50 ? 1900 : 2000) : year;
    const at = utcTime(fullYear, month, day, hour, minute, second, Number((match[7] || "0").padEnd(6, "0")));
    if (at === null) throw new MalformedError("DER_TIME", { offset: this.start });
    return at;
  }
}

export const TEXT_TAGS = new Set([...ASCII_TAGS, Tag.UTF8_STRING, Tag.TELETEX_STRING, Tag.UNIVERSAL_STRING, Tag.BMP_STRING]);

// The TLV that starts at offset; its definite, minimal length must fit before end
export function readNode(buffer, offset = 0, end = buffer.length) {
  if (offset + 2 > end) throw new MalformedError("DER_TRUNCATED", { offset });
  if ((buffer[offset] & 0x1f) === 0x1f) throw new MalformedError("DER_LONG_TAG", { offset });
  let length = buffer[offset + 1];
  let body = offset + 2;
  if (length >= 0x80) {
    const count = length & 0x7f;
    if (count === 0 || count > 4) throw new MalformedError("DER_LENGTH", { offset });
    if (body + count > end) throw new MalformedError("DER_TRUNCATED", { offset });
    length = 0;
    for (let i = 0; i < count; i++) length = length * 256 + buffer[body + i];
    if (length < 0x80 || buffer[body] === 0) throw new MalformedError("DER_LENGTH", { offset });
    body += count;
  }
  if (body + length > end) throw new MalformedError("DER_TRUNCATED", { offset });
  return new DerNode(buffer, offset, body, body + length);
}

// The one TLV that fills data
export function readDer(data) {
  const node = readNode(data);
  if (node.end !== data.length) throw new MalformedError("DER_TRAILING_BYTES", { offset: node.end });
  return node;
}

export function decodeOid(value) {
  if (!value.length || value.length > MAX_OID_BYTES || value[value.length - 1] & 0x80) throw new MalformedError("DER_OID");
  const arcs = [];
  let [number, fresh] = [0n, true];
  for (const byte of value) {
    if (fresh && byte === 0x80) throw new MalformedError("DER_OID");
    number = (number << 7n) | BigInt(byte & 0x7f);
    fresh = !(byte & 0x80);
    if (fresh) {
      arcs.push(number);
      number = 0n;
    }
  }
  const first = arcs[0] < 80n ? arcs[0] / 40n : 2n;
  return [first, arcs[0] - 40n * first, ...arcs.slice(1)].join(".");
}

// -- writing, as far as verifying needs it

export function writeTlv(tag, ...contents) {
  const content = joinBytes(...contents);
  const length = content.length;
  if (length < 0x80) return joinBytes(Uint8Array.of(tag, length), content);
  const size = [];
  for (let rest = length; rest; rest = Math.floor(rest / 256)) size.unshift(rest % 256);
  return joinBytes(Uint8Array.of(tag, 0x80 | size.length, ...size), content);
}

export const writeSequence = (...parts) => writeTlv(Tag.SEQUENCE, ...parts);

// INTEGER of a number that is not negative, in its shortest form
export function writeInteger(number) {
  let text = number.toString(16);
  if (text.length % 2) text = "0" + text;
  if (parseInt(text[0], 16) >= 8) text = "00" + text;
  return writeTlv(Tag.INTEGER, Uint8Array.from(text.match(/../g), (each) => parseInt(each, 16)));
}

// BER with indefinite or overlong lengths and constructed strings, rewritten with definite lengths; for reading only. Bytes after the
// first element are dropped.
export function normaliseBer(data, maxBytes) {
  if (data.length > maxBytes) throw new MalformedError("DER_TOO_LARGE", { limit: maxBytes });
  return normaliseElement(data, 0, data.length, 0, { left: MAX_BER_ELEMENTS })[0];
}

function normaliseElement(data, offset, end, depth, budget) {
  if (budget.left-- <= 0) throw new MalformedError("DER_TOO_MANY_ELEMENTS", { limit: MAX_BER_ELEMENTS });
  if (depth > MAX_BER_DEPTH) throw new MalformedError("DER_TOO_DEEP", { limit: MAX_BER_DEPTH });
  if (offset + 2 > end) throw new MalformedError("DER_TRUNCATED", { offset });
  const tag = data[offset];
  let length = data[offset + 1];
  let body = offset + 2;
  if ((tag & 0x1f) === 0x1f) throw new MalformedError("DER_LONG_TAG", { offset });
  let stop = null;
  if (length === 0x80) {
    if (!(tag & 0x20)) throw new MalformedError("DER_LENGTH", { offset });
  } else {
    if (length > 0x80) {
      const count = length & 0x7f;
      length = Number(toNumber(data.subarray(body, body + count)));
      body += count;
    }
    stop = body + length;
    if (stop > end) throw new MalformedError("DER_TRUNCATED", { offset });
  }
  if (!(tag & 0x20)) return [writeTlv(tag, data.subarray(body, stop)), stop];
  const parts = [];
  while (body < (stop === null ? end : stop)) {
    if (stop === null && data[body] === 0 && data[body + 1] === 0 && body + 2 <= data.length) {
      stop = body = body + 2;
      break;
    }
    const [part, next] = normaliseElement(data, body, stop === null ? end : stop, depth + 1, budget);
    parts.push(part);
    body = next;
  }
  if (stop === null) throw new MalformedError("DER_TRUNCATED", { offset });
  if (tag === (Tag.OCTET_STRING | 0x20)) return [writeTlv(Tag.OCTET_STRING, ...parts.map((part) => readDer(part).octets())), stop];
  return [writeTlv(tag, ...parts), stop];
}

export const tagText = (tag) => "0x" + toHex(Uint8Array.of(tag));
