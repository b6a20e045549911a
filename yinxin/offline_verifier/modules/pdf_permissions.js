// What a signature forbids to those who come after it: DocMDP, FieldMDP and field locks (ISO 32000-1 12.8.2.2, 12.8.2.4, 12.7.4.5).
import { readPdfText } from "./pdf_fields.js";
import { PdfString, entryOf, isNamed, isWholeNumber, pdfText } from "./pdf_syntax.js";

export const NO_CHANGES = 1; // DocMDP P: nothing but validation data and document time-stamps
export const FORM_FILLING = 2; // filling in forms and signing
export const ANNOTATING = 3; // annotations too
const MAX_SIGNATURE_REFERENCES = 16;
const MAX_LOCKED_NAMES = 10000;
const EVERY_FIELD = { action: "All", names: new Set() };

// level: the strictest DocMDP or lock level (1, 2 or 3), null without one; isCertification: it carries DocMDP itself; locks: [{ action, names }]
export const makePermissions = ({ level = null, isCertification = false, locks = [] } = {}) => ({ level, isCertification, locks });

// What two signatures forbid together
export function joinPermissions(one, other) {
  const levels = [one.level, other.level].filter((level) => level !== null);
  return makePermissions({
    level: levels.length ? Math.min(...levels) : null,
    isCertification: one.isCertification || other.isCertification,
    locks: [...one.locks, ...other.locks],
  });
}

// Whether a field of this fully qualified name, or one above it, must not change
export function isLockedField(permissions, name) {
  const parts = name.split(".");
  return permissions.locks.some(({ action, names }) => {
    if (action === "All") return true;
    const isNamedThere = parts.some((_, i) => names.has(parts.slice(0, i + 1).join(".")));
    return action === "Include" ? isNamedThere : !isNamedThere;
  });
}

// What the signature dictionary in a field forbids. Unknown actions and levels count as the strictest, and so does what is too long to be read.
export function readPermissions(document, value, fieldDict) {
  let found = makePermissions();
  const references = document.resolveEntry(value, "Reference");
  if (Array.isArray(references) && references.length > MAX_SIGNATURE_REFERENCES) {
    found = makePermissions({ level: NO_CHANGES, locks: [EVERY_FIELD] });
  }
  for (const item of Array.isArray(references) ? references.slice(0, MAX_SIGNATURE_REFERENCES) : []) {
    const reference = document.resolveDictionary(item) ?? new Map();
    const parameters = document.resolveDictionary(entryOf(reference, "TransformParams")) ?? new Map();
    const method = document.resolveEntry(reference, "TransformMethod");
    if (isNamed(method, "DocMDP")) {
      const level = parameters.has("P") ? document.resolveEntry(parameters, "P") : FORM_FILLING;
      found = joinPermissions(found, makePermissions({ level: readLevel(level), isCertification: true }));
    } else if (isNamed(method, "FieldMDP")) {
      found = joinPermissions(found, makePermissions({ locks: [readLock(document, parameters)] }));
    }
  }
  const lock = document.resolveDictionary(entryOf(fieldDict, "Lock"));
  if (lock !== null) {
    const level = document.resolveEntry(lock, "P"); // PDF 2.0: the lock may restrict the whole document
    found = joinPermissions(found, makePermissions({ level: level === null ? null : readLevel(level), locks: [readLock(document, lock)] }));
  }
  return found;
}

const readLevel = (value) => (isWholeNumber(value) && value >= NO_CHANGES && value <= ANNOTATING ? value : NO_CHANGES);

function readLock(document, parameters) {
  const action = pdfText(document.resolveEntry(parameters, "Action"));
  const names = document.resolveEntry(parameters, "Fields");
  if ((action !== "Include" && action !== "Exclude") || !Array.isArray(names) || names.length > MAX_LOCKED_NAMES) return EVERY_FIELD;
  const listed = names.map(document.resolve);
  return { action, names: new Set(listed.filter((name) => name instanceof PdfString).map(readPdfText)) };
}
