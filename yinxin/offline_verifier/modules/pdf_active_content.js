// Things in a document that act or that carry more than its pages: named in the report, so that nobody relies on what they do not see.
import { MalformedError } from "./bytes.js";
import { PdfRef, entryOf, isPdfText } from "./pdf_syntax.js";
import { warned } from "./report.js";

const ACTION_CLAUSE = "ISO 32000-1 12.6";
const MAX_ACTIONS = 256; // of the catalog, with all that follow them (/Next)
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
  const triggers = document.resolve(entryOf(root, "AA"));
  const found = actionKinds(document, [entryOf(root, "OpenAction"), ...(triggers instanceof Map ? triggers.values() : [])]);
  const names = document.resolveDictionary(entryOf(root, "Names")) ?? new Map();
  if (document.resolveEntry(names, "JavaScript") !== null) found.add("JavaScript");
  const steps = [...found].sort().map((action) => warned("PDF_ACTIVE_CONTENT", ACTION_CLAUSE, { action }));
  if (document.resolveEntry(names, "EmbeddedFiles") !== null || root.has("Collection")) steps.push(warned("PDF_EMBEDDED_FILES", "ISO 32000-1 7.11.4"));
  const form = document.acroForm();
  if (form !== null && form.has("XFA")) steps.push(warned("PDF_XFA", "ISO 32000-1 12.7.8"));
  return steps;
}

// The kinds worth naming among these actions and those that follow them, one or several in an array
function actionKinds(document, actions) {
  const [found, seen, stack] = [new Set(), new Set(), actions];
  let count = 0;
  while (stack.length) {
    const value = stack.pop();
    count += 1;
    if (count > MAX_ACTIONS) throw new MalformedError("PDF_TOO_COMPLEX", { actions: count });
    if (value instanceof PdfRef) {
      if (seen.has(value.key)) continue;
      seen.add(value.key);
    }
    const action = document.resolve(value);
    if (!(action instanceof Map)) continue;
    const kind = document.resolveEntry(action, "S");
    if (isPdfText(kind) && ACTIVE_KINDS.has(kind.text)) found.add(kind.text);
    const following = document.resolveEntry(action, "Next");
    if (following !== null) stack.push(...(Array.isArray(following) ? following.slice(0, MAX_ACTIONS + 1) : [action.get("Next")]));
  }
  return found;
}
