// Things in a document that act or that carry more than its pages: named in the report, so that nobody relies on what they do not see.
import { MalformedError } from "./bytes.js";
import { entryOf, isPdfText } from "./pdf_syntax.js";
import { warned } from "./report.js";

const ACTION_CLAUSE = "ISO 32000-1 12.6";
const MAX_CHAINED_ACTIONS = 16; // actions after each other (/Next)
const ACTIVE_KINDS = new Set(["JavaScript", "Launch", "ImportData", "SubmitForm", "Rendition"]);

// Warnings on scripts, launch actions, XFA forms and embedded files that the catalog leads to
export function findActiveContent(document) {
  try {
    return findActive(document);
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
    return [warned("PDF_ACTIVE_CONTENT_UNREADABLE", ACTION_CLAUSE, { reason: error.code })];
  }
}

function findActive(document) {
  const { root } = document;
  const found = new Set();
  for (const key of ["OpenAction", "AA"]) if (root.has(key)) collectActions(document, root.get(key), found, 0);
  const names = document.resolveDictionary(entryOf(root, "Names")) ?? new Map();
  if (document.resolveEntry(names, "JavaScript") !== null) found.add("JavaScript");
  const steps = [...found].sort().map((action) => warned("PDF_ACTIVE_CONTENT", ACTION_CLAUSE, { action }));
  if (document.resolveEntry(names, "EmbeddedFiles") !== null || root.has("Collection")) steps.push(warned("PDF_EMBEDDED_FILES", "ISO 32000-1 7.11.4"));
  const form = document.acroForm();
  if (form !== null && form.has("XFA")) steps.push(warned("PDF_XFA", "ISO 32000-1 12.7.8"));
  return steps;
}

function collectActions(document, value, found, depth) {
  const node = document.resolve(value);
  if (!(node instanceof Map) || depth > MAX_CHAINED_ACTIONS) return;
  const kind = document.resolveEntry(node, "S");
  if (isPdfText(kind) && ACTIVE_KINDS.has(kind.text)) found.add(kind.text);
  for (const [key, item] of node) if (key === "Next" || !node.has("S")) collectActions(document, item, found, depth + 1);
}
