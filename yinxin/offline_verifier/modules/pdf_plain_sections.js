// Whether a cross-reference section behind a signature is one that every reader reads alike (ISO 32000-1 7.5.4, 7.5.8). A reader that finds fault with
// one rebuilds the whole file: it takes the last object of each number, also one that the signer never saw.
import { toBinary } from "./bytes.js";
import { XREF_FREE, XREF_IN_FILE, XREF_IN_STREAM, isSameEntry } from "./pdf_references.js";
import { isWholeNumber, skipDigits } from "./pdf_syntax.js";

const ENTRY_BYTES = 20;
const LINE_BYTES = 32; // more than a line with two numbers of ten digits has
const PART_BYTES = 4096 * ENTRY_BYTES; // read as text at once

// Whether one of the sections that came behind signed is not plain
export function hasOddSections(signed, final) {
  const known = new Set(signed.sections.map(({ offset }) => offset));
  const chain = new Set(final.sections.flatMap(({ offset, hidden }) => (hidden === null ? [offset] : [offset, hidden.offset])));
  return final.sections.some((section, i) => {
    if (known.has(section.offset)) return false;
    const lead = i ? final.sections[i - 1].trailer.get("Prev") : final.lastStartxref;
    return lead !== section.offset || isOdd(section, final) || (section.hidden !== null && isOddPair(section, section.hidden, final, chain));
  });
}

function isOdd(section, final) {
  const { trailer, offset } = section;
  const size = trailer.get("Size");
  if (!isWholeNumber(trailer.get("Prev") ?? 0) || !isWholeNumber(size) || section.ownHighest >= size) return true;
  if (section.kind !== "stream") return !isPlainTable(final.data, offset, section.end);
  if (!section.isComplete || skipDigits(final.data, offset, final.end, 1) === offset) return true; // space or a comment in front of it
  const numbers = [...section.ownNumbers()];
  final.budget.spendLookups(numbers.length);
  return numbers.some((number) => {
    const { kind } = section.findOwn(number);
    return kind !== XREF_FREE && (!number || (kind !== XREF_IN_FILE && kind !== XREF_IN_STREAM));
  });
}

function isPlainTable(data, start, end) {
  const text = (at, stop) => toBinary(data.subarray(at, Math.min(stop, end)));
  const head = /^xref ?(?:\r\n|\n|\r)/.exec(text(start, start + LINE_BYTES));
  if (head === null) return false;
  let position = start + head[0].length;
  for (let subsections = 0; ; subsections++) {
    const match = /^(\d{1,10}) (\d{1,10}) ?(?:\r\n|\n|\r)/.exec(text(position, position + LINE_BYTES));
    // MuPDF and pdf-lib leave a line empty in front of the trailer
    if (match === null) return subsections > 0 && /^(?:\n\r?\n|[^])trailer/.test(text(position - 1, position + LINE_BYTES));
    const from = position + match[0].length;
    position = from + ENTRY_BYTES * Number(match[2]);
    if (position > end) return false;
    for (let at = from; at < position; at += PART_BYTES) {
      if (!/^(?:\d{10} \d{5} [nf](?: \n| \r|\r\n))*$/.test(text(at, Math.min(position, at + PART_BYTES)))) return false;
    }
    // Object 0 is free; a table that begins at 1 with its entry begins at 0 for some readers
    const first = Number(match[1]);
    if (from < position && (first ? first === 1 && text(from, from + 18) === "0000000000 65535 f" : data[from + 17] !== 0x66)) return false;
  }
}

// Readers that know no hidden stream go by the table alone, and some follow the stream's own /Prev
function isOddPair(table, hidden, final, chain) {
  const previous = hidden.trailer.get("Prev") ?? null;
  if (isOdd(hidden, final) || (previous !== null && !chain.has(previous))) return true;
  return [...hidden.ownNumbers()].some((number) => {
    const entry = number ? table.findOwn(number) : null;
    return entry !== null && !isSameEntry(entry, hidden.findOwn(number));
  });
}
