// PDF objects as JavaScript values, read from bytes (ISO 32000-1 7.2 and 7.3); the same grammar as seal_service/pdf/syntax.py.
//
// null, booleans and whole numbers are their JavaScript values (numbers beyond the exact range are BigInt), an array is an Array, a dictionary a
// Map keyed by the name without its slash; the rest has a class each. A dictionary entry whose value is null is absent (7.3.7).
import { MalformedError, findBytes, sameBytes, toBinary } from "./bytes.js";
import { PDF_LIMITS } from "./pdf_limits.js";

export class PdfName {
  constructor(text) {
    this.text = text; // one character per byte (Latin-1)
  }
}

// A word the standard does not define at this place; kept so that a document can still be compared
export class PdfKeyword {
  constructor(text) {
    this.text = text;
  }
}

export class PdfReal {
  constructor(number) {
    this.number = number;
  }
}

export class PdfString {
  // isHex: it was written in angle brackets
  constructor(bytes, isHex = false) {
    this.bytes = bytes;
    this.isHex = isHex;
  }
}

export class PdfRef {
  constructor(number, generation = 0) {
    this.number = number;
    this.generation = generation;
    this.key = `${number} ${generation}`;
  }
}

export class PdfStream {
  // raw: the still encoded bytes
  constructor(dictionary, raw) {
    this.dictionary = dictionary;
    this.raw = raw;
  }
}

export const isPdfText = (value) => value instanceof PdfName || value instanceof PdfKeyword;
// Whether a value is the name (or word) given
export const isNamed = (value, text) => isPdfText(value) && value.text === text;
export const isWholeNumber = (value) => typeof value === "number";
export const isPdfNumber = (value) => typeof value === "number" || typeof value === "bigint" || value instanceof PdfReal;
export const numberOf = (value) => (value instanceof PdfReal ? value.number : Number(value));
// How a value reads as text: that of a name or word, "null", and so on; for messages and for what the standard wants to be a name
export const pdfText = (value) => (isPdfText(value) ? value.text : value === null || value === undefined ? "None" : value instanceof PdfString ? toBinary(value.bytes) : String(value));
export const entryOf = (dictionary, key) => dictionary.get(key) ?? null;
export const isSameRef = (one, other) => one instanceof PdfRef && other instanceof PdfRef && one.key === other.key;

// Values that are no containers: of the same kind and equal
export function isSameScalar(one, other) {
  if (isPdfNumber(one) && isPdfNumber(other)) {
    const [a, b] = [one, other].map((each) => (each instanceof PdfReal ? each.number : each));
    return a == b; // a whole and a real number, or a very large one, may be equal
  }
  if (one instanceof PdfString && other instanceof PdfString) return sameBytes(one.bytes, other.bytes);
  if (one instanceof PdfName && other instanceof PdfName) return one.text === other.text;
  if (one instanceof PdfKeyword && other instanceof PdfKeyword) return one.text === other.text;
  return one === other;
}

// Whether two values are equal as they stand, references not followed
export function isSameValue(one, other) {
  if (one instanceof PdfRef || other instanceof PdfRef) return isSameRef(one, other);
  if (Array.isArray(one) && Array.isArray(other)) return one.length === other.length && one.every((each, i) => isSameValue(each, other[i]));
  if (one instanceof Map && other instanceof Map) {
    return one.size === other.size && [...one].every(([key, value]) => other.has(key) && isSameValue(value, other.get(key)));
  }
  return isSameScalar(one, other);
}

// -- bytes by class

const SPACE = 1;
const DELIMITER = 2;
const DIGIT = 4;
const BYTE_CLASS = new Uint8Array(256);
for (const each of [0, 9, 10, 12, 13, 32]) BYTE_CLASS[each] = SPACE;
for (const each of "()<>[]{}/%") BYTE_CLASS[each.charCodeAt(0)] = DELIMITER;
for (const each of "0123456789") BYTE_CLASS[each.charCodeAt(0)] = DIGIT;

export const isPdfSpace = (byte) => BYTE_CLASS[byte] === SPACE;
const isRegular = (byte) => !(BYTE_CLASS[byte] & (SPACE | DELIMITER));
const isDigit = (byte) => BYTE_CLASS[byte] === DIGIT;
const MAX_RUN = 4096; // bounds keep what several objects may share short: a comment, a name, a word
const MAX_NUMBER_BYTES = 64;
const HEADER_BYTES = 128; // an object header with the white space that may stand before it

export function skipBlank(data, position, end) {
  while (position < end && isPdfSpace(data[position])) position++;
  return position;
}

// The offset of the first byte that is neither white space nor part of a comment
export function skipSpace(data, position, end) {
  for (;;) {
    const start = position;
    position = skipBlank(data, position, end);
    if (position < end && data[position] === 0x25) {
      position++;
      const stop = Math.min(end, position + MAX_RUN);
      while (position < stop && data[position] !== 13 && data[position] !== 10) position++;
    }
    if (position === start) return position;
  }
}

function skipRegular(data, position, end) {
  const stop = Math.min(end, position + MAX_RUN);
  while (position < stop && isRegular(data[position])) position++;
  return position;
}

// The offset behind up to `most` digits
export function skipDigits(data, position, end, most) {
  const stop = Math.min(end, position + most);
  while (position < stop && isDigit(data[position])) position++;
  return position;
}

export const numberAt = (data, start, end) => Number(toBinary(data.subarray(start, end)));

export function startsWith(data, word, position, end) {
  if (position + word.length > end) return false;
  for (let i = 0; i < word.length; i++) if (data[position + i] !== word.charCodeAt(i)) return false;
  return true;
}

const STRUCTURE_WORDS = new Set(["endobj", "obj", "stream", "endstream", "xref", "trailer", "startxref"]);
const ESCAPED = { 0x6e: 10, 0x72: 13, 0x74: 9, 0x62: 8, 0x66: 12, 0x28: 0x28, 0x29: 0x29, 0x5c: 0x5c };
const OPEN_DICTIONARY = Symbol("<<");
const CLOSE_DICTIONARY = Symbol(">>");
const OPEN_ARRAY = Symbol("[");
const CLOSE_ARRAY = Symbol("]");
const REFERENCE_END = Symbol("R");

export class PdfLexer {
  // Reads values from data[position:end]; tokens counts the work done, on failure too; hasDuplicateKeys: a dictionary named a key twice
  constructor(data, position = 0, end = data.length) {
    this.data = data;
    this.position = position;
    this.end = end;
    this.tokens = 0;
    this.hasDuplicateKeys = false;
  }

  // The next value, as deep as it goes; a reference is one value, a stream is read as its dictionary
  readValue() {
    const stack = [];
    let items = [];
    let isDictionary = false;
    let count = 0;
    let position = this.position;
    try {
      for (count = 0; count < PDF_LIMITS.tokensPerObject; count++) {
        let value = this.token(position, stack.length > 0);
        position = this.after;
        if (value === OPEN_DICTIONARY || value === OPEN_ARRAY) {
          if (stack.length >= PDF_LIMITS.depth) throw new MalformedError("PDF_TOO_DEEP", { offset: position, limit: PDF_LIMITS.depth });
          stack.push([items, isDictionary]);
          items = [];
          isDictionary = value === OPEN_DICTIONARY;
          continue;
        }
        if (value === CLOSE_DICTIONARY || value === CLOSE_ARRAY) {
          if (!stack.length || isDictionary !== (value === CLOSE_DICTIONARY)) throw new MalformedError("PDF_SYNTAX", { offset: position });
          value = isDictionary ? this.dictionary(items, position) : items;
          [items, isDictionary] = stack.pop();
        } else if (value === REFERENCE_END) {
          // A comment stood between the parts of a reference
          const isWhole = (each) => typeof each === "number" || typeof each === "bigint";
          if (items.length > 1 && isWhole(items[items.length - 1]) && isWhole(items[items.length - 2])) {
            const [generation, number] = [items.pop(), items.pop()];
            if (number < 0 || generation < 0) throw new MalformedError("PDF_SYNTAX", { offset: position });
            value = new PdfRef(Number(number), Number(generation));
          } else {
            value = new PdfKeyword("R");
          }
        }
        if (!stack.length) {
          this.position = position;
          return value;
        }
        items.push(value);
      }
      count -= 1;
    } finally {
      this.tokens += count + 1;
    }
    throw new MalformedError("PDF_TOO_COMPLEX", { offset: this.position, tokens: PDF_LIMITS.tokensPerObject });
  }

  // One token from `position` on; the offset behind it is left in this.after
  token(position, isInside) {
    const { data, end } = this;
    const start = skipSpace(data, position, end);
    if (start >= end) throw new MalformedError("PDF_SYNTAX", { offset: position });
    const first = data[start];
    if (first === 0x2f) {
      this.after = skipRegular(data, start + 1, end);
      return readNameToken(data.subarray(start + 1, this.after));
    }
    if (isDigit(first)) {
      const reference = this.reference(start);
      if (reference !== null) return reference;
    }
    if (first === 0x3c || first === 0x3e) {
      if (start + 1 < end && data[start + 1] === first) {
        this.after = start + 2;
        return first === 0x3c ? OPEN_DICTIONARY : CLOSE_DICTIONARY;
      }
      if (first === 0x3e) throw new MalformedError("PDF_SYNTAX", { offset: position });
      return this.hexString(start + 1);
    }
    if (first === 0x5b || first === 0x5d) {
      this.after = start + 1;
      return first === 0x5b ? OPEN_ARRAY : CLOSE_ARRAY;
    }
    if (first === 0x28) return this.string(start + 1);
    const stop = skipRegular(data, start, end);
    if (stop === start) throw new MalformedError("PDF_SYNTAX", { offset: position });
    this.after = stop;
    return readWord(toBinary(data.subarray(start, stop)), start, isInside, stop < end && isRegular(data[stop]));
  }

  // number generation R, or null where something else stands there
  reference(start) {
    const { data, end } = this;
    const one = skipDigits(data, start, end, 10);
    const other = skipBlank(data, one, end);
    const two = skipDigits(data, other, end, 5);
    const word = skipBlank(data, two, end);
    if (one === other || two === other || word === two || word >= end || data[word] !== 0x52) return null;
    if (word + 1 < end && isRegular(data[word + 1])) return null;
    this.after = word + 1;
    return new PdfRef(numberAt(data, start, one), numberAt(data, other, two));
  }

  hexString(start) {
    const { data, end } = this;
    const close = closingBracket(data, start, end);
    this.tokens += ((close >= 0 ? close : end) - start) >> 12;
    if (close < 0) throw new MalformedError("PDF_SYNTAX", { offset: start });
    this.after = close + 1;
    return new PdfString(readHexDigits(data, start, close), true);
  }

  // A literal string from behind its first parenthesis (7.3.4.2)
  string(start) {
    const { data } = this;
    const simpleEnd = Math.min(this.end, start + MAX_RUN + 1);
    let at = start;
    while (at < simpleEnd && data[at] !== 0x28 && data[at] !== 0x29 && data[at] !== 0x5c && data[at] !== 13) at++;
    if (at < simpleEnd && data[at] === 0x29) {
      this.after = at + 1;
      return new PdfString(data.subarray(start, at));
    }
    const end = Math.min(this.end, start + PDF_LIMITS.stringBytes);
    const bytes = [];
    let [position, depth, parts] = [start, 1, 0];
    try {
      while (position < end) {
        const byte = data[position];
        position++;
        if (byte === 0x28 || byte === 0x29) {
          parts += 1;
          depth += byte === 0x28 ? 1 : -1;
          if (!depth) {
            this.after = position;
            return new PdfString(Uint8Array.from(bytes));
          }
          parts += 1;
          bytes.push(byte);
        } else if (byte === 13) {
          // Any end of line reads as one line feed
          parts += 2;
          bytes.push(10);
          if (data[position] === 10) position++;
        } else if (byte === 0x5c) {
          parts += 2;
          position = readEscape(data, position, bytes);
        } else {
          bytes.push(byte);
        }
      }
      throw new MalformedError("PDF_STRING_TOO_LONG", { offset: start });
    } finally {
      this.tokens += parts + ((position - start) >> 6);
    }
  }

  dictionary(items, position) {
    if (items.length % 2) throw new MalformedError("PDF_DICTIONARY_ODD", { offset: position });
    const result = new Map();
    const nulls = [];
    for (let at = 0; at < items.length; at += 2) {
      const key = items[at];
      if (!(key instanceof PdfName)) throw new MalformedError("PDF_DICTIONARY_KEY", { offset: position });
      if (items[at + 1] === null) nulls.push(key.text);
      else result.set(key.text, items[at + 1]);
    }
    if (result.size + nulls.length !== items.length / 2 || nulls.some((key) => result.has(key))) this.hasDuplicateKeys = true;
    return result;
  }

  // A dictionary's entries in order, duplicates kept: [key, value, offset where the value begins, offset where it ends]
  readDictionarySpans() {
    const { data, end } = this;
    const opening = skipSpace(data, this.position, end);
    if (!startsWith(data, "<<", opening, end)) throw new MalformedError("PDF_SYNTAX", { offset: this.position });
    this.position = opening + 2;
    const entries = [];
    for (;;) {
      const next = skipSpace(data, this.position, end);
      if (startsWith(data, ">>", next, end)) {
        this.position = next + 2;
        return entries;
      }
      const key = this.readValue();
      if (!(key instanceof PdfName)) throw new MalformedError("PDF_DICTIONARY_KEY", { offset: this.position });
      const start = skipSpace(data, this.position, end);
      const value = this.readValue();
      entries.push([key.text, value, start, this.position]);
      if (entries.length > PDF_LIMITS.tokensPerObject) throw new MalformedError("PDF_TOO_COMPLEX", { offset: start });
    }
  }
}

// Where the next closing bracket stands, as found last: a hostile file would have the rest searched again for each string that is not closed
const bracketsFound = new WeakMap();

function closingBracket(data, start, end) {
  let known = bracketsFound.get(data);
  if (known === undefined || start < known.from || start > known.close) {
    const found = data.indexOf(0x3e, start);
    known = { from: start, close: found < 0 ? Infinity : found };
    bracketsFound.set(data, known);
  }
  return known.close < end ? known.close : -1;
}

function readNameToken(raw) {
  if (raw.length > PDF_LIMITS.nameBytes) throw new MalformedError("PDF_NAME_TOO_LONG", { length: raw.length, limit: PDF_LIMITS.nameBytes });
  const text = toBinary(raw);
  return new PdfName(text.includes("#") ? text.replace(/#([0-9A-Fa-f]{2})/g, (_, digits) => String.fromCharCode(parseInt(digits, 16))) : text);
}

// A number, a constant or a keyword; isCut: the run was longer than one token may be
function readWord(raw, offset, isInside, isCut) {
  if (!isCut && /^[+-]?[0-9]{1,18}$/.test(raw)) {
    const number = Number(raw);
    return Number.isSafeInteger(number) ? number + 0 : BigInt(raw.replace("+", ""));
  }
  if (raw === "R") return REFERENCE_END;
  if (raw === "null") return null;
  if (raw === "true") return true;
  if (raw === "false") return false;
  if (raw.length > MAX_NUMBER_BYTES) throw new MalformedError("PDF_SYNTAX", { offset });
  if (/^[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)$/.test(raw)) return new PdfReal(Number(raw));
  if (isInside && STRUCTURE_WORDS.has(raw)) throw new MalformedError("PDF_SYNTAX", { offset });
  return new PdfKeyword(raw);
}

const HEX_VALUES = new Uint8Array(256).fill(255);
for (let i = 0; i < 16; i++) {
  HEX_VALUES["0123456789abcdef".charCodeAt(i)] = i;
  HEX_VALUES["0123456789ABCDEF".charCodeAt(i)] = i;
}
for (const each of [0, 9, 10, 11, 12, 13, 32]) HEX_VALUES[each] = 254; // white space between the digits

function readHexDigits(data, start, end) {
  for (let at = start; at < end; at++) if (HEX_VALUES[data[at]] === 255) throw new MalformedError("PDF_HEX_STRING", { offset: start });
  const out = new Uint8Array((end - start + 1) >> 1); // only now: what is no such string must not cost its room
  let digits = 0;
  for (let at = start; at < end; at++) {
    const value = HEX_VALUES[data[at]];
    if (value === 254) continue;
    out[digits >> 1] |= digits & 1 ? value : value << 4;
    digits += 1;
  }
  return out.subarray(0, (digits + 1) >> 1);
}

// What a backslash before `position` stands for goes into bytes; gives the offset behind it (7.3.4.2, table 3)
function readEscape(data, position, bytes) {
  const escaped = data[position];
  if (escaped === undefined) return position + 1;
  if (escaped === 13 || escaped === 10) return position + (escaped === 13 && data[position + 1] === 10 ? 2 : 1); // a line continued
  let [value, digits] = [0, 0];
  while (digits < 3 && data[position + digits] >= 0x30 && data[position + digits] <= 0x37) {
    value = value * 8 + data[position + digits] - 0x30;
    digits += 1;
  }
  if (digits) {
    bytes.push(value & 255);
    return position + digits;
  }
  bytes.push(ESCAPED[escaped] ?? escaped);
  return position + 1;
}

// `n g obj` at position: [number, generation, offset behind it]; null when something else stands there
export function readObjectHeader(data, position, end) {
  const stop = Math.min(end, position + HEADER_BYTES);
  const start = skipSpace(data, position, stop);
  const one = skipDigits(data, start, stop, 10);
  const other = skipBlank(data, one, stop);
  const two = skipDigits(data, other, stop, 5);
  const word = skipBlank(data, two, stop);
  if (one === start || other === one || two === other || !startsWith(data, "obj", word, stop)) return null;
  if (word + 3 < stop && isRegular(data[word + 3])) return null;
  return [numberAt(data, start, one), numberAt(data, other, two), word + 3];
}

// Where a word stands in data between start and end; -1 where it does not
export const findWord = (data, word, start, end) => findBytes(data, Uint8Array.from(word, (each) => each.charCodeAt(0)), start, end);
