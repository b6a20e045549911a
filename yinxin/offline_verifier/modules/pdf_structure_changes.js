// Changes to the logical structure after a signature (ISO 32000-1 14.7): elements for new signature widgets, and everything else left open.
//
// The structure is not painted, but it is read aloud and extracted: a change in it is never called harmless unless all it says is that a new
// signature field is there, as signers write it into tagged documents.
import { MalformedError } from "./bytes.js";
import { referencesIn } from "./pdf_comparison.js";
import { lastKey } from "./pdf_changes.js";
import { listChanges } from "./pdf_form_changes.js";
import { PdfRef, PdfStream, entryOf, isNamed, isSameValue, isWholeNumber } from "./pdf_syntax.js";

const STRUCTURE_CLAUSE = "ISO 32000-1 14.7";
const STRUCTURE_ROOT_KEYS = new Set(["K", "ParentTree", "ParentTreeNextKey"]);
const ELEMENT_KEYS = new Set(["Type", "S", "P", "K", "Pg"]); // none of them is text
const OBJECT_KEYS = new Set(["Type", "Obj", "Pg"]);
const MAX_TREE_DEPTH = 32;

const hasOnly = (dictionary, keys) => [...dictionary.keys()].every((key) => keys.has(key));

// The changed parts of the structure that was signed. What the rest of the document uses too is judged there.
export function judgeStructure(changes) {
  const root = entryOf(changes.signed.root, "StructTreeRoot");
  if (root === null) return;
  const [changed, others] = [new Set(), new Set()];
  for (const number of [...changes.changed].filter((each) => !changes.judged.has(each)).sort((one, other) => one - other)) {
    const [before, after] = [changes.objectBefore(number), changes.objectAfter(number)];
    if (changes.index.of(number).length || isBookkeeping(after) || changes.values.same(before, after, number)) continue;
    (isStructure(before) ? changed : others).add(number);
  }
  const used = others.size ? usedBy(changes.signed, root, others) : null;
  if (used === null && (!changed.size || hasOnlyNewWidgets(changes, root, changed))) return;
  changes.leaveOpen("PDF_STRUCTURE_CHANGED", STRUCTURE_CLAUSE, changed.size ? Math.min(...changed) : used);
}

function isBookkeeping(value) {
  return value instanceof PdfStream && ["XRef", "ObjStm"].some((type) => isNamed(value.dictionary.get("Type"), type));
}

// Whether an object belongs to a structure tree: an element, or a part of its lists and number trees (14.7.2, 14.7.4)
function isStructure(value) {
  if (!(value instanceof Map)) return Array.isArray(value);
  const type = value.get("Type");
  return isNamed(type, "StructElem") || isNamed(type, "StructTreeRoot") || (value.has("S") && value.has("P")) || value.has("Nums");
}

// Which of some objects (they may be missing) a part of the document leads to, if any; pages and what they show are not looked into
function usedBy(document, start, numbers) {
  const seen = new Set();
  const stack = [start];
  while (stack.length) {
    for (const [path, ref] of referencesIn(stack.pop())) {
      if (seen.has(ref.number) || (path.length && ["Pg", "Obj"].includes(lastKey(path)))) continue;
      if (numbers.has(ref.number)) return ref.number;
      seen.add(ref.number);
      stack.push(document.get(document.present(ref.number), false));
    }
  }
  return null;
}

// Whether the structure only gained elements that stand for new signature widgets and say nothing else
function hasOnlyNewWidgets(changes, root, changed) {
  if (!isSameValue(root, entryOf(changes.final.root, "StructTreeRoot"))) return false;
  const old = changes.signed.resolveDictionary(root) ?? new Map();
  const now = changes.final.resolveDictionary(root) ?? new Map();
  const holder = root instanceof PdfRef ? root.number : 0;
  if ([...changes.values.differentKeys(old, now, holder)].some((key) => !STRUCTURE_ROOT_KEYS.has(key))) return false;
  const explained = new Set([holder]);
  if (!kidsGrew(changes, entryOf(old, "K"), entryOf(now, "K")) || !parentsGrew(changes, old, now, explained)) return false;
  for (const number of changed) {
    if (explained.has(number)) continue;
    const [before, after] = [changes.objectBefore(number), changes.objectAfter(number)];
    let hasGrown = false;
    if (Array.isArray(before)) {
      hasGrown = kidsGrew(changes, before, after);
    } else if (before instanceof Map && after instanceof Map && !before.has("Nums")) {
      const others = [...changes.values.differentKeys(before, after, number)].filter((key) => key !== "K");
      hasGrown = !others.length && kidsGrew(changes, entryOf(before, "K"), entryOf(after, "K"));
    }
    if (!hasGrown) return false;
  }
  return true;
}

function kidsGrew(changes, before, after) {
  let [old, now] = [changes.signed.resolve(before), changes.final.resolve(after)];
  if (!Array.isArray(old) || before instanceof PdfRef) {
    old = Array.isArray(old) && after instanceof PdfRef ? old : before === null ? [] : [before];
  }
  if (!Array.isArray(now)) now = after === null ? [] : [after];
  changes.final.budget.spendCompared(now.length);
  const [added, lost] = listChanges(old, now);
  return !lost.length && added.every((item) => isOfNewWidget(changes, item));
}

// Whether an element is new and leads to a new signature widget by an object reference (14.7.4.3), with no text of its own
function isOfNewWidget(changes, item) {
  if (!(item instanceof PdfRef) || changes.objectBefore(item.number) !== null || changes.index.unreadable.has(item.number)) return false;
  const { final } = changes;
  const element = final.resolve(item);
  if (!(element instanceof Map) || !hasOnly(element, ELEMENT_KEYS) || !isNamed(final.resolveEntry(element, "S"), "Form")) return false;
  const kids = final.resolveEntry(element, "K");
  const kid = Array.isArray(kids) && kids.length === 1 ? final.resolve(kids[0]) : kids;
  if (!(kid instanceof Map) || !hasOnly(kid, OBJECT_KEYS)) return false;
  return kid.get("Obj") instanceof PdfRef && changes.newWidgets.has(kid.get("Obj").key);
}

// The tree that leads from content and widgets back to elements: known keys keep their meaning, new ones are of new widgets
function parentsGrew(changes, oldRoot, newRoot, explained) {
  const old = flattenNumbers(changes.signed, entryOf(oldRoot, "ParentTree"), explained); // only what was a node when signed may change as one
  const now = flattenNumbers(changes.final, entryOf(newRoot, "ParentTree"), new Set());
  if (![...old].every(([key, value]) => now.has(key) && changes.values.same(value, now.get(key), 0))) return false;
  return [...now].every(([key, value]) => old.has(key) || isOfNewWidget(changes, value));
}

// The entries of a number tree (7.9.7); the numbers of its nodes are added to visited
function flattenNumbers(document, value, visited) {
  const entries = new Map();
  const stack = [[value, 0]];
  while (stack.length) {
    const [item, depth] = stack.pop();
    if (depth > MAX_TREE_DEPTH) throw new MalformedError("PDF_TOO_COMPLEX", { depth });
    const node = document.resolveDictionary(item) ?? new Map();
    for (const ref of [item, node.get("Nums"), node.get("Kids")]) if (ref instanceof PdfRef) visited.add(ref.number);
    const asArray = (each) => (Array.isArray(each) ? each : []);
    const [pairs, kids] = [asArray(document.resolveEntry(node, "Nums")), asArray(document.resolveEntry(node, "Kids"))];
    document.budget.spendCompared(pairs.length + kids.length + 1);
    for (let i = 0; i + 1 < pairs.length; i += 2) {
      const number = document.resolve(pairs[i]);
      if (isWholeNumber(number) && !entries.has(number)) entries.set(number, pairs[i + 1]);
    }
    for (const kid of [...kids].reverse()) stack.push([kid, depth + 1]);
  }
  return entries;
}
