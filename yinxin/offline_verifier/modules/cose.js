// COSE_Sign1 (RFC 9052 4.2) with ES256, EdDSA and SM2, and the CBOR in it (RFC 8949), strictly, as crypto/cose.py.
//
// What cannot be understood is refused: indefinite lengths, duplicate members, tags that would be resolved, trailing bytes, `crit`.

import { TrustError, joinBytes, toHex, utf8 } from "./bytes.js";
import { readUtf8 } from "./texts.js";

const COSE_BYTES = 8 * 1024 * 1024; // a status list at its limit of 4 MiB, and what is around it
const CBOR_DEPTH = 8;
// -65601: SM2, which has no registered algorithm; it is of the range for private use
const COSE_ALGORITHMS = { ES256: -7, EdDSA: -8, SGD_SM3_SM2: -65601 };
const RESOLVED_TAGS = [0, 1, 2, 3, 4, 5, 25, 28, 29, 30, 35, 36, 37, 100, 256, 258, 260, 261, 1004, 43000, 55799];

const coseInvalid = (reason) => new TrustError("COSE_INVALID", { reason });

/** A tagged item. */
class CborTag {
  constructor(tag, value) {
    this.tag = tag;
    this.value = value;
  }
}

/** What is no whole number, text, bytes, array, map or truth value: nothing here asks for any of it. */
class CborOther {
  constructor(name) {
    this.name = name;
  }
}

class CborReader {
  constructor(data) {
    this.data = data;
    this.at = 0;
  }

  fail() {
    throw coseInvalid("CBOR");
  }

  bytes(count) {
    if (count > this.data.length - this.at) this.fail();
    this.at += count;
    return this.data.subarray(this.at - count, this.at);
  }

  argument(info) {
    if (info < 24) return info;
    if (info > 27) return this.fail();
    let value = 0n;
    for (const each of this.bytes(2 ** (info - 24))) value = (value << 8n) | BigInt(each);
    return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value;
  }

  item(depth) {
    const first = this.bytes(1)[0];
    const [kind, info] = [first >> 5, first & 31];
    if (kind === 7) return this.simple(info);
    const value = this.argument(info);
    if (kind === 0) return value;
    if (kind === 1) return typeof value === "number" ? -1 - value : -1n - value;
    if (kind === 2) return this.bytes(value);
    if (kind === 3) return readUtf8(this.bytes(value)) ?? this.fail();
    if (depth >= CBOR_DEPTH) this.fail();
    if (kind === 4) {
      if (value > this.data.length - this.at) this.fail();
      return Array.from({ length: value }, () => this.item(depth + 1));
    }
    if (kind === 5) return this.map(value, depth);
    if (RESOLVED_TAGS.includes(value)) this.fail();
    return new CborTag(value, this.item(depth + 1));
  }

  simple(info) {
    if (info < 20 || info === 23) return new CborOther(`simple ${info}`);
    if (info < 22) return info === 21;
    if (info === 22) return null;
    if (info === 24) {
      const value = this.bytes(1)[0];
      return value < 32 ? this.fail() : new CborOther(`simple ${value}`);
    }
    if (info > 27) this.fail();
    return new CborOther(`float ${toHex(this.bytes(2 ** (info - 24)))}`);
  }

  map(count, depth) {
    if (count > this.data.length - this.at) this.fail();
    const found = new Map();
    for (let i = 0; i < count; i++) {
      const key = this.key(this.item(depth + 1));
      if (found.has(key)) this.fail();
      found.set(key, this.item(depth + 1));
    }
    return found;
  }

  /** Numbers and texts are their own keys, as whoever asks for a member does; of anything else one is told from the other. */
  key(item) {
    if (typeof item === "number" || typeof item === "string") return item;
    if (typeof item === "boolean") return Number(item); // for many readers the same member
    if (item instanceof Uint8Array) return `\0bytes ${toHex(item)}`;
    if (item === null || typeof item === "bigint") return `\0${item}`;
    return item instanceof CborOther && !item.name.startsWith("float") ? `\0${item.name}` : this.fail(); // 4.0 is the member 4 for some readers
  }
}

/** One CBOR item and nothing after it. Maps are Map, whole numbers beyond 2^53 BigInt. */
export function readCbor(data, limit = COSE_BYTES) {
  if (data.length > limit) throw coseInvalid("length");
  const reader = new CborReader(data);
  const item = reader.item(0);
  if (reader.at !== data.length) throw coseInvalid("trailing bytes");
  return item;
}

function cborHead(kind, length) {
  if (length < 24) return Uint8Array.of((kind << 5) | length);
  if (length < 0x100) return Uint8Array.of((kind << 5) | 24, length);
  if (length < 0x10000) return Uint8Array.of((kind << 5) | 25, length >> 8, length & 255);
  return Uint8Array.of((kind << 5) | 26, length >>> 24, (length >> 16) & 255, (length >> 8) & 255, length & 255);
}

const cborBytes = (bytes) => joinBytes(cborHead(2, bytes.length), bytes);

/**
 * Form, type, key and signature of a message with its payload inside: { payload, key }. `keys`: by `kid`. Throws COSE_INVALID,
 * COSE_KEY_UNKNOWN, and COSE_UNDECIDED where this browser cannot check the key's algorithm.
 */
export async function checkCose(message, keys, messageType) {
  const tagged = readCbor(message);
  if (!(tagged instanceof CborTag) || tagged.tag !== 18) throw coseInvalid("tag");
  if (!Array.isArray(tagged.value) || tagged.value.length !== 4) throw coseInvalid("form");
  const [header, unprotected, payload, signature] = tagged.value;
  if (![header, payload, signature].every((each) => each instanceof Uint8Array) || !(unprotected instanceof Map)) throw coseInvalid("form");
  const members = readCbor(header);
  if (!(members instanceof Map) || members.has(2)) throw coseInvalid("header");
  const keyId = members.get(4);
  if (!(keyId instanceof Uint8Array) || members.get(16) !== messageType) throw coseInvalid("header");
  const key = keys.get(new TextDecoder("utf-8", { ignoreBOM: true }).decode(keyId));
  if (!key) throw new TrustError("COSE_KEY_UNKNOWN");
  if (members.get(1) !== COSE_ALGORITHMS[key.algorithm]) throw coseInvalid("alg");
  const signed = joinBytes(Uint8Array.of(0x84, 0x6a), utf8("Signature1"), cborBytes(header), Uint8Array.of(0x40), cborBytes(payload));
  const isGood = await key.verify(signature, signed);
  if (isGood === null) throw new TrustError("COSE_UNDECIDED");
  if (!isGood) throw coseInvalid("signature");
  return { payload, key };
}
