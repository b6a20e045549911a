// Decoding of structural streams: cross-reference streams and object streams (ISO 32000-1 7.4), within a budget.
//
// Page contents and pictures are never decoded: a signature covers their encoded bytes.
import { MalformedError, fromBinary, toBinary } from "./bytes.js";
import { INFLATED, INFLATE_BAD, adler32, inflateRaw } from "./inflate.js";
import { PDF_LIMITS } from "./pdf_limits.js";
import { PdfName, isWholeNumber } from "./pdf_syntax.js";

const RATIO_FREE_BYTES = 1048576; // below this the ratio of decoded to encoded bytes is of no interest
const SLOW_WEIGHT = 16;
const COLUMN_WEIGHT = 4;
const FILTER_ABBREVIATIONS = { Fl: "FlateDecode", AHx: "ASCIIHexDecode", A85: "ASCII85Decode", LZW: "LZWDecode", RL: "RunLengthDecode" };

const damaged = (filter) => new MalformedError("PDF_STREAM_DAMAGED", { filter });
const tooLarge = (limit) => new MalformedError("PDF_DECODED_TOO_LARGE", { limit });

// The decoded bytes of a structural stream; resolve follows references inside /Filter and /DecodeParms
export function decodeStream(stream, resolve, budget) {
  const { dictionary } = stream;
  const filters = asList(resolve(dictionary.get("Filter") ?? null), resolve);
  const parameters = asList(resolve(dictionary.get("DecodeParms") ?? dictionary.get("DP") ?? null), resolve);
  if (filters.length > PDF_LIMITS.filters) throw new MalformedError("PDF_TOO_COMPLEX", { filters: filters.length });
  let data = stream.raw;
  filters.forEach((name, index) => {
    const options = new Map();
    if (parameters[index] instanceof Map) for (const [key, value] of parameters[index]) options.set(key, resolve(value));
    data = decodeWith(name instanceof PdfName ? name.text : "", data, options, budget);
  });
  return data;
}

function asList(value, resolve) {
  if (value === null) return [];
  return Array.isArray(value) ? value.slice(0, 16).map(resolve) : [value];
}

function decodeWith(stated, data, options, budget) {
  const name = Object.hasOwn(FILTER_ABBREVIATIONS, stated) ? FILTER_ABBREVIATIONS[stated] : stated;
  const limit = Math.min(PDF_LIMITS.streamBytes, Math.max(RATIO_FREE_BYTES, data.length * PDF_LIMITS.decodedRatio));
  if (name === "FlateDecode") {
    const inflated = inflateStream(data, limit);
    budget.spendDecoded(inflated.length);
    if (inflated.length > limit) throw tooLarge(limit);
    return undoPredictor(inflated, options, budget);
  }
  budget.spendDecoded(SLOW_WEIGHT * data.length);
  let decoded;
  if (name === "LZWDecode") decoded = undoPredictor(unpackLzw(data, limit, (options.get("EarlyChange") ?? 1) !== 0), options, budget);
  else if (name === "ASCIIHexDecode") decoded = readAsciiHex(data);
  else if (name === "ASCII85Decode") decoded = readAscii85(data, limit);
  else if (name === "RunLengthDecode") decoded = readRunLengths(data, limit);
  else throw new MalformedError("PDF_FILTER_UNKNOWN", { filter: name.slice(0, 40) });
  budget.spendDecoded(decoded.length);
  return decoded;
}

// At most one byte more than limit. A stream that is cut off gives what is there, as readers do.
function inflateStream(data, limit) {
  if (data.length < 2) return new Uint8Array();
  const isZlib = (data[0] & 15) === 8 && data[0] >> 4 <= 7 && ((data[0] << 8) | data[1]) % 31 === 0 && !(data[1] & 0x20);
  if (!isZlib) throw damaged("FlateDecode");
  const { state, bytes, end } = inflateRaw(data, limit + 1, 2);
  if (state === INFLATE_BAD) throw damaged("FlateDecode");
  if (state === INFLATED && end + 4 <= data.length) {
    const stated = ((data[end] << 24) | (data[end + 1] << 16) | (data[end + 2] << 8) | data[end + 3]) >>> 0;
    if (stated !== adler32(bytes)) throw damaged("FlateDecode");
  }
  return bytes;
}

// LZW with codes of 9 to 12 bits, most significant bit first (7.4.4)
function unpackLzw(data, limit, isEarly) {
  const output = [];
  let [total, bits, bitCount, width, table, previous] = [0, 0, 0, 9, null, ""];
  for (const byte of data) {
    bits = (bits << 8) | byte;
    bitCount += 8;
    if (bitCount < width) continue;
    bitCount -= width;
    const code = bits >> bitCount;
    bits &= (1 << bitCount) - 1;
    if (code === 257) break;
    if (code === 256 || table === null) {
      table = Array.from({ length: 258 }, (_, i) => (i < 256 ? String.fromCharCode(i) : ""));
      [width, previous] = [9, ""];
      if (code === 256) continue;
    }
    let entry;
    if (code < table.length) entry = table[code];
    else if (code === table.length && previous) entry = previous + previous[0];
    else throw damaged("LZWDecode");
    output.push(entry);
    total += entry.length;
    if (total > limit) throw tooLarge(limit);
    if (previous && table.length < 4096) table.push(previous + entry.slice(0, 1));
    previous = entry;
    width = Math.max(9, Math.min(12, 32 - Math.clz32(table.length + (isEarly ? 1 : 0))));
  }
  return fromBinary(output.join(""));
}

const withoutSpace = (text) => text.replace(/[\x00\t\n\f\r ]+/g, "");

function readAsciiHex(data) {
  let digits = withoutSpace(toBinary(data).split(">")[0]);
  if (digits.length % 2) digits += "0";
  if (!/^[0-9A-Fa-f]*$/.test(digits)) throw damaged("ASCIIHexDecode");
  return Uint8Array.from({ length: digits.length / 2 }, (_, i) => parseInt(digits.slice(2 * i, 2 * i + 2), 16));
}

function readAscii85(data, limit) {
  const digits = withoutSpace(toBinary(data).split("~>")[0]).replaceAll("z", "!!!!!");
  if (digits.length > limit) throw tooLarge(limit);
  const missing = (5 - (digits.length % 5)) % 5;
  const padded = digits + "u".repeat(missing);
  if (missing === 4 || !/^[!-u]*$/.test(padded)) throw damaged("ASCII85Decode");
  const output = new Uint8Array((padded.length / 5) * 4);
  const view = new DataView(output.buffer);
  for (let at = 0; at < padded.length; at += 5) {
    let value = 0;
    for (let i = 0; i < 5; i++) value = value * 85 + padded.charCodeAt(at + i) - 0x21;
    if (value > 0xffffffff) throw damaged("ASCII85Decode");
    view.setUint32((at / 5) * 4, value);
  }
  return output.subarray(0, output.length - missing);
}

function readRunLengths(data, limit) {
  const output = [];
  for (let at = 0; at < data.length && data[at] !== 128; ) {
    const length = data[at];
    if (length < 128) {
      for (const each of data.subarray(at + 1, at + 2 + length)) output.push(each);
      at += 2 + length;
    } else {
      if (at + 1 < data.length) for (let i = 0; i < 257 - length; i++) output.push(data[at + 1]);
      at += 2;
    }
    if (output.length > limit) throw tooLarge(limit);
  }
  return Uint8Array.from(output);
}

// Predictors of 7.4.4.4. Only PNG prediction on bytes and no prediction occur in structural streams.
function undoPredictor(data, options, budget) {
  const predictor = options.get("Predictor") ?? 1;
  if (predictor === 1) return data;
  const columns = options.get("Columns") ?? 1;
  const isPng = isWholeNumber(predictor) && isWholeNumber(columns) && predictor >= 10 && predictor <= 15 && columns >= 1 && columns <= 65536;
  if (!isPng || (options.get("Colors") ?? 1) !== 1 || (options.get("BitsPerComponent") ?? 8) !== 8) {
    throw new MalformedError("PDF_FILTER_UNKNOWN", { filter: "predictor" });
  }
  const stride = columns + 1;
  const rows = Math.floor(data.length / stride);
  const kinds = new Set();
  for (let row = 0; row < rows; row++) kinds.add(data[row * stride]);
  const isOnly = (kind) => kinds.size === 1 && kinds.has(kind);
  if (kinds.size && !isOnly(0)) budget.spendDecoded(data.length * (isOnly(2) ? COLUMN_WEIGHT : SLOW_WEIGHT));
  const output = new Uint8Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    const kind = data[row * stride];
    if (kind > 4) throw damaged("predictor");
    const from = row * stride + 1;
    const to = row * columns;
    for (let i = 0; i < columns; i++) {
      const left = i ? output[to + i - 1] : 0;
      const up = row ? output[to + i - columns] : 0;
      const corner = i && row ? output[to + i - columns - 1] : 0;
      const guess = kind === 0 ? 0 : kind === 1 ? left : kind === 2 ? up : kind === 3 ? (left + up) >> 1 : paeth(left, up, corner);
      output[to + i] = data[from + i] + guess;
    }
  }
  return output;
}

function paeth(left, up, corner) {
  const estimate = left + up - corner;
  const [a, b, c] = [Math.abs(estimate - left), Math.abs(estimate - up), Math.abs(estimate - corner)];
  if (a <= b && a <= c) return left;
  return b <= c ? up : corner;
}
