// A PDF document as it stands in its bytes: cross-references, objects on demand, pages, signature fields (ISO 32000-1 7.5 to 7.7).
//
// Nothing is read before it is asked for. A document may be opened up to an end: so a signed revision is seen as it was when it was signed.
import { MalformedError } from "./bytes.js";
import { decodeStream } from "./pdf_filters.js";
import { readSignatureFields } from "./pdf_fields.js";
import { PDF_LIMITS, PdfBudget, checkPdfSize } from "./pdf_limits.js";
import { recoverBehind, recoverObjects, readObjectStreamIndex } from "./pdf_recovery.js";
import { XREF_FREE, XREF_IN_FILE, XREF_IN_STREAM, findStartxref, readIndirectValue, readXrefChain } from "./pdf_references.js";
import { PdfLexer, PdfRef, PdfStream, entryOf, findWord, isNamed, isPdfNumber, isWholeNumber, numberOf, readObjectHeader } from "./pdf_syntax.js";

const FILE_HEADER_BYTES = 1024; // %PDF- stands within these
const MAX_REFERENCE_CHAIN = 16; // references to references
const SPENT_CODES = new Set(["PDF_TOO_COMPLEX", "PDF_DECODED_TOO_LARGE", "PDF_TOO_MANY_REVISIONS"]);

export class PdfDocument {
  constructor(data, end, budget, headerOffset) {
    Object.assign(this, { data, end, budget, headerOffset });
    this.sections = []; // cross-reference sections, newest first
    this.trailer = new Map();
    this.lastStartxref = 0;
    this.startxrefOffset = 0; // where the word itself stands
    this.recovered = false; // the cross-references were damaged and had to be rebuilt: never called valid
    this.duplicateKeys = new Map(); // objects whose dictionary names a key twice, by reference
    this.extents = new Map(); // from where to where the objects read so far stand in the file
    this.unreadableFields = 0;
    this.foundBehind = null; // see rebuiltUntil
    this.pageTreeNumbers = new Set(); // inner nodes and their /Kids, known once pages() was called
    this.recoveredEntries = null;
    this.entries = new Map();
    this.highest = PDF_LIMITS.objectNumber; // no section has an entry of a larger number
    this.currentObjects = new Map();
    this.misplaced = new Map();
    this.objects = new Map();
    this.failures = new Map();
    this.objectStreams = new Map();
    this.inProgress = new Set();
    this.catalog = null;
    this.pageList = null;
    this.fieldList = null;
    this.resolve = this.resolve.bind(this);
  }

  // Open data[:end]. budget: the account of another view of the same file. recoverDamaged false: damaged cross-references throw.
  static open(data, { end = data.length, budget = new PdfBudget(), recoverDamaged = true } = {}) {
    checkPdfSize(data.length);
    const headerOffset = findWord(data, "%PDF-", 0, Math.min(end, FILE_HEADER_BYTES));
    if (headerOffset < 0) throw new MalformedError("PDF_HEADER_MISSING");
    const document = new PdfDocument(data, end, budget, headerOffset);
    try {
      document.readSections();
    } catch (error) {
      if (!(error instanceof MalformedError) || !recoverDamaged || SPENT_CODES.has(error.code)) throw error;
      document.rebuild();
    }
    return document;
  }

  readSections() {
    const [offset, startxref] = findStartxref(this.data, this.end);
    this.startxrefOffset = offset;
    this.lastStartxref = startxref;
    this.sections = readXrefChain(this.data, startxref, this.end, this.budget);
    this.highest = Math.max(...this.sections.map((section) => section.highest));
    this.trailer = this.sections[0].trailer;
    if (!this.isEncrypted && !this.root.has("Pages")) throw new MalformedError("PDF_CATALOG");
  }

  rebuild() {
    this.recovered = true;
    for (const known of [this.entries, this.objects, this.failures, this.objectStreams]) known.clear();
    this.catalog = null;
    this.sections = [];
    [this.recoveredEntries, this.trailer] = recoverObjects(this.data, this.end, this.budget);
  }

  // This revision with every object that stands behind it, as readers see it who search for objects: the last of a number counts
  rebuiltUntil(final) {
    const view = new PdfDocument(final.data, final.end, final.budget, final.headerOffset);
    view.recovered = true;
    view.sections = this.sections;
    const passedOver = final.recovered ? [] : [...final.extents.values()].sort((one, other) => one[0] - other[0] || one[1] - other[1]);
    const [behind, trailer] = recoverBehind(final.data, this.end, final.end, passedOver, final.budget);
    view.foundBehind = behind;
    view.trailer = trailer ?? this.trailer;
    return view;
  }

  // -- objects

  // One more than the largest object number in use, as the trailer states it (7.5.5)
  get size() {
    const value = this.trailer.get("Size");
    return isWholeNumber(value) && value > 0 && value <= PDF_LIMITS.objectNumber + 1 ? value : 1;
  }

  get isEncrypted() {
    return this.trailer.has("Encrypt");
  }

  get root() {
    if (this.catalog === null) {
      const value = this.resolve(entryOf(this.trailer, "Root"));
      if (!(value instanceof Map)) throw new MalformedError("PDF_CATALOG");
      this.catalog = value;
    }
    return this.catalog;
  }

  // Where an object stands according to the newest section that names it; null when none does
  entry(number) {
    if (this.recoveredEntries !== null) return this.recoveredEntries.get(number) ?? null;
    if (this.foundBehind !== null && this.foundBehind.has(number)) return this.foundBehind.get(number);
    if (number > this.highest) return null;
    if (this.entries.has(number)) return this.entries.get(number);
    let [found, asked] = [null, 0];
    for (const section of this.sections) {
      asked += 1;
      found = section.find(number);
      if (found !== null) break;
    }
    this.budget.spendLookups(asked);
    this.entries.set(number, found);
    return found;
  }

  // Where an object's bytes stand, as a text that is the same in two views of one file for the same object; null for free and missing ones
  place(number) {
    const entry = this.entry(number);
    if (entry === null || entry.kind === XREF_FREE) return null;
    if (entry.kind === XREF_IN_STREAM) {
      const container = this.entry(entry.at);
      return container !== null && container.kind === XREF_IN_FILE ? `${container.at} ${entry.extra}` : null;
    }
    return `${entry.at} -1`;
  }

  // The offset in place(), or null
  placeOffset(number) {
    const place = this.place(number);
    return place === null ? null : Number(place.split(" ")[0]);
  }

  // The reference an object is found under now: many readers do not compare the generation that a reference states
  present(number) {
    const entry = this.entry(number);
    return new PdfRef(number, entry !== null && entry.kind === XREF_IN_FILE ? entry.extra : 0);
  }

  // The object behind a reference; null for a free, missing or outdated one (7.3.10). isKept false: it is looked at once.
  get(ref, isKept = true) {
    if (this.objects.has(ref.key)) return this.objects.get(ref.key);
    if (this.failures.has(ref.key)) throw new MalformedError(...this.failures.get(ref.key));
    const entry = this.entry(ref.number);
    if (entry === null || (entry.kind !== XREF_IN_FILE && entry.kind !== XREF_IN_STREAM)) return null;
    if ((entry.kind === XREF_IN_FILE ? entry.extra : 0) !== ref.generation) return null;
    if (this.inProgress.has(ref.number)) throw new MalformedError("PDF_REFERENCE_LOOP", { number: ref.number });
    this.inProgress.add(ref.number);
    const before = this.budget.tokens;
    let value;
    try {
      value = entry.kind === XREF_IN_FILE ? this.readInFile(ref, entry.at) : this.readInStream(ref, entry);
    } catch (error) {
      if (error instanceof MalformedError) this.failures.set(ref.key, [error.code, error.facts]);
      throw error;
    } finally {
      this.inProgress.delete(ref.number);
    }
    if (isKept) {
      this.budget.spendKept(this.budget.tokens - before);
      this.objects.set(ref.key, value);
    }
    return value;
  }

  // The object a number stands for in this view, kept once read; null for a free or missing one
  current(number) {
    if (!this.currentObjects.has(number)) this.currentObjects.set(number, this.get(this.present(number)));
    return this.currentObjects.get(number);
  }

  // Whether something else than the object's header stands where its entry says
  isMisplaced(number) {
    if (!this.misplaced.has(number)) {
      const entry = this.entry(number);
      let isWrong = false;
      if (entry !== null && entry.kind === XREF_IN_FILE) {
        const header = entry.at < this.end ? readObjectHeader(this.data, entry.at, this.end) : null;
        isWrong = header === null || header[0] !== number || header[1] !== entry.extra;
      }
      this.misplaced.set(number, isWrong);
    }
    return this.misplaced.get(number);
  }

  // A value, or what its reference leads to
  resolve(value) {
    for (let i = 0; i < MAX_REFERENCE_CHAIN; i++) {
      if (!(value instanceof PdfRef)) return value ?? null;
      value = this.get(value);
    }
    throw new MalformedError("PDF_REFERENCE_LOOP");
  }

  resolveEntry(dictionary, key) {
    return this.resolve(entryOf(dictionary, key));
  }

  // The dictionary (of a stream too) a value leads to, null when it is something else
  resolveDictionary(value) {
    const found = this.resolve(value);
    if (found instanceof PdfStream) return found.dictionary;
    return found instanceof Map ? found : null;
  }

  readInFile(ref, offset) {
    const header = offset < this.end ? readObjectHeader(this.data, offset, this.end) : null;
    if (header === null || header[0] !== ref.number || header[1] !== ref.generation) {
      this.budget.spendObject(1);
      throw new MalformedError("PDF_OBJECT_MISPLACED", { number: ref.number, offset });
    }
    const [value, after, hasDuplicates] = readIndirectValue(this.data, header[2], this.end, this.resolve, this.budget);
    this.extents.set(ref.number, [offset, after]);
    if (hasDuplicates) this.duplicateKeys.set(ref.key, ref);
    return value;
  }

  readInStream(ref, entry) {
    const [decoded, index] = this.objectStream(entry.at);
    if (entry.extra >= index.length || index[entry.extra][0] !== ref.number) {
      throw new MalformedError("PDF_OBJECT_MISPLACED", { number: ref.number, stream: entry.at });
    }
    const lexer = new PdfLexer(decoded, index[entry.extra][1]);
    let value;
    try {
      value = lexer.readValue();
    } finally {
      this.budget.spendObject(lexer.tokens);
    }
    if (lexer.hasDuplicateKeys) this.duplicateKeys.set(ref.key, ref);
    return value;
  }

  // The numbers of the objects in an object stream, in order
  numbersInStream(number) {
    return this.objectStream(number)[1].map(([inner]) => inner);
  }

  // A decoded object stream and its index. It must stand in the file itself: no object stream inside another (7.5.7).
  objectStream(number) {
    if (!this.objectStreams.has(number)) {
      const entry = this.entry(number);
      if (entry === null || entry.kind !== XREF_IN_FILE) throw new MalformedError("PDF_OBJECT_STREAM", { number });
      const stream = this.get(new PdfRef(number, entry.extra));
      if (!(stream instanceof PdfStream) || !isNamed(stream.dictionary.get("Type"), "ObjStm")) throw new MalformedError("PDF_OBJECT_STREAM", { number });
      const decoded = decodeStream(stream, this.resolve, this.budget);
      this.objectStreams.set(number, [decoded, readObjectStreamIndex(decoded, stream, this.budget)]);
    }
    return this.objectStreams.get(number);
  }

  // -- pages and fields

  // All pages in order: [reference, dictionary] (7.7.3). Loops, too deep a tree and too many pages are refused.
  pages() {
    if (this.pageList !== null) return this.pageList;
    const found = [];
    const seen = new Set();
    const stack = [[entryOf(this.root, "Pages"), 0]];
    while (stack.length) {
      const [ref, depth] = stack.pop();
      if (!(ref instanceof PdfRef)) throw new MalformedError("PDF_PAGE_TREE", { reason: "node without reference" });
      if (seen.has(ref.key) || depth > PDF_LIMITS.pageTreeDepth) throw new MalformedError("PDF_PAGE_TREE", { reason: "loop or depth", number: ref.number });
      seen.add(ref.key);
      const node = this.resolve(ref);
      if (!(node instanceof Map)) throw new MalformedError("PDF_PAGE_TREE", { reason: "no dictionary", number: ref.number });
      const kids = this.resolveEntry(node, "Kids");
      if (Array.isArray(kids) && !isNamed(node.get("Type"), "Page")) {
        this.pageTreeNumbers.add(ref.number);
        if (node.get("Kids") instanceof PdfRef) this.pageTreeNumbers.add(node.get("Kids").number);
        for (const kid of [...kids].reverse()) stack.push([kid, depth + 1]);
        continue;
      }
      if (found.length >= PDF_LIMITS.pages) throw new MalformedError("PDF_TOO_MANY_PAGES", { limit: PDF_LIMITS.pages });
      found.push([ref, node]);
    }
    this.pageList = found;
    return found;
  }

  // A rectangle with its corners in order (7.9.5), null when it is none
  rectangle(value) {
    const found = this.resolve(value);
    if (!Array.isArray(found) || found.length !== 4) return null;
    const numbers = found.map(this.resolve);
    if (!numbers.every(isPdfNumber)) return null;
    const [a, b, c, d] = numbers.map(numberOf);
    return [Math.min(a, c), Math.min(b, d), Math.max(a, c), Math.max(b, d)];
  }

  // The interactive form (12.7.2)
  acroForm() {
    return this.resolveDictionary(entryOf(this.root, "AcroForm"));
  }

  // All signature fields of the interactive form, signed and empty ones, in the form's order
  signatureFields() {
    this.fieldList ??= readSignatureFields(this);
    return this.fieldList;
  }
}
