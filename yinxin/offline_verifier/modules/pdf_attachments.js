// The files inside a PDF as one of its revisions has them (ISO 32000-1 7.11.4, ISO 19005-3 6.8).
//
// What is read must be the same for every reader: a name that stands for two files, a file with two contents, a tree that runs in circles are
// refused. Which revision is asked for decides what is protected.
import { TrustError, sameBytes } from "./bytes.js";
import { AttachedFiles, filesRefused } from "./attached_files.js";
import { openSignedRevision, readCoverage } from "./pdf_coverage.js";
import { readPdfText } from "./pdf_fields.js";
import { decodeStream } from "./pdf_filters.js";
import { PdfRef, PdfStream, PdfString, entryOf, isPdfNumber, numberOf } from "./pdf_syntax.js";

const MAX_TREE_NODES = 256; // of the name tree; 64 files fit into one

// { seal: the report whose seal counts, files: Map(name -> bytes) }, null where no candidate covers a revision. candidates: reports of signatures
// over unchanged bytes, in the order of preference. Later revisions must show the same files: a reader would show theirs.
export function readSealedPdfFiles(document, candidates) {
  if (document.recovered || document.isEncrypted) throw filesRefused(document.recovered ? "recovered" : "encrypted");
  const fields = document.signatureFields().filter((each) => each.valueDict !== null);
  for (const seal of candidates) {
    const named = fields.filter((each) => each.name === seal.name);
    if (named.length > 1) throw filesRefused("field"); // which of them is meant nobody can tell
    if (!named.length) continue;
    const [signed] = openSignedRevision(document, readCoverage(document, named[0]));
    if (signed === null) continue;
    const files = readAttachments(signed);
    if (signed !== document && !areSameFiles(readOrNull(document), files)) throw filesRefused("changed");
    return { seal, files };
  }
  return null;
}

function readOrNull(document) {
  try {
    return readAttachments(document);
  } catch (error) {
    if (!(error instanceof TrustError)) throw error;
    return null;
  }
}

const areSameFiles = (one, other) => one !== null && one.size === other.size && [...one].every(([name, content]) => sameBytes(content, other.get(name)));

// The files of the catalog (name tree and /AF) by name, in the order of the tree
function readAttachments(document) {
  const found = new AttachedFiles();
  const known = new Set();
  const note = (value) => value instanceof PdfRef && known.add(value.key);
  const names = document.resolveDictionary(entryOf(document.root, "Names")) ?? new Map();
  for (const [key, value] of walkNameTree(document, entryOf(names, "EmbeddedFiles"))) {
    const [name, content] = readAttachedFile(document, value);
    if (key !== name) throw filesRefused("name");
    found.add(name, content);
    note(value);
  }
  // Files associated with the document: the same ones, or further ones
  const associated = document.resolveEntry(document.root, "AF");
  if (associated !== null && !Array.isArray(associated)) throw filesRefused("structure");
  for (const value of associated ?? []) {
    if (value instanceof PdfRef && known.has(value.key)) continue;
    found.add(...readAttachedFile(document, value));
    note(value);
  }
  return found.files;
}

// The entries of the tree (7.9.6), from the first to the last
function walkNameTree(document, root) {
  const out = [];
  const waiting = [root];
  const seen = new Set();
  let nodes = 0;
  while (waiting.length) {
    const held = waiting.pop();
    nodes += 1;
    if (nodes > MAX_TREE_NODES || (held instanceof PdfRef && seen.has(held.key))) throw filesRefused("tree");
    if (held instanceof PdfRef) seen.add(held.key);
    const node = document.resolve(held);
    if (node === null && held === root) break;
    if (!(node instanceof Map)) throw filesRefused("structure");
    const [kids, pairs] = [document.resolveEntry(node, "Kids"), document.resolveEntry(node, "Names")];
    if (kids !== null && pairs === null && Array.isArray(kids)) {
      waiting.push(...kids.slice(0, MAX_TREE_NODES + 1).reverse());
    } else if (kids === null && Array.isArray(pairs) && pairs.length % 2 === 0) {
      for (let i = 0; i < pairs.length; i += 2) out.push([readTextEntry(document, pairs[i]), pairs[i + 1]]);
    } else {
      throw filesRefused("structure");
    }
  }
  return out;
}

function readTextEntry(document, value) {
  const found = document.resolve(value ?? null);
  if (!(found instanceof PdfString)) throw filesRefused("structure");
  return readPdfText(found);
}

// [name, content] of a file specification; every entry that may hold one must say the same
function readAttachedFile(document, value) {
  const specification = document.resolve(value);
  if (!(specification instanceof Map)) throw filesRefused("structure");
  const names = new Set(["UF", "F"].filter((key) => specification.has(key)).map((key) => readTextEntry(document, specification.get(key))));
  const embedded = document.resolveEntry(specification, "EF");
  const isOdd = ["DOS", "Mac", "Unix", "FS"].some((key) => specification.has(key));
  if (names.size !== 1 || !(embedded instanceof Map) || isOdd) throw filesRefused("structure");
  const streams = [...embedded.values()];
  const isOne = streams.length > 0 && streams.every((each) => each instanceof PdfRef && each.key === streams[0].key);
  if (!isOne || ![...embedded.keys()].every((key) => key === "F" || key === "UF")) throw filesRefused("structure");
  if ([value, streams[0]].some((each) => each instanceof PdfRef && document.duplicateKeys.has(each.key))) throw filesRefused("structure");
  const stream = document.resolve(streams[0]);
  if (!(stream instanceof PdfStream) || stream.dictionary.has("F")) throw filesRefused("structure"); // /F: its data would stand in another file
  const content = decodeStream(stream, document.resolve, document.budget);
  const parameters = document.resolveDictionary(entryOf(stream.dictionary, "Params")) ?? new Map();
  const size = document.resolveEntry(parameters, "Size");
  if (size !== null && !(isPdfNumber(size) && numberOf(size) === content.length)) throw filesRefused("size");
  return [[...names][0], content];
}
