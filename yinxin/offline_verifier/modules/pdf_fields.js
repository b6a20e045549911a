// The field tree of the interactive form, as far as signatures need it (ISO 32000-1 12.7.2 to 12.7.4).
import { MalformedError, toBinary } from "./bytes.js";
import { PDF_LIMITS } from "./pdf_limits.js";
import { PdfRef, PdfString, entryOf, isNamed } from "./pdf_syntax.js";

const joinName = (prefix, text) => (prefix && text ? `${prefix}.${text}` : prefix || text);

function tooManyFields() {
  return new MalformedError("PDF_TOO_MANY_FIELDS", { limit: PDF_LIMITS.fields });
}

// Every signature field (12.7.4.5), in order: { name, ref, fieldDict, valueRef, valueDict, widgets: [[ref, dictionary]] }. ref and valueRef are
// null where the dictionary is written in place; it is signed when valueDict is there. What cannot be read spoils only itself: it is counted in
// document.unreadableFields, and a value that cannot be read counts as an empty signature dictionary.
export function readSignatureFields(document) {
  const resolve = (value) => {
    try {
      return document.resolve(value);
    } catch (error) {
      if (!(error instanceof MalformedError) || error.code === "PDF_TOO_COMPLEX") throw error;
      document.unreadableFields += 1;
      return null;
    }
  };
  const found = [];
  const form = document.acroForm();
  const roots = form === null ? null : resolve(entryOf(form, "Fields"));
  if (!Array.isArray(roots)) return found;
  const seen = new Set();
  const stack = [...roots].reverse().map((root) => [root, "", new Map(), 0]);
  let count = 0;
  while (stack.length) {
    const [item, prefix, inherited, depth] = stack.pop();
    count += 1;
    if (count > PDF_LIMITS.fields || depth > PDF_LIMITS.pageTreeDepth) throw tooManyFields();
    const ref = item instanceof PdfRef ? item : null;
    if (ref !== null) {
      if (seen.has(ref.key)) continue; // one field listed twice is one field
      seen.add(ref.key);
    }
    const node = resolve(item);
    if (!(node instanceof Map)) continue;
    const part = resolve(entryOf(node, "T"));
    const name = joinName(prefix, part instanceof PdfString ? readPdfText(part) : "");
    const merged = new Map(inherited);
    for (const key of ["FT", "V"]) if (node.has(key)) merged.set(key, node.get(key));
    const kids = resolve(entryOf(node, "Kids"));
    const resolved = Array.isArray(kids) ? kids.map((kid) => [kid, resolve(kid)]) : [];
    const children = resolved.filter(([, value]) => value instanceof Map && value.has("T")).map(([kid]) => kid);
    if (children.length) {
      for (const kid of children.reverse()) stack.push([kid, name, merged, depth + 1]);
      if (!(isNamed(resolve(entryOf(merged, "FT")), "Sig") && node.has("V"))) continue;
    }
    if (!isNamed(resolve(entryOf(merged, "FT")), "Sig")) continue;
    const value = entryOf(merged, "V");
    const broken = document.unreadableFields;
    let valueDict = resolve(value);
    if (document.unreadableFields > broken || (valueDict !== null && !(valueDict instanceof Map))) valueDict = new Map();
    let widgets = resolved.filter(([, each]) => each instanceof Map && !each.has("T")).map(([kid, each]) => [kid instanceof PdfRef ? kid : null, each]);
    if (!widgets.length && (node.has("Rect") || isNamed(node.get("Subtype"), "Widget"))) widgets = [[ref, node]];
    found.push({ name, ref, fieldDict: node, valueRef: value instanceof PdfRef ? value : null, valueDict, widgets });
  }
  return found;
}

// Walk all fields; visit(node, inherited by the walker) gives [kids to go on with, what they inherit]
function walkFields(document, start, visit) {
  const form = document.acroForm() ?? new Map();
  const roots = document.resolveEntry(form, "Fields");
  const seen = new Set();
  const stack = Array.isArray(roots) ? roots.map((root) => [root, start]) : [];
  let count = 0;
  while (stack.length) {
    const [item, inherited] = stack.pop();
    count += 1;
    if (count > PDF_LIMITS.fields) throw tooManyFields();
    if (item instanceof PdfRef) {
      if (seen.has(item.key)) continue;
      seen.add(item.key);
    }
    const node = document.resolve(item);
    if (!(node instanceof Map)) continue;
    const [kids, passedOn] = visit(node, inherited);
    for (const kid of kids) stack.push([kid, passedOn]);
  }
  return seen;
}

// The fully qualified names of all fields that are no mere groups of others (12.7.3.2)
export function readFieldNames(document) {
  const names = new Set();
  walkFields(document, "", (node, prefix) => {
    const part = document.resolveEntry(node, "T");
    const name = joinName(prefix, part instanceof PdfString ? readPdfText(part) : "");
    const kids = document.resolveEntry(node, "Kids");
    const fields = Array.isArray(kids) ? kids.filter((kid) => (document.resolveDictionary(kid) ?? new Map()).has("T")) : [];
    if (!fields.length) names.add(name);
    return [fields, name];
  });
  return names;
}

export const FORM_DEFAULTS = ["DA", "DR", "NeedAppearances", "Q"];

// Which of the form's defaults decide what a field that holds no signature looks like (12.7.3.3)
export function usedDefaults(document) {
  const form = document.acroForm() ?? new Map();
  const isDrawn = document.resolveEntry(form, "NeedAppearances") === true;
  const found = new Set();
  const seen = walkFields(document, new Map(), (node, inherited) => {
    const merged = new Map(inherited);
    for (const key of ["FT", "DA", "AP"]) if (node.has(key)) merged.set(key, node.get(key));
    const kids = document.resolveEntry(node, "Kids");
    if (Array.isArray(kids)) return [kids, merged];
    if (!isNamed(document.resolveEntry(merged, "FT"), "Sig")) {
      if (!merged.has("DA")) found.add("DA");
      if (isDrawn || !merged.has("AP")) found.add("DR").add("Q");
      if (isDrawn) found.add("NeedAppearances");
    }
    return [[], merged];
  });
  // Annotations of pages that are in no form count as such fields
  for (const [, page] of document.pages()) {
    const annotations = document.resolveEntry(page, "Annots");
    for (const item of Array.isArray(annotations) ? annotations : []) {
      const node = document.resolveDictionary(item) ?? new Map();
      const kind = document.resolveEntry(node, "Subtype");
      if (!seen.has(item?.key) && (isNamed(kind, "Widget") || isNamed(kind, "FreeText")) && (isDrawn || !node.has("AP"))) return new Set(FORM_DEFAULTS);
    }
  }
  return found;
}

// A text string: UTF-16BE or UTF-8 with a mark, else PDFDocEncoding, read as Latin-1 (7.9.2.2)
export function readPdfText({ bytes }) {
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return new TextDecoder("utf-16be", { ignoreBOM: true }).decode(bytes.subarray(2));
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) return new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes.subarray(3));
  return toBinary(bytes);
}
