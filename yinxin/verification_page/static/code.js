// What a code on a licence is worth, worked out in the browser of whoever scanned it.
//
// The code stands behind "#" and so is never sent. Only the public keys and the status list, which says nothing of a single licence, are
// fetched. The same questions as licence_vault/verify_code.py, and the same rule: what is not known is never valid.

const P = BigInt("0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFF");
const A = P - 3n;
const B = BigInt("0x28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93");
const N = BigInt("0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123");
const GX = BigInt("0x32C4AE2C1F1981195F9904466A39C9948FE30BBFF2660BE1715A4589334C74C7");
const GY = BigInt("0xBC3736A2F4F6779C59BDCEE36B692153D0A9877CC62A474002DF32E52139F0A0");
const USER = new TextEncoder().encode("1234567812345678");
const BASE45 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";
const NUMBER = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const ROOT = "1.2.156.3005.2";
const MESSAGE_TYPE = "yinxin-licence-qr";
const ALGORITHM = -65601;
const TEXT_CHARACTERS = 4296;
const LIST_BYTES = 8 * 1024 * 1024;
const LEEWAY_SECONDS = 60;
const KEY_CHARACTERS = 8;

// -- bytes

const hex = (bytes) => Array.from(bytes, (each) => each.toString(16).padStart(2, "0")).join("");
const number = (bytes) => BigInt("0x" + (hex(bytes) || "0"));
const bytes32 = (value) => Uint8Array.from(value.toString(16).padStart(64, "0").match(/../g), (each) => parseInt(each, 16));

function joined(...parts) {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

function fromBase64Url(text) {
  if (!/^[A-Za-z0-9_-]*$/.test(text)) throw new Error("base64url");
  return Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (each) => each.charCodeAt(0));
}

function fromBase45(text) {
  if (text.length % 3 === 1) throw new Error("Base45");
  const out = [];
  for (let at = 0; at < text.length; at += 3) {
    const group = Array.from(text.slice(at, at + 3), (each) => BASE45.indexOf(each));
    const value = group.reduce((sum, each, index) => sum + each * 45 ** index, 0);
    const size = group.length - 1;
    if (group.includes(-1) || value >= 256 ** size) throw new Error("Base45");
    if (size === 2) out.push(value >> 8);
    out.push(value & 255);
  }
  return Uint8Array.from(out);
}

// -- SM3 (GB/T 32905) and SM2 (GB/T 32918.2)

const turn = (value, by) => (by % 32 === 0 ? value : (value << by % 32) | (value >>> (32 - (by % 32))));

export function sm3(message) {
  const length = message.length;
  const padded = new Uint8Array((Math.floor((length + 8) / 64) + 1) * 64);
  padded.set(message);
  padded[length] = 0x80;
  const view = new DataView(padded.buffer);
  view.setUint32(padded.length - 8, Math.floor(length / 2 ** 29));
  view.setUint32(padded.length - 4, (length << 3) >>> 0);
  let state = [0x7380166f, 0x4914b2b9, 0x172442d7, 0xda8a0600, 0xa96f30bc, 0x163138aa, 0xe38dee4d, 0xb0fb0e4e];
  const w = new Int32Array(68);
  for (let block = 0; block < padded.length; block += 64) {
    for (let j = 0; j < 16; j++) w[j] = view.getInt32(block + 4 * j);
    for (let j = 16; j < 68; j++) {
      const x = w[j - 16] ^ w[j - 9] ^ turn(w[j - 3], 15);
      w[j] = x ^ turn(x, 15) ^ turn(x, 23) ^ turn(w[j - 13], 7) ^ w[j - 6];
    }
    let [a, b, c, d, e, f, g, h] = state;
    for (let j = 0; j < 64; j++) {
      const ss1 = turn((turn(a, 12) + e + turn(j < 16 ? 0x79cc4519 : 0x7a879d8a, j)) | 0, 7);
      const ss2 = ss1 ^ turn(a, 12);
      const ff = j < 16 ? a ^ b ^ c : (a & b) | (a & c) | (b & c);
      const gg = j < 16 ? e ^ f ^ g : (e & f) | (~e & g);
      const tt1 = (ff + d + ss2 + (w[j] ^ w[j + 4])) | 0;
      const tt2 = (gg + h + ss1 + w[j]) | 0;
      [d, c, b, a] = [c, turn(b, 9), a, tt1];
      [h, g, f, e] = [g, turn(f, 19), e, tt2 ^ turn(tt2, 9) ^ turn(tt2, 17)];
    }
    state = [a, b, c, d, e, f, g, h].map((each, index) => each ^ state[index]);
  }
  const out = new DataView(new ArrayBuffer(32));
  state.forEach((each, index) => out.setInt32(4 * index, each));
  return new Uint8Array(out.buffer);
}

const mod = (value, by = P) => ((value % by) + by) % by;

function inverse(value, by) {
  let [a, b, x, y] = [mod(value, by), by, 1n, 0n];
  while (b) {
    const quotient = a / b;
    [a, b] = [b, a % b];
    [x, y] = [y, x - quotient * y];
  }
  return mod(x, by);
}

// Points in Jacobian coordinates; z = 0 is the point at infinity
function doubled([x, y, z]) {
  if (!z || !y) return [1n, 1n, 0n];
  const s = mod(4n * x * y * y);
  const zz = mod(z * z);
  const m = mod(3n * (x - zz) * (x + zz));
  const nx = mod(m * m - 2n * s);
  return [nx, mod(m * (s - nx) - 8n * y ** 4n), mod(2n * y * z)];
}

function added(one, other) {
  if (!one[2]) return other;
  if (!other[2]) return one;
  const [[x1, y1, z1], [x2, y2, z2]] = [one, other];
  const [zz1, zz2] = [mod(z1 * z1), mod(z2 * z2)];
  const [u1, u2] = [mod(x1 * zz2), mod(x2 * zz1)];
  const [s1, s2] = [mod(y1 * zz2 * z2), mod(y2 * zz1 * z1)];
  if (u1 === u2) return s1 === s2 ? doubled(one) : [1n, 1n, 0n];
  const h = mod(u2 - u1);
  const r = mod(s2 - s1);
  const hh = mod(h * h);
  const hhh = mod(h * hh);
  const x = mod(r * r - hhh - 2n * u1 * hh);
  return [x, mod(r * (u1 * hh - x) - s1 * hhh), mod(h * z1 * z2)];
}

function times(scalar, point) {
  let out = [1n, 1n, 0n];
  for (const bit of scalar.toString(2)) {
    out = doubled(out);
    if (bit === "1") out = added(out, point);
  }
  return out;
}

export function sm2Verifies(x, y, signature, message) {
  if (signature.length !== 64 || x >= P || y >= P || mod(y * y - x * x * x - A * x - B) !== 0n) return false;
  const [r, s] = [number(signature.slice(0, 32)), number(signature.slice(32))];
  if (r < 1n || r >= N || s < 1n || s >= N) return false;
  const z = sm3(joined(Uint8Array.of(0, 128), USER, ...[A, B, GX, GY, x, y].map(bytes32)));
  const e = number(sm3(joined(z, message)));
  const t = mod(r + s, N);
  if (t === 0n) return false;
  const point = added(times(s, [GX, GY, 1n]), times(t, [x, y, 1n]));
  if (!point[2]) return false;
  const across = mod(point[0] * inverse(point[2] * point[2], P));
  return mod(e + across, N) === r;
}

// -- CBOR (RFC 8949), what a code needs of it, in its shortest form

function readCbor(bytes) {
  let at = 0;
  const text = new TextDecoder("utf-8", { fatal: true });
  const take = (count) => {
    if (at + count > bytes.length) throw new Error("CBOR");
    at += count;
    return bytes.slice(at - count, at);
  };
  const argument = (info) => {
    if (info < 24) return info;
    if (info > 27) throw new Error("CBOR");
    const value = number(take(2 ** (info - 24)));
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new Error("CBOR");
    return Number(value);
  };
  const item = (depth) => {
    if (depth > 8) throw new Error("CBOR");
    const [first] = take(1);
    const kind = first >> 5;
    const info = first & 31;
    if (kind === 7) {
      if (info === 22) return null;
      if (info === 20 || info === 21) return info === 21;
      throw new Error("CBOR");
    }
    const value = argument(info);
    if (kind === 0) return value;
    if (kind === 1) return -1 - value;
    if (kind === 2) return take(value);
    if (kind === 3) return text.decode(take(value));
    if (kind === 6) return { tag: value, value: item(depth + 1) };
    if (value > bytes.length) throw new Error("CBOR");
    if (kind === 4) return Array.from({ length: value }, () => item(depth + 1));
    const map = new Map();
    for (let index = 0; index < value; index++) {
      const key = item(depth + 1);
      if (map.has(key)) throw new Error("CBOR");
      map.set(key, item(depth + 1));
    }
    return map;
  };
  const found = item(0);
  if (at !== bytes.length) throw new Error("CBOR");
  return found;
}

function cborBytes(content) {
  const size = content.length;
  const head = size < 24 ? [0x40 | size] : size < 256 ? [0x58, size] : [0x59, size >> 8, size & 255];
  return joined(Uint8Array.from(head), content);
}

// -- the code

function messageOf(link) {
  const mark = link.indexOf("#");
  if (mark < 0 || link.length > TEXT_CHARACTERS) throw new Error("link");
  const packed = link.slice(mark + 1).replace(/%20| /g, "\0").replace(/%25/g, "\u0001");
  if (packed.includes("%")) throw new Error("link");
  return fromBase45(packed.replace(/\0/g, " ").replace(/\u0001/g, "%"));
}

const isText = (value) => typeof value === "string" && value.length > 0 && value.length <= 400;
const isCount = (value) => Number.isSafeInteger(value) && value >= 0;

function day(value) {
  if (!isCount(value)) throw new Error("claims");
  const text = String(value).padStart(8, "0").replace(/^(....)(..)(..)$/, "$1-$2-$3");
  if (Number.isNaN(Date.parse(text)) || new Date(text).toISOString().slice(0, 10) !== text) throw new Error("claims");
  return text;
}

function claimsOf(payload) {
  const row = readCbor(payload);
  if (!Array.isArray(row) || row.length !== 13 || row[0] !== 1) throw new Error("claims");
  const [, identifier, name, printed, holders, issuer, issuedOn, validFrom, validTo, list, index, logIndex, commitment] = row;
  if (!Array.isArray(holders) || !holders.length || ![identifier, name, printed, issuer, list, ...holders].every(isText)) throw new Error("claims");
  if (!isCount(index) || !isCount(logIndex) || !(commitment instanceof Uint8Array) || commitment.length !== 32) throw new Error("claims");
  return {
    identifier: `${ROOT}.${identifier}`,
    name,
    number: printed,
    holders,
    issuer,
    issuedOn: day(issuedOn),
    validFrom: day(validFrom),
    validTo: validTo === null ? null : day(validTo),
    list,
    index,
  };
}

// What a code says under one of these keys ({kid, x, y}); "unknown" where nobody known has signed it. Throws where it is not genuine.
export function readCode(link, keys, prefix) {
  const tagged = readCbor(messageOf(link));
  const parts = tagged?.tag === 18 ? tagged.value : null;
  if (!Array.isArray(parts) || parts.length !== 4) throw new Error("form");
  const [header, unprotected, payload, signature] = parts;
  if (![header, payload, signature].every((each) => each instanceof Uint8Array) || !(unprotected instanceof Map)) throw new Error("form");
  const named = readCbor(header);
  if (!(named instanceof Map) || named.has(2) || named.get(16) !== MESSAGE_TYPE || !(named.get(4) instanceof Uint8Array)) throw new Error("header");
  const kid = new TextDecoder().decode(named.get(4));
  const key = keys.find((each) => each.kid.slice(0, KEY_CHARACTERS) === kid);
  if (key === undefined) return "unknown";
  if (named.get(1) !== ALGORITHM) throw new Error("alg");
  const signed = joined(Uint8Array.of(0x84, 0x6a), new TextEncoder().encode("Signature1"), cborBytes(header), cborBytes(new Uint8Array()), cborBytes(payload));
  if (!sm2Verifies(key.x, key.y, signature, signed)) throw new Error("signature");
  const claims = claimsOf(payload);
  if (!claims.list.startsWith(prefix)) throw new Error("a key of another place");
  return claims;
}

export function keysOf(set) {
  return set.keys
    .filter((each) => each.kty === "EC" && each.crv === "SM2-P-256")
    .map((each) => ({ kid: each.kid, x: number(fromBase64Url(each.x)), y: number(fromBase64Url(each.y)) }));
}

// GB/T 36904: the check character by ISO 7064 MOD 37,36 over type, issuer, serial and version
export function isNumber(identifier) {
  const parts = identifier.slice(ROOT.length + 1).split(".");
  if (!identifier.startsWith(`${ROOT}.`) || parts.length !== 5 || !/^[0-9A-Z]{21}$/.test(parts[0]) || !/^[0-9]{3}$/.test(parts[3])) return false;
  const body = parts.slice(0, 4).join("");
  let rest = 36;
  for (const each of body) {
    const at = NUMBER.indexOf(each);
    if (at < 0) return false;
    rest = (((rest + at) % 36 || 36) * 2) % 37;
  }
  return parts[4] === NUMBER[(37 - rest) % 36];
}

// -- the status list (a Status List Token under SM2)

// What stands at the place of a licence. Throws where the token is not to be believed, or says nothing of this licence now.
export async function readStatus(token, claims, keys, seconds) {
  const [header, payload, signature, ...more] = token.trim().split(".");
  if (more.length || !signature) throw new Error("token");
  const json = (part) => {
    try {
      return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(fromBase64Url(part)));
    } catch {
      throw new Error("token");
    }
  };
  const said = json(header);
  const key = keys.find((each) => each.kid === said.kid);
  if (key === undefined) throw new Error("key");
  if (said.alg !== "SGD_SM3_SM2" || said.typ !== "statuslist+jwt") throw new Error("token");
  const message = new TextEncoder().encode(`${header}.${payload}`);
  if (!sm2Verifies(key.x, key.y, fromBase64Url(signature), message)) throw new Error("signature");
  const list = json(payload);
  if (list.sub !== claims.list) throw new Error("another list");
  if (!(list.iat <= seconds + LEEWAY_SECONDS)) throw new Error("not yet");
  if (!(list.exp > seconds)) throw new Error("expired");
  const { bits, lst } = list.status_list;
  if (![1, 2, 4, 8].includes(bits)) throw new Error("bits");
  const unpacked = new Response(new Blob([fromBase64Url(lst)]).stream().pipeThrough(new DecompressionStream("deflate")));
  const reader = unpacked.body.getReader();
  let [seen, place] = [0, Math.floor((claims.index * bits) / 8)];
  for (;;) {
    const { done, value } = await reader.read();
    if (done || seen > LIST_BYTES) throw new Error("no such place");
    if (place < seen + value.length) {
      await reader.cancel();
      return (value[place - seen] >> ((claims.index * bits) % 8)) & ((1 << bits) - 1);
    }
    seen += value.length;
  }
}

// -- the questions: each "valid", "invalid" or "unknown", and all together. `listed`: what stands in the status list, null where that is unknown

export async function judge(link, keys, prefix, fetchStatus, now) {
  let claims;
  try {
    claims = readCode(link, keys, prefix);
  } catch {
    return { verdict: "invalid", claims: null, questions: { code: "invalid" } };
  }
  if (claims === "unknown") return { verdict: "unknown", claims: null, questions: { code: "unknown" } };
  const questions = { code: "valid", number: isNumber(claims.identifier) ? "valid" : "invalid", days: "valid", status: "unknown" };
  const today = new Date(now.getTime() + 8 * 3600 * 1000).toISOString().slice(0, 10); // the days of a licence are days in China
  if (today < claims.validFrom || (claims.validTo !== null && today > claims.validTo)) questions.days = "invalid";
  let listed = null;
  try {
    listed = await readStatus(await fetchStatus(claims), claims, keys, now.getTime() / 1000);
    questions.status = listed === 0 ? "valid" : "invalid";
  } catch {
    // Not at hand, not to be believed, or not of now: nothing is known
  }
  const all = Object.values(questions);
  const verdict = all.includes("invalid") ? "invalid" : all.includes("unknown") ? "unknown" : "valid";
  return { verdict, claims, questions, listed, isEarly: today < claims.validFrom };
}
