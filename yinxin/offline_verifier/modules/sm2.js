// SM2 signatures (GB/T 32918.2-2016, 7.1) over public data only: nothing here is secret, so nothing has to take constant time.
import { MalformedError, toBytes, toNumber } from "./bytes.js";
import { Tag, readDer } from "./der.js";
import { sm3 } from "./sm3.js";

const SM2_P = 0xfffffffeffffffffffffffffffffffffffffffff00000000ffffffffffffffffn;
const SM2_A = SM2_P - 3n;
const SM2_B = 0x28e9fa9e9d9f5e344d5a9e4bcf6509a7f39789f515ab8f92ddbcbd414d940e93n;
const SM2_N = 0xfffffffeffffffffffffffffffffffff7203df6b21c6052b53bbf40939d54123n;
const SM2_GX = 0x32c4ae2c1f1981195f9904466a39c9948fe30bbff2660be1715a4589334c74c7n;
const SM2_GY = 0xbc3736a2f4f6779c59bdcee36b692153d0a9877cc62a474002df32e52139f0a0n;

export const SM2_DEFAULT_ID = new TextEncoder().encode("1234567812345678"); // GB/T 35276-2017, 10: where nothing else is agreed
const MAX_SM2_ID_BYTES = 8191; // ENTL counts the id's bits in two bytes
const MAX_SM2_SIGNATURE_BYTES = 72;
const WINDOW = 5; // bits of a scalar that are taken at once

const modulo = (value) => {
  const rest = value % SM2_P;
  return rest < 0n ? rest + SM2_P : rest;
};

function inverse(value, by) {
  let [a, b, x, y] = [((value % by) + by) % by, by, 1n, 0n];
  while (b) {
    const quotient = a / b;
    [a, b] = [b, a % b];
    [x, y] = [y, x - quotient * y];
  }
  return ((x % by) + by) % by;
}

// -- points in Jacobian coordinates [x, y, z]; z = 0 is the point at infinity

const INFINITY = [1n, 1n, 0n];

function twice([x, y, z]) {
  if (!z || !y) return INFINITY;
  const yy = (y * y) % SM2_P;
  const s = (4n * x * yy) % SM2_P;
  const zz = (z * z) % SM2_P;
  const m = (3n * (x - zz) * (x + zz)) % SM2_P;
  const nx = modulo(m * m - 2n * s);
  return [nx, modulo(m * (s - nx) - 8n * yy * yy), (2n * y * z) % SM2_P];
}

function plus(one, other) {
  if (!one[2]) return other;
  if (!other[2]) return one;
  const [x1, y1, z1] = one;
  const [x2, y2, z2] = other;
  const zz1 = (z1 * z1) % SM2_P;
  const zz2 = z2 === 1n ? 1n : (z2 * z2) % SM2_P;
  const u1 = (x1 * zz2) % SM2_P;
  const u2 = (x2 * zz1) % SM2_P;
  const s1 = (y1 * zz2 * z2) % SM2_P;
  const s2 = (y2 * zz1 * z1) % SM2_P;
  if (u1 === u2) return s1 === s2 ? twice(one) : INFINITY;
  const h = u2 - u1;
  const r = s2 - s1;
  const hh = (h * h) % SM2_P;
  const hhh = (h * hh) % SM2_P;
  const v = (u1 * hh) % SM2_P;
  const x = modulo(r * r - hhh - 2n * v);
  return [x, modulo(r * (v - x) - s1 * hhh), modulo(h * z1 * z2)];
}

// The multiples 0 to 2^WINDOW - 1 of a point
function multiples(point) {
  const table = [INFINITY, point];
  for (let i = 2; i < 1 << WINDOW; i++) table.push(plus(table[i - 1], point));
  return table;
}

let baseTable = null; // of G, made once

// a G + b Q, both scalars walked together so that the doublings are done once
function combine(a, b, q) {
  baseTable ??= multiples([SM2_GX, SM2_GY, 1n]);
  const table = multiples(q);
  const steps = Math.ceil(256 / WINDOW);
  const mask = BigInt((1 << WINDOW) - 1);
  let out = INFINITY;
  for (let i = steps - 1; i >= 0; i--) {
    for (let j = 0; j < WINDOW; j++) out = twice(out);
    const shift = BigInt(i * WINDOW);
    out = plus(out, baseTable[Number((a >> shift) & mask)]);
    out = plus(out, table[Number((b >> shift) & mask)]);
  }
  return out;
}

// -- encodings

const isOnCurve = (x, y) => x < SM2_P && y < SM2_P && (y * y - (x * x + SM2_A) * x - SM2_B) % SM2_P === 0n;

// [x, y] from 64 bytes, or 65 with the leading 04; other forms and points off the curve are malformed
export function readSm2Point(data) {
  const bare = data.length === 65 && data[0] === 4 ? data.subarray(1) : data;
  if (bare.length !== 64) throw new MalformedError("SM2_POINT_ENCODING", { length: bare.length });
  const [x, y] = [toNumber(bare.subarray(0, 32)), toNumber(bare.subarray(32))];
  if (!isOnCurve(x, y)) throw new MalformedError("SM2_POINT_OFF_CURVE");
  return [x, y];
}

// [r, s] from SEQUENCE { r INTEGER, s INTEGER } in DER, within their ranges (7.1 B1, B2 and B5)
export function readSm2Signature(data) {
  if (data.length > MAX_SM2_SIGNATURE_BYTES) throw new MalformedError("SM2_SIGNATURE_ENCODING", { length: data.length });
  const parts = readDer(data).children(Tag.SEQUENCE);
  if (parts.length !== 2) throw new MalformedError("SM2_SIGNATURE_ENCODING", { elements: parts.length });
  const [r, s] = [parts[0].integer(), parts[1].integer()];
  if (!(r >= 1n && r < SM2_N && s >= 1n && s < SM2_N && r + s !== SM2_N)) throw new MalformedError("SM2_SIGNATURE_RANGE");
  return [r, s];
}

// Z_A ‖ M is what is hashed (5.5)
function zA(uid, x, y) {
  const bits = 8 * uid.length;
  return sm3(Uint8Array.of(bits >> 8, bits & 255), uid, ...[SM2_A, SM2_B, SM2_GX, SM2_GY, x, y].map((each) => toBytes(each, 32)));
}

// Whether the key at `point` (64 or 65 bytes) made the signature in DER over the message, given in one or more parts. Malformed is false.
export function sm2Verify(point, signatureDer, message, uid = SM2_DEFAULT_ID) {
  try {
    const [r, s] = readSm2Signature(signatureDer);
    return sm2VerifyNumbers(readSm2Point(point), r, s, message, uid);
  } catch (error) {
    if (error instanceof MalformedError) return false;
    throw error;
  }
}

// The same for r ‖ s in 64 bytes, as JOSE and COSE write it
export function sm2VerifyRaw(point, signature, message, uid = SM2_DEFAULT_ID) {
  if (signature.length !== 64) return false;
  const [r, s] = [toNumber(signature.subarray(0, 32)), toNumber(signature.subarray(32))];
  if (!(r >= 1n && r < SM2_N && s >= 1n && s < SM2_N && r + s !== SM2_N)) return false;
  try {
    return sm2VerifyNumbers(readSm2Point(point), r, s, message, uid);
  } catch (error) {
    if (error instanceof MalformedError) return false;
    throw error;
  }
}

// The same certificates, lists and tokens come back with every file and at every look: what was decided about numbers alone is kept, bounded
const decidedSignatures = new Map();
const MAX_DECIDED_SIGNATURES = 4096;

function sm2VerifyNumbers([x, y], r, s, message, uid) {
  if (uid.length > MAX_SM2_ID_BYTES) return false;
  const parts = Array.isArray(message) ? message : [message];
  const e = toNumber(sm3(zA(uid, x, y), ...parts));
  const key = [x, y, r, s, e].join();
  let isGood = decidedSignatures.get(key);
  if (isGood === undefined) {
    const sum = combine(s, (r + s) % SM2_N, [x, y, 1n]);
    isGood = sum[2] !== 0n && (e + modulo(sum[0] * inverse(sum[2] * sum[2], SM2_P))) % SM2_N === r;
    if (decidedSignatures.size >= MAX_DECIDED_SIGNATURES) decidedSignatures.clear();
    decidedSignatures.set(key, isGood);
  }
  return isGood;
}
