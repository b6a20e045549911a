// DEFLATE (RFC 1951) and zlib (RFC 1950), read within bounds and as strictly as zlib reads them; CRC-32 and Adler-32.
//
// A stream that any part of zlib would refuse is refused here: readers that disagree about what is packed would show different documents.

const INFLATE_MORE = 64 * 1024;
const LENGTH_BASE = [3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258];
const LENGTH_EXTRA = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0];
const DISTANCE_BASE = [
  1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577,
];
const DISTANCE_EXTRA = [0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13];
const CODE_ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
const LONGEST_CODE = 15;

// Why a stream ended: at its end, for want of data, because nobody wanted more, or because it is none.
export const INFLATED = "end";
export const INFLATE_SHORT = "short";
export const INFLATE_FULL = "full";
export const INFLATE_BAD = "bad";

/** A Huffman code as a table over the next bits: entry = length << 16 | symbol, 0 where no code begins so. Null where zlib refuses it. */
function huffmanTable(lengths, isOfCodes) {
  const counts = new Uint16Array(LONGEST_CODE + 1);
  for (const length of lengths) counts[length]++;
  counts[0] = 0;
  let most = LONGEST_CODE;
  while (most && !counts[most]) most--;
  let left = 1;
  for (let length = 1; length <= LONGEST_CODE; length++) {
    left = left * 2 - counts[length];
    if (left < 0) return null; // more codes than there is room for
  }
  if (most && left > 0 && (isOfCodes || most !== 1)) return null; // incomplete: allowed for a single code of one bit alone
  if (!most && isOfCodes) return null;
  const bits = Math.max(most, 1);
  const table = new Uint32Array(1 << bits);
  const next = new Uint16Array(LONGEST_CODE + 2);
  for (let length = 1; length <= LONGEST_CODE; length++) next[length + 1] = (next[length] + counts[length]) << 1;
  for (let symbol = 0; symbol < lengths.length; symbol++) {
    const length = lengths[symbol];
    if (!length) continue;
    let code = next[length]++;
    let turned = 0;
    for (let i = 0; i < length; i++) {
      turned = (turned << 1) | (code & 1);
      code >>= 1;
    }
    for (let at = turned; at < table.length; at += 1 << length) table[at] = (length << 16) | symbol;
  }
  return { table, bits };
}

let fixedTables = null;

function tablesOfFixedCodes() {
  if (!fixedTables) {
    const lengths = new Uint8Array(288);
    for (let i = 0; i < 288; i++) lengths[i] = i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8;
    fixedTables = [huffmanTable(lengths, false), huffmanTable(new Uint8Array(32).fill(5), false)];
  }
  return fixedTables;
}

class Inflater {
  constructor(data, start, limit) {
    this.data = data;
    this.at = start;
    this.limit = limit;
    this.held = 0;
    this.count = 0;
    this.out = new Uint8Array(Math.min(limit, INFLATE_MORE));
    this.size = 0;
  }

  /** At least so many bits at hand, at most 16; false where the data end before. */
  need(bits) {
    while (this.count < bits) {
      if (this.at >= this.data.length) return false;
      this.held |= this.data[this.at++] << this.count;
      this.count += 8;
    }
    return true;
  }

  take(bits) {
    const value = this.held & ((1 << bits) - 1);
    this.held >>>= bits;
    this.count -= bits;
    return value;
  }

  /** The next symbol; -1 where the data end before, -2 where no code begins so. */
  symbol(code) {
    let entry;
    for (;;) {
      entry = code.table[this.held & ((1 << code.bits) - 1)];
      const length = entry >>> 16;
      if (length && length <= this.count) break;
      if (!length && this.count >= code.bits) return -2;
      if (!this.need(this.count + 1)) return -1;
    }
    this.take(entry >>> 16);
    return entry & 0xffff;
  }

  room(more) {
    if (this.size + more <= this.out.length) return;
    const grown = new Uint8Array(Math.min(this.limit, Math.max(this.out.length * 2, this.size + more)));
    grown.set(this.out.subarray(0, this.size));
    this.out = grown;
  }

  stored() {
    this.take(this.count & 7);
    if (!this.need(16)) return INFLATE_SHORT;
    const length = this.take(16);
    if (!this.need(16)) return INFLATE_SHORT;
    if (this.take(16) !== (length ^ 0xffff)) return INFLATE_BAD;
    this.at -= this.count >> 3; // whole bytes that were taken ahead
    this.held = this.count = 0;
    const found = Math.min(length, this.data.length - this.at);
    const taken = Math.min(found, this.limit - this.size);
    this.room(taken);
    this.out.set(this.data.subarray(this.at, this.at + taken), this.size);
    this.size += taken;
    this.at += taken;
    return taken < found ? INFLATE_FULL : found < length ? INFLATE_SHORT : null;
  }

  codes() {
    if (!this.need(14)) return INFLATE_SHORT;
    const literals = this.take(5) + 257;
    const distances = this.take(5) + 1;
    const stated = this.take(4) + 4;
    if (literals > 286 || distances > 30) return INFLATE_BAD;
    const ofCodes = new Uint8Array(19);
    for (let i = 0; i < stated; i++) {
      if (!this.need(3)) return INFLATE_SHORT;
      ofCodes[CODE_ORDER[i]] = this.take(3);
    }
    const code = huffmanTable(ofCodes, true);
    if (!code) return INFLATE_BAD;
    const lengths = new Uint8Array(literals + distances);
    for (let i = 0; i < lengths.length; ) {
      const symbol = this.symbol(code);
      if (symbol < 0) return symbol === -1 ? INFLATE_SHORT : INFLATE_BAD;
      if (symbol < 16) {
        lengths[i++] = symbol;
        continue;
      }
      if (symbol === 16 && !i) return INFLATE_BAD;
      const bits = symbol === 16 ? 2 : symbol === 17 ? 3 : 7;
      if (!this.need(bits)) return INFLATE_SHORT;
      const repeats = this.take(bits) + (symbol === 18 ? 11 : 3);
      if (i + repeats > lengths.length) return INFLATE_BAD;
      lengths.fill(symbol === 16 ? lengths[i - 1] : 0, i, i + repeats);
      i += repeats;
    }
    if (!lengths[256]) return INFLATE_BAD; // no code for the end of the block
    const [first, second] = [huffmanTable(lengths.subarray(0, literals), false), huffmanTable(lengths.subarray(literals), false)];
    return first && second ? this.block(first, second) : INFLATE_BAD;
  }

  block(literals, distances) {
    const { data } = this;
    const [table, distanceTable] = [literals.table, distances.table];
    const [mask, distanceMask] = [(1 << literals.bits) - 1, (1 << distances.bits) - 1];
    // The state stands in variables while there is data enough for a whole symbol: that is most of the time that unpacking takes
    let [at, held, count, size, out] = [this.at, this.held, this.count, this.size, this.out];
    for (;;) {
      if (size + 258 > out.length || at + 8 > data.length) {
        Object.assign(this, { at, held, count, size });
        const ended = this.slowly(literals, distances);
        if (ended !== undefined) return ended;
        ({ at, held, count, size, out } = this);
        continue;
      }
      while (count < 15) {
        held |= data[at++] << count;
        count += 8;
      }
      const entry = table[held & mask];
      if (!entry) return this.badAt(size);
      held >>>= entry >>> 16;
      count -= entry >>> 16;
      const symbol = entry & 0xffff;
      if (symbol < 256) {
        out[size++] = symbol;
        continue;
      }
      if (symbol === 256) {
        Object.assign(this, { at, held, count, size });
        return null;
      }
      if (symbol > 285) return this.badAt(size);
      const more = LENGTH_EXTRA[symbol - 257];
      while (count < 20) {
        held |= data[at++] << count;
        count += 8;
      }
      const length = LENGTH_BASE[symbol - 257] + (held & ((1 << more) - 1));
      held >>>= more;
      count -= more;
      while (count < 15) {
        held |= data[at++] << count;
        count += 8;
      }
      const far = distanceTable[held & distanceMask];
      if (!far || (far & 0xffff) > 29) return this.badAt(size);
      held >>>= far >>> 16;
      count -= far >>> 16;
      const farther = DISTANCE_EXTRA[far & 0xffff];
      while (count < farther) {
        held |= data[at++] << count;
        count += 8;
      }
      const distance = DISTANCE_BASE[far & 0xffff] + (held & ((1 << farther) - 1));
      held >>>= farther;
      count -= farther;
      if (distance > size) return this.badAt(size);
      if (distance === 1) out.fill(out[size - 1], size, size + length);
      else if (distance >= length && length > 24) out.copyWithin(size, size - distance, size - distance + length);
      else for (let i = 0; i < length; i++) out[size + i] = out[size + i - distance];
      size += length;
    }
  }

  badAt(size) {
    this.size = size;
    return INFLATE_BAD;
  }

  /** One symbol, wherever the data or the room may end within it: undefined where there is more, else as `block`. */
  slowly(literals, distances) {
    const symbol = this.symbol(literals);
    if (symbol < 0) return symbol === -1 ? INFLATE_SHORT : INFLATE_BAD;
    if (symbol === 256) return null;
    if (symbol < 256) {
      if (this.size >= this.limit) return INFLATE_FULL;
      this.room(1);
      this.out[this.size++] = symbol;
      return undefined;
    }
    if (symbol > 285) return INFLATE_BAD;
    if (!this.need(LENGTH_EXTRA[symbol - 257])) return INFLATE_SHORT;
    const length = LENGTH_BASE[symbol - 257] + this.take(LENGTH_EXTRA[symbol - 257]);
    const far = this.symbol(distances);
    if (far < 0) return far === -1 ? INFLATE_SHORT : INFLATE_BAD;
    if (far > 29) return INFLATE_BAD;
    if (!this.need(DISTANCE_EXTRA[far])) return INFLATE_SHORT;
    const distance = DISTANCE_BASE[far] + this.take(DISTANCE_EXTRA[far]);
    if (distance > this.size) return INFLATE_BAD;
    const taken = Math.min(length, this.limit - this.size);
    this.room(taken);
    for (let i = 0; i < taken; i++, this.size++) this.out[this.size] = this.out[this.size - distance];
    return taken < length ? INFLATE_FULL : undefined;
  }

  run() {
    for (let last = 0; !last; ) {
      if (!this.need(3)) return INFLATE_SHORT;
      last = this.take(1);
      const kind = this.take(2);
      const ended = kind === 0 ? this.stored() : kind === 1 ? this.block(...tablesOfFixedCodes()) : kind === 2 ? this.codes() : INFLATE_BAD;
      if (ended) return ended;
    }
    this.at -= this.count >> 3;
    return INFLATED;
  }
}

/** Unpack a raw stream from `start` on, at most `limit` bytes. `end`: where the stream ends in `data`, of use only with INFLATED. */
export function inflateRaw(data, limit, start = 0) {
  const inflater = new Inflater(data, start, limit);
  const state = inflater.run();
  return { state, bytes: inflater.out.subarray(0, inflater.size), end: inflater.at };
}

/** A zlib stream of at most `limit` bytes that fills `data`: its bytes, or INFLATE_FULL, INFLATE_BAD. */
export function inflateZlib(data, limit) {
  if (data.length < 2 || (data[0] & 15) !== 8 || data[0] >> 4 > 7 || ((data[0] << 8) | data[1]) % 31 || data[1] & 0x20) return INFLATE_BAD;
  const { state, bytes, end } = inflateRaw(data, limit, 2);
  if (state !== INFLATED) return state === INFLATE_FULL ? INFLATE_FULL : INFLATE_BAD;
  if (end + 4 !== data.length) return INFLATE_BAD;
  const stated = ((data[end] << 24) | (data[end + 1] << 16) | (data[end + 2] << 8) | data[end + 3]) >>> 0;
  return stated === adler32(bytes) ? bytes : INFLATE_BAD;
}

// Four tables, so that four bytes are taken at a time
const CRC_TABLES = Array.from({ length: 4 }, () => new Uint32Array(256));
for (let each = 0; each < 256; each++) {
  let value = each;
  for (let i = 0; i < 8; i++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  CRC_TABLES[0][each] = value;
}
for (let i = 1; i < 4; i++) {
  for (let each = 0; each < 256; each++) CRC_TABLES[i][each] = (CRC_TABLES[i - 1][each] >>> 8) ^ CRC_TABLES[0][CRC_TABLES[i - 1][each] & 255];
}

/** CRC-32 as ZIP has it. */
export function crc32(data) {
  const [first, second, third, fourth] = CRC_TABLES;
  let value = -1;
  let at = 0;
  for (const stop = data.length - 3; at < stop; at += 4) {
    value ^= data[at] | (data[at + 1] << 8) | (data[at + 2] << 16) | (data[at + 3] << 24);
    value = fourth[value & 255] ^ third[(value >>> 8) & 255] ^ second[(value >>> 16) & 255] ^ first[value >>> 24];
  }
  for (; at < data.length; at++) value = (value >>> 8) ^ first[(value ^ data[at]) & 255];
  return (value ^ -1) >>> 0;
}

/** Adler-32 (RFC 1950). */
export function adler32(data) {
  let [a, b] = [1, 0];
  for (let at = 0; at < data.length; ) {
    for (const stop = Math.min(at + 3800, data.length); at < stop; at++) {
      a += data[at];
      b += a;
    }
    a %= 65521;
    b %= 65521;
  }
  return ((b << 16) | a) >>> 0;
}
