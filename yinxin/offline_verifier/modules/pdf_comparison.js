// Two revisions of one file beside each other: which objects changed, who refers to them, whether two values are the same.
//
// A revision is a prefix of the file, so an object that stands at the same place in both is the same object and is never read for the comparison.
import { MalformedError, sameBytes } from "./bytes.js";
import { PDF_LIMITS } from "./pdf_limits.js";
import { findObjects, findOddHeaders, findTrailers, lastIndex } from "./pdf_recovery.js";
import { XREF_FREE, XREF_IN_FILE, XREF_IN_STREAM, isSameEntry } from "./pdf_references.js";
import { PdfRef, PdfStream, PdfString, entryOf, findWord, isNamed, isSameRef, isSameScalar, skipSpace } from "./pdf_syntax.js";

export const TRAILER_NUMBER = 0; // object 0 is always free, so its number stands for the trailer as a referrer
const MAX_NUMBERS = 400000; // of objects, as far as all cross-references are looked at
const HOLDERS = ["ObjStm", "XRef", "#"]; // the type of a stream that holds others, also with escapes
const MAX_COMPARED_DEPTH = 48;
const MAX_REFERRERS = 64; // listed per object; one that is referred to from more places is "crowded"
const SKIPPED_KEY = "StructTreeRoot"; // logical structure: nothing of it is painted; looked at separately

// A referrer [object number, keys inside it] as a text; no key holds the character between them, since keys are Latin-1
export const edgeKey = (number, path) => `${number}\u0100${path.join("\u0100")}`;

// In order of the number, then of the keys one by one
export function sortEdges(edges) {
  const comparePaths = (one, other) => {
    for (let i = 0; i < one.length && i < other.length; i++) if (one[i] !== other[i]) return one[i] < other[i] ? -1 : 1;
    return one.length - other.length;
  };
  return [...edges].sort((one, other) => one[0] - other[0] || comparePaths(one[1], other[1]));
}

// [numbers of the objects that stand elsewhere in final than in signed, whether the final cross-references continue those of the signed revision]
export function changedNumbers(signed, final, limit) {
  if (final.foundBehind !== null) {
    if (final.foundBehind.size > limit) throw new MalformedError("PDF_TOO_COMPLEX", { entries: limit });
    return [new Set([...final.foundBehind.keys()].filter((number) => number && standsElsewhere(signed, final, number))), false];
  }
  const own = signed.sections.map((section) => section.extent);
  const extents = final.sections.map((section) => section.extent);
  const fresh = extents.length - own.length;
  const continues = fresh >= 0 && own.every((extent, i) => extents[fresh + i] === extent);
  const newer = continues ? final.sections.slice(0, fresh) : [...final.sections, ...signed.sections];
  if (newer.reduce((sum, section) => sum + section.count, 0) > limit) throw new MalformedError("PDF_TOO_COMPLEX", { entries: limit });
  const numbers = new Set();
  for (const section of newer) for (const number of section.numbers()) numbers.add(number);
  return [new Set([...numbers].filter((number) => number && standsElsewhere(signed, final, number))), continues];
}

function standsElsewhere(signed, final, number) {
  const [before, after] = [signed.entry(number), final.entry(number)];
  const isGone = (entry) => entry === null || entry.kind === XREF_FREE;
  if (isGone(before) && isGone(after)) return false;
  if (before === null || after === null || !isSameEntry(before, after)) return true;
  return before.kind === XREF_IN_STREAM && signed.place(number) !== final.place(number); // the same entry of another stream
}

// Objects that begin before the end of a signed revision and end behind it: Map(end -> numbers). They were unfinished when signed.
export function crossingObjects(final, ends) {
  const ordered = [...new Set(ends)].sort((one, other) => one - other);
  const crossing = new Map();
  for (const [number, [start, stop]] of final.extents) {
    for (const end of ordered) {
      if (end <= start || end >= stop) continue;
      if (!crossing.has(end)) crossing.set(end, []);
      crossing.get(end).push(number);
    }
  }
  return crossing;
}

// What stands in a file beside its cross-references: readers that rebuild them, for whatever they find wrong with a file, do use it. behind: offsets
// of all objects and trailers behind start that are not in force; before: of those before it that take the place of one in force, being the last of
// their number; freed: numbers of objects there that are not in force at all. An honest writer leaves objects that later ones replace, and such that
// are no more, but none that comes after its successor.
export function strayObjects(final, start) {
  const { data, end } = final;
  const parts = final.sections.flatMap((section) => [section, section.hidden]).filter((part) => part !== null).sort((one, other) => one.offset - other.offset);
  const sections = new Set(parts.map((part) => skipSpace(data, part.offset, end)));
  const strays = findOddHeaders(data, end, final.budget);
  for (const at of findTrailers(data, end)) {
    const part = parts[lastIndex(parts, ({ offset }) => offset < at)];
    if (!(part && at < part.end)) strays.push(at);
  }
  const found = { behind: strays.filter((at) => at >= start), before: strays.filter((at) => at < start), freed: new Set() };
  const places = placesInForce(final);
  const starts = [...places.values()].filter((at) => at >= start).map((at) => skipSpace(data, at, end)).sort((one, other) => one - other);
  const next = (offset) => starts[lastIndex(starts, (at) => at <= offset) + 1] ?? end;
  for (const [offset, number, generation] of findObjects(data, 0, end, final.budget)) {
    if (sections.has(offset)) continue;
    const standsAt = places.has(number) ? skipSpace(data, places.get(number), end) : -1;
    if (offset < start && standsAt < 0) found.freed.add(number);
    else if (standsAt < offset || (offset >= start && standsAt === offset && holdsOthers(final, new PdfRef(number, generation), offset, next(offset)))) {
      (offset < start ? found.before : found.behind).push(offset);
    }
  }
  return found;
}

// Where each object in force stands, or the stream it is in: Map(number -> offset). Every entry is looked at once.
function placesInForce(final) {
  final.budget.spendLookups(final.sections.reduce((sum, section) => sum + section.count, 0));
  const [known, places, holders] = [new Set(), new Map(), new Map()];
  for (const section of final.sections) {
    for (const number of section.numbers()) {
      if (known.has(number)) continue;
      known.add(number);
      const entry = section.find(number);
      if (entry !== null && entry.kind === XREF_IN_FILE) places.set(number, entry.at);
      if (entry !== null && entry.kind === XREF_IN_STREAM) holders.set(number, entry.at);
    }
    if (known.size > MAX_NUMBERS) throw new MalformedError("PDF_TOO_COMPLEX", { numbers: MAX_NUMBERS });
  }
  const inStreams = [...holders].filter(([, holder]) => places.has(holder)).map(([number, holder]) => [number, places.get(holder)]);
  return new Map([...places, ...inStreams]);
}

// Whether an object in force gives others to a reader that rebuilds: a further cross-reference stream, an object stream with more in it
function holdsOthers(final, ref, offset, after) {
  if (!HOLDERS.some((word) => findWord(final.data, word, offset, after) >= 0)) return false;
  let value;
  try {
    value = final.get(ref, false);
  } catch (error) {
    if (!(error instanceof MalformedError) || error.code === "PDF_TOO_COMPLEX") throw error;
    return true; // another reader may well understand it
  }
  const type = value instanceof PdfStream ? value.dictionary.get("Type") : null;
  if (!isNamed(type, "ObjStm")) return isNamed(type, "XRef");
  try {
    return final.numbersInStream(ref.number).some((inner, index) => {
      const place = final.place(inner);
      const at = place === null ? -1 : skipSpace(final.data, final.placeOffset(inner), final.end);
      return at < offset || (at === offset && place !== null && Number(place.split(" ")[1]) !== index);
    });
  } catch (error) {
    if (!(error instanceof MalformedError) || error.code === "PDF_TOO_COMPLEX") throw error;
    return true;
  }
}

// In which revision behind the signed one (1 = the first) an object was last written; 0 when none of them names it
function revisionOf(signed, final, number) {
  const own = new Set(signed.sections.map((section) => section.offset));
  const newer = final.sections.filter((section) => !own.has(section.offset));
  const index = newer.findIndex((section) => section.find(number) !== null);
  return index < 0 ? 0 : newer.length - index;
}
export { revisionOf };

// Every reference inside a value: [the dictionary keys that lead to it, the reference]
export function* referencesIn(value) {
  const holds = (each) => each instanceof PdfRef || Array.isArray(each) || each instanceof Map;
  const stack = [[[], value]];
  while (stack.length) {
    const [path, item] = stack.pop();
    if (item instanceof PdfRef) {
      yield [path, item];
    } else if (Array.isArray(item)) {
      for (const each of item) if (holds(each)) stack.push([path, each]);
    } else if (item instanceof Map || item instanceof PdfStream) {
      for (const [key, each] of item instanceof PdfStream ? item.dictionary : item) if (holds(each)) stack.push([[...path, key], each]);
    }
  }
}

export class ReferenceIndex {
  // Who refers to the objects of interest in one view of a document, by a walk from the trailer over everything reachable.
  // referrers: Map(number -> Map(edgeKey -> [referring number, keys])); crowded: objects that have more of them than are listed.
  constructor(document, targets) {
    this.referrers = new Map();
    this.crowded = new Set();
    this.unreadable = new Set();
    this.cameFrom = new Map();
    const root = entryOf(document.trailer, "Root");
    const rootNumber = root instanceof PdfRef ? root.number : TRAILER_NUMBER;
    const start = new Map(["Root", "Info"].filter((key) => document.trailer.has(key)).map((key) => [key, document.trailer.get(key)]));
    const stack = [[TRAILER_NUMBER, start]];
    while (stack.length) {
      const [holder, value] = stack.pop();
      for (const [path, ref] of referencesIn(value)) {
        if (holder === rootNumber && path[0] === SKIPPED_KEY) continue;
        if (targets.has(ref.number)) this.note(ref.number, holder, path);
        if (this.cameFrom.has(ref.number)) continue;
        this.cameFrom.set(ref.number, [holder, path]);
        try {
          stack.push([ref.number, document.get(document.present(ref.number), false)]);
        } catch (error) {
          if (!(error instanceof MalformedError) || error.code === "PDF_TOO_COMPLEX") throw error;
          this.unreadable.add(ref.number);
          continue;
        }
        const entry = document.entry(ref.number);
        if (entry !== null && entry.kind === XREF_IN_STREAM && !targets.has(entry.at) && !this.cameFrom.has(entry.at)) {
          // The object stream it stands in: another length or filter would make other objects of it
          this.cameFrom.set(entry.at, [ref.number, []]);
          stack.push([entry.at, document.get(new PdfRef(entry.at), false)]);
        }
      }
    }
  }

  note(number, holder, path) {
    if (!this.referrers.has(number)) this.referrers.set(number, new Map());
    const known = this.referrers.get(number);
    const key = edgeKey(holder, path);
    if (known.size < MAX_REFERRERS) known.set(key, [holder, path]);
    else if (!known.has(key)) this.crowded.add(number);
  }

  of(number) {
    return [...(this.referrers.get(number) ?? new Map()).values()];
  }

  // How the document leads to an object, as the keys from the trailer on: Root/Pages/Kids/Contents
  pathTo(number) {
    const parts = [];
    const seen = new Set();
    while (number !== TRAILER_NUMBER && this.cameFrom.has(number) && !seen.has(number)) {
      seen.add(number);
      const [from, path] = this.cameFrom.get(number);
      parts.unshift(...path);
      number = from;
    }
    return parts.join("/").slice(-200);
  }
}

export class ValueComparison {
  // Whether values of two views are the same, references followed only where they differ. rewritten: references of the final view that lead to a
  // copy of what stood there before. readsTexts false: strings are encrypted, so any two count as the same.
  constructor(signed, final, readsTexts = true) {
    Object.assign(this, { signed, final, readsTexts });
    this.rewritten = new Map(); // edgeKey with the number in front -> [number, holder, path]
  }

  same(before, after, holder, path = [], depth = 0) {
    this.final.budget.spendCompared(1);
    if (depth > MAX_COMPARED_DEPTH) return false;
    if (before instanceof PdfRef || after instanceof PdfRef) {
      if (isSameRef(before, after)) return true;
      const [number, inner] = after instanceof PdfRef ? [after.number, []] : [holder, path];
      if (!this.same(this.signed.resolve(before), this.final.resolve(after), number, inner, depth + 1)) return false;
      if (after instanceof PdfRef) this.rewritten.set(`${after.number} ${edgeKey(holder, path)}`, [after.number, holder, path]);
      return true;
    }
    if (before instanceof PdfStream && after instanceof PdfStream) {
      return sameBytes(before.raw, after.raw) && this.same(before.dictionary, after.dictionary, holder, path, depth + 1);
    }
    if (before instanceof Map && after instanceof Map) {
      // An entry whose value is null, or a reference to nothing, is the same as no entry (7.3.7, 7.3.10)
      return unionOfKeys(before, after).every((key) => this.same(entryOf(before, key), entryOf(after, key), holder, [...path, key], depth + 1));
    }
    if (Array.isArray(before) && Array.isArray(after)) {
      return before.length === after.length && before.every((each, i) => this.same(each, after[i], holder, path, depth + 1));
    }
    if (!this.readsTexts && before instanceof PdfString && after instanceof PdfString) return true;
    return isSameScalar(before, after);
  }

  // The keys whose values differ, missing counting as null
  differentKeys(before, after, holder, path = []) {
    return new Set(unionOfKeys(before, after).filter((key) => !this.same(entryOf(before, key), entryOf(after, key), holder, [...path, key])));
  }
}

const unionOfKeys = (one, other) => [...new Set([...one.keys(), ...other.keys()])];

export const MAX_OBJECTS_COMPARED = PDF_LIMITS.objects;
