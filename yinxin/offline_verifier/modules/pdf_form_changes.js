// Changes to the interactive form after a signature: new signature fields, signing of prepared ones, and everything else refused.
//
// Strict on purpose: a text field that is filled in after a seal may say something else than what was sealed, so filling in forms is refused
// unless a certification allows it, and even then it is not called valid.
import { MalformedError, toBinary } from "./bytes.js";
import { ANNOTATION_CLAUSE, DOC_MDP_CLAUSE, FIELD_CLAUSE, FIELD_MDP_CLAUSE } from "./pdf_changes.js";
import { FORM_DEFAULTS, readFieldNames, readPdfText, usedDefaults } from "./pdf_fields.js";
import { decodeStream } from "./pdf_filters.js";
import { ANNOTATING, FORM_FILLING, NO_CHANGES, isLockedField } from "./pdf_permissions.js";
import { PdfName, PdfRef, PdfStream, PdfString, entryOf, isNamed, isPdfText, isSameRef, isSameValue, isWholeNumber } from "./pdf_syntax.js";

// What signing a prepared field may set (ISO 32000-1 12.7.4.5, 12.5.2); some signers set /Ff and /Type on others too
const SIGNING_KEYS = new Set(["V", "AP", "AS", "F", "Ff", "DA", "Q", "MK", "M", "Type", "P"]);
const HARMLESS_FIELD_KEYS = new Set(["Ff", "Type"]);
const FILLING_KEYS = new Set(["V", "AP", "AS", "RV", "I", "TI", "M", "MK"]);
const isLiteralText = (value) => value instanceof PdfString && !value.isHex;
const isMap = (value) => value instanceof Map;
const isName = (value) => value instanceof PdfName;
const isWhole = (value) => isWholeNumber(value) || typeof value === "bigint";
const FIELD_KINDS = { AP: isMap, V: isMap, MK: isMap, AS: isName, F: isWhole, Ff: isWhole, DA: isLiteralText, Q: isWhole, M: isLiteralText, Type: isName };
const NOTE_KEYS = ["IRT", "Popup", "RC", "RV", "DV"]; // of notes and of text fields; a signature field has none of them
const FIELD_TREE_KEYS = new Set(["P", "Parent", "Kids"]); // to objects with rules of their own
const PARENT_KEYS = new Set(["T", "TU", "TM", "FT", "Ff", "Kids", "Parent", "Type"]);
const MAX_PARENTS = 32;
const LOOSE_FLAGS = 0b11000n; // NoZoom and NoRotate (12.5.3): readers enlarge the picture, or turn it about a corner of its rectangle
const EMPTY_BYTES = 4096; // what paints nothing is short

const without = (keys, others) => new Set([...keys].filter((key) => !others.has(key)));
export const listKeys = (keys) => [...keys].sort().join(" ").slice(0, 200);

// Every signature field of the final revision against the signed one
export function judgeSignatureFields(changes) {
  const before = new Map(changes.signed.signatureFields().filter((field) => field.ref !== null).map((field) => [field.ref.key, field]));
  const after = changes.final.signatureFields().filter((field) => field.ref !== null);
  let names = null;
  for (const field of after) {
    const known = before.get(field.ref.key);
    if (known === undefined) {
      names ??= readFieldNames(changes.signed); // of every kind: two of one name are one (12.7.3.2)
      judgeNewField(changes, field, names);
    } else {
      judgeKnownField(changes, known, field);
    }
  }
  const kept = new Set(after.map((field) => field.ref.key));
  for (const [key, field] of before) {
    if (!kept.has(key)) changes.refuse("PDF_FIELD_CHANGED", FIELD_CLAUSE, field.ref.number, { reason: "removed", field: field.name });
  }
}

function judgeNewField(changes, field, names) {
  const parts = new Map([[field.ref, field.fieldDict], ...field.widgets].filter(([ref]) => ref !== null).map(([ref, each]) => [ref.key, [ref, each]]));
  const { final, permissions } = changes;
  if (names.has(field.name)) changes.refuse("PDF_FIELD_CHANGED", FIELD_CLAUSE, null, { reason: "name taken", field: field.name });
  for (const [ref, dictionary] of parts.values()) {
    if (!changes.changed.has(ref.number) || changes.objectBefore(ref.number) !== null) {
      changes.refuse("PDF_FIELD_CHANGED", FIELD_CLAUSE, ref.number, { reason: "object of the signed revision", field: field.name });
    }
    if (dictionary.has("A") || dictionary.has("AA")) {
      changes.refuse("PDF_ANNOTATION_CHANGED", ANNOTATION_CLAUSE, ref.number, { reason: "action", field: field.name });
    }
    if (!isPartOfField(final, field, ref, dictionary) || NOTE_KEYS.some((key) => dictionary.has(key))) {
      changes.refuse("PDF_ANNOTATION_CHANGED", ANNOTATION_CLAUSE, ref.number, { reason: "no signature widget", field: field.name });
    }
    changes.judged.add(ref.number);
    changes.newWidgets.set(ref.key, ref);
    for (const [key, value] of dictionary) {
      if (!FIELD_TREE_KEYS.has(key)) changes.grant(value, ref.number, [key]);
      else if (key === "Kids") changes.grantAlone(value, ref.number, [key]);
    }
  }
  changes.newFields.set(field.ref.key, field.ref);
  judgeParents(changes, field.fieldDict);
  const shown = [...parts.values()].map(([, dictionary]) => dictionary);
  const isSeen = shown.some((dictionary) => isVisible(final, dictionary));
  if (field.valueDict === null && isShown(final, shown)) {
    // Nobody answers for it with a signature, so it may show nothing: else it would be a note pasted over the page
    changes.refuse("PDF_ANNOTATION_CHANGED", ANNOTATION_CLAUSE, null, { reason: "appearance without signature", field: field.name });
  }
  judgeShownTimestamp(changes, field, shown);
  judgePlace(changes, field, shown);
  const isStamp = isDocumentTimestamp(final, field.valueDict) && !isSeen;
  const { level } = permissions;
  if ((level === NO_CHANGES && !isStamp) || (level === FORM_FILLING && isSeen)) {
    changes.refuse("PDF_DOCMDP_VIOLATED", DOC_MDP_CLAUSE, null, { reason: "new signature field", field: field.name, level });
  }
  if (isLockedField(permissions, field.name) && !isStamp) changes.refuse("PDF_FIELD_LOCKED", FIELD_MDP_CLAUSE, null, { field: field.name });
  changes.kinds.add(isStamp ? "time-stamp" : field.valueDict !== null ? "signature" : "signature field");
}

// Whether a new dictionary is the signature field itself or a widget of it, in every reader's eyes
function isPartOfField(document, field, ref, dictionary) {
  const [kind, subtype] = [document.resolveEntry(dictionary, "FT"), document.resolveEntry(dictionary, "Subtype")];
  const isOr = (value, name) => value === null || isNamed(value, name);
  // A note or a text field, which readers draw even where it brings no appearance
  if (!isOr(kind, "Sig") || !isOr(subtype, "Widget") || (subtype === null && dictionary.has("AP"))) return false;
  if (!isSameRef(ref, field.ref)) {
    if (dictionary.has("V") || (dictionary.has("Parent") && !isSameRef(dictionary.get("Parent"), field.ref))) return false;
  }
  return !dictionary.has("Rect") || document.rectangle(dictionary.get("Rect")) !== null; // other readers may see one in what is none
}

// A time-stamp authority stamps whatever it is sent, and answers for nothing that a stamp shows on a page
function judgeShownTimestamp(changes, field, shown) {
  if (isDocumentTimestamp(changes.final, field.valueDict) && isShown(changes.final, shown)) {
    changes.leaveOpen("PDF_ANNOTATION_CHANGED", ANNOTATION_CLAUSE, null, { reason: "appearance of a time-stamp", field: field.name });
  }
}

// What a later signature shows stands in its rectangle, in every reader's eyes: there alone it is looked for what it covers
function judgePlace(changes, field, shown) {
  if (field.valueDict === null || shown.every((each) => !isShown(changes.final, [each]) || isConfined(changes.final, each))) return;
  changes.leaveOpen("PDF_ANNOTATION_CHANGED", ANNOTATION_CLAUSE, null, { reason: "appearance without a fixed place", field: field.name });
}

// Whether readers draw a widget within its rectangle: PDFium goes beyond it where an appearance has no box, MuPDF where there is no rectangle
function isConfined(document, widget) {
  const flags = document.resolveEntry(widget, "F");
  const boxes = appearancesOf(document, widget).filter((each) => each instanceof PdfStream).map((each) => entryOf(each.dictionary, "BBox"));
  const isLoose = flags !== null && (!isWhole(flags) || BigInt(flags) & LOOSE_FLAGS);
  return !isLoose && [entryOf(widget, "Rect"), ...boxes].every((each) => document.rectangle(each) !== null);
}

// Non-terminal fields above a new one: new ones that only name, or known ones that gained it
function judgeParents(changes, fieldDict) {
  let parent = entryOf(fieldDict, "Parent");
  for (let i = 0; i < MAX_PARENTS; i++) {
    if (!(parent instanceof PdfRef) || !changes.changed.has(parent.number) || changes.judged.has(parent.number)) return;
    const { number } = parent;
    const [after, before] = [changes.objectAfter(number), changes.objectBefore(number)];
    if (!(after instanceof Map)) return;
    changes.judged.add(number);
    changes.grantAlone(entryOf(after, "Kids"), number, ["Kids"]);
    let [extra, fits] = [null, true];
    if (before instanceof Map) {
      extra = without(changes.values.differentKeys(before, after, number), new Set(["Kids"]));
      const [old, now] = [changes.signed.resolveEntry(before, "Kids"), changes.final.resolveEntry(after, "Kids")];
      fits = Array.isArray(old) && Array.isArray(now) && isSameValue(now.slice(0, old.length), old);
    } else {
      extra = without(after.keys(), PARENT_KEYS);
      changes.newFields.set(parent.key, parent);
    }
    if (extra.size || !fits) changes.refuse("PDF_FIELD_CHANGED", FIELD_CLAUSE, number, { reason: "parent field", keys: listKeys(extra) });
    parent = entryOf(after, "Parent");
  }
}

function judgeKnownField(changes, before, after) {
  const { final } = changes;
  const { name } = after;
  const [wasSigned, isSigned] = [before.valueDict !== null, after.valueDict !== null];
  const isNewlySigned = isSigned && !wasSigned;
  const keyOf = (ref) => (ref === null ? "" : ref.key);
  const oldWidgets = new Map(before.widgets.map(([ref, dictionary]) => [keyOf(ref), dictionary]));
  const pairs = new Map([[after.ref.key, [after.ref, before.fieldDict, after.fieldDict]]]);
  for (const [ref, dictionary] of after.widgets) {
    if (keyOf(ref) !== after.ref.key) pairs.set(keyOf(ref), [ref, oldWidgets.get(keyOf(ref)) ?? null, dictionary]);
  }
  const widgetKeys = (field) => field.widgets.map(([ref]) => keyOf(ref)).join();
  if (widgetKeys(before) !== widgetKeys(after)) changes.refuse("PDF_FIELD_CHANGED", FIELD_CLAUSE, null, { reason: "widgets", field: name });
  let isTouched = false;
  if (isNewlySigned) judgeSharedAppearances(changes, before);
  for (const [ref, old, now] of pairs.values()) {
    const { number } = ref ?? after.ref;
    if (isNewlySigned) for (const key of SIGNING_KEYS) if (now.has(key)) changes.grant(now.get(key), number, [key]);
    if (!changes.changed.has(number)) continue;
    isTouched = true;
    changes.judged.add(number);
    const keys = without(changes.values.differentKeys(old ?? new Map(), now, number), isNewlySigned ? SIGNING_KEYS : HARMLESS_FIELD_KEYS);
    if (keys.size) {
      const code = wasSigned && keys.has("V") ? "PDF_SIGNATURE_DICTIONARY_CHANGED" : "PDF_FIELD_CHANGED";
      changes.refuse(code, FIELD_CLAUSE, number, { field: name, keys: listKeys(keys) });
    }
    if (isNewlySigned && old !== null && old.has("P") && !isSameValue(old.get("P"), entryOf(now, "P"))) {
      changes.refuse("PDF_FIELD_CHANGED", FIELD_CLAUSE, number, { field: name, keys: "P" });
    }
    const wrong = Object.keys(FIELD_KINDS).filter((key) => now.has(key) && !FIELD_KINDS[key](final.resolve(now.get(key))));
    if (isNewlySigned && wrong.length) changes.refuse("PDF_FIELD_CHANGED", FIELD_CLAUSE, number, { field: name, keys: listKeys(wrong), reason: "type" });
  }
  if (wasSigned && before.valueRef !== null && changes.changed.has(before.valueRef.number)) {
    const { number } = before.valueRef;
    changes.judged.add(number);
    if (!changes.values.same(changes.objectBefore(number), changes.objectAfter(number), number)) {
      changes.refuse("PDF_SIGNATURE_DICTIONARY_CHANGED", FIELD_CLAUSE, number, { field: name });
    }
  }
  if (isNewlySigned) {
    const shown = after.widgets.map(([, dictionary]) => dictionary);
    judgeShownTimestamp(changes, after, shown);
    judgePlace(changes, after, shown);
    for (const [ref, each] of after.widgets) if (ref !== null && isShown(final, [each])) changes.newPictures.add(ref.key);
    const isStamp = isDocumentTimestamp(final, after.valueDict) && !shown.some((each) => isVisible(final, each));
    if (changes.permissions.level === NO_CHANGES && !isStamp) {
      changes.refuse("PDF_DOCMDP_VIOLATED", DOC_MDP_CLAUSE, null, { reason: "signed", field: name, level: NO_CHANGES });
    }
    if (isLockedField(changes.permissions, name) && !isStamp) changes.refuse("PDF_FIELD_LOCKED", FIELD_MDP_CLAUSE, null, { field: name });
    changes.kinds.add(isStamp ? "time-stamp" : "signature");
  } else if (isTouched) {
    changes.kinds.add("signature field");
  }
}

// Object numbers of the appearance dictionaries of signature fields that are still empty
export function preparedAppearances(document) {
  let fields;
  try {
    fields = document.signatureFields();
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
    return []; // said where the fields are judged
  }
  const entries = fields.filter((field) => field.valueDict === null).flatMap((field) => field.widgets.map(([, widget]) => entryOf(widget, "AP")));
  return entries.filter((entry) => entry instanceof PdfRef).map((entry) => entry.number);
}

// An appearance dictionary that something else uses too is not the field's own: signing must not put another in its place
function judgeSharedAppearances(changes, before) {
  for (const [, widget] of before.widgets) {
    const entry = entryOf(widget, "AP");
    if (!(entry instanceof PdfRef)) continue;
    const others = changes.index.of(entry.number).filter(([, path]) => !(path.length === 1 && path[0] === "AP"));
    if (others.length) {
      changes.refuse("PDF_OBJECT_CHANGED", FIELD_CLAUSE, entry.number, { used_by: others[0][0], key: others[0][1].join("/"), field: before.name });
    }
  }
}

// The form's own dictionary: its field list may grow by signature fields, the rest stays
export function judgeForm(changes) {
  const { signed, final } = changes;
  const before = signed.acroForm() ?? new Map();
  const after = final.acroForm();
  const [where, root] = [entryOf(final.root, "AcroForm"), entryOf(final.trailer, "Root")];
  if (after === null) {
    if (before.size) changes.refuse("PDF_FORM_CHANGED", FIELD_CLAUSE, null, { key: "AcroForm", reason: "removed" });
    return;
  }
  const isIndirect = where instanceof PdfRef;
  const [holder, path] = isIndirect ? [where.number, []] : [root instanceof PdfRef ? root.number : 0, ["AcroForm"]];
  if (isIndirect) changes.judged.add(where.number);
  const different = changes.values.differentKeys(before, after, holder, path);
  judgeFieldList(changes, before, after, holder, path);
  judgeDefaultResources(changes, before, after, holder, [...path, "DR"]);
  if (FORM_DEFAULTS.some((key) => different.has(key))) {
    const used = usedDefaults(signed);
    for (const key of [...different].filter((each) => used.has(each)).sort()) changes.leaveOpen("PDF_FORM_CHANGED", FIELD_CLAUSE, holder, { key });
  }
  for (const key of [...without(different, new Set(["Fields", "DR", "DA", "Q"]))].sort()) {
    const [old, now] = [signed.resolveEntry(before, key), final.resolveEntry(after, key)];
    if (key === "SigFlags" && isWholeNumber(now) && (old === null || (isWholeNumber(old) && (old & ~now) === 0))) continue;
    if (key === "NeedAppearances" && now !== true) continue;
    changes.refuse("PDF_FORM_CHANGED", FIELD_CLAUSE, holder, { key });
  }
}

function judgeFieldList(changes, before, after, holder, path) {
  const asArray = (value) => (Array.isArray(value) ? value : []);
  const old = asArray(changes.signed.resolveEntry(before, "Fields"));
  const now = asArray(changes.final.resolveEntry(after, "Fields"));
  changes.final.budget.spendCompared(now.length);
  changes.grantAlone(entryOf(after, "Fields"), holder, [...path, "Fields"]);
  const [added, lost] = listChanges(old, now);
  for (const item of lost) changes.refuse("PDF_FIELD_CHANGED", FIELD_CLAUSE, item instanceof PdfRef ? item.number : holder, { reason: "removed from the form" });
  for (const item of added) {
    if (item instanceof PdfRef && changes.newFields.has(item.key)) continue;
    const number = item instanceof PdfRef ? item.number : holder;
    changes.judged.add(number);
    changes.refuse("PDF_FIELD_CHANGED", FIELD_CLAUSE, number, { reason: "added" });
  }
}

// Default resources (/DR): new fonts may be added, known names keep their meaning
function judgeDefaultResources(changes, before, after, formHolder, formPath) {
  const old = changes.signed.resolveDictionary(entryOf(before, "DR")) ?? new Map();
  const now = changes.final.resolveDictionary(entryOf(after, "DR"));
  if (now === null) return;
  const reference = after.get("DR");
  if (!(changes.final.resolve(reference) instanceof Map)) {
    changes.refuse("PDF_FORM_CHANGED", FIELD_CLAUSE, formHolder, { key: "DR" });
    return;
  }
  changes.grantAlone(reference, formHolder, formPath);
  const [holder, path] = reference instanceof PdfRef ? [reference.number, []] : [formHolder, formPath];
  for (const [category, value] of now) {
    const inner = changes.final.resolve(value);
    const known = changes.signed.resolveEntry(old, category);
    if (inner instanceof Map) {
      changes.grantAlone(value, holder, [...path, category]);
      const [place, keys] = value instanceof PdfRef ? [value.number, []] : [holder, [...path, category]];
      for (const [name, resource] of inner) {
        if (!(known instanceof Map) || !known.has(name)) changes.grant(resource, place, [...keys, name]);
        else if (!changes.values.same(known.get(name), resource, place, [...keys, name])) {
          changes.refuse("PDF_FORM_CHANGED", FIELD_CLAUSE, holder, { key: `DR/${category}/${name}` });
        }
      }
    } else if (known !== null && !changes.values.same(old.get(category), value, holder, [...path, category])) {
      changes.refuse("PDF_FORM_CHANGED", FIELD_CLAUSE, holder, { key: `DR/${category}` });
    }
  }
}

// Changed fields that hold no signature: values filled in, or anything else about them
export function judgeOtherFields(changes) {
  const left = [...without(changes.changed, changes.judged)].sort((one, other) => one - other);
  for (const number of left) {
    const [after, before] = [changes.objectAfter(number), changes.objectBefore(number)];
    if (!(after instanceof Map) || !(before instanceof Map) || !changes.index.of(number).length) continue;
    const chain = fieldChain(changes.final, after);
    if (chain === null) continue;
    changes.judged.add(number);
    const keys = changes.values.differentKeys(before, after, number);
    if (!keys.size) continue;
    const parts = chain.map((link) => changes.final.resolveEntry(link, "T")).filter((part) => part instanceof PdfString);
    const name = parts.map(readPdfText).reverse().join(".");
    for (const key of FILLING_KEYS) if (after.has(key)) changes.grant(after.get(key), number, [key]);
    const parent = entryOf(after, "Parent");
    const isFilled = keys.has("V") || keys.has("AS") || (parent instanceof PdfRef && changes.changed.has(parent.number));
    const { level } = changes.permissions;
    if (isLockedField(changes.permissions, name)) changes.refuse("PDF_FIELD_LOCKED", FIELD_MDP_CLAUSE, number, { field: name });
    else if (!isFilled || without(keys, FILLING_KEYS).size) changes.refuse("PDF_FIELD_CHANGED", FIELD_CLAUSE, number, { field: name, keys: listKeys(keys) });
    else if (level === FORM_FILLING || level === ANNOTATING) changes.leaveOpen("PDF_FORM_FILLED", DOC_MDP_CLAUSE, number, { field: name, level });
    else changes.refuse("PDF_FORM_FILLED", FIELD_CLAUSE, number, { field: name });
  }
}

// A field with those above it, where one of them states a field type other than signature; null for anything else
function fieldChain(document, dictionary) {
  const chain = [dictionary];
  let [kind, node] = [null, dictionary];
  for (let i = 0; i < MAX_PARENTS && node !== null; i++) {
    kind ??= document.resolveEntry(node, "FT");
    node = document.resolveDictionary(entryOf(node, "Parent"));
    if (node !== null) chain.push(node);
  }
  return isPdfText(kind) && ["Tx", "Btn", "Ch"].includes(kind.text) ? chain : null;
}

// [what after has more, what it has lost of before or put in another order]
export function listChanges(before, after) {
  const added = [];
  let at = 0;
  for (const item of after) {
    if (at < before.length && isSameValue(item, before[at])) at += 1;
    else added.push(item);
  }
  return [added, before.slice(at)];
}

// Whether a signature dictionary is a document time-stamp (ETSI EN 319 142-1 5.4.3)
const isDocumentTimestamp = (document, value) => value !== null && isNamed(document.resolveEntry(value, "SubFilter"), "ETSI.RFC3161");

// Whether a widget takes room on its page; one whose rectangle is none may, as readers repair it
function isVisible(document, widget) {
  const box = document.rectangle(entryOf(widget, "Rect"));
  if (box === null) return widget.has("Rect") || widget.has("AP");
  return box[2] > box[0] && box[3] > box[1];
}

// Whether any of these widgets shows something on its page
export const isShown = (document, widgets) => widgets.some((widget) => (widget.has("AP") || isVisible(document, widget)) && isPainted(document, widget));

// Whether a widget may show anything: an appearance that is not empty, or a background or caption of its own
function isPainted(document, widget) {
  if (isTruthy(document.resolveEntry(widget, "MK"))) return true;
  for (const stream of appearancesOf(document, widget)) {
    if (!(stream instanceof PdfStream) || stream.raw.length > EMPTY_BYTES) return true;
    if (!paintsNothing(toBinary(decodeStream(stream, document.resolve, document.budget)))) return true;
  }
  return false;
}

// The appearances of a widget for every state; what stands in the place of one is among them
function appearancesOf(document, widget) {
  const entries = [...(document.resolveDictionary(entryOf(widget, "AP")) ?? new Map()).values()].map(document.resolve);
  return entries.flatMap((found) => (found instanceof Map ? [...found.values()].map(document.resolve) : [found]));
}

// Anything but nothing: null, false, zero, and what is empty
function isTruthy(value) {
  if (value instanceof Map) return value.size > 0;
  if (Array.isArray(value)) return value.length > 0;
  if (value instanceof PdfString) return value.bytes.length > 0;
  if (isPdfText(value)) return value.text.length > 0;
  return Boolean(value?.number ?? value);
}

// White space, comments, marks and saved states, one after the other, and nothing else
function paintsNothing(content) {
  const part = /[\x00\t\n\f\r ]+|%[^\r\n]*|\/\w+[ ]BMC\b|EMC\b|[qQ]\b/y;
  while (part.lastIndex < content.length) if (!part.test(content)) return false;
  return true;
}
