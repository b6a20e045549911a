// The package of an OFD document (GB/T 33190-2016 7.2): a ZIP archive (PKWARE APPNOTE 6.3), opened without trusting any of its records.
//
// Readers of the world disagree about what is in an archive whose records disagree; a signature is worth nothing where two readers see two
// documents. So nothing is guessed: each disagreement is found and named, as in standards/gbt33190_ofd/container.py and zip_records.py.

import { MalformedError } from "./bytes.js";
import { INFLATED, INFLATE_FULL, INFLATE_SHORT, crc32, inflateRaw } from "./inflate.js";
import { codePoints, firstCharacters, foldedName, readGb18030, readUtf8, stripped } from "./texts.js";

const ZIP_FILE_BYTES = 512 * 1024 * 1024;
const ZIP_ENTRIES = 65535;
const ZIP_NAME_BYTES = 1024;
const ZIP_NAME_DEPTH = 32;
const ZIP_ENTRY_BYTES = 256 * 1024 * 1024;
const ZIP_TOTAL_BYTES = 1024 * 1024 * 1024;
const ZIP_RATIO = 250;
const ZIP_RATIO_FREE_BYTES = 8 * 1024 * 1024;
const ZIP_CHUNK_BYTES = 256 * 1024;
const ZIP_KEPT_BYTES = 8 * 1024 * 1024;
const ZIP_LOCAL = 0x04034b50;
const ZIP_CENTRAL = 0x02014b50;
const ZIP_END = 0x06054b50;
const ZIP_END_64 = 0x06064b50;
const ZIP_LOCATOR_64 = 0x07064b50;
const ZIP_DESCRIPTOR = 0x08074b50;
const ZIP_ENCRYPTED = 0x2041;
const ZIP_DEFERRED = 0x0008;
const ZIP_UTF8 = 0x0800;
const ZIP_PADDING = [0, 9, 10, 13, 26, 32]; // what a transfer or a writer of blocks leaves behind a file
const FULL_32 = 0xffffffff;
const UNREADABLE_ENTRY = "OFD_ENTRY_UNREADABLE";
// The upper half of code page 437, for names that are neither UTF-8 nor GB 18030
const CP437 =
  "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■ ";

const REFERENCE = /&(?:#0*([0-9]{1,7})|#x0*([0-9A-Fa-f]{1,6})|(amp|lt|gt|quot|apos));/g;
const NAMED = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };

function referenced(whole, decimal, hexadecimal, named) {
  if (named !== undefined) return NAMED[named];
  const number = decimal !== undefined ? Number(decimal) : Number.parseInt(hexadecimal, 16);
  return number <= 0x10ffff ? String.fromCodePoint(number) : whole;
}

const zipMalformed = (reason, facts = {}) => new MalformedError("OFD_ZIP_MALFORMED", { reason, ...facts });
const viewOf = (data) => new DataView(data.buffer, data.byteOffset, data.length);
const sameBytesAt = (one, other) => one.length === other.length && one.every((each, i) => each === other[i]);

/** The central directory: `offset` where it starts, its `records`, where its end record ends (`end`), and how long the comment behind that is. */
export function readZipDirectory(data) {
  if (data.length > ZIP_FILE_BYTES) throw zipMalformed("too-large");
  const view = viewOf(data);
  let end = -1;
  for (let at = data.length - 4; at >= Math.max(0, data.length - 22 - 0xffff) && end < 0; at--) {
    if (data[at] === 0x50 && view.getUint32(at, true) === ZIP_END) end = at;
  }
  if (end < 0 || end + 22 > data.length) throw zipMalformed("no-end-record");
  const comment = view.getUint16(end + 20, true);
  if (end + 22 + comment > data.length) throw zipMalformed("end-record-truncated");
  const { count, size, offset, stop } = wideEnd(data, view, end);
  if (count > ZIP_ENTRIES) throw zipMalformed("too-many-entries");
  if (offset + size !== stop) throw zipMalformed("directory-misplaced");
  return { offset, records: readZipRecords(data, view, offset, stop, count), end: end + 22, comment };
}

/** Count, size, offset and end of the directory, from the 64-bit end record where there is one. Both must say the same. */
function wideEnd(data, view, end) {
  const [disk, first, onDisk, count] = [4, 6, 8, 10].map((at) => view.getUint16(end + at, true));
  const [size, offset] = [view.getUint32(end + 12, true), view.getUint32(end + 16, true)];
  const locator = end - 20;
  if (locator < 0 || view.getUint32(locator, true) !== ZIP_LOCATOR_64) {
    if (disk || first || onDisk !== count) throw zipMalformed("several-disks");
    return { count, size, offset, stop: end };
  }
  const place = wide(view, locator + 8);
  if (view.getUint32(locator + 4, true) || view.getUint32(locator + 16, true) > 1 || place + 56 > locator) throw zipMalformed("zip64-locator");
  if (view.getUint32(place, true) !== ZIP_END_64) throw zipMalformed("zip64-locator");
  const [onDisk64, count64, size64, offset64] = [24, 32, 40, 48].map((at) => wide(view, place + at));
  if (place + 12 + wide(view, place + 4) !== locator || view.getUint32(place + 16, true) || view.getUint32(place + 20, true) || onDisk64 !== count64) {
    throw zipMalformed("zip64-record");
  }
  const pairs = [[count, count64, 0xffff], [onDisk, onDisk64, 0xffff], [size, size64, FULL_32], [offset, offset64, FULL_32]];
  if (pairs.some(([narrow, full, mark]) => narrow !== full && narrow !== mark)) throw zipMalformed("zip64-disagrees");
  return { count: count64, size: size64, offset: offset64, stop: place };
}

/** 64 bits as a number: beyond 2^53 only its size matters, and no offset of a file is that large. */
function wide(view, at) {
  return Number(view.getBigUint64(at, true));
}

function readZipRecords(data, view, offset, stop, count) {
  const records = [];
  for (let i = 0; i < count; i++) {
    if (offset + 46 > stop || view.getUint32(offset, true) !== ZIP_CENTRAL) throw zipMalformed("directory-entry");
    const [madeBy, , flags, method] = [4, 6, 8, 10].map((at) => view.getUint16(offset + at, true));
    const [checksum, packed, unpacked] = [16, 20, 24].map((at) => view.getUint32(offset + at, true));
    const [nameBytes, extraBytes, commentBytes, disk] = [28, 30, 32, 34].map((at) => view.getUint16(offset + at, true));
    const [attributes, place] = [38, 42].map((at) => view.getUint32(offset + at, true));
    const extraAt = offset + 46 + nameBytes;
    const name = data.subarray(offset + 46, extraAt);
    offset = extraAt + extraBytes + commentBytes;
    if (offset > stop) throw zipMalformed("directory-entry");
    const extra = readZipExtra(data.subarray(extraAt, extraAt + extraBytes));
    const widened = widenZip(extra.get(1), [unpacked, packed, place]);
    if (!widened) throw zipMalformed("zip64-entry");
    if (disk !== 0 && disk !== 0xffff) throw zipMalformed("several-disks");
    const sizes = { unpacked: widened[0], packed: widened[1], place: widened[2] };
    records.push({ name, madeBy, flags, method, checksum, ...sizes, attributes, unicodeName: zipUnicodeName(name, extra) });
  }
  if (offset !== stop) throw zipMalformed("directory-size");
  return records;
}

/** The extra fields by their number, the first of each; what does not fit at the end is padding. */
function readZipExtra(extra) {
  const found = new Map();
  for (let at = 0; at + 4 <= extra.length; ) {
    const [kind, length] = [extra[at] | (extra[at + 1] << 8), extra[at + 2] | (extra[at + 3] << 8)];
    if (at + 4 + length > extra.length) break;
    if (!found.has(kind)) found.set(kind, extra.subarray(at + 4, at + 4 + length));
    at += 4 + length;
  }
  return found;
}

/** Values of 32 bits that are full stand in the 64-bit extra field, in this order; null where a full one does not. */
function widenZip(field = new Uint8Array(0), narrow) {
  const values = [];
  let at = 0;
  for (const value of narrow) {
    if (value !== FULL_32) {
      values.push(value);
      continue;
    }
    if (at + 8 > field.length) return null;
    values.push(wide(viewOf(field), at));
    at += 8;
  }
  return values;
}

function zipUnicodeName(name, extra) {
  const field = extra.get(0x7075);
  if (!field || field.length < 5 || field[0] !== 1 || viewOf(field).getUint32(1, true) !== crc32(name)) return null;
  return field.subarray(5);
}

/** Where an entry lies by its local header, and how that disagrees with the directory, if it does. */
function readZipSpan(data, view, record, directoryAt) {
  const start = record.place;
  if (start + 30 > directoryAt || view.getUint32(start, true) !== ZIP_LOCAL) throw zipMalformed("local-header-missing");
  const [flags, method] = [6, 8].map((at) => view.getUint16(start + at, true));
  const [checksum, packed, unpacked] = [14, 18, 22].map((at) => view.getUint32(start + at, true));
  const extraAt = start + 30 + view.getUint16(start + 26, true);
  const dataAt = extraAt + view.getUint16(start + 28, true);
  const end = dataAt + record.packed;
  if (end > directoryAt) throw zipMalformed("entry-truncated");
  const extra = readZipExtra(data.subarray(extraAt, dataAt));
  const isDeferred = Boolean(flags & ZIP_DEFERRED);
  const local = zipUnicodeName(record.name, extra);
  let problem = null;
  if (!sameBytesAt(data.subarray(start + 30, extraAt), record.name)) problem = "local-name";
  else if (local && !(record.unicodeName && sameBytesAt(local, record.unicodeName))) problem = "local-unicode-name";
  else if ((flags | record.flags) & ZIP_ENCRYPTED) problem = "encrypted";
  else if (method !== record.method) problem = "local-method";
  else if ((flags ^ record.flags) & ZIP_UTF8 && record.name.some((each) => each > 0x7f)) problem = "local-name-encoding";
  else {
    const sizes = widenZip(extra.get(1), [unpacked, packed]);
    const pairs = sizes && [[checksum, record.checksum], [sizes[0], record.unpacked], [sizes[1], record.packed]];
    if (!pairs || !pairs.every(([own, central]) => own === central || (isDeferred && own === 0))) problem = "local-sizes";
  }
  return { start, dataAt, end, problem, isDeferred };
}

/** Whether the bytes behind an entry's data are its data descriptor, in one of the forms in use. */
function isZipDescriptor(record, between) {
  const body = between.length >= 4 && viewOf(between).getUint32(0, true) === ZIP_DESCRIPTOR ? between.subarray(4) : between;
  if (body.length !== 12 && body.length !== 20) return false;
  const view = viewOf(body);
  const found = body.length === 20 ? [wide(view, 4), wide(view, 12)] : [view.getUint32(4, true), view.getUint32(8, true)];
  return view.getUint32(0, true) === record.checksum && found[0] === record.packed && found[1] === record.unpacked;
}

function holdsZipLocal(between) {
  for (let at = between.indexOf(0x50); at >= 0; at = between.indexOf(0x50, at + 1)) {
    if (between[at + 1] === 0x4b && between[at + 2] === 3 && between[at + 3] === 4) return true;
  }
  return false;
}

/** The name as text, and whether its encoding had to be guessed: Chinese writers use GB 18030 where the standard says code page 437. */
function zipName(record) {
  const name = record.name;
  if (name.every((each) => each < 0x80)) return [String.fromCharCode(...name), false];
  const isStated = Boolean(record.flags & ZIP_UTF8);
  const utf8 = readUtf8(name);
  // Two bytes of GB 18030 can look like one Latin, Greek or Arabic letter of UTF-8; Chinese characters of UTF-8 have three
  if (utf8 !== null && (isStated || codePoints(utf8).every((each) => each < 0x80 || each >= 0x800))) return [utf8, !isStated];
  const gb18030 = readGb18030(name);
  if (gb18030 !== null) return [gb18030, true];
  return [readCp437(name), true];
}

const readCp437 = (name) => Array.from(name, (each) => (each < 0x80 ? String.fromCharCode(each) : CP437[each - 0x80])).join("");

/**
 * The names that readers and file systems make of one name: white space around steps trimmed as locations are, full stops at the end of a step
 * and what follows a colon dropped as Windows does, bytes without a stated encoding in each of the encodings in use, and the name that is meant
 * where this one has references of XML in it: who does not read those in locations looks for it as it is written.
 */
function zipReadings(name, record) {
  const names = [name];
  if (!(record.flags & ZIP_UTF8) && record.name.some((each) => each > 0x7f)) {
    names.push(...[readUtf8, readGb18030, readCp437].map((read) => read(record.name)).filter((each) => each !== null));
  }
  if (name.includes("&")) names.push(...names.map((each) => each.replace(REFERENCE, referenced)));
  const step = (each) => stripped(each.split(":", 1)[0]).replace(/[. ]+$/, "");
  return names.map((each) => foldedName(each.split("/").map(step).filter(Boolean).join("/")));
}

/** Why a name is unsafe to be followed or unpacked by anybody; null where it is sound. */
function zipNameProblem(name, record) {
  const parts = name.split("/");
  if (record.name.length > ZIP_NAME_BYTES || parts.length > ZIP_NAME_DEPTH) return "too-long";
  if (/[\x00-\x1f\x7f]/.test(name)) return "control-character";
  if (name.includes("\\")) return "backslash";
  if (!name || name.startsWith("/") || codePoints(name)[1] === 0x3a) return "absolute";
  if (parts.includes("..")) return "parent-folder";
  if (parts.includes(".") || parts.includes("")) return "empty-step";
  const kind = record.madeBy >> 8 === 3 ? (record.attributes >>> 16) & 0xf000 : 0;
  if (kind === 0xa000) return "symbolic-link";
  return kind === 0 || kind === 0x8000 || kind === 0x4000 ? null : "special-file";
}

/**
 * The files of a package. `members`: name -> { name, record, span }; of several with one name the first, and `duplicates` has the name.
 * `irregularities`: what is wrong with the archive as a whole, each { code, path, reason }. Throws MalformedError OFD_ZIP_MALFORMED.
 */
export class ZipContainer {
  constructor(data) {
    this.data = data;
    this.members = new Map();
    this.duplicates = new Set();
    this.irregularities = [];
    this.folded = new Map();
    this.unpacked = 0;
    this.kept = new Map();
    this.keptBytes = 0;
    const directory = readZipDirectory(data);
    const view = viewOf(data);
    const spans = directory.records.map((record) => readZipSpan(data, view, record, directory.offset));
    directory.records.forEach((record, i) => this.add(record, spans[i]));
    this.checkLayout(directory, spans);
    this.checkReadings();
  }

  has(name) {
    return this.members.has(name);
  }

  /** The member whose name differs from `name` in case or Unicode form only; null where there is none. */
  nameLike(name) {
    return this.folded.get(foldedName(name)) ?? null;
  }

  size(name) {
    return this.members.get(name).record.unpacked;
  }

  /** A member as a whole, of at most `most` bytes, its size and checksum proven. Throws OFD_ENTRY_UNREADABLE with path and reason. */
  read(name, most = Infinity) {
    const refused = (reason) => new MalformedError(UNREADABLE_ENTRY, { path: name, reason });
    const { record, span } = this.members.get(name);
    if (record.unpacked > most) throw refused("too-large");
    const kept = this.kept.get(name);
    if (kept) return kept;
    if (record.unpacked > ZIP_ENTRY_BYTES) throw refused("too-large");
    if (record.unpacked > Math.max(ZIP_RATIO_FREE_BYTES, record.packed * ZIP_RATIO)) throw refused("ratio");
    const packed = this.data.subarray(span.dataAt, span.dataAt + record.packed);
    const bytes = record.method === 0 ? this.stored(packed, record, refused) : record.method === 8 ? this.deflated(packed, record, refused) : null;
    if (!bytes) throw refused("method");
    if (bytes.length !== record.unpacked) throw refused("size");
    if (crc32(bytes) !== record.checksum) throw refused("checksum");
    // Members of one piece that were proven: most are read as XML, digested, and read by whoever follows
    if (bytes.length <= ZIP_CHUNK_BYTES && this.keptBytes + bytes.length <= ZIP_KEPT_BYTES) {
      this.kept.set(name, bytes);
      this.keptBytes += bytes.length;
    }
    return bytes;
  }

  /**
   * Whether readers that go from one local header to the next may come to another entry inside the packed bytes of this one. They leave the
   * directory aside, so an entry ends for them where its stream ends, and one that is only stored, with its size behind it, where they see fit.
   */
  hidesEntry(name) {
    const { record, span } = this.members.get(name);
    if (!holdsZipLocal(this.data.subarray(span.dataAt, span.end))) return false;
    if (record.method === 0) return span.isDeferred;
    try {
      this.read(name);
    } catch (error) {
      if (!(error instanceof MalformedError)) throw error;
      return true;
    }
    return false;
  }

  count(bytes, record, refused) {
    if (bytes > record.unpacked) throw refused("size");
    this.unpacked += bytes;
    if (this.unpacked > ZIP_TOTAL_BYTES) throw refused("total-too-large");
  }

  stored(packed, record, refused) {
    this.count(packed.length, record, refused);
    return packed;
  }

  /** Which of several faults is named goes by the piece it is met in, so that the reasons are those of the server's verifier. */
  deflated(packed, record, refused) {
    const stop = (Math.floor(record.unpacked / ZIP_CHUNK_BYTES) + 1) * ZIP_CHUNK_BYTES;
    const { state, bytes, end } = inflateRaw(packed, stop);
    if (state === INFLATE_FULL) throw refused("size");
    const given = state === INFLATED || state === INFLATE_SHORT ? bytes.length : bytes.length - (bytes.length % ZIP_CHUNK_BYTES);
    this.count(given, record, refused);
    if (state === INFLATE_SHORT) throw refused("data-truncated");
    if (state !== INFLATED) throw refused("data");
    if (end !== packed.length) throw refused("data-behind-end");
    return bytes;
  }

  note(code, path, reason) {
    this.irregularities.push({ code, path, reason });
  }

  add(record, span) {
    const [name, isGuess] = zipName(record);
    const shown = firstCharacters(name, ZIP_NAME_BYTES);
    if (span.problem) this.note("OFD_CONTAINER_BAD", shown, span.problem);
    if (record.unicodeName && !sameBytesAt(record.unicodeName, new TextEncoder().encode(name))) this.note("OFD_CONTAINER_BAD", shown, "unicode-name");
    const isFolder = name.endsWith("/");
    let reason = zipNameProblem(isFolder ? name.slice(0, -1) : name, record);
    if (!reason && isFolder && (record.unpacked || holdsZipLocal(this.data.subarray(span.dataAt, span.end)))) reason = "folder-with-data";
    if (reason) {
      this.note("BAD_PATH", shown, reason);
      return;
    }
    if (isFolder) return;
    if (isGuess) this.note("OFD_NAME_ENCODING", shown, "not-stated");
    if (this.members.has(name)) {
      this.duplicates.add(name);
      this.note("DUPLICATE_ENTRY", shown, "same-name");
      return;
    }
    const fold = foldedName(name);
    const other = this.folded.get(fold) ?? name;
    this.folded.set(fold, other);
    if (other !== name) {
      this.duplicates.add(name).add(other);
      this.note("DUPLICATE_ENTRY", shown, "case");
    }
    this.members.set(name, { name, record, span });
  }

  /** One name that a reader of other habits, or the file system it unpacks to, takes for another file's is two files of that name. */
  checkReadings() {
    const holders = new Map();
    for (const [name, { record }] of this.members) {
      const alike = new Set([name]);
      for (const reading of zipReadings(name, record)) {
        if (!holders.has(reading)) holders.set(reading, name);
        alike.add(holders.get(reading));
      }
      if (alike.size < 2 || [...alike].every((each) => this.duplicates.has(each))) continue;
      this.note("DUPLICATE_ENTRY", firstCharacters(name, ZIP_NAME_BYTES), "read-alike");
      alike.forEach((each) => this.duplicates.add(each));
    }
  }

  /** Entries stand one behind the other from the first byte to the directory; whatever else is there belongs to nobody. */
  checkLayout(directory, spans) {
    const places = spans.map((span, i) => ({ span, record: directory.records[i] })).sort((one, other) => one.span.start - other.span.start);
    let reach = 0;
    let last = null;
    for (const each of places) {
      if (each.span.start < reach) this.note("OFD_CONTAINER_BAD", firstCharacters(zipName(each.record)[0], ZIP_NAME_BYTES), "overlap");
      else this.checkBetween(reach, each.span.start, last);
      if (each.span.end >= reach) [reach, last] = [each.span.end, each];
    }
    this.checkBetween(reach, directory.offset, last);
    const behind = this.data.subarray(directory.end + directory.comment);
    if (directory.comment) this.note("OFD_CONTAINER_STRAY", "", "comment");
    if (behind.length) this.note("OFD_CONTAINER_STRAY", "", behind.every((each) => ZIP_PADDING.includes(each)) ? "after-end" : "content-after-end");
  }

  checkBetween(start, stop, last) {
    if (start === stop) return;
    const between = this.data.subarray(start, stop);
    if (last && last.span.isDeferred && isZipDescriptor(last.record, between)) return;
    if (holdsZipLocal(between)) this.note("OFD_CONTAINER_BAD", "", "hidden-entry");
    else this.note("OFD_CONTAINER_STRAY", "", last ? "between" : "before-first");
  }
}
