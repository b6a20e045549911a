// What one signature of an OFD protects, which signatures there are, and what stands in the package beside them.
//
// The same findings as seal_service/ofd/coverage.py, listing.py, stamps.py and findings.py.

import { MalformedError, sameBytes } from "./bytes.js";
import { canDigest, digestOf, isKnownDigest, isWeakDigest } from "./hashes.js";
import { md5 } from "./md5.js";
import { Oid } from "./oids.js";
import { OFD_XML_BYTES, OfdBody, findLocation, folderOf, readBox } from "./ofd_graph.js";
import { OFD_SIGNATURES, readCheckMethod, readSignatureDescription, readSignatureList } from "./ofd_signatures.js";
import { failed, notChecked, passed, warned } from "./report.js";
import { firstCharacters, stripped } from "./texts.js";
import { readXml } from "./xml.js";

export const OFD_PACKAGE = "GB/T 33190-2016 7.2";
export const OFD_STRUCTURE = "GB/T 33190-2016 7.4";
export const OFD_LIST = "GB/T 33190-2016 18.1";
export const OFD_DESCRIPTION = "GB/T 33190-2016 18.2";
export const OFD_REACH = "GM/T 0099-2020 7.4";
const OFD_LOCATION = "GB/T 33190-2016 7.3";
const OFD_REFERENCE = "GB/T 33190-2016 18.2.2";
const OFD_STAMP = "GB/T 33190-2016 18.2.3";
const STEPS_OF_A_KIND = 50;
const COVERAGE_LIMITS = ["too-large", "ratio", "total-too-large", "method"];
const DESCRIPTION_LIMITS = ["too-large", "total-too-large", "ratio", "too-many-elements", "too-many-attributes", "too-many-references"];
const STRUCTURAL = ["version", "document", "template", "page", "signatures"];
const ANOTHER_FILE = ["before-first", "content-after-end"];
const TROUBLE_MAKERS = {
  DUPLICATE_ENTRY: failed, BAD_PATH: failed, OFD_CONTAINER_BAD: failed, OFD_PART_REFUSED: failed, OFD_PART_UNREADABLE: notChecked,
  OFD_TOO_MANY_PARTS: notChecked, OFD_CONTAINER_STRAY: warned, OFD_NAME_ENCODING: warned, OFD_LOCATION_VARIANT: warned, OFD_NAMESPACE_VARIANT: warned,
};

const thrownOtherwise = (error) => {
  if (!(error instanceof MalformedError)) throw error;
  return error;
};

// -- findings as steps

/**
 * Bytes in front of the first entry or behind the package leave open what another reader takes the file for; padding, a comment, and bytes
 * between entries show nothing and are said.
 */
export const packageSteps = (irregularities) =>
  irregularities.map(({ code, path, reason }) => (ANOTHER_FILE.includes(reason) ? notChecked : TROUBLE_MAKERS[code])(code, OFD_PACKAGE, { path, reason }));

/** A missing page leaves the document undecided; a missing picture or font is only said. */
export const troubleSteps = (troubles) =>
  troubles.map(({ code, path, by, reason }) => {
    const make = code === "OFD_PART_MISSING" ? (STRUCTURAL.includes(reason) ? notChecked : warned) : TROUBLE_MAKERS[code];
    return make(code, code === "BAD_PATH" || code === "OFD_LOCATION_VARIANT" ? OFD_LOCATION : OFD_STRUCTURE, { path, by, reason });
  });

/** The steps with at most so many of one code and outcome; one step of the same outcome counts the rest. */
export function condenseSteps(steps) {
  const kept = [];
  const counts = new Map();
  for (const step of steps) {
    const key = `${step.code} ${step.outcome}`;
    const of = counts.get(key) ?? { step, count: 0 };
    counts.set(key, of);
    if (++of.count <= STEPS_OF_A_KIND) kept.push(step);
  }
  for (const { step, count } of counts.values()) {
    if (count <= STEPS_OF_A_KIND) continue;
    kept.push({ code: "OFD_FINDINGS_LEFT_OUT", outcome: step.outcome, clause: step.clause, facts: { code: step.code, count: count - STEPS_OF_A_KIND } });
  }
  return kept;
}

// -- the package as the checks share it

/** One opened OFD file: its container, its graph, and digests that are computed once for all signatures. */
export class OfdPackage {
  constructor(container, graph) {
    this.container = container;
    this.graph = graph;
    this.digests = new Map();
  }

  /** The digest of a member; throws OFD_ENTRY_UNREADABLE each time where it cannot be unpacked. */
  async digest(path, oid) {
    const key = `${oid} ${path}`;
    if (!this.digests.has(key)) {
      let found;
      try {
        const content = this.container.read(path);
        found = oid === Oid.MD5 ? md5(content) : await digestOf(oid, content);
      } catch (error) {
        found = thrownOtherwise(error);
      }
      this.digests.set(key, found);
    }
    const found = this.digests.get(key);
    if (found instanceof MalformedError) throw found;
    return found;
  }
}

// -- what a signature protects

const canCompare = (oid) => oid === Oid.MD5 || canDigest(oid);

const newCoverage = () => ({ steps: [], listed: new Set(), covered: new Set(), changed: new Set(), isIntact: null });

/** Compare every protected file with the digest the signature states for it. */
export async function checkReferences(pack, description, signaturePath) {
  const coverage = newCoverage();
  const method = methodOf(description, coverage);
  let isOpen = method === null || isWeakDigest(method.oid) || !canCompare(method.oid) || !description.references.length;
  if (!description.references.length) coverage.steps.push(notChecked("REF_NONE", OFD_REFERENCE));
  for (const reference of description.references) {
    const found = findReference(pack, reference, signaturePath, coverage);
    if (found !== null && !(await compareReference(pack, reference, found, method, coverage))) isOpen = true;
  }
  if (coverage.changed.size) coverage.isIntact = false;
  else if (!isOpen) {
    coverage.isIntact = true;
    coverage.steps.push(passed("REF_HASH_OK", OFD_REFERENCE, { count: description.references.length }));
  }
  return coverage;
}

function methodOf(description, coverage) {
  const stated = description.checkMethod;
  const { references, checkMethod } = description;
  if (checkMethod === null && references.length && references.every((each) => each.checkValue !== null && each.checkValue.length === 32)) {
    // By the standard this is MD5, whose digests have half the length: the writer left the attribute out
    coverage.steps.push(warned("REF_DIGEST_UNSTATED", OFD_REFERENCE));
    return { oid: Oid.SM3, isAlias: false };
  }
  const method = readCheckMethod(stated);
  if (method === null || !isKnownDigest(method.oid)) {
    coverage.steps.push(notChecked("REF_DIGEST_UNKNOWN", OFD_REFERENCE, { algorithm: firstCharacters(String(stated), 60) }));
  } else if (isWeakDigest(method.oid)) coverage.steps.push(notChecked("REF_DIGEST_WEAK", OFD_REFERENCE, { algorithm: stated || "MD5" }));
  else if (method.isAlias) coverage.steps.push(warned("REF_DIGEST_ALIAS", OFD_REFERENCE, { algorithm: stated }));
  return method;
}

function findReference(pack, reference, signaturePath, coverage) {
  const shown = firstCharacters(reference.location, 80);
  let found;
  try {
    found = findLocation(pack.container, reference.location, folderOf(signaturePath), [""]);
  } catch (error) {
    coverage.steps.push(failed("BAD_PATH", OFD_REFERENCE, { path: shown, reason: thrownOtherwise(error).facts.reason }));
    coverage.changed.add(shown);
    return null;
  }
  if (found.path === null) {
    coverage.steps.push(failed("REF_MISSING", OFD_REFERENCE, { path: `/${found.wanted}` }));
    coverage.changed.add(found.wanted);
    return null;
  }
  if (found.variant) coverage.steps.push(warned("OFD_LOCATION_VARIANT", OFD_REFERENCE, { path: found.path, by: signaturePath, reason: found.variant }));
  coverage.listed.add(found.path);
  return found;
}

/** Whether the comparison could be made; its outcome goes into `coverage`. */
async function compareReference(pack, reference, found, method, coverage) {
  const path = found.path;
  const shown = `/${path}`;
  const bad = (reason) => {
    coverage.steps.push(failed("REF_HASH_BAD", OFD_REFERENCE, { path: shown, reason }));
    coverage.changed.add(path);
    return true;
  };
  if (pack.container.duplicates.has(path)) {
    coverage.steps.push(failed("DUPLICATE_ENTRY", OFD_REFERENCE, { path: shown, reason: "protected" }));
    return false;
  }
  if (method === null) return false;
  if (reference.checkValue === null) return bad("check-value");
  let actual;
  try {
    if (!canCompare(method.oid)) {
      pack.container.read(path); // what cannot be unpacked has changed, whatever the digest
      coverage.steps.push(notChecked("REF_NOT_CHECKED", OFD_REFERENCE, { path: shown, reason: "digest-not-available" }));
      return false;
    }
    actual = await pack.digest(path, method.oid);
  } catch (error) {
    const reason = String(thrownOtherwise(error).facts.reason);
    if (!COVERAGE_LIMITS.includes(reason)) return bad(reason);
    coverage.steps.push(notChecked("REF_NOT_CHECKED", OFD_REFERENCE, { path: shown, reason }));
    return false;
  }
  if (!sameBytes(actual, reference.checkValue)) return bad("digest");
  for (const other of found.others) {
    if (await hasDigest(pack, other, method.oid, actual)) continue;
    // Which of them was signed depends on where the reader starts: a copy of it hides that the other is a different one now
    coverage.steps.push(notChecked("REF_NOT_CHECKED", OFD_REFERENCE, { path: `/${other}`, reason: "another-place" }));
    return false;
  }
  for (const each of [path, ...found.others]) {
    coverage.covered.add(each);
    coverage.listed.add(each);
  }
  return true;
}

async function hasDigest(pack, path, oid, wanted) {
  try {
    return sameBytes(await pack.digest(path, oid), wanted);
  } catch (error) {
    thrownOtherwise(error);
    return false;
  }
}

/**
 * What a reader of this document comes to and nothing protects. `exempt`, the signatures' own files, may be among those that a version lists; one
 * that is a part, a picture or an attachment as well is shown as any other: a list of signatures can be a document besides.
 */
export const checkOpenFiles = (body, listed, exempt) =>
  [...body.reached.values()]
    .filter(({ path, role }) => !listed.has(path) && (!exempt.has(path) || role !== "listed"))
    .map(({ path, by }) => notChecked("UNPROTECTED_REACHABLE", OFD_REACH, { path, by: firstCharacters(by.join(", "), 200) }));

/** Every file a reader of this document comes to must be listed by the signature. */
export function checkReach(pack, body, listed, exempt) {
  const steps = [];
  const entry = pack.graph.entry;
  if (!listed.has(entry)) steps.push(warned("OFD_ENTRY_UNPROTECTED", OFD_REACH, { path: entry }));
  steps.push(...checkOpenFiles(body, listed, exempt));
  for (const path of body.older.keys()) {
    if (!listed.has(path) && !exempt.has(path)) steps.push(warned("OFD_OLDER_VERSION_UNPROTECTED", OFD_REACH, { path }));
  }
  return steps;
}

// -- where seals say they are shown

function boxOf(text) {
  try {
    return readBox(text);
  } catch (error) {
    thrownOtherwise(error);
    return null;
  }
}

const boxesOverlap = (one, other) => [0, 1].every((axis) => one[axis] < other[axis] + other[axis + 2] && other[axis] < one[axis] + one[axis + 2]);

function stampProblem(stamp, body) {
  const page = body.pages.get(stamp.page);
  if (page === undefined) return "page-missing";
  if (body.unclearPages.has(stamp.page)) return "page-unclear"; // readers show it on the first page of this identifier, on the last, or on both
  const boundary = boxOf(stamp.boundary);
  if (boundary === null) return "boundary";
  const pageBox = body.boxes.get(page) || body.defaultBox;
  if (pageBox && !boxesOverlap(boundary, [0, 0, pageBox[2], pageBox[3]])) return "off-page";
  if (stamp.clip === null) return null;
  const clip = boxOf(stamp.clip);
  if (clip === null) return "clip";
  return boxesOverlap(clip, [0, 0, boundary[2], boundary[3]]) ? null : "clip-outside";
}

/** One warning for each place that cannot be shown as it is stated. */
export function checkStamps(stamps, body) {
  const steps = [];
  const seen = new Set();
  for (const stamp of stamps) {
    let reason = stampProblem(stamp, body);
    if (reason === null && seen.has(stamp.identifier)) reason = "same-identifier";
    seen.add(stamp.identifier);
    if (reason === null) continue;
    steps.push(warned("OFD_STAMP_BAD", OFD_STAMP, { stamp: firstCharacters(stamp.identifier, 40), page: firstCharacters(stamp.page, 40), reason }));
  }
  return steps;
}

// -- which signatures there are

/**
 * One signature on its way through the checks. `path`: its description, or the name where that should be; `otherFiles`: what readers of other
 * habits take for one of its files -> who refers to it.
 */
function newSignature(body, listPath, kind, path) {
  const found = { original: null, description: null, valuePath: null, sealPath: null, isSealInValue: false, result: null };
  return { body, listPath, kind, path, steps: [], otherFiles: new Map(), coverage: newCoverage(), ...found };
}

/** The files that are the signature itself. */
export const ownFilesOf = ({ listPath, path, valuePath, sealPath, isSealInValue }) =>
  [listPath, path, valuePath, isSealInValue ? sealPath : null].filter((each) => each !== null);

/** The signatures that the documents of the file list, each description once, with what the description says. */
export function listSignatures(pack, steps) {
  const found = new Map();
  for (const body of pack.graph.bodies) {
    for (const listPath of body.signatures) {
      const root = pack.graph.part(listPath, pack.graph.entry);
      if (root === null) continue;
      let listed;
      try {
        listed = readSignatureList(root);
      } catch (error) {
        steps.push(notChecked("OFD_SIGNATURES_UNREADABLE", OFD_LIST, { path: listPath, reason: thrownOtherwise(error).facts.reason }));
        continue;
      }
      for (const entry of listed) {
        const signature = newSignature(body, listPath, entry.kind, firstCharacters(stripped(entry.location), 80));
        signature.path = findOwnFile(pack, signature, entry.location, listPath) ?? signature.path;
        if (found.has(signature.path)) steps.push(warned("OFD_SIGNATURE_REPEATED", OFD_LIST, { path: signature.path }));
        else found.set(signature.path, signature);
      }
    }
  }
  if (found.size > OFD_SIGNATURES) steps.push(notChecked("OFD_TOO_MANY_SIGNATURES", OFD_LIST, { found: found.size, limit: OFD_SIGNATURES }));
  const signatures = [...found.values()].slice(0, OFD_SIGNATURES);
  for (const signature of signatures) readDescription(pack, signature);
  return signatures;
}

/** The member at a location of the signature's files; a step where it is reached in another way than by the standard, or not at all. */
function findOwnFile(pack, signature, location, by) {
  let found;
  try {
    found = findLocation(pack.container, location, folderOf(by), [folderOf(folderOf(by)), ""]);
  } catch (error) {
    const path = firstCharacters(stripped(location), 80);
    signature.steps.push(failed("BAD_PATH", OFD_DESCRIPTION, { path, reason: thrownOtherwise(error).facts.reason }));
    return null;
  }
  if (found.path === null) return null;
  if (found.variant) signature.steps.push(warned("OFD_LOCATION_VARIANT", OFD_DESCRIPTION, { path: found.path, by, reason: found.variant }));
  if (pack.container.duplicates.has(found.path)) {
    signature.steps.push(failed("DUPLICATE_ENTRY", OFD_DESCRIPTION, { path: found.path, reason: "signature" }));
  }
  for (const other of found.others) signature.otherFiles.set(other, by);
  return found.path;
}

function readDescription(pack, signature) {
  const { path } = signature;
  if (!pack.container.has(path)) {
    if (!signature.steps.length) signature.steps.push(failed("REF_MISSING", OFD_LIST, { path: `/${path.replace(/^\/+/, "")}` }));
    return;
  }
  try {
    signature.original = pack.container.read(path, OFD_XML_BYTES);
    signature.description = readSignatureDescription(readXml(signature.original));
  } catch (error) {
    const { code, facts } = thrownOtherwise(error);
    const reason = [code, facts.reason, facts.element].filter(Boolean).join(" ");
    signature.steps.push((DESCRIPTION_LIMITS.includes(facts.reason) ? notChecked : failed)("OFD_SIGNATURE_UNREADABLE", OFD_DESCRIPTION, { path, reason }));
    signature.valuePath = siblingValue(pack, signature); // it shows whether the description was once another
    return;
  }
  const { valueLocation, sealLocation } = signature.description;
  if (valueLocation !== null) signature.valuePath = findOwnFile(pack, signature, valueLocation, path);
  if (signature.valuePath === null) signature.valuePath = siblingValue(pack, signature);
  if (sealLocation === null) return;
  signature.sealPath = findOwnFile(pack, signature, sealLocation, path);
  if (signature.sealPath === null) {
    signature.steps.push(warned("OFD_SEAL_FILE_MISSING", OFD_DESCRIPTION, { path: firstCharacters(sealLocation, 80) }));
  }
}

/** The value under one of the names in use beside the description, where that names another or none. */
function siblingValue(pack, signature) {
  const folder = folderOf(signature.path);
  for (const name of ["SignedValue.dat", "SignValue.dat"]) {
    const path = folder ? `${folder}/${name}` : name;
    if (!pack.container.has(path)) continue;
    signature.steps.push(warned("OFD_LOCATION_VARIANT", OFD_DESCRIPTION, { path, by: signature.path, reason: "sibling" }));
    return path;
  }
  return null;
}

function unlistedNames(pack, signatures) {
  const listed = new Set(signatures.map((signature) => signature.path));
  const isDescription = (name) => name.slice(name.lastIndexOf("/") + 1).toLowerCase() === "signature.xml" && !listed.has(name);
  return [...pack.container.members.keys()].filter(isDescription);
}

/** Descriptions of signatures that nothing lists, by path. One that a listed signature protects was there when that was made. */
export function findUnlisted(pack, signatures) {
  const isProtected = (name) => signatures.some((signature) => signature.coverage.covered.has(name));
  const step = (path) => (isProtected(path) ? failed("OFD_SIGNATURE_REMOVED", OFD_LIST, { path }) : warned("OFD_SIGNATURE_UNLISTED", OFD_LIST, { path }));
  return new Map(unlistedNames(pack, signatures).map((name) => [name, step(name)]));
}

/** Signatures that nothing lists and that are examined all the same: where none is listed, and where they tell of a lock that was broken. */
export function takeUpUnlisted(pack, signatures) {
  const lists = new Set(pack.graph.bodies.flatMap((body) => body.signatures));
  const first = [...lists].sort()[0] ?? "";
  const taken = [];
  for (const name of unlistedNames(pack, signatures).slice(0, OFD_SIGNATURES)) {
    const signature = newSignature(pack.graph.bodies[0] ?? new OfdBody(-1), first, null, name);
    readDescription(pack, signature);
    const references = signature.description === null ? [] : signature.description.references;
    if (signatures.length && !references.some((reference) => lists.has(stripped(reference.location).replace(/^\/+/, "")))) continue;
    signature.steps.push(notChecked("OFD_SIGNATURE_UNLISTED", OFD_LIST, { path: name }));
    taken.push(signature);
  }
  return taken;
}
