// What a signature covers: its /ByteRange, its /Contents and the revision both belong to (ISO 32000-1 12.8.1, ISO 32000-2 12.8.1).
//
// The rule is strict: two ranges, the first from offset 0, the gap exactly the hexadecimal string of /Contents in the signature dictionary
// itself, the end the end of a complete revision. Anything else leaves bytes unprotected that a reader may show.
import { MalformedError, TrustError, joinBytes, toBinary } from "./bytes.js";
import { digestOf } from "./hashes.js";
import { Oid } from "./oids.js";
import { PdfDocument } from "./pdf_document.js";
import { XREF_IN_FILE } from "./pdf_references.js";
import { PdfLexer, PdfReal, PdfString, entryOf, findWord, isWholeNumber, pdfText, readObjectHeader, skipBlank, skipDigits, startsWith } from "./pdf_syntax.js";
import { failed, notChecked, passed, warned } from "./report.js";
import { Sm3 } from "./sm3.js";

export const RANGE_CLAUSE = "ISO 32000-1 12.8.1";
const REVISION_CLAUSE = "ISO 32000-1 7.5.6";
const MAX_RANGES = 32; // numbers in /ByteRange; four are allowed, more are only read to say so
const MAX_CONTENTS_BYTES = 16777216;
const HASHED_FILE_LENGTHS = 4; // how many times the file's length may be hashed altogether: overlapping ranges are an attack on time
const HASHED_FREE_BYTES = 16777216;
const TRAILING_SPACE = 64; // white space behind the last %%EOF that transfers add
const GAP_TOO_WIDE = "gap holds more than /Contents";

// The coverage of a signed field, with a step for every rule that is broken: { ranges ([start, end] clipped to the file), gap and end (set when
// all rules hold), contents, position, steps, isWrapped (the ranges leave more out than /Contents, and objects stand there) }
export function readCoverage(document, field) {
  const steps = [];
  const coverage = { ranges: [], gap: null, end: null, contents: null, position: null, steps, isWrapped: false };
  const value = field.valueDict ?? new Map();
  let [numbers, contentsSpan] = [[], null];
  try {
    const byteRange = document.resolveEntry(value, "ByteRange");
    numbers = Array.isArray(byteRange) ? byteRange.slice(0, MAX_RANGES).map(document.resolve) : [];
    const [position, entries] = readSignatureDictionary(document, field);
    coverage.position = position;
    if (new Set(entries.map(([key]) => key)).size !== entries.length) steps.push(failed("PDF_DUPLICATE_KEY", "ISO 32000-1 7.3.7", { field: field.name }));
    const found = entries.find(([key]) => key === "Contents");
    contentsSpan = found === undefined ? null : [found[2], found[3]];
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
    numbers = [];
    steps.push(failed("PDF_SIGNATURE_DICTIONARY", RANGE_CLAUSE, { reason: error.code }));
  }
  const contents = entryOf(value, "Contents");
  if (!(contents instanceof PdfString)) {
    steps.push(failed("PDF_CONTENTS_MISSING", RANGE_CLAUSE, { field: field.name }));
  } else if (contents.bytes.length > MAX_CONTENTS_BYTES) {
    steps.push(failed("PDF_CONTENTS_TOO_LARGE", RANGE_CLAUSE, { size: contents.bytes.length, limit: MAX_CONTENTS_BYTES }));
  } else {
    coverage.contents = contents.bytes;
    if (!contents.isHex) steps.push(failed("PDF_CONTENTS_NOT_HEX", RANGE_CLAUSE, { field: field.name }));
  }
  if (!numbers.length) {
    steps.push(failed("PDF_BYTERANGE_MISSING", RANGE_CLAUSE, { field: field.name }));
    return coverage;
  }
  const listed = numbers.map((each) => (each instanceof PdfReal ? each.number : pdfText(each)).toString().slice(0, 20)).join(" ").slice(0, 120);
  if (numbers.some((number) => (!isWholeNumber(number) && typeof number !== "bigint") || number < 0) || numbers.length % 2) {
    steps.push(failed("PDF_BYTERANGE_BAD", RANGE_CLAUSE, { reason: "no pairs of offsets", found: listed }));
    return coverage;
  }
  const whole = numbers.map(Number);
  const pairs = [];
  for (let i = 0; i < whole.length; i += 2) pairs.push([whole[i], whole[i + 1]]);
  const { end } = document;
  coverage.ranges = pairs.map(([start, length]) => [Math.min(start, end), Math.min(start + length, end)]);
  const problem = rangeProblem(pairs, end, contentsSpan);
  if (problem !== null) {
    steps.push(failed("PDF_BYTERANGE_BAD", RANGE_CLAUSE, { reason: problem, found: listed }));
    coverage.isWrapped = problem === GAP_TOO_WIDE && holdsObjects(document.data, coverage.ranges[0][1], coverage.ranges[1][0]);
    return coverage;
  }
  coverage.gap = [coverage.ranges[0][1], coverage.ranges[1][0]];
  coverage.end = coverage.ranges[1][1];
  return coverage;
}

function rangeProblem(pairs, size, contents) {
  if (pairs.length !== 2) return "not two ranges";
  const [[first, firstLength], [second, secondLength]] = pairs;
  if (first !== 0) return "does not begin at 0";
  if (second + secondLength > size) return "outside the file";
  if (firstLength >= second || !secondLength) return "ranges in disorder";
  if (contents === null) return "gap is not /Contents";
  if (contents[0] === firstLength && contents[1] === second) return null;
  return firstLength <= contents[0] && contents[0] < contents[1] && contents[1] <= second ? GAP_TOO_WIDE : "gap is not /Contents";
}

const holdsObjects = (data, start, end) => /\bendobj\b|\d[\x00\t\n\f\r ]+obj\b|\bstartxref\b/.test(toBinary(data.subarray(start, end)));

// [the offset, the entries of the signature dictionary as they stand in the file]; it must not hide in an object stream
function readSignatureDictionary(document, field) {
  const ref = field.valueRef ?? field.ref;
  const entry = ref === null ? null : document.entry(ref.number);
  if (entry === null || entry.kind !== XREF_IN_FILE) throw new MalformedError("PDF_SIGNATURE_HIDDEN");
  const header = readObjectHeader(document.data, entry.at, document.end);
  if (header === null || header[0] !== ref.number) throw new MalformedError("PDF_OBJECT_MISPLACED", { number: ref.number });
  const lexer = new PdfLexer(document.data, header[2], document.end);
  let entries = lexer.readDictionarySpans();
  if (field.valueRef === null) {
    const own = entries.find(([key]) => key === "V");
    if (own === undefined) throw new MalformedError("PDF_SIGNATURE_HIDDEN");
    lexer.position = own[2];
    entries = lexer.readDictionarySpans();
  }
  document.budget.spendObject(lexer.tokens);
  return [entry.at, entries];
}

// Behind `startxref n %%EOF` at position; -1 where that does not stand there
function revisionEnd(data, position, end) {
  if (!startsWith(data, "startxref", position, end)) return -1;
  const digits = skipBlank(data, position + 9, end);
  const after = skipDigits(data, digits, end, end);
  const marker = skipBlank(data, after, end);
  return digits > position + 9 && after > digits && marker > after && startsWith(data, "%%EOF", marker, end) ? marker + 5 : -1;
}

// [the document as it was signed or null, steps]: the bytes up to the end of the signature's range must be a complete revision
export function openSignedRevision(final, coverage) {
  const { end } = coverage;
  if (end === null) return [null, []];
  const steps = final.recovered ? [notChecked("PDF_RECOVERED", REVISION_CLAUSE)] : [];
  if (final.recovered && end === final.end) return [null, steps];
  let signed = final;
  if (end !== final.end) {
    try {
      signed = PdfDocument.open(final.data, { end, budget: final.budget, recoverDamaged: false });
    } catch (error) {
      if (!(error instanceof TrustError)) throw error;
      return [null, steps.length ? steps : [failed("PDF_REVISION_INCOMPLETE", REVISION_CLAUSE, { end, reason: error.code })]];
    }
  }
  const marker = revisionEnd(final.data, signed.startxrefOffset, end);
  if (marker < 0) return [null, [failed("PDF_REVISION_INCOMPLETE", REVISION_CLAUSE, { end, reason: "%%EOF" })]];
  if (skipBlank(final.data, marker, end) !== end) steps.push(warned("PDF_BYTES_BEHIND_EOF", REVISION_CLAUSE, { count: end - marker }));
  return [signed, steps];
}

// What follows the last signature's range: nothing, or complete revisions and white space
export function checkTail(final, end) {
  if (end === final.end) return passed("PDF_COVERS_FILE", RANGE_CLAUSE);
  const marker = revisionEnd(final.data, final.startxrefOffset, final.end);
  const closed = marker > end ? marker : end;
  if (marker < 0 || final.end - closed > TRAILING_SPACE || skipBlank(final.data, closed, final.end) !== final.end) {
    return failed("PDF_REVISION_UNCOVERED", REVISION_CLAUSE, { end, size: final.end });
  }
  if (closed === end) return warned("PDF_TRAILING_SPACE", REVISION_CLAUSE, { count: final.end - end });
  return warned("PDF_LATER_REVISION", REVISION_CLAUSE, { end, size: final.end });
}

export class RangeDigests {
  // Digests of covered ranges over one pass: a later signature covers all of an earlier one, so its hashing goes on from there. stops: where the
  // first ranges end. The browser's digests cannot go on; they are fast, and their work is counted as if they could.
  constructor(data, stops) {
    this.data = data;
    this.stops = [...new Set(stops)].sort((one, other) => one - other);
    this.known = new Map(); // by digest, Map(stop -> running SM3 or null)
    this.left = HASHED_FILE_LENGTHS * data.length + HASHED_FREE_BYTES;
  }

  async digest(oid, ranges) {
    const isRunning = ranges.length > 0 && ranges[0][0] === 0;
    const running = isRunning ? this.upTo(oid, ranges[0][1]) : null;
    const rest = isRunning ? ranges.slice(1) : ranges;
    for (const [start, end] of rest) this.spend(start, end);
    if (oid !== Oid.SM3) return digestOf(oid, ...ranges.map(([start, end]) => this.data.subarray(start, Math.max(start, end))));
    const state = running === null ? new Sm3() : running.copy();
    for (const [start, end] of rest) if (end > start) state.update(this.data.subarray(start, end));
    return state.digest();
  }

  // The running digest over everything before stop
  upTo(oid, stop) {
    if (!this.known.has(oid)) this.known.set(oid, new Map());
    const known = this.known.get(oid);
    if (!known.has(stop)) {
      let done = 0;
      for (const each of known.keys()) if (each < stop && each > done) done = each;
      const isSm3 = oid === Oid.SM3;
      const running = isSm3 ? (known.get(done)?.copy() ?? new Sm3()) : null;
      for (const until of [...this.stops.filter((each) => done < each && each < stop), stop]) {
        this.spend(done, until);
        if (isSm3) running.update(this.data.subarray(done, Math.max(done, until)));
        known.set(until, isSm3 ? running.copy() : null);
        done = until;
      }
    }
    return known.get(stop);
  }

  spend(start, end) {
    this.left -= Math.max(0, end - start);
    if (this.left < 0) throw new TrustError("PDF_TOO_COMPLEX");
  }
}

export const joinRanges = (data, ranges) => joinBytes(...ranges.map(([start, end]) => data.subarray(start, Math.max(start, end))));

// Signatures in the bytes of a file that no field of the final document leads to: { offset, revision, field, coverage }, the last three null
// where it cannot be opened. A later revision can take a signature out of the form: the signed revision is still there.
const MAX_UNATTACHED = 16;
const RANGE_WORD = "/ByteRange";

export function findUnattached(document, positions) {
  const { data, end } = document;
  const spans = [...new Set(positions)].map((position) => [position, findWord(data, "endobj", position, end)]);
  const found = [];
  let at = findWord(data, RANGE_WORD, 0, end);
  for (let i = 0; i < MAX_UNATTACHED + spans.length && at >= 0 && found.length < MAX_UNATTACHED; i++) {
    if (!spans.some(([start, stop]) => start <= at && at < stop)) found.push(examineUnattached(document, at));
    at = findWord(data, RANGE_WORD, at + RANGE_WORD.length, end);
  }
  return found;
}

function examineUnattached(document, offset) {
  const nothing = { offset, revision: null, field: null, coverage: null };
  const { data } = document;
  const text = toBinary(data.subarray(offset, offset + 400));
  const match = /^\/ByteRange[\x00\t\n\f\r ]*\[[\x00\t\n\f\r ]*0[\x00\t\n\f\r ]+(\d{1,10}) +(\d{1,10}) +(\d{1,10})/.exec(text);
  if (match === null) return nothing;
  const [first, second, length] = match.slice(1).map(Number);
  const end = second + length;
  if (!(offset < end && end <= document.end)) return nothing;
  try {
    const revision = PdfDocument.open(data, { end, budget: document.budget, recoverDamaged: false });
    for (const field of revision.signatureFields()) {
      if (field.valueDict === null) continue;
      const coverage = readCoverage(revision, field);
      if (coverage.end === end && coverage.gap !== null && coverage.gap[0] === first && coverage.gap[1] === second) return { offset, revision, field, coverage };
    }
  } catch (error) {
    if (!(error instanceof TrustError)) throw error; // what it belonged to cannot be read: it is only named
  }
  return nothing;
}
