// Cross-reference sections: tables, streams and both together in hybrid files (ISO 32000-1 7.5.4, 7.5.8); indirect objects behind them.
import { MalformedError, toBinary } from "./bytes.js";
import { decodeStream } from "./pdf_filters.js";
import { PDF_LIMITS, SHARED_TOKENS } from "./pdf_limits.js";
import {
  PdfLexer, PdfReal, PdfRef, PdfStream, findWord, isNamed, isPdfSpace, isWholeNumber, numberAt, readObjectHeader, skipBlank, skipDigits, skipSpace,
  startsWith,
} from "./pdf_syntax.js";

const TAIL_BYTES = 1024; // where readers look for %%EOF and startxref
const ENTRY_BYTES = 20;

// Where an object stands: kind FREE; IN_FILE: at is a byte offset, extra the generation; IN_STREAM: object stream, index
export const XREF_FREE = 0;
export const XREF_IN_FILE = 1;
export const XREF_IN_STREAM = 2;
export const xrefEntry = (kind, at, extra) => ({ kind, at, extra });
export const isSameEntry = (one, other) => one.kind === other.kind && one.at === other.at && one.extra === other.extra;

class XrefSection {
  // kind: table, stream, or hybrid (a table with /XRefStm); ranges: [{ first, length, position, entries }]; end: behind trailer or stream
  constructor(kind, offset, end, trailer, data, ranges) {
    Object.assign(this, { kind, offset, end, trailer, data });
    this.hidden = null; // the stream of a hybrid section
    this.ranges = [...ranges].sort((one, other) => one.first - other.first);
    this.decoded = null;
    this.widths = [0, 0, 0];
    this.isComplete = true; // every entry that /Index promises is there
    for (let i = 1; i < this.ranges.length; i++) {
      const { first, length } = this.ranges[i - 1];
      // Readers would disagree which of the two entries counts
      if (first + length > this.ranges[i].first) throw new MalformedError("PDF_XREF_DUPLICATE", { number: this.ranges[i].first });
    }
  }

  // The entry of an object in this section; a hybrid's stream answers where its table has none or calls it free (7.5.8.4)
  find(number) {
    const entry = this.findOwn(number);
    if (this.hidden === null) return entry;
    const hidden = this.hidden.findOwn(number);
    if (hidden === null || entry === null || entry.kind === XREF_FREE) return hidden ?? entry;
    if (!isSameEntry(hidden, entry)) throw new MalformedError("PDF_XREF_DUPLICATE", { number });
    return entry;
  }

  findOwn(number) {
    let [low, high] = [0, this.ranges.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.ranges[middle].first <= number) low = middle + 1;
      else high = middle;
    }
    if (!low) return null;
    const part = this.ranges[low - 1];
    const index = number - part.first;
    if (index >= part.length) return null;
    if (part.entries !== null) return part.entries[index];
    return this.kind === "stream" ? this.streamEntry(part, index) : tableEntry(this.data, part.position + ENTRY_BYTES * index);
  }

  streamEntry(part, index) {
    const [first, second, third] = this.widths;
    let at = part.position + (first + second + third) * index;
    const field = (width) => {
      let value = 0;
      for (const stop = at + width; at < stop; at++) value = value * 256 + (this.decoded[at] ?? 0);
      return value;
    };
    const kind = first ? field(first) : XREF_IN_FILE; // default: type 1
    return xrefEntry(kind, field(second), field(third));
  }

  // Where the section stands and ends in the file, with its hidden stream: two views of a file must agree on it
  get extent() {
    return `${this.offset}-${this.end}${this.hidden === null ? "" : `,${this.hidden.extent}`}`;
  }

  // Without a hybrid's stream, as findOwn
  *ownNumbers() {
    for (const part of this.ranges) for (let i = 0; i < part.length; i++) yield part.first + i;
  }

  *numbers() {
    yield* this.ownNumbers();
    if (this.hidden !== null) yield* this.hidden.numbers();
  }

  get ownHighest() {
    return this.ranges.reduce((most, part) => Math.max(most, part.first + part.length - 1), -1);
  }

  get highest() {
    return this.hidden === null ? this.ownHighest : Math.max(this.ownHighest, this.hidden.highest);
  }

  get count() {
    return this.ranges.reduce((sum, part) => sum + part.length, 0) + (this.hidden === null ? 0 : this.hidden.count);
  }
}

function tableEntry(data, offset) {
  const match = /^(\d{10}) (\d{5}) ([nf])/.exec(toBinary(data.subarray(offset, offset + 18)));
  if (match === null) throw new MalformedError("PDF_XREF_ENTRY", { offset });
  return xrefEntry(match[3] === "n" ? XREF_IN_FILE : XREF_FREE, Number(match[1]), Number(match[2]));
}

const isTableEntry = (data, offset) => /^\d{10} \d{5} [nf]/.test(toBinary(data.subarray(offset, offset + 18)));

// The last `startxref` before end: [its own offset, the offset it names]
export function findStartxref(data, end) {
  let at = -1;
  for (let next = findWord(data, "startxref", Math.max(0, end - TAIL_BYTES), end); next >= 0; next = findWord(data, "startxref", next + 1, end)) at = next;
  if (at >= 0) {
    const digits = skipBlank(data, at + 9, end);
    const stop = skipDigits(data, digits, end, 15);
    if (digits > at + 9 && stop > digits) return [at, numberAt(data, digits, stop)];
  }
  throw new MalformedError("PDF_STARTXREF", { offset: at });
}

// All sections from the one at startxref along /Prev, newest first. Loops and too many sections are refused.
export function readXrefChain(data, startxref, end, budget) {
  const sections = [];
  const seen = new Set();
  let position = startxref;
  while (position !== null) {
    if (position instanceof PdfReal) position = Math.trunc(position.number);
    if (!isWholeNumber(position) || !(position >= 0 && position < end)) throw new MalformedError("PDF_XREF_OFFSET", { offset: String(position).slice(0, 40) });
    if (seen.has(position)) throw new MalformedError("PDF_XREF_LOOP", { offset: position });
    seen.add(position);
    if (sections.length >= PDF_LIMITS.revisions) throw new MalformedError("PDF_TOO_MANY_REVISIONS", { limit: PDF_LIMITS.revisions });
    const section = sectionAt(data, position, end, budget);
    sections.push(section);
    position = section.trailer.get("Prev") ?? null;
  }
  return sections;
}

// The section at an offset, read once for all views of the file. Only tables: what a table is made from stands before its end.
function sectionAt(data, position, end, budget) {
  const known = budget.sections.get(position);
  if (known !== undefined && known.end <= end) return known;
  const section = readSection(data, position, end, budget);
  if (section.kind === "table") budget.sections.set(position, section);
  return section;
}

function readSection(data, position, end, budget) {
  const at = skipSpace(data, position, Math.min(end, position + 64));
  if (!startsWith(data, "xref", at, data.length)) return readXrefStream(data, position, end, budget);
  const section = readXrefTable(data, at, end, budget);
  const hidden = section.trailer.get("XRefStm") ?? null;
  if (hidden !== null) {
    if (!isWholeNumber(hidden) || !(hidden >= 0 && hidden < end)) throw new MalformedError("PDF_XREF_OFFSET", { offset: String(hidden).slice(0, 40) });
    section.hidden = readXrefStream(data, hidden, end, budget);
    section.kind = "hybrid";
  }
  return section;
}

// Offset behind the word `trailer`, or -1
function trailerAt(data, position, end) {
  const at = skipBlank(data, position, end);
  if (!startsWith(data, "trailer", at, end)) return -1;
  const next = at + 7;
  return next < end && (isPdfSpace(data[next]) || data[next] === 0x3c || data[next] === 0x25) ? next : -1;
}

const isTab = (byte) => byte === 9 || byte === 32;
function skipTabs(data, position, end) {
  while (position < end && isTab(data[position])) position++;
  return position;
}

// [first, count, offset behind the line] of a subsection's header, or null
function subsectionAt(data, position, end) {
  const start = skipBlank(data, position, end);
  const one = skipDigits(data, start, end, 10);
  const other = skipTabs(data, one, end);
  const two = skipDigits(data, other, end, 10);
  if (one === start || other === one || two === other) return null;
  let at = skipTabs(data, two, end);
  if (at < end && data[at] === 13) at += at + 1 < end && data[at + 1] === 10 ? 2 : 1;
  else if (at < end && data[at] === 10) at += 1;
  return [numberAt(data, start, one), numberAt(data, other, two), at];
}

function readXrefTable(data, at, end, budget) {
  let position = at + 4;
  const ranges = [];
  let trailer;
  for (trailer = trailerAt(data, position, end); trailer < 0; trailer = trailerAt(data, position, end)) {
    const header = subsectionAt(data, position, end);
    if (header === null || ranges.length >= PDF_LIMITS.tokensPerObject) throw new MalformedError("PDF_XREF_TABLE", { offset: position });
    let [first, count, start] = header;
    if (first + count > PDF_LIMITS.objectNumber + 1) throw new MalformedError("PDF_XREF_TABLE", { offset: position, first, count });
    if (count === 0) {
      position = start;
      continue;
    }
    // Some writers begin a whole table at 1 although its first entry is that of object 0
    if (first === 1 && startsWith(data, "0000000000 65535 f", start, data.length)) first = 0;
    const after = start + ENTRY_BYTES * count;
    const isRegularTable = after <= end && (trailerAt(data, after, end) >= 0 || subsectionAt(data, after, end) !== null);
    if (isRegularTable && isTableEntry(data, start) && isTableEntry(data, after - ENTRY_BYTES)) {
      ranges.push({ first, length: count, position: start, entries: null });
      position = after;
    } else {
      const [entries, next] = readLooseEntries(data, start, end, count, budget);
      ranges.push({ first, length: count, position: -1, entries });
      position = next;
    }
  }
  const lexer = new PdfLexer(data, trailer, end);
  let dictionary;
  try {
    dictionary = lexer.readValue();
  } finally {
    budget.spendObject(lexer.tokens + ranges.length);
  }
  if (!(dictionary instanceof Map) || lexer.hasDuplicateKeys) throw new MalformedError("PDF_TRAILER", { offset: trailer });
  return new XrefSection("table", at, lexer.position, dictionary, data, ranges);
}

// Entries that are not 20 bytes long each, as some writers leave them
function readLooseEntries(data, position, end, count, budget) {
  const entries = [];
  for (let i = 0; i < count; i++) {
    const start = skipBlank(data, position, end);
    const one = skipDigits(data, start, end, 20);
    const other = skipTabs(data, one, end);
    const two = skipDigits(data, other, end, 5);
    const kind = skipTabs(data, two, end);
    const isEntry = one > start && other > one && two > other && kind > two && kind < end && (data[kind] === 0x6e || data[kind] === 0x66);
    if (!isEntry || entries.length >= PDF_LIMITS.tokensPerObject) throw new MalformedError("PDF_XREF_TABLE", { offset: position });
    entries.push(xrefEntry(data[kind] === 0x6e ? XREF_IN_FILE : XREF_FREE, numberAt(data, start, one), numberAt(data, other, two)));
    position = kind + 1;
  }
  budget.spendObject(entries.length);
  return [entries, position];
}

function readXrefStream(data, position, end, budget) {
  const missing = () => new MalformedError("PDF_XREF_MISSING", { offset: position });
  const header = readObjectHeader(data, position, end);
  if (header === null) throw missing();
  const [stream, after, hasDuplicates] = readIndirectValue(data, header[2], end, refuseReference, budget);
  if (!(stream instanceof PdfStream) || hasDuplicates || !isNamed(stream.dictionary.get("Type"), "XRef")) throw missing();
  const { dictionary } = stream;
  const widths = dictionary.get("W");
  const index = dictionary.get("Index") ?? [0, dictionary.get("Size") ?? null];
  const isIn = (value, most) => isWholeNumber(value) && value >= 0 && value <= most;
  if (
    !Array.isArray(widths) ||
    widths.length !== 3 || // of a fourth column readers make different things
    !widths.every((width) => isIn(width, 8)) ||
    !Array.isArray(index) ||
    index.length % 2 ||
    !index.every((value) => isIn(value, PDF_LIMITS.objectNumber + 1))
  ) {
    throw new MalformedError("PDF_XREF_STREAM", { offset: position });
  }
  const width = widths[0] + widths[1] + widths[2];
  const decoded = decodeStream(stream, refuseReference, budget);
  const ranges = [];
  let at = 0;
  let isComplete = index.every((value, i) => i % 2 === 0 || value > 0); // of a part without entries readers make different things
  for (let i = 0; i < index.length; i += 2) {
    let count = index[i + 1];
    const available = width ? Math.floor((decoded.length - at) / width) : 0;
    if (available < count) {
      if (!at && !available) throw new MalformedError("PDF_XREF_STREAM", { offset: position });
      count = available; // a short stream: what is there counts
      isComplete = false;
    }
    if (count) {
      ranges.push({ first: index[i], length: count, position: at, entries: null });
      at += count * width;
    }
  }
  const section = new XrefSection("stream", position, after, dictionary, data, ranges);
  Object.assign(section, { decoded, widths, isComplete });
  return section;
}

// Values of a cross-reference stream's dictionary are direct (7.5.8.2)
function refuseReference(value) {
  if (value instanceof PdfRef) throw new MalformedError("PDF_XREF_STREAM", { reference: value.number });
  return value;
}

// [the value behind an object header, streams included; the offset behind it; whether a dictionary in it names a key twice]
//
// A /Length that does not lead to `endstream` is replaced by the distance to the next one, as readers do. A dictionary that `endobj` closes is
// read once for all views of the file: nothing behind that was looked at.
export function readIndirectValue(data, position, end, resolve, budget) {
  const known = budget.values.get(position);
  if (known !== undefined && known[3] <= end) return known.slice(0, 3);
  const lexer = new PdfLexer(data, position, Math.min(end, position + PDF_LIMITS.objectBytes));
  let value;
  try {
    value = lexer.readValue();
  } finally {
    budget.spendObject(lexer.tokens);
  }
  if (!(value instanceof Map)) return [value, lexer.position, lexer.hasDuplicateKeys];
  const word = skipSpace(data, lexer.position, end);
  if (startsWith(data, "endobj", word, end) && budget.shared + lexer.tokens <= SHARED_TOKENS) {
    budget.shared += lexer.tokens;
    budget.values.set(position, [value, lexer.position, lexer.hasDuplicateKeys, word + 6]);
  }
  const start = startsWith(data, "stream", word, end) ? streamStart(data, word + 6, end) : -1;
  if (start < 0) return [value, lexer.position, lexer.hasDuplicateKeys];
  const length = resolve(value.get("Length") ?? null);
  if (isWholeNumber(length) && length >= 0 && length <= end - start) {
    const closing = skipBlank(data, start + length, end);
    if (startsWith(data, "endstream", closing, end)) {
      return [new PdfStream(value, data.subarray(start, start + length)), closing + 9, lexer.hasDuplicateKeys];
    }
  }
  const found = findWord(data, "endstream", start, end);
  budget.spendScanned((found >= 0 ? found : end) - start);
  if (found < 0) throw new MalformedError("PDF_STREAM_END", { offset: start });
  let stop = found;
  if (data[stop - 1] === 10) stop -= 1;
  if (data[stop - 1] === 13) stop -= 1;
  return [new PdfStream(value, data.subarray(start, Math.max(start, stop))), found + 9, lexer.hasDuplicateKeys];
}

// Behind the end of line after the word `stream`; -1 where there is none
function streamStart(data, position, end) {
  if (position >= end) return -1;
  if (data[position] === 13) return position + 1 < end && data[position + 1] === 10 ? position + 2 : position + 1;
  return data[position] === 10 ? position + 1 : -1;
}
