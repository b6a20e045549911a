// Verifying the signatures of a PDF: each one on its own, all its steps, and what happened to the document after it.
//
// Nothing is valid that is not shown: a damaged or encrypted document, an unknown kind of signature, or a comparison that would cost too much is
// undecided, and says so. The same steps in the same order as seal_service/pdf/verify.py.
import { MalformedError, TrustError, isoTime } from "./bytes.js";
import { undecidedResult } from "./cms.js";
import { findActiveContent } from "./pdf_active_content.js";
import { readSealedPdfFiles } from "./pdf_attachments.js";
import { DOC_MDP_CLAUSE, FIELD_CLAUSE } from "./pdf_changes.js";
import { RANGE_CLAUSE, RangeDigests, checkTail, findUnattached, openSignedRevision, readCoverage } from "./pdf_coverage.js";
import { PdfDocument } from "./pdf_document.js";
import { isShown } from "./pdf_form_changes.js";
import { PDF_LIMITS } from "./pdf_limits.js";
import { XREF_IN_FILE } from "./pdf_references.js";
import { compareWithFinal } from "./pdf_modifications.js";
import { joinPermissions, makePermissions, readPermissions } from "./pdf_permissions.js";
import { entryOf, isSameRef, pdfText } from "./pdf_syntax.js";
import { readValidationData } from "./pdf_validation_data.js";
import { TIMESTAMP_FILTER, UNKNOWN_KIND, kindOfFilter, valueNotChecked, verifyPdfValue } from "./pdf_value.js";
import { Outcome, Verdict, failed, fileReport, notChecked, passed, signatureReport, verdictOf, warned, worstVerdict } from "./report.js";
import { openSealLists } from "./seal_status.js";

const FILE_CLAUSE = "ISO 32000-1 7.5";
const PDF_HEADER_BYTES = 1024; // readers look for %PDF- this far

export function isPdf(data) {
  const head = data.subarray(0, PDF_HEADER_BYTES);
  for (let at = head.indexOf(0x25); at >= 0; at = head.indexOf(0x25, at + 1)) {
    if (head[at + 1] === 0x50 && head[at + 2] === 0x44 && head[at + 3] === 0x46 && head[at + 4] === 0x2d) return true;
  }
  return false;
}

// Verify every signature under trust as of `at`: { report, readFiles(candidates) or null where it could not be read }. Never throws.
export async function examinePdf(data, trust, at) {
  try {
    const status = await openSealLists(trust, at);
    const [report, document] = await verifyPdf(data, { trust, at, status, provenBy: null });
    return { report, readFiles: (candidates) => readSealedPdfFiles(document, candidates) };
  } catch (error) {
    // Unknown trouble is "not decided"
    const reason = error instanceof TrustError ? error.code : error?.name ?? "Error";
    const steps = [notChecked("PDF_UNREADABLE", FILE_CLAUSE, { reason })];
    return { report: fileReport({ verdict: Verdict.INDETERMINATE, tampered: null, signatures: [], steps }), readFiles: null };
  }
}

class SignedField {
  // One signed field on its way through the checks; view: where it was found, the final document or the revision it was removed after
  constructor(view, field, coverage) {
    Object.assign(this, { view, field, value: field.valueDict ?? new Map(), coverage });
    this.permissions = makePermissions();
    this.steps = [];
    this.signed = null;
    this.modifications = null;
    this.kind = UNKNOWN_KIND;
    this.result = undecidedResult();
    this.isTampered = null;
    this.isRemoved = false;
    this.subFilter = orElse("", () => pdfText(view.resolveEntry(this.value, "SubFilter")));
  }

  get isTimestamp() {
    return this.subFilter === TIMESTAMP_FILTER;
  }
}

// What run gives, or fallback where something cannot be read
function orElse(fallback, run) {
  try {
    return run();
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
    return typeof fallback === "function" ? fallback(error) : fallback;
  }
}

async function verifyPdf(data, setting) {
  const document = PdfDocument.open(data);
  const steps = [];
  if (document.recovered) steps.push(notChecked("PDF_RECOVERED", FILE_CLAUSE));
  if (document.isEncrypted) steps.push(notChecked("PDF_ENCRYPTED", "ISO 32000-1 7.6"));
  // Readers disagree whether offsets count from the file's start or from the header, and rebuild what they cannot follow
  if (document.headerOffset) steps.push(notChecked("PDF_HEADER_OFFSET", "ISO 32000-1 7.5.2", { offset: document.headerOffset }));
  const signatures = signedFields(document, steps).map((field) => new SignedField(document, field, readCoverage(document, field)));
  steps.push(...findActiveContent(document));
  addRemoved(document, signatures, steps);
  if (!signatures.length) {
    const report = fileReport({ verdict: Verdict.INDETERMINATE, tampered: null, signatures: [], steps: [notChecked("PDF_NOT_SIGNED", RANGE_CLAUSE), ...steps] });
    return [report, document];
  }
  // An authority stamps whatever it is sent
  if (signatures.every((each) => each.isTimestamp)) steps.push(notChecked("PDF_NOT_SIGNED", RANGE_CLAUSE, { timestamps: signatures.length }));
  const endOf = ({ coverage: { ranges } }) => (ranges.length ? ranges[ranges.length - 1][1] : 0);
  signatures.sort((one, other) => endOf(one) - endOf(other));
  for (const signature of signatures) signature.permissions = permissionsOf(signature);
  checkTogether(document, signatures);
  for (const signature of signatures) openRevision(document, signature);
  compareRevisions(document, signatures);
  const stamped = [...signatures].reverse().filter((each) => each.isTimestamp && each.signed !== null).map((each) => each.signed);
  const [trust, evidence] = readValidationData([...stamped, document], setting.trust);
  const digests = new RangeDigests(data, signatures.filter((each) => each.coverage.ranges.length).map((each) => each.coverage.ranges[0][1]));
  await checkValues(signatures, digests, { ...setting, trust, evidence });
  checkPictures(document, signatures);
  const reports = signatures.map((signature) => reportOn(document, signature));
  const tampered = signatures.map((signature) => signature.isTampered);
  const verdicts = [...reports.map((report) => report.verdict), ...(steps.length ? [verdictOf(steps)] : [])];
  const isTampered = tampered.includes(true) ? true : tampered.includes(null) ? null : false;
  return [fileReport({ verdict: worstVerdict(verdicts), tampered: isTampered, signatures: reports, steps }), document];
}

function signedFields(document, steps) {
  const fields = document.signatureFields().filter((each) => each.valueDict !== null);
  if (document.unreadableFields) steps.push(notChecked("PDF_FIELD_UNREADABLE", FIELD_CLAUSE, { count: document.unreadableFields }));
  const limit = PDF_LIMITS.signatures;
  if (fields.length > limit) steps.push(notChecked("PDF_TOO_MANY_SIGNATURES", FIELD_CLAUSE, { found: fields.length, limit }));
  return fields.slice(0, limit);
}

function permissionsOf(signature) {
  const strictest = (error) => {
    signature.steps.push(notChecked("PDF_PERMISSIONS_UNREADABLE", DOC_MDP_CLAUSE, { reason: error.code }));
    return makePermissions({ level: 1 });
  };
  return orElse(strictest, () => readPermissions(signature.view, signature.value, signature.field.fieldDict));
}

// Signatures that a later revision took away are examined too, unless a later signer signed the document without them. A time-stamp is no
// signer: whoever removes a signature can have the rest stamped.
function addRemoved(document, signatures, steps) {
  const positions = signatures.map((each) => each.coverage.position).filter((position) => position !== null);
  for (const item of findUnattached(document, [...positions, ...positionsBeyond(document)])) {
    steps.push(warned("PDF_SIGNATURE_UNATTACHED", FIELD_CLAUSE, { offset: item.offset }));
    if (item.field === null || item.coverage.end === null) continue;
    const signers = signatures.filter((each) => !each.isTimestamp);
    if (signers.some((each) => each.coverage.end !== null && each.coverage.end > item.coverage.end)) continue;
    const removed = new SignedField(item.revision, item.field, item.coverage);
    removed.steps.push(failed("PDF_SIGNATURE_REMOVED", FIELD_CLAUSE, { field: item.field.name }));
    removed.isRemoved = true;
    signatures.push(removed);
  }
}

// Where the values stand that are too many to be examined: they are not removed for that
function positionsBeyond(document) {
  const fields = document.signatureFields().filter((each) => each.valueDict !== null).slice(PDF_LIMITS.signatures);
  const entryAt = (ref) => (ref === null ? null : orElse(null, () => document.entry(ref.number)));
  const entries = fields.map(({ valueRef, ref }) => entryAt(valueRef ?? ref));
  return entries.filter((entry) => entry !== null && entry.kind === XREF_IN_FILE).map((entry) => entry.at);
}

// Rules between signatures, which are in the order of their ends: no overlap, one field per value, one certification and first
function checkTogether(document, signatures) {
  const positions = signatures.filter((each) => each.coverage.position !== null && !each.isRemoved).map((each) => each.coverage.position);
  let [isCertified, reach] = [false, 0];
  signatures.forEach((signature, index) => {
    const { coverage, steps } = signature;
    const field = signature.field.name;
    if (coverage.position !== null && positions.filter((each) => each === coverage.position).length > 1) {
      steps.push(failed("PDF_SIGNATURE_SHARED", FIELD_CLAUSE, { field }));
    }
    if (coverage.gap !== null) {
      if (coverage.gap[0] < reach) steps.push(failed("PDF_BYTERANGE_OVERLAP", RANGE_CLAUSE, { gap: coverage.gap[0], other_end: reach }));
      reach = Math.max(reach, coverage.end);
    }
    if (!signature.permissions.isCertification) return;
    if (isCertified) steps.push(failed("PDF_CERTIFICATION_SECOND", DOC_MDP_CLAUSE, { field }));
    else if (signatures.slice(0, index).some((each) => !each.isTimestamp)) steps.push(failed("PDF_CERTIFICATION_NOT_FIRST", DOC_MDP_CLAUSE, { field }));
    isCertified = true;
    const named = orElse(null, () => entryOf(document.resolveDictionary(entryOf(document.root, "Perms")) ?? new Map(), "DocMDP"));
    const isNamed = isSameRef(named, signature.field.valueRef) || (named === null && signature.field.valueRef === null);
    if (!isNamed) steps.push(warned("PDF_CERTIFICATION_UNREFERENCED", DOC_MDP_CLAUSE, { field }));
  });
}

// See the document as it was signed, and find the very same signature in it
function openRevision(document, signature) {
  if (signature.isRemoved) {
    signature.signed = signature.view;
    return;
  }
  const [signed, steps] = openSignedRevision(document, signature.coverage);
  signature.signed = signed;
  signature.steps.push(...steps);
  if (signed === null || signed === document) return;
  const { ref, valueRef, name } = signature.field;
  const isEqual = (one, other) => isSameRef(one, other) || (one === null && other === null);
  const broken = (error) => {
    signature.steps.push(failed("PDF_REVISION_INCOMPLETE", FILE_CLAUSE, { end: signature.coverage.end, reason: error.code }));
    signature.signed = null;
    return null;
  };
  const found = orElse(broken, () => {
    const isThere = signed.signatureFields().some((each) => isEqual(each.ref, ref) && isEqual(each.valueRef, valueRef));
    const value = valueRef ?? ref;
    return [isThere, value !== null && signed.place(value.number) === document.place(value.number)];
  });
  if (found === null) return;
  const [isThere, isUnmoved] = found;
  if (isThere && isUnmoved) return;
  signature.steps.push(failed(isThere ? "PDF_SIGNATURE_DICTIONARY_CHANGED" : "PDF_SIGNATURE_SPOOFED", FIELD_CLAUSE, { field: name }));
  signature.isTampered = true;
}

// What changed after each signature that covers a complete revision, under what it and the earlier ones forbid
function compareRevisions(document, signatures) {
  const later = [];
  let together = makePermissions();
  for (const signature of signatures) {
    if (signature.signed === null) continue; // it covers no revision, so nobody can have come after it
    together = joinPermissions(together, signature.permissions);
    if (signature.signed === document) signature.modifications = { steps: [], isTampered: false };
    else later.push([signature, { document: signature.signed, permissions: together }]);
  }
  compareWithFinal(later.map(([, revision]) => revision), document).forEach((outcome, i) => {
    later[i][0].modifications = outcome;
  });
}

// From the last to the first: a document time-stamp that may be relied on shows that everything before it existed at its time
async function checkValues(signatures, digests, setting) {
  const proofs = []; // [up to which byte, when it existed]
  for (const signature of [...signatures].reverse()) {
    const { coverage } = signature;
    const { end } = coverage;
    const known = proofs.filter(([reach]) => end !== null && end <= reach).map(([, at]) => at);
    const provenBy = known.length ? Math.min(...known) : null;
    try {
      [signature.kind, signature.result] = await verifyPdfValue(signature.view, signature.value, coverage, digests, { ...setting, provenBy });
    } catch (error) {
      signature.result = valueNotChecked(error);
      signature.kind = kindOfFilter(signature.subFilter);
    }
    if (provenBy !== null) signature.steps.push(passed("PDF_EXISTENCE_PROVEN", "ETSI EN 319 102-1 5.6.2", { proven_by: isoTime(provenBy) }));
    const isSound = [...coverage.steps, ...signature.steps].every((step) => step.outcome !== Outcome.FAIL);
    if (!signature.isTimestamp || signature.isRemoved || !isSound || !signature.result.documentIntact) continue;
    if (signature.result.timestampAt !== null && coverage.gap !== null) proofs.push([coverage.gap[0], signature.result.timestampAt]);
  }
}

// What a later field shows, a signature must answer for: a value that is no signature over this file makes it a pasted note
function checkPictures(document, signatures) {
  for (const forged of signatures) {
    const { field } = forged;
    if (forged.isRemoved || mayBeSignature(forged) || !showsSomething(forged)) continue;
    const facts = { object: field.ref === null ? 0 : field.ref.number, path: field.name, reason: "no signature" };
    const step = failed("PDF_ANNOTATION_CHANGED", FIELD_CLAUSE, facts);
    for (const signature of signatures) {
      const { signed, modifications } = signature;
      if (signed === null || signed === document || modifications === null || signature === forged) continue;
      const isEqual = (ref) => isSameRef(ref, field.ref) || (ref === null && field.ref === null);
      if (signed.signatureFields().some((each) => isEqual(each.ref) && each.valueDict !== null)) continue;
      const others = modifications.steps.filter((each) => each.outcome !== Outcome.PASS);
      signature.modifications = { steps: [...others, step], isTampered: true };
    }
  }
}

// Another reader may well understand what cannot be read
const showsSomething = ({ view, field }) => orElse(true, () => isShown(view, field.widgets.map(([, widget]) => widget)));

// Whether a value may be a signature over this file, by anybody; a kind that is not known here may
function mayBeSignature({ coverage, result }) {
  if (coverage.gap === null || result.cryptographicallyValid === false || result.documentIntact === false) return false;
  return result.signerCertificate !== null || result.steps.every((step) => step.outcome !== Outcome.FAIL);
}

function reportOn(document, signature) {
  const { coverage, modifications, result } = signature;
  const steps = [...coverage.steps, ...signature.steps];
  if (coverage.gap !== null && !steps.some((step) => step.code === "PDF_BYTERANGE_OVERLAP")) steps.push(passed("PDF_BYTERANGE_OK", RANGE_CLAUSE));
  if (signature.signed !== null && coverage.end !== null) steps.push(checkTail(document, coverage.end));
  if (modifications !== null) steps.push(...modifications.steps);
  steps.push(...result.steps);
  const isUncovered = steps.some((step) => step.code === "PDF_REVISION_UNCOVERED");
  const isChanged = modifications === null ? null : modifications.isTampered;
  const isRemoved = signature.isRemoved && result.documentIntact === true; // its bytes show that it was there, and right
  const isWrapped = coverage.isWrapped && result.documentIntact === true; // what was signed is there, with objects pushed in between
  if (signature.isTampered || result.documentIntact === false || isChanged || isUncovered || isRemoved || isWrapped) signature.isTampered = true;
  else if (result.documentIntact === null || isChanged === null || coverage.gap === null) signature.isTampered = null;
  else signature.isTampered = false;
  return signatureReport({
    name: signature.field.name,
    kind: signature.kind,
    verdict: verdictOf(steps),
    cryptographicallyValid: result.cryptographicallyValid,
    documentIntact: signature.isTampered ? false : signature.isTampered === null ? null : result.documentIntact,
    trusted: result.trusted,
    signer: result.signer,
    signedAt: result.signedAt,
    steps,
    certificate: result.signerCertificate,
    isShown: showsSomething(signature),
  });
}
