// MD5 (RFC 1321), which GB/T 33190 still has as its default: it shows that a file was changed, and never that it was not.

const MD5_TURNS = [7, 12, 17, 22, 5, 9, 14, 20, 4, 11, 16, 23, 6, 10, 15, 21];
const MD5_SINES = Int32Array.from({ length: 64 }, (_, i) => Math.floor(Math.abs(Math.sin(i + 1)) * 2 ** 32) | 0);

export function md5(data) {
  const state = Int32Array.of(0x67452301, 0xefcdab89 | 0, 0x98badcfe | 0, 0x10325476);
  const whole = data.length - (data.length % 64);
  const last = new Uint8Array(data.length % 64 < 56 ? 64 : 128);
  last.set(data.subarray(whole));
  last[data.length % 64] = 0x80;
  const end = new DataView(last.buffer);
  end.setUint32(last.length - 8, (data.length * 8) >>> 0, true);
  end.setUint32(last.length - 4, Math.floor(data.length / 2 ** 29), true);
  const words = new Int32Array(16);
  for (const part of [data.subarray(0, whole), last]) {
    const view = new DataView(part.buffer, part.byteOffset, part.length);
    for (let at = 0; at < part.length; at += 64) {
      for (let i = 0; i < 16; i++) words[i] = view.getInt32(at + 4 * i, true);
      let [a, b, c, d] = state;
      for (let i = 0; i < 64; i++) {
        const round = i >> 4;
        const mixed = round === 0 ? (b & c) | (~b & d) : round === 1 ? (d & b) | (~d & c) : round === 2 ? b ^ c ^ d : c ^ (b | ~d);
        const word = words[[i, 5 * i + 1, 3 * i + 5, 7 * i][round] & 15];
        const sum = (a + mixed + MD5_SINES[i] + word) | 0;
        const turn = MD5_TURNS[4 * round + (i & 3)];
        [a, d, c, b] = [d, c, b, (b + ((sum << turn) | (sum >>> (32 - turn)))) | 0];
      }
      state[0] += a;
      state[1] += b;
      state[2] += c;
      state[3] += d;
    }
  }
  return new Uint8Array(state.buffer.slice(0)); // all machines that browsers run on are little-endian
}
