// Verifying an OFD document: every seal and signature on its own, what each protects, and what nothing protects; as seal_service/ofd.
//
// A value binds Signature.xml, that file binds the files it lists, and a reader shows what OFD.xml leads to; a document is as good as the
// weakest of the three. Whatever cannot be decided says so and is never valid.

import { AttachedFiles, filesRefused } from "./attached_files.js";
import { sameBytes, toBinary, TrustError } from "./bytes.js";
import {
  OFD_DESCRIPTION, OFD_LIST, OFD_PACKAGE, OFD_REACH, OFD_STRUCTURE, OfdPackage, checkOpenFiles, checkReach, checkReferences, checkStamps, condenseSteps,
  findUnlisted, listSignatures, ownFilesOf, packageSteps, takeUpUnlisted, troubleSteps,
} from "./ofd_coverage.js";
import { findLocation, OFD_XML_BYTES, OfdGraph } from "./ofd_graph.js";
import { readOfdEntries } from "./ofd_signatures.js";
import { checkStatements, kindOfValue, reasonOf, verifySignValue, verifyValue } from "./ofd_values.js";
import { failed, fileReport, notChecked, Outcome, passed, signatureReport, verdictOf, warned, worstVerdict } from "./report.js";
import { openSealLists } from "./seal_status.js";
import { firstCharacters } from "./texts.js";
import { isReadAlike, readXml, XML_REFUSED } from "./xml.js";
import { readZipDirectory, ZipContainer } from "./zip.js";

const INTEGRITY = "GM/T 0099-2020 7.4";
const ENTRIES_FILE = "OFDEntries.xml";
const SIGNED_VALUE_BYTES = 8 * 1024 * 1024;
const ATTACHED_BYTES = 16 * 1024 * 1024;
const isZip = (data) => data[0] === 0x50 && data[1] === 0x4b && ((data[2] === 3 && data[3] === 4) || (data[2] === 5 && data[3] === 6));

/** Whether this content may be an OFD document: a ZIP archive from its first byte on with an entry OFD.xml, in any case. */
export function isOfd(data) {
  if (!isZip(data)) return false;
  try {
    return readZipDirectory(data).records.some(({ name }) => name.length === 7 && toBinary(name).toLowerCase() === "ofd.xml");
  } catch (error) {
    reasonOf(error);
    for (let at = data.indexOf(0x2e); at >= 0; at = data.indexOf(0x2e, at + 1)) {
      if (toBinary(data.subarray(Math.max(0, at - 3), at + 4)).toLowerCase() === "ofd.xml") return true;
    }
    return false;
  }
}

/**
 * Verify every signature of an OFD document under `trust` as of `at`: { report, readFiles }, where readFiles gives the files inside that a seal
 * protects. Never throws.
 */
export async function examineOfd(data, trust, at) {
  try {
    return await verifyPackage(data, { trust, at, status: await openSealLists(trust, at) });
  } catch (error) {
    const reason = error instanceof TrustError ? reasonOf(error) : error?.name ?? "Error"; // unknown trouble is "not decided"
    return { report: withoutSignatures([notChecked("OFD_UNREADABLE", OFD_PACKAGE, { reason })]), readFiles: null };
  }
}

function withoutSignatures(steps) {
  const shown = condenseSteps(steps);
  return fileReport({ verdict: verdictOf(shown), tampered: null, signatures: [], steps: shown });
}

async function verifyPackage(data, setting) {
  // 1. The package and what is reached in it
  const container = new ZipContainer(data);
  const steps = packageSteps(container.irregularities);
  if (container.nameLike("Encryptions.xml") !== null) steps.push(notChecked("OFD_ENCRYPTED", "GM/T 0099-2020 7.3"));
  const pack = new OfdPackage(container, new OfdGraph(container));
  const { failure } = pack.graph;
  if (failure) steps.push((XML_REFUSED.has(failure.code) ? failed : notChecked)("OFD_UNREADABLE", OFD_STRUCTURE, { reason: reasonOf(failure) }));
  // 2. Each signature
  const signatures = listSignatures(pack, steps);
  signatures.push(...takeUpUnlisted(pack, signatures));
  for (const signature of signatures) await checkSignature(pack, signature, setting);
  const exempt = new Set(signatures.flatMap(ownFilesOf));
  for (const signature of signatures) checkReachOf(pack, signature, exempt);
  checkLocks(signatures);
  const reports = signatures.map(reportOn);
  steps.push(...troubleSteps(pack.graph.troubles));
  // 3. The list against smuggled files
  if (container.has(ENTRIES_FILE)) {
    const proven = new Set();
    signatures.forEach((signature, i) => {
      if (reports[i].cryptographicallyValid && reports[i].documentIntact) for (const path of signature.coverage.covered) proven.add(path);
    });
    const { report, own } = await verifyEntries(pack, setting, proven, exempt);
    reports.push(report);
    own.forEach((path) => exempt.add(path));
  }
  const readFiles = (candidates) => sealedOfdFiles(pack, signatures, candidates);
  if (!reports.length) {
    return { report: withoutSignatures(failure ? steps : [notChecked("OFD_NOT_SIGNED", OFD_LIST), ...steps]), readFiles };
  }
  // 4. What concerns no single signature
  if (signatures.length) steps.push(...checkRest(pack, signatures, exempt));
  const shown = condenseSteps(steps);
  const verdict = worstVerdict([...reports.map((report) => report.verdict), ...(shown.length ? [verdictOf(shown)] : [])]);
  return { report: fileReport({ verdict, tampered: isTampered(reports, shown), signatures: reports, steps: shown }), readFiles };
}

/** All checks of one signature by itself. What is missing for one leaves the others to be made. */
async function checkSignature(pack, signature, setting) {
  const { description, original } = signature;
  if (description === null) {
    if (original !== null && signature.valuePath !== null) await checkValue(pack, signature, signature.valuePath, original, setting);
    return;
  }
  signature.coverage = await checkReferences(pack, description, signature.path);
  signature.steps.push(...signature.coverage.steps, ...checkStamps(description.stamps, signature.body));
  if (signature.valuePath === null) {
    signature.steps.push(failed("SIGNED_VALUE_MISSING", OFD_DESCRIPTION, { path: description.valueLocation }));
    return;
  }
  const result = await checkValue(pack, signature, signature.valuePath, original, setting);
  if (result === null) return;
  signature.steps.push(...checkStatements(result, signature.path, description.method, description.statedTime));
  if (signature.sealPath !== null && result.sealRaw !== null) {
    const step = checkSealFile(pack, signature.sealPath, result.sealRaw);
    signature.isSealInValue = step.outcome === Outcome.PASS;
    signature.steps.push(step);
  }
}

/**
 * What a reader comes to and the signature does not protect. So too what another reader takes for a description, a value or a seal, and a seal
 * file of which its value, having no seal, says nothing.
 */
function checkReachOf(pack, { description, body, coverage, result, sealPath, path, otherFiles, steps }, exempt) {
  if (description === null) return;
  const { listed } = coverage;
  steps.push(...checkReach(pack, body, listed, exempt));
  const shown = new Map(otherFiles);
  if (result !== null && result.sealRaw === null && sealPath !== null) shown.set(sealPath, path);
  for (const [file, by] of shown) {
    if (!listed.has(file) && !body.reached.has(file)) steps.push(notChecked("UNPROTECTED_REACHABLE", OFD_REACH, { path: file, by }));
  }
}

async function checkValue(pack, signature, path, original, setting) {
  let value;
  try {
    value = pack.container.read(path, SIGNED_VALUE_BYTES);
  } catch (error) {
    signature.steps.push(failed("SIGNED_VALUE_UNREADABLE", OFD_DESCRIPTION, { path, reason: reasonOf(error) }));
    return null;
  }
  const statedTime = signature.description === null ? "" : signature.description.statedTime;
  signature.result = await verifyValue(value, signature.kind, original, statedTime, setting);
  signature.steps.push(...signature.result.steps);
  return signature.result;
}

/** The seal beside the value is what readers draw, so it must be the seal in the value, byte for byte. */
function checkSealFile(pack, path, sealRaw) {
  let isSame = false;
  try {
    isSame = sameBytes(pack.container.read(path, SIGNED_VALUE_BYTES), sealRaw);
  } catch (error) {
    reasonOf(error);
  }
  return (isSame ? passed : failed)(isSame ? "SEAL_FILE_OK" : "SEAL_FILE_MISMATCH", OFD_DESCRIPTION, { path });
}

/** A signature that protects the list of signatures closes the document: whoever signs later breaks it. */
function checkLocks(signatures) {
  for (const { coverage, listPath, steps } of signatures) {
    if (coverage.covered.has(listPath)) steps.push(passed("OFD_DOCUMENT_LOCKED", OFD_LIST, { path: listPath }));
    else if (coverage.changed.has(listPath)) {
      const others = signatures.filter((other) => other.listPath === listPath).length - 1;
      steps.push(failed("OFD_LOCK_BROKEN", OFD_LIST, { path: listPath, others }));
    }
  }
}

function reportOn({ path, kind, coverage, result, description, steps: found }) {
  let documentIntact = coverage.isIntact;
  if (result !== null) {
    if (result.isBound === false) documentIntact = false;
    else if (result.cryptographicallyValid === false && documentIntact) documentIntact = null; // nobody shown has signed the digests that match
  }
  const steps = condenseSteps(found);
  return signatureReport({
    name: path,
    kind: result === null ? kindOfValue(kind) : result.kind,
    verdict: verdictOf(steps),
    cryptographicallyValid: result === null ? null : result.cryptographicallyValid,
    documentIntact,
    trusted: result === null ? null : result.trusted,
    signer: result === null ? null : result.signer,
    signedAt: result === null ? null : result.signedAt,
    steps,
    certificate: result === null ? null : result.certificate,
    isShown: description !== null && description.stamps.length > 0,
  });
}

/** Documents that nobody signed, files that nobody uses, signatures that nobody lists. */
function checkRest(pack, signatures, exempt) {
  const unlisted = findUnlisted(pack, signatures);
  const covered = new Set(signatures.flatMap((signature) => [...signature.coverage.covered]));
  const hiding = [...pack.container.members.keys()].filter((path) => !covered.has(path) && pack.container.hidesEntry(path));
  const steps = hiding.map((path) => failed("OFD_CONTAINER_BAD", OFD_PACKAGE, { path, reason: "hidden-entry" }));
  steps.push(...unlisted.values(), ...readOtherwise(pack, covered));
  const listed = new Set(signatures.flatMap((signature) => [...signature.coverage.listed]));
  const isProtected = new Set([...listed, ...exempt]);
  const signed = new Set(signatures.map((signature) => signature.body.index));
  const used = new Set([pack.graph.entry]);
  for (const body of pack.graph.bodies) {
    for (const path of [...body.reached.keys(), ...body.older.keys(), ...body.signatures]) used.add(path);
    if (!signed.has(body.index)) steps.push(...checkOpenFiles(body, listed, exempt));
  }
  for (const path of pack.container.members.keys()) {
    if (!isProtected.has(path) && !used.has(path) && !unlisted.has(path)) steps.push(warned("UNPROTECTED_UNREFERENCED", OFD_REACH, { path }));
  }
  return steps;
}

/** What leads to documents and signatures, is protected by nobody, and reads as another text to some: it may lead them elsewhere. */
function readOtherwise({ container, graph }, covered) {
  const lists = graph.bodies.flatMap((body) => body.signatures).filter((path) => graph.part(path, graph.entry) !== null);
  const open = [...new Set(graph.failure ? lists : [graph.entry, ...lists])].filter((path) => !covered.has(path)).sort();
  return open
    .filter((path) => !isReadAlike(container.read(path, OFD_XML_BYTES)))
    .map((path) => notChecked("OFD_PART_UNREADABLE", OFD_STRUCTURE, { path, by: "", reason: "encoding" }));
}

/** True where a change after signing is shown, false where every signature shows that there was none, else null. */
function isTampered(reports, steps) {
  if (reports.some((report) => report.documentIntact === false) || steps.some((step) => step.code === "OFD_SIGNATURE_REMOVED")) return true;
  const isSound = reports.every((report) => report.documentIntact && report.cryptographicallyValid);
  return isSound && !steps.some((step) => step.outcome === Outcome.FAIL) ? false : null;
}

// -- the list against smuggled files (GM/T 0099-2020 7.4): it carries no digests, so it shows only that no file was added or taken away

function integrityReport(name, steps, more = {}) {
  const shown = condenseSteps(steps);
  const unknown = { cryptographicallyValid: null, documentIntact: null, trusted: null, signer: null, signedAt: null };
  return signatureReport({ name, kind: "ofd-integrity", verdict: verdictOf(shown), ...unknown, ...more, steps: shown });
}

async function verifyEntries(pack, setting, proven, exempt) {
  const { container } = pack;
  const own = new Set([ENTRIES_FILE]);
  let data, listed, valueAt;
  try {
    data = container.read(ENTRIES_FILE, OFD_XML_BYTES);
    listed = readOfdEntries(readXml(data));
    valueAt = findLocation(container, listed.valueLocation, "");
  } catch (error) {
    const step = failed("OFD_INTEGRITY_UNREADABLE", INTEGRITY, { path: ENTRIES_FILE, reason: reasonOf(error) });
    return { report: integrityReport(ENTRIES_FILE, [step]), own };
  }
  const steps = [];
  const names = entryNames(container, listed.files, steps);
  if (valueAt.path === null) {
    steps.push(failed("SIGNED_VALUE_MISSING", INTEGRITY, { path: valueAt.wanted }));
    return { report: integrityReport(valueAt.wanted, steps), own };
  }
  own.add(valueAt.path);
  for (const name of container.members.keys()) {
    // A signature may rightly be added behind the list; every other file was smuggled in
    if (!names.has(name) && !own.has(name)) steps.push((exempt.has(name) ? warned : failed)("OFD_INTEGRITY_UNLISTED", INTEGRITY, { path: name }));
  }
  if (!steps.some(({ code }) => code.startsWith("OFD_INTEGRITY") || code === "BAD_PATH")) {
    steps.push(passed("OFD_INTEGRITY_LIST_OK", INTEGRITY, { count: names.size }));
  }
  const open = [...names].filter((name) => !proven.has(name) && !exempt.has(name));
  if (open.length) steps.push(notChecked("OFD_INTEGRITY_NO_DIGESTS", INTEGRITY, { count: open.length, path: open[0] }));
  let value;
  try {
    value = container.read(valueAt.path, SIGNED_VALUE_BYTES);
  } catch (error) {
    steps.push(failed("SIGNED_VALUE_UNREADABLE", INTEGRITY, { reason: reasonOf(error) }));
    return { report: integrityReport(valueAt.path, steps), own };
  }
  const result = await verifySignValue(value, data, setting, null);
  const valid = result.cryptographicallyValid;
  const isChanged = result.isBound === false || (valid && steps.some((step) => step.outcome === Outcome.FAIL));
  const report = integrityReport(valueAt.path, [...steps, ...result.steps], {
    cryptographicallyValid: valid,
    documentIntact: isChanged ? false : valid && !open.length ? true : null,
    trusted: result.trusted,
    signer: result.signer,
    signedAt: result.signedAt,
  });
  return { report, own };
}

/** The listed files that are there; those that are not are a failure. */
function entryNames(container, locations, steps) {
  const names = new Set();
  for (const location of locations) {
    let found;
    try {
      found = findLocation(container, location, "");
    } catch (error) {
      steps.push(failed("BAD_PATH", INTEGRITY, { path: firstCharacters(location, 80), reason: reasonOf(error) }));
      continue;
    }
    if (found.path === null) steps.push(failed("OFD_INTEGRITY_MISSING", INTEGRITY, { path: found.wanted }));
    else names.add(found.path);
  }
  return names;
}

// -- the files inside that a seal protects (GB/T 33190-2016 20): attached by a covered part, and covered themselves

/** { seal, files } of the first candidate that is found, null where none is. Throws SEALED_FILES_REFUSED with the reason. */
function sealedOfdFiles(pack, signatures, candidates) {
  for (const report of candidates) {
    const signature = signatures.find((each) => each.path === report.name);
    if (signature && signature.description !== null) return { seal: report, files: attachmentsOf(pack, signature.body, signature.coverage) };
  }
  return null;
}

function attachmentsOf(pack, body, coverage) {
  const found = new AttachedFiles();
  const ofRole = (role) => [...body.reached.values()].filter((reached) => reached.role === role).map((reached) => reached.path);
  const [documents, lists] = [ofRole("document"), ofRole("attachments")];
  if (lists.length > 1 || documents.length !== 1 || pack.graph.bodies.length !== 1) throw filesRefused("structure");
  const demandCovered = (path) => {
    if (!coverage.covered.has(path) || pack.container.duplicates.has(path)) throw filesRefused("unprotected");
  };
  [pack.graph.entry, ...documents, ...lists].forEach(demandCovered);
  for (const path of lists) {
    const root = pack.graph.part(path, documents[0]);
    if (root === null) throw filesRefused("structure");
    for (const node of root.children("Attachment")) {
      const name = node.get("Name") || "";
      found.checkName(name);
      const locations = node.children("FileLoc");
      const place = locations.length === 1 ? pack.graph.lookUp(locations[0].text, path, [""]) : null;
      if (place === null || place.path === null || place.variant !== null || place.others.length) throw filesRefused("location");
      demandCovered(place.path);
      found.add(name, pack.container.read(place.path, ATTACHED_BYTES));
    }
  }
  return found.files;
}
