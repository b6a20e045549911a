// The account of a comparison: what was judged, what is granted to whom, and what was refused; as seal_service/pdf/changes.py.
//
// An update may bring new objects only along a way that a rule has approved. Such objects are granted, together with everything they alone
// refer to. In the end every changed object must have been judged by a rule, or be granted and referred to from nowhere else.
import { MalformedError } from "./bytes.js";
import { ValueComparison, edgeKey, referencesIn, revisionOf, sortEdges } from "./pdf_comparison.js";
import { PdfRef, entryOf } from "./pdf_syntax.js";
import { Outcome, failed, notChecked, warned } from "./report.js";

export const UPDATE_CLAUSE = "ISO 32000-1 7.5.6";
export const FIELD_CLAUSE = "ISO 32000-1 12.7.4.5";
export const ANNOTATION_CLAUSE = "ISO 32000-1 12.5.2";
export const DOC_MDP_CLAUSE = "ISO 32000-1 12.8.2.2";
export const FIELD_MDP_CLAUSE = "ISO 32000-1 12.8.2.4";
const RESOURCE_KINDS = new Set(["ColorSpace", "ExtGState", "Font", "Pattern", "Properties", "Shading", "XObject", "CharProcs"]);
const FIELD_LINKS = new Set(["Fields", "Annots", "Kids", "Parent"]);
const MAX_CHANGE_STEPS = 40; // of one outcome listed for one signature; a rebuilt file would give thousands

export const lastKey = (path) => path[path.length - 1];

export class PdfChanges {
  // One signed revision beside the final one. changed: object numbers that stand elsewhere; judged: those a rule has looked at; kinds: what was
  // allowed, in words of the report; newWidgets, newFields: by reference; newPictures: prepared widgets that show
  // something since they were signed, by reference.
  constructor(signed, final, changed, index, permissions, readsTexts = true) {
    Object.assign(this, { signed, final, changed, index, permissions });
    this.values = new ValueComparison(signed, final, readsTexts);
    this.judged = new Set();
    this.kinds = new Set();
    this.newWidgets = new Map();
    this.newFields = new Map();
    this.newPictures = new Set();
    this.steps = [];
    this.granted = new Set();
    this.grantedAlone = new Set();
    this.allowed = new Set();
    this.structural = null;
    this.edgesKnown = new Map();
  }

  // A change that is not allowed
  refuse(code, clause, number = null, facts = {}) {
    if (this.hasRoom(Outcome.FAIL)) this.steps.push(failed(code, clause, { ...this.where(number), ...facts }));
  }

  // A change that cannot be decided
  leaveOpen(code, clause, number = null, facts = {}) {
    if (this.hasRoom(Outcome.NOT_CHECKED)) this.steps.push(notChecked(code, clause, { ...this.where(number), ...facts }));
  }

  // A change that is allowed, and yet is to be known
  tell(code, clause, number, facts) {
    if (this.hasRoom(Outcome.WARN)) this.steps.push(warned(code, clause, { ...this.where(number), ...facts }));
  }

  // Undecided changes, however many, leave room for one that is not allowed
  hasRoom(outcome) {
    return this.steps.filter((step) => step.outcome === outcome).length < MAX_CHANGE_STEPS;
  }

  where(number) {
    if (number === null) return {};
    return { object: number, path: this.index.pathTo(number), revision: revisionOf(this.signed, this.final, number) };
  }

  isGrantable(number) {
    return this.changed.has(number) && !this.structuralNumbers().has(number);
  }

  // Approve the changed objects that value (under path in object holder) refers to, and what these refer to
  grant(value, holder, path) {
    const fresh = [];
    const held = [...referencesIn(value)];
    this.final.budget.spendCompared(held.length);
    const take = (number) => {
      if (this.granted.has(number)) return;
      this.granted.add(number);
      fresh.push(number);
    };
    for (const [inner, ref] of held) {
      if (!this.isGrantable(ref.number)) continue;
      this.allowed.add(`${ref.number} ${edgeKey(holder, [...path, ...inner])}`);
      take(ref.number);
    }
    while (fresh.length) {
      const references = [...referencesIn(this.objectAfter(fresh.pop()))];
      this.final.budget.spendCompared(references.length);
      for (const [, ref] of references) if (this.isGrantable(ref.number)) take(ref.number);
    }
  }

  // Approve one object that value refers to as it is, not what it refers to in turn
  grantAlone(value, holder, path) {
    if (!(value instanceof PdfRef) || !this.changed.has(value.number)) return;
    this.grantedAlone.add(value.number);
    this.allowed.add(`${value.number} ${edgeKey(holder, path)}`);
  }

  // Who refers to a changed object without a rule having approved it
  refusedReferrers(number) {
    const referrers = sortEdges(this.index.of(number));
    if (this.index.crowded.has(number)) return referrers;
    const copies = this.values.rewritten;
    const isCopy = [...copies.values()].some(([copy]) => copy === number);
    if (!this.granted.has(number) && !this.grantedAlone.has(number) && !isCopy) return referrers;
    return referrers.filter(([holder, path]) => {
      const edge = `${number} ${edgeKey(holder, path)}`;
      return !this.granted.has(holder) && !this.allowed.has(edge) && !copies.has(edge);
    });
  }

  // Who refers to a new field or widget in another way than fields and widgets are referred to
  strangeReferrers(number) {
    const referrers = sortEdges(this.index.of(number));
    if (this.index.crowded.has(number)) return referrers;
    return referrers.filter(
      ([holder, path]) =>
        !this.granted.has(holder) && !(path.length && FIELD_LINKS.has(lastKey(path))) && !(!path.length && this.grantedAlone.has(holder)),
    );
  }

  // Who refers to a judged object as something that its rule does not look at: as a resource, or from a place kept for an object to come
  misused(number) {
    const isNew = this.objectBefore(number) === null;
    return sortEdges(
      this.index.of(number).filter(
        ([holder, path]) => (path.length && RESOURCE_KINDS.has(lastKey(path))) || (isNew && this.edgesBefore(holder).has(edgeKey(number, path))),
      ),
    );
  }

  // The references to objects of interest that an object held when it was signed
  edgesBefore(holder) {
    if (!this.edgesKnown.has(holder)) {
      const references = [...referencesIn(this.objectBefore(holder))];
      this.final.budget.spendCompared(references.length);
      this.edgesKnown.set(holder, new Set(references.filter(([, ref]) => this.changed.has(ref.number)).map(([path, ref]) => edgeKey(ref.number, path))));
    }
    return this.edgesKnown.get(holder);
  }

  // An object as it was signed, or as it is now; null when it is not there
  objectBefore(number) {
    return objectIn(this.signed, number);
  }

  objectAfter(number) {
    return objectIn(this.final, number);
  }

  // Objects with rules of their own, which are never granted as a part of something else: catalog, form, pages, fields
  structuralNumbers() {
    if (this.structural === null) {
      const { final } = this;
      const numbers = new Set(final.pages().map(([ref]) => ref.number));
      for (const number of final.pageTreeNumbers) numbers.add(number);
      for (const ref of [entryOf(final.trailer, "Root"), entryOf(final.root, "AcroForm")]) if (ref instanceof PdfRef) numbers.add(ref.number);
      for (const field of final.signatureFields()) {
        for (const ref of [...field.widgets.map(([each]) => each), field.ref]) if (ref !== null) numbers.add(ref.number);
      }
      this.structural = numbers;
    }
    return this.structural;
  }
}

function objectIn(document, number) {
  try {
    return document.current(number);
  } catch (error) {
    if (!(error instanceof MalformedError) || error.code === "PDF_TOO_COMPLEX") throw error;
    return null;
  }
}
