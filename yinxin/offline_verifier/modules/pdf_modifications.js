// What happened to a document after a signature, and whether it was allowed: the strict modification policy.
//
// Allowed behind a signature are: validation data (DSS), document time-stamps, developer extensions, metadata and document information, further
// signatures (in new fields with their own widgets, or in prepared empty fields), and the bookkeeping of the new revision. Every other change to
// something the document uses is a change after signing, named by object, by the way that leads to it and by revision.
import { MalformedError } from "./bytes.js";
import { ANNOTATION_CLAUSE, PdfChanges, UPDATE_CLAUSE } from "./pdf_changes.js";
import { MAX_OBJECTS_COMPARED, ReferenceIndex, TRAILER_NUMBER, changedNumbers, crossingObjects, strayObjects } from "./pdf_comparison.js";
import { judgeForm, judgeOtherFields, judgeSignatureFields, listChanges, preparedAppearances } from "./pdf_form_changes.js";
import { readPermissions } from "./pdf_permissions.js";
import { hasOddSections } from "./pdf_plain_sections.js";
import { XREF_IN_FILE } from "./pdf_references.js";
import { judgeStructure } from "./pdf_structure_changes.js";
import { PdfName, PdfRef, PdfStream, PdfString, entryOf, isNamed, isSameRef, isSameValue } from "./pdf_syntax.js";
import { Outcome, notChecked, passed } from "./report.js";

const PAGE_CLAUSE = "ISO 32000-1 7.7.3";
const CATALOG_CLAUSE = "ISO 32000-1 7.7.2";
const PAGE_KEYS = ["Annots", "Tabs", "LastModified"]; // neither of the last two is painted
// What a granted catalog entry must be, so that it cannot serve as anything else
const GRANTED_TYPES = {
  DSS: (value) => value instanceof Map, Metadata: (value) => value instanceof PdfStream && isNamed(value.dictionary.get("Subtype"), "XML"),
  Extensions: (value) => value instanceof Map, MarkInfo: (value) => value instanceof Map, Version: (value) => value instanceof PdfName,
};
const GRANTED_KEYS = { DSS: "validation data", Metadata: "metadata", Extensions: "extensions", MarkInfo: "metadata" };
const MAX_CROSSING = 8; // named objects that run over the end of a revision; one is enough
const MAX_REBUILT = 20000; // objects behind a signature that no cross-reference names; honest files have none
const EDGE_PT = 1; // seals that merely touch do not cover each other

const sorted = (numbers) => [...numbers].sort((one, other) => one - other);
const isPageEntry = (value) => value === null || Array.isArray(value) || value instanceof PdfName || (value instanceof PdfString && !value.isHex);
const undecidedChanges = (reason) => ({ steps: [notChecked("PDF_CHANGES_UNDECIDED", UPDATE_CLAUSE, { reason })], isTampered: null });

// What changed behind each signed revision { document, permissions }: { steps, isTampered } each. What cannot be read or costs too much is undecided.
export function compareWithFinal(revisions, final) {
  const found = [];
  let left = MAX_OBJECTS_COMPARED; // entries looked at for all signatures together
  for (const revision of revisions) {
    found.push(orMalformed(() => changedNumbers(revision.document, final, left)));
    if (Array.isArray(found[found.length - 1])) left -= found[found.length - 1][0].size;
  }
  const targets = new Set(found.filter(Array.isArray).flatMap(([numbers]) => [...numbers]));
  for (const revision of revisions) for (const number of preparedAppearances(revision.document)) targets.add(number);
  let [index, crossing, strays, rebuilt] = [null, new Map(), null, null];
  // Looked at once, behind the last signature: what came there came behind every other too
  const last = revisions.reduce((best, each) => (best === null || each.document.end > best.document.end ? each : best), null);
  return revisions.map((revision, i) => {
    const outcome = orMalformed(() => {
      if (final.recovered) {
        rebuilt ??= judgeRebuilt(last, final);
        return rebuilt;
      }
      if (found[i] instanceof MalformedError) throw found[i];
      if (index === null) {
        const ends = revisions.map((each) => each.document.end);
        strays = strayObjects(final, Math.min(...ends));
        index = new ReferenceIndex(final, new Set([...targets, ...strays.freed]));
        crossing = crossingObjects(final, ends);
      }
      const { document, permissions } = revision;
      const [numbers, continues] = found[i];
      const changes = new PdfChanges(document, final, numbers, index, permissions);
      for (const number of (crossing.get(document.end) ?? []).slice(0, MAX_CROSSING)) {
        changes.refuse("PDF_OBJECT_CHANGED", UPDATE_CLAUSE, number, { reason: "runs over the end of the signed revision" });
      }
      if (strays.behind.some((at) => at >= document.end)) {
        changes.leaveOpen("PDF_REVISION_CHAIN", UPDATE_CLAUSE, null, { reason: "not in the cross-references" });
      } else if (strays.before.length || strays.behind.length || [...strays.freed].some((number) => index.referrers.has(number))) {
        // Signed with the document, but not shown: an update that some reader cannot follow makes it show this
        changes.leaveOpen("PDF_REVISION_CHAIN", UPDATE_CLAUSE, null, { reason: "another object passed over" });
      }
      let judged = judgeChanges(changes, continues);
      if (judged.isTampered && document.isEncrypted) judged = judgeEncrypted(revision, final, found[i], index);
      if (!judged.isTampered && strays.behind.some((at) => at >= last.document.end)) {
        rebuilt ??= judgeRebuilt(last, final);
        if (rebuilt.isTampered) judged = rebuilt;
      }
      return judged;
    });
    return outcome instanceof MalformedError ? undecidedChanges(outcome.code) : outcome;
  });
}

function orMalformed(run) {
  try {
    return run();
  } catch (error) {
    if (error instanceof MalformedError) return error;
    throw error;
  }
}

// What readers show who rebuild the cross-references: never better than undecided, since no two of them do it alike
function judgeRebuilt(revision, final) {
  const outcome = orMalformed(() => {
    const view = revision.document.rebuiltUntil(final);
    const [numbers, continues] = changedNumbers(revision.document, view, MAX_REBUILT);
    const index = new ReferenceIndex(view, new Set([...numbers, ...preparedAppearances(revision.document)]));
    return judgeChanges(new PdfChanges(revision.document, view, numbers, index, revision.permissions), continues);
  });
  return outcome instanceof MalformedError ? undecidedChanges(outcome.code) : outcome;
}

// A change that is one whatever the encrypted strings say; where only strings differ, they may say the same (7.6.2)
function judgeEncrypted({ document, permissions }, final, [numbers, continues], index) {
  const outcome = judgeChanges(new PdfChanges(document, final, numbers, index, permissions, false), continues);
  return outcome.isTampered === false ? undecidedChanges("PDF_ENCRYPTED") : outcome;
}

function judgeChanges(changes, continues) {
  if (!continues) changes.leaveOpen("PDF_REVISION_CHAIN", UPDATE_CLAUSE);
  for (const judge of [judgeStorage, judgeSignatureFields, judgeTrailer, judgeCatalog, judgeForm, judgePages, judgeOtherFields, judgeRest]) {
    const trouble = orMalformed(() => judge(changes));
    if (trouble instanceof MalformedError) changes.leaveOpen("PDF_CHANGES_UNDECIDED", UPDATE_CLAUSE, null, { reason: trouble.code });
  }
  if (changes.steps.some((step) => step.outcome === Outcome.FAIL)) return { steps: changes.steps, isTampered: true };
  if (changes.steps.some((step) => step.outcome === Outcome.NOT_CHECKED)) return { steps: changes.steps, isTampered: null };
  const kinds = [...changes.kinds].sort().join(", ") || "none";
  return { steps: [...changes.steps, passed("PDF_LATER_CHANGES_ALLOWED", UPDATE_CLAUSE, { kinds })], isTampered: false };
}

// Object streams of the signed revision stay; every object of an update stands where its cross-reference says
function judgeStorage(changes) {
  const { signed, final } = changes;
  for (const number of sorted(changes.changed)) {
    const [before, after] = [signed.entry(number), final.entry(number)];
    if (before !== null && before.kind === XREF_IN_FILE) {
      const value = changes.objectBefore(number);
      if (value instanceof PdfStream && isNamed(value.dictionary.get("Type"), "ObjStm")) {
        changes.refuse("PDF_OBJECT_STREAM_CHANGED", "ISO 32000-1 7.5.7", number);
      }
    }
    if (after !== null && final.isMisplaced(number)) changes.refuse("PDF_OBJECT_MISPLACED", UPDATE_CLAUSE, number, { offset: after.at });
  }
  // Readers that rebuild what they find fault with may show what the signer never saw
  if (hasOddSections(signed, final)) changes.leaveOpen("PDF_REVISION_CHAIN", UPDATE_CLAUSE, null, { reason: "form of the cross-references" });
}

function judgeTrailer(changes) {
  const [before, after] = [changes.signed.trailer, changes.final.trailer];
  if (!isSameValue(entryOf(before, "Root"), entryOf(after, "Root"))) {
    changes.refuse("PDF_CATALOG_CHANGED", CATALOG_CLAUSE, null, { key: "Root", reason: "another catalog" });
  }
  if (!changes.values.same(entryOf(before, "Encrypt"), entryOf(after, "Encrypt"), TRAILER_NUMBER, ["Encrypt"])) {
    changes.refuse("PDF_CATALOG_CHANGED", CATALOG_CLAUSE, null, { key: "Encrypt" });
  }
  // Readers differ whether the newest trailer alone counts, or what it lacks is taken from those before it
  const known = new Set(changes.signed.sections.map((section) => section.offset));
  const later = changes.final.sections.filter((section) => !known.has(section.offset));
  for (const each of later.flatMap((section) => (section.hidden ? [section, section.hidden] : [section]))) {
    for (const key of ["Root", "Encrypt"]) {
      const said = entryOf(each.trailer, key);
      if (said === null || isSameValue(said, entryOf(before, key)) || isSameValue(said, entryOf(after, key))) continue;
      changes.refuse("PDF_CATALOG_CHANGED", CATALOG_CLAUSE, null, { key, reason: "in an older trailer", offset: each.offset });
    }
  }
  // 7.5.5: objects behind it would count as missing, in some readers' eyes
  if (changes.final.size < changes.signed.size) changes.leaveOpen("PDF_REVISION_CHAIN", UPDATE_CLAUSE, null, { reason: "/Size became smaller" });
  const info = entryOf(after, "Info");
  if (info instanceof PdfRef) {
    changes.grant(info, TRAILER_NUMBER, ["Info"]);
    if (changes.changed.has(info.number)) changes.kinds.add("document information");
  }
}

function judgeCatalog(changes) {
  const root = entryOf(changes.final.trailer, "Root");
  const number = root instanceof PdfRef ? root.number : TRAILER_NUMBER;
  const [before, after] = [changes.signed.root, changes.final.root];
  changes.judged.add(number);
  for (const [key, said] of Object.entries(GRANTED_KEYS)) {
    if (!after.has(key)) continue;
    changes.grant(after.get(key), number, [key]);
    if (after.get(key) instanceof PdfRef && changes.changed.has(after.get(key).number)) changes.kinds.add(said);
  }
  for (const [key, isRightType] of Object.entries(GRANTED_TYPES)) {
    const value = changes.final.resolveEntry(after, key);
    if (value === null || isRightType(value)) continue;
    const known = changes.signed.resolveEntry(before, key);
    if (known === null || !changes.values.same(known, value, number, [key])) {
      changes.refuse("PDF_CATALOG_CHANGED", CATALOG_CLAUSE, number, { key, reason: "type" });
    }
  }
  for (const key of [...changes.values.differentKeys(before, after, number)].sort()) {
    if (key === "AcroForm" || ((Object.hasOwn(GRANTED_KEYS, key) || key === "Version") && after.has(key))) {
      changes.kinds.add(Object.hasOwn(GRANTED_KEYS, key) ? GRANTED_KEYS[key] : key === "Version" ? "extensions" : "signature field");
    } else if (key === "Perms" && addsCertification(changes, before, after)) {
      changes.grant(after.get(key), number, [key]);
    } else if (key === "StructTreeRoot") {
      changes.leaveOpen("PDF_STRUCTURE_CHANGED", CATALOG_CLAUSE, number);
    } else {
      changes.refuse("PDF_CATALOG_CHANGED", CATALOG_CLAUSE, number, { key });
    }
  }
}

// Whether /Perms only gained the certification of a signature that is one, which is judged by itself; it makes none of another
function addsCertification(changes, before, after) {
  const old = changes.signed.resolveDictionary(entryOf(before, "Perms")) ?? new Map();
  const now = changes.final.resolveDictionary(entryOf(after, "Perms")) ?? new Map();
  const added = [...now.keys()].filter((key) => !old.has(key));
  const isGrown = added.length === 1 && added[0] === "DocMDP" && [...old].every(([key, value]) => now.has(key) && isSameValue(value, now.get(key)));
  const certifies = ({ valueDict }) => readPermissions(changes.final, valueDict ?? new Map(), new Map()).isCertification;
  return isGrown && changes.final.signatureFields().some((field) => isSameRef(field.valueRef, entryOf(now, "DocMDP")) && certifies(field));
}

function judgePages(changes) {
  const { signed, final } = changes;
  const pages = final.pages();
  const nodes = sorted(final.pageTreeNumbers).filter((number) => changes.changed.has(number));
  const [oldTree, newTree] = [entryOf(signed.root, "Pages"), entryOf(final.root, "Pages")];
  if (nodes.length || !isSameValue(oldTree, newTree)) {
    const [old, now] = [signed.pages(), pages];
    if (old.length !== now.length) changes.refuse("PDF_PAGE_COUNT_CHANGED", PAGE_CLAUSE, null, { before: old.length, after: now.length });
    else if (!old.every(([ref], i) => isSameRef(ref, now[i][0]))) changes.refuse("PDF_PAGE_CHANGED", PAGE_CLAUSE, null, { reason: "order" });
    changes.values.same(oldTree, newTree, TRAILER_NUMBER);
    const copies = new Set([...changes.values.rewritten.values()].map(([number]) => number));
    for (const number of nodes) {
      // Pages inherit from the nodes above them, by /Parent or by the way that leads to them: the tree stays as it was
      const [before, after] = [changes.objectBefore(number), changes.objectAfter(number)];
      changes.judged.add(number);
      if (before instanceof Map && after instanceof Map) {
        const keys = changes.values.differentKeys(before, after, number);
        if (keys.size) changes.refuse("PDF_PAGE_CHANGED", PAGE_CLAUSE, number, { keys: [...keys].sort().join(" ") });
      } else if (!copies.has(number) && !changes.values.same(before, after, number)) {
        changes.refuse("PDF_PAGE_CHANGED", PAGE_CLAUSE, number, { reason: "page tree" });
      }
    }
  }
  pages.forEach(([ref, page], i) => {
    const annotations = entryOf(page, "Annots");
    if (changes.changed.has(ref.number)) {
      changes.judged.add(ref.number);
      const before = changes.objectBefore(ref.number);
      if (!(before instanceof Map)) {
        changes.refuse("PDF_PAGE_CHANGED", PAGE_CLAUSE, ref.number, { page: i + 1, reason: "new page" });
        return;
      }
      const keys = changes.values.differentKeys(before, page, ref.number);
      for (const key of PAGE_KEYS) if (isPageEntry(final.resolveEntry(page, key))) keys.delete(key);
      if (keys.size) changes.refuse("PDF_PAGE_CHANGED", PAGE_CLAUSE, ref.number, { page: i + 1, keys: [...keys].sort().join(" ") });
      judgeAnnotations(changes, i, ref, before, page);
    } else if (annotations instanceof PdfRef && changes.changed.has(annotations.number)) {
      judgeAnnotations(changes, i, ref, page, page);
    }
    if (changes.newPictures.size) tellCovered(changes, i + 1, final.resolve(annotations));
  });
}

function judgeAnnotations(changes, pageIndex, ref, before, after) {
  const asArray = (value) => (Array.isArray(value) ? value : []);
  const [old, now] = [asArray(changes.signed.resolveEntry(before, "Annots")), asArray(changes.final.resolveEntry(after, "Annots"))];
  changes.final.budget.spendCompared(now.length);
  changes.grantAlone(entryOf(after, "Annots"), ref.number, ["Annots"]);
  const [added, lost] = listChanges(old, now);
  const page = pageIndex + 1;
  const refuse = (item, reason) => {
    const number = item instanceof PdfRef ? item.number : ref.number;
    changes.judged.add(number);
    changes.refuse("PDF_ANNOTATION_CHANGED", ANNOTATION_CLAUSE, number, { page, reason });
  };
  for (const item of lost) refuse(item, "removed");
  let seals = null;
  for (const item of added) {
    if (!(item instanceof PdfRef) || !changes.newWidgets.has(item.key)) {
      refuse(item, "added");
      continue;
    }
    seals ??= sealsOn(changes.signed, old);
    const widget = changes.final.resolveDictionary(item) ?? new Map();
    const box = changes.final.rectangle(entryOf(widget, "Rect"));
    for (const [name, seal] of seals) {
      if (box !== null && reachesInto(box, seal)) changes.refuse("PDF_SEAL_COVERED", ANNOTATION_CLAUSE, item.number, { page, field: name });
    }
  }
}

// Seals under prepared fields that were signed since: the signer had the field before him, so that is told and no more
function tellCovered(changes, page, annotations) {
  const listed = Array.isArray(annotations) ? annotations : [];
  changes.final.budget.spendCompared(listed.length);
  const signed = listed.filter((each) => each instanceof PdfRef && changes.newPictures.has(each.key));
  const seals = signed.length ? sealsOn(changes.signed, listed) : [];
  for (const item of signed) {
    const box = changes.final.rectangle(entryOf(changes.final.resolveDictionary(item) ?? new Map(), "Rect"));
    for (const [name, seal] of seals) {
      if (box !== null && reachesInto(box, seal)) changes.tell("PDF_SEAL_COVERED", ANNOTATION_CLAUSE, item.number, { page, field: name });
    }
  }
}

// Names and boxes of the seals among a page's annotations
function sealsOn(document, annotations) {
  const listed = new Set(annotations.filter((item) => item instanceof PdfRef).map((item) => item.key));
  return document
    .signatureFields()
    .filter((field) => field.valueDict !== null)
    .flatMap((field) => field.widgets.filter(([ref]) => ref !== null && listed.has(ref.key)).map(([, widget]) => [field.name, document.rectangle(entryOf(widget, "Rect"))]))
    .filter(([, box]) => box !== null);
}

// Whether a box lies over more of a seal than its edges, be it ever so narrow: many narrow ones cover a seal, and many that touch it do not
const reachesInto = (box, seal) =>
  [0, 1].every((at) => {
    const edge = Math.min(EDGE_PT, (seal[at + 2] - seal[at]) / 3);
    return Math.min(box[at + 2], seal[at + 2] - edge) > Math.max(box[at], seal[at] + edge);
  });

// Whatever changed without a rule for it: harmless when nothing uses it, a change of the document otherwise
function judgeRest(changes) {
  const fresh = new Set([...changes.newWidgets.values(), ...changes.newFields.values()].map((ref) => ref.number));
  const duplicates = new Set([...changes.final.duplicateKeys.values()].map((ref) => ref.number));
  const used = ([holder, path]) => ({ used_by: holder, key: path.join("/").slice(-80) });
  for (const number of sorted(changes.changed)) {
    if (duplicates.has(number) && changes.index.of(number).length) changes.refuse("PDF_DUPLICATE_KEY", "ISO 32000-1 7.3.7", number);
    const strange = fresh.has(number) ? changes.strangeReferrers(number) : [];
    if (strange.length) changes.refuse("PDF_OBJECT_CHANGED", UPDATE_CLAUSE, number, used(strange[0]));
    if (changes.judged.has(number)) {
      const users = changes.misused(number);
      if (users.length) changes.refuse("PDF_OBJECT_CHANGED", UPDATE_CLAUSE, number, used(users[0]));
      continue;
    }
    const referrers = changes.refusedReferrers(number);
    if (!referrers.length) continue;
    if (changes.index.unreadable.has(number)) {
      changes.refuse("PDF_OBJECT_UNREADABLE", UPDATE_CLAUSE, number);
      continue;
    }
    const [before, after] = [changes.objectBefore(number), changes.objectAfter(number)];
    if (before !== null && changes.values.same(before, after, number)) continue; // written again as it was
    const [code, clause] = nameChange(changes, referrers[0], before, after);
    changes.refuse(code, clause, number, used(referrers[0]));
  }
  const unread = [...changes.index.unreadable];
  // What they refer to is not known
  if (changes.changed.size && unread.some((number) => !changes.changed.has(number))) {
    changes.leaveOpen("PDF_CHANGES_UNDECIDED", UPDATE_CLAUSE, Math.min(...unread), { reason: "PDF_OBJECT_UNREADABLE" });
  }
  judgeStructure(changes);
}

function nameChange(changes, [holder, path], before, after) {
  const user = changes.objectAfter(holder);
  const kind = user instanceof Map ? changes.final.resolveEntry(user, "Type") : null;
  if (isNamed(kind, "Page") && path[0] !== "Annots") return ["PDF_PAGE_CHANGED", PAGE_CLAUSE];
  for (const value of [after, before, user]) {
    const dictionary = value instanceof PdfStream ? value.dictionary : value;
    if (dictionary instanceof Map && dictionary.has("Subtype") && dictionary.has("Rect")) return ["PDF_ANNOTATION_CHANGED", ANNOTATION_CLAUSE];
  }
  return ["PDF_OBJECT_CHANGED", UPDATE_CLAUSE];
}
