// Ed25519 (RFC 8032 5.1) over public data only: many browsers in offices do not have it, and without it nothing could be said of our logs.

import { joinBytes, toHex } from "./bytes.js";

const P = 2n ** 255n - 19n;
const ORDER = 2n ** 252n + 27742317777372353535851937790883648493n;
const MASK_64 = 2n ** 64n - 1n;
const mod = (value, by = P) => ((value % by) + by) % by;

function power(base, exponent) {
  let out = 1n;
  for (let [square, rest] = [mod(base), exponent]; rest; rest >>= 1n, square = mod(square * square)) if (rest & 1n) out = mod(out * square);
  return out;
}

const inverse = (value) => power(value, P - 2n);
const D = mod(-121665n * inverse(121666n));
const ROOT_OF_MINUS_ONE = power(2n, (P - 1n) / 4n);
const littleEndian = (bytes) => BigInt(`0x${toHex(Uint8Array.from(bytes).reverse()) || "0"}`);

// -- SHA-512 (FIPS 180-4); its constants are the first 64 bits of the fractions of roots of primes

function rootOf(value, degree) {
  let root = 1n << BigInt(Math.ceil(value.toString(2).length / Number(degree)));
  for (;;) {
    const next = ((degree - 1n) * root + value / root ** (degree - 1n)) / degree;
    if (next >= root) return root;
    root = next;
  }
}

const FIRST_PRIMES = [];
for (let each = 2; FIRST_PRIMES.length < 80; each++) if (FIRST_PRIMES.every((prime) => each % prime)) FIRST_PRIMES.push(each);
const ROUNDS_512 = FIRST_PRIMES.map((prime) => rootOf(BigInt(prime) << 192n, 3n) & MASK_64);
const START_512 = FIRST_PRIMES.slice(0, 8).map((prime) => rootOf(BigInt(prime) << 128n, 2n) & MASK_64);
const turn64 = (value, by) => ((value >> by) | (value << (64n - by))) & MASK_64;

export function sha512(data) {
  const padded = new Uint8Array((Math.floor((data.length + 16) / 128) + 1) * 128);
  padded.set(data);
  padded[data.length] = 0x80;
  const view = new DataView(padded.buffer);
  view.setBigUint64(padded.length - 8, BigInt(data.length) * 8n);
  const state = [...START_512];
  for (let at = 0; at < padded.length; at += 128) {
    const words = Array.from({ length: 16 }, (_, i) => view.getBigUint64(at + 8 * i));
    for (let i = 16; i < 80; i++) {
      const [early, late] = [words[i - 15], words[i - 2]];
      const first = turn64(early, 1n) ^ turn64(early, 8n) ^ (early >> 7n);
      const second = turn64(late, 19n) ^ turn64(late, 61n) ^ (late >> 6n);
      words.push((words[i - 16] + first + words[i - 7] + second) & MASK_64);
    }
    let [a, b, c, d, e, f, g, h] = state;
    for (let i = 0; i < 80; i++) {
      const one = h + (turn64(e, 14n) ^ turn64(e, 18n) ^ turn64(e, 41n)) + ((e & f) ^ (~e & MASK_64 & g)) + ROUNDS_512[i] + words[i];
      const two = (turn64(a, 28n) ^ turn64(a, 34n) ^ turn64(a, 39n)) + ((a & b) ^ (a & c) ^ (b & c));
      [h, g, f, e, d, c, b, a] = [g, f, e, (d + one) & MASK_64, c, b, a, (one + two) & MASK_64];
    }
    [a, b, c, d, e, f, g, h].forEach((each, i) => (state[i] = (state[i] + each) & MASK_64));
  }
  const out = new DataView(new ArrayBuffer(64));
  state.forEach((each, i) => out.setBigUint64(8 * i, each));
  return new Uint8Array(out.buffer);
}

// -- the curve, in extended coordinates [X, Y, Z, T]

function addPoints([x1, y1, z1, t1], [x2, y2, z2, t2]) {
  const [a, b, c, d] = [mod((y1 - x1) * (y2 - x2)), mod((y1 + x1) * (y2 + x2)), mod(2n * t1 * t2 * D), mod(2n * z1 * z2)];
  const [e, f, g, h] = [b - a, d - c, d + c, b + a];
  return [mod(e * f), mod(g * h), mod(f * g), mod(e * h)];
}

/** The point in these 32 bytes; null where there is none. */
function readPoint(bytes) {
  const packed = littleEndian(bytes);
  const y = mod(packed & (2n ** 255n - 1n));
  const [above, below] = [mod(y * y - 1n), mod(D * y * y + 1n)];
  let x = mod(above * power(below, 3n) * power(above * power(below, 7n), (P - 5n) / 8n));
  if (mod(below * x * x) !== above) x = mod(x * ROOT_OF_MINUS_ONE);
  if (mod(below * x * x) !== above) return null;
  if ((x & 1n) !== packed >> 255n) x = mod(-x);
  return [x, y, 1n, mod(x * y)];
}

const BASE = readPoint(Uint8Array.from({ length: 32 }, (_, i) => (i ? 0x66 : 0x58)));

/** Whether the key of 32 bytes made the signature of 64 bytes over the message. Never throws. */
export function ed25519Verifies(key, signature, message) {
  if (key.length !== 32 || signature.length !== 64) return false;
  const point = readPoint(key);
  const s = littleEndian(signature.subarray(32));
  if (point === null || s >= ORDER) return false;
  const h = mod(littleEndian(sha512(joinBytes(signature.subarray(0, 32), key, message))), ORDER);
  const turned = [mod(-point[0]), point[1], 1n, mod(-point[3])];
  const both = addPoints(BASE, turned);
  // s B - h A, both scalars bit by bit at once
  let sum = [0n, 1n, 1n, 0n];
  for (let bit = 253n; bit >= 0n; bit--) {
    sum = addPoints(sum, sum);
    const [ofBase, ofKey] = [(s >> bit) & 1n, (h >> bit) & 1n];
    if (ofBase || ofKey) sum = addPoints(sum, ofBase && ofKey ? both : ofBase ? BASE : turned);
  }
  const unit = inverse(sum[2]);
  const packed = mod(sum[1] * unit) | ((mod(sum[0] * unit) & 1n) << 255n);
  return packed === littleEndian(signature.subarray(0, 32));
}
