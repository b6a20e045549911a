// SHA-256 and SHA-224 (FIPS 180-4), for pages to which the browser does not give its own, such as one without https inside an office: the names
// of log keys and status keys are made of it, and without them nothing could be said of a licence.

// The first 32 bits of the fractions of the roots of the first 64 primes
const PRIMES = [];
for (let each = 2; PRIMES.length < 64; each++) if (PRIMES.every((prime) => each % prime)) PRIMES.push(each);
const fractionOf = (root) => Math.floor((root % 1) * 2 ** 32) | 0;
const SHA2_ROUNDS = Int32Array.from(PRIMES, (prime) => fractionOf(Math.cbrt(prime)));
const SHA256_START = PRIMES.slice(0, 8).map((prime) => fractionOf(Math.sqrt(prime)));
const SHA224_START = [0xc1059ed8, 0x367cd507, 0x3070dd17, 0xf70e5939, 0xffc00b31, 0x68581511, 0x64f98fa7, 0xbefa4fa4];

const turnRight = (value, by) => (value >>> by) | (value << (32 - by));

function sha2Block(state, words, view, at) {
  for (let i = 0; i < 16; i++) words[i] = view.getInt32(at + 4 * i);
  for (let i = 16; i < 64; i++) {
    const [early, late] = [words[i - 15], words[i - 2]];
    const first = turnRight(early, 7) ^ turnRight(early, 18) ^ (early >>> 3);
    const second = turnRight(late, 17) ^ turnRight(late, 19) ^ (late >>> 10);
    words[i] = words[i - 16] + first + words[i - 7] + second;
  }
  let [a, b, c, d, e, f, g, h] = state;
  for (let i = 0; i < 64; i++) {
    const one = (h + (turnRight(e, 6) ^ turnRight(e, 11) ^ turnRight(e, 25)) + ((e & f) ^ (~e & g)) + SHA2_ROUNDS[i] + words[i]) | 0;
    const two = (turnRight(a, 2) ^ turnRight(a, 13) ^ turnRight(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
    [h, g, f, e, d, c, b, a] = [g, f, e, (d + one) | 0, c, b, a, (one + two) | 0];
  }
  [a, b, c, d, e, f, g, h].forEach((each, i) => (state[i] += each));
}

function sha2(start, data) {
  const state = Int32Array.from(start);
  const words = new Int32Array(64);
  const rest = data.length % 64;
  const last = new Uint8Array(rest < 56 ? 64 : 128);
  last.set(data.subarray(data.length - rest));
  last[rest] = 0x80;
  const end = new DataView(last.buffer);
  end.setUint32(last.length - 8, Math.floor(data.length / 2 ** 29));
  end.setUint32(last.length - 4, (data.length * 8) >>> 0);
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  for (let at = 0; at + 64 <= data.length; at += 64) sha2Block(state, words, view, at);
  for (let at = 0; at < last.length; at += 64) sha2Block(state, words, end, at);
  const out = new DataView(new ArrayBuffer(32));
  state.forEach((each, i) => out.setInt32(4 * i, each));
  return new Uint8Array(out.buffer);
}

export const sha256 = (data) => sha2(SHA256_START, data);
export const sha224 = (data) => sha2(SHA224_START, data).subarray(0, 28);
