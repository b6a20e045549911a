// Reading a file whose cross-references are damaged: find the objects by searching for them.
//
// What is found this way is good enough to say what is wrong with a file, never to call it valid: two readers may well disagree on it.
import { MalformedError, toBinary } from "./bytes.js";
import { decodeStream } from "./pdf_filters.js";
import { PDF_LIMITS } from "./pdf_limits.js";
import { XREF_IN_FILE, XREF_IN_STREAM, readIndirectValue, xrefEntry } from "./pdf_references.js";
import { PdfLexer, PdfRef, PdfStream, findWord, isNamed, isWholeNumber, skipSpace, startsWith } from "./pdf_syntax.js";

const RECOVERY_HEADER_BYTES = 40; // an object header in front of the word obj
const HEADER_BEFORE = /(\d{1,10})[\x00\t\n\f\r ]{1,8}(\d{1,5})[\x00\t\n\f\r ]{1,8}$/;
const ODD_HEADER_BYTES = 128;
const MAX_OBJECT_STREAMS = 2000;
const MAX_TRAILERS = 512;
const MAX_TRAILER_WORDS = 10000; // the word in a text too

// [every object's last place in the file, the best trailer to be had]; PDF_UNREADABLE when no catalog is found
export function recoverObjects(data, end, budget) {
  const entries = new Map();
  const headers = addObjects(data, 0, end, [], entries, budget);
  const trailer = findTrailer(data, 0, end, headers, budget) ?? findCatalog(data, end, headers, entries, budget);
  addObjectStreams(data, 0, end, headers, entries, budget);
  if (trailer === null) throw new MalformedError("PDF_UNREADABLE");
  return [entries, trailer];
}

// [the last place of every object that begins behind start, the last trailer there or null]. passedOver: from where to where objects stand that
// are in force, sorted; what looks like an object inside of one is its content.
export function recoverBehind(data, start, end, passedOver, budget) {
  const entries = new Map();
  const headers = addObjects(data, start, end, passedOver, entries, budget);
  const trailer = findTrailer(data, start, end, headers, budget);
  addObjectStreams(data, start, end, headers, entries, budget);
  return [entries, trailer];
}

// The index of the last of sorted items for which isBefore holds, or -1
export function lastIndex(items, isBefore) {
  let [low, high] = [0, items.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (isBefore(items[middle])) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

function addObjects(data, start, end, passedOver, entries, budget) {
  const headers = [];
  for (const [offset, number, generation, after] of findObjects(data, start, end, budget)) {
    const at = lastIndex(passedOver, ([from, to]) => from < after || (from === after && to <= 0));
    if (at >= 0 && passedOver[at][0] + RECOVERY_HEADER_BYTES < offset && offset < passedOver[at][1]) continue;
    entries.set(number, xrefEntry(XREF_IN_FILE, offset, generation));
    headers.push([after, number]);
  }
  return headers;
}

function* wordPositions(data, word, end, limit, start = 0) {
  let at = findWord(data, word, start, end);
  for (let i = 0; i < limit; i++) {
    if (at < 0) return;
    yield at;
    at = findWord(data, word, at + word.length, end);
  }
  throw new MalformedError("PDF_TOO_COMPLEX", { word });
}

// Whatever looks like the beginning of an object: [its offset, number, generation, the offset behind `obj`]
export function* findObjects(data, start, end, budget) {
  budget.spendScanned(end - start);
  for (const at of wordPositions(data, "obj", end, 2 * PDF_LIMITS.scannedObjects, start)) {
    const before = Math.max(start, at - RECOVERY_HEADER_BYTES);
    const match = HEADER_BEFORE.exec(toBinary(data.subarray(before, at)));
    if (match !== null && Number(match[1]) <= PDF_LIMITS.objectNumber) yield [before + match.index, Number(match[1]), Number(match[2]), at + 3];
  }
}

// Offsets of the word `obj` where it may end a header that findObjects does not take for one, and some reader does: with a comment inside, without
// a space, with much of it or with one that is none in PDF, with a sign or a fraction
export function findOddHeaders(data, end, budget) {
  budget.spendScanned(end);
  const found = [];
  for (const at of wordPositions(data, "obj", end, 2 * PDF_LIMITS.scannedObjects)) {
    if (/[A-Za-z0-9]/.test(toBinary(data.subarray(at + 3, at + 4)))) continue;
    const before = toBinary(data.subarray(Math.max(0, at - ODD_HEADER_BYTES), at));
    if (mayHead(before) && !HEADER_BEFORE.test(before.slice(-RECOVERY_HEADER_BYTES))) found.push(at);
  }
  return found;
}

// Whether two numbers may end it, with nothing but space (what some reader takes for it) and comments behind each: one alone stands before this word by
// chance in packed pictures
function mayHead(before) {
  const text = withoutSpace(before);
  if (!text || endsInComment(before, text)) return true;
  const inFront = text.replace(/[-+.0-9]+$/, "");
  const gap = withoutSpace(inFront);
  const isApart = !gap || (gap !== inFront && (endsInNumber(gap) || endsInComment(inFront, gap)));
  return isApart && endsInNumber(text);
}

function withoutSpace(text) {
  let stop = text.length;
  while (stop && "\x00\t\n\v\f\r \x85\xa0".includes(text[stop - 1])) stop--;
  return text.slice(0, stop);
}

const endsInNumber = (text) => /[0-9]\.?$/.test(text.slice(-2));

function endsInComment(before, text) {
  const lastLine = Math.max(text.lastIndexOf("\r"), text.lastIndexOf("\n")) + 1;
  return /[\r\n]/.test(before.slice(text.length)) && /(?:^|[0-9]\.?)[\x00\t\n\v\f\r \x85\xa0]*%/.test(text.slice(lastLine));
}

// Offsets of what looks like a trailer
export const findTrailers = (data, end) => [...wordPositions(data, "trailer", end, MAX_TRAILER_WORDS)].filter((at) => startsWith(data, "<<", skipSpace(data, at + 7, end), end));

function ownerOf(headers, at) {
  const index = lastIndex(headers, ([after]) => after < at);
  return index >= 0 ? headers[index] : null;
}

// The value behind a header, null where it cannot be read; a spent budget still ends the reading
function readQuietly(data, position, end, budget) {
  try {
    return readIndirectValue(data, position, end, unresolved, budget)[0];
  } catch (error) {
    if (!(error instanceof MalformedError) || error.code === "PDF_TOO_COMPLEX") throw error;
    return null;
  }
}

const unresolved = (value) => value;

function findTrailer(data, start, end, headers, budget) {
  let best = null;
  for (const at of wordPositions(data, "trailer", end, MAX_TRAILERS, start)) {
    const lexer = new PdfLexer(data, at + 7, end);
    let value;
    try {
      value = lexer.readValue();
    } catch (error) {
      if (!(error instanceof MalformedError)) throw error;
      continue; // a damaged trailer among several: the others count
    } finally {
      budget.spendObject(lexer.tokens);
    }
    if (value instanceof Map && value.has("Root")) best = [at, value];
  }
  for (const at of wordPositions(data, "/XRef", end, MAX_TRAILERS, start)) {
    const owner = ownerOf(headers, at);
    if (owner === null || (best !== null && at <= best[0])) continue;
    const value = readQuietly(data, owner[0], end, budget);
    if (value instanceof PdfStream && isNamed(value.dictionary.get("Type"), "XRef") && value.dictionary.has("Root")) best = [at, value.dictionary];
  }
  return best === null ? null : best[1];
}

// A trailer made from the last catalog, where no trailer is left
function findCatalog(data, end, headers, entries, budget) {
  let found = null;
  for (const at of wordPositions(data, "/Catalog", end, MAX_TRAILERS)) {
    const owner = ownerOf(headers, at);
    const value = owner === null ? null : readQuietly(data, owner[0], end, budget);
    if (value instanceof Map && isNamed(value.get("Type"), "Catalog")) found = new Map([["Root", new PdfRef(owner[1], entries.get(owner[1]).extra)]]);
  }
  return found;
}

function addObjectStreams(data, start, end, headers, entries, budget) {
  for (const at of wordPositions(data, "/ObjStm", end, MAX_OBJECT_STREAMS, start)) {
    const owner = ownerOf(headers, at);
    const stream = owner === null ? null : readQuietly(data, owner[0], end, budget);
    if (!(stream instanceof PdfStream) || !isNamed(stream.dictionary.get("Type"), "ObjStm")) continue;
    let numbers;
    try {
      numbers = readObjectStreamIndex(decodeStream(stream, unresolved, budget), stream, budget);
    } catch (error) {
      if (!(error instanceof MalformedError) || error.code === "PDF_TOO_COMPLEX" || error.code === "PDF_DECODED_TOO_LARGE") throw error;
      continue;
    }
    numbers.forEach(([number], index) => entries.set(number, xrefEntry(XREF_IN_STREAM, owner[1], index)));
  }
}

// [[object number, absolute offset]] at the beginning of a decoded object stream (ISO 32000-1 7.5.7)
export function readObjectStreamIndex(decoded, stream, budget) {
  const [count, first] = [stream.dictionary.get("N"), stream.dictionary.get("First")];
  const isIn = (value, most) => isWholeNumber(value) && value >= 0 && value <= most;
  if (!isIn(count, PDF_LIMITS.tokensPerObject) || !isIn(first, decoded.length)) throw new MalformedError("PDF_OBJECT_STREAM");
  const words = toBinary(decoded.subarray(0, first)).split(/[\t\n\v\f\r ]+/).filter(Boolean).slice(0, 2 * count);
  if (words.length < 2 * count || !words.every((word) => /^[0-9]{1,10}$/.test(word))) throw new MalformedError("PDF_OBJECT_STREAM");
  budget.spendObject(count);
  const index = [];
  for (let i = 0; i < words.length; i += 2) index.push([Number(words[i]), first + Number(words[i + 1])]);
  if (new Set(index.map(([number]) => number)).size !== count) throw new MalformedError("PDF_OBJECT_STREAM"); // readers would disagree which is the object
  return index;
}
