// Bytes: joining, comparing, and their spellings. A window (subarray) is never a copy, so that what was signed is read where it lies.

export class TrustError extends Error {
  // A failure with a stable code, the same as in Python; facts name what was found and what was expected.
  constructor(code, facts = {}) {
    super(code);
    this.code = code;
    this.facts = facts;
  }
}

// The bytes do not follow their standard. Thrown by every reader, caught by every verifier.
export class MalformedError extends TrustError {}

export function joinBytes(...parts) {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

export function sameBytes(one, other) {
  if (one === null || other === null || one === undefined || other === undefined || one.length !== other.length) return false;
  for (let i = 0; i < one.length; i++) if (one[i] !== other[i]) return false;
  return true;
}

const HEX = Array.from({ length: 256 }, (_, value) => value.toString(16).padStart(2, "0"));

export function toHex(bytes) {
  let out = "";
  for (const each of bytes) out += HEX[each];
  return out;
}

export function fromHex(text) {
  if (text.length % 2 || !/^[0-9a-fA-F]*$/.test(text)) throw new MalformedError("HEX_MALFORMED");
  return Uint8Array.from({ length: text.length / 2 }, (_, i) => parseInt(text.slice(2 * i, 2 * i + 2), 16));
}

// Unsigned, big-endian
export const toNumber = (bytes) => BigInt("0x" + (toHex(bytes) || "0"));
export const toBytes = (number, length) => fromHex(number.toString(16).padStart(2 * length, "0"));

export const utf8 = (text) => new TextEncoder().encode(text);

// Throws where the bytes are not UTF-8; a byte order mark is a character like any other
export const fromUtf8 = (bytes) => new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);

// One character for each byte (Latin-1): the spelling in which byte patterns are searched and maps are keyed
export function toBinary(bytes) {
  let out = "";
  for (let at = 0; at < bytes.length; at += 8192) out += String.fromCharCode.apply(null, bytes.subarray(at, at + 8192));
  return out;
}

export const fromBinary = (text) => Uint8Array.from(text, (each) => each.charCodeAt(0) & 255);

// Base64 as RFC 4648 section 4 writes it, padded and without anything else in it
export function fromBase64(text) {
  if (text.length % 4 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) throw new MalformedError("BASE64_MALFORMED");
  return fromBinary(atob(text));
}

export function toBase64(bytes) {
  return btoa(toBinary(bytes));
}

// RFC 4648 section 5 without padding
export function fromBase64Url(text) {
  if (text.length % 4 === 1 || !/^[A-Za-z0-9_-]*$/.test(text)) throw new MalformedError("BASE64_MALFORMED");
  return fromBinary(atob(text.replace(/-/g, "+").replace(/_/g, "/")));
}

// Where a pattern begins in bytes at or after `from` and ends before `end`; -1 where it does not occur
export function findBytes(bytes, pattern, from = 0, end = bytes.length) {
  const last = Math.min(end, bytes.length) - pattern.length;
  let at = bytes.indexOf(pattern[0], from);
  while (at >= 0 && at <= last) {
    let i = 1;
    while (i < pattern.length && bytes[at + i] === pattern[i]) i++;
    if (i === pattern.length) return at;
    at = bytes.indexOf(pattern[0], at + 1);
  }
  return -1;
}

// Times are milliseconds since 1970 in UTC, as Date counts them
export const writeTime = (at) => (at === null || at === undefined ? null : new Date(Math.floor(at / 1000) * 1000).toISOString().slice(0, 19) + "Z");
export const isoTime = (at) => (at === null || at === undefined ? null : new Date(at).toISOString().slice(0, 19) + "+00:00");

// The moment of these parts (month 1 to 12), or null where there is no such moment; years 1 to 9999
export function utcTime(year, month, day, hour = 0, minute = 0, second = 0, microsecond = 0) {
  if (year < 1 || year > 9999 || month < 1 || month > 12 || hour > 23 || minute > 59 || second > 59 || day < 1) return null;
  const at = new Date(0);
  at.setUTCFullYear(year, month - 1, day);
  if (at.getUTCMonth() !== month - 1) return null;
  return at.getTime() + ((hour * 60 + minute) * 60 + second) * 1000 + microsecond / 1000;
}
