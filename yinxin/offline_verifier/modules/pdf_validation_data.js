// Validation data a document carries for its signatures: the document security store, DSS (ISO 32000-2 12.8.4.3). It is not protected by the
// signatures and need not be: certificates only help to build paths, and revocation lists and OCSP responses are signed themselves.
import { MalformedError, toBinary } from "./bytes.js";
import { decodeStream } from "./pdf_filters.js";
import { PdfRef, PdfStream, entryOf } from "./pdf_syntax.js";
import { makeEvidence } from "./revocation.js";
import { certificateFromDer } from "./x509.js";

const STORE_KINDS = ["Certs", "CRLs", "OCSPs"];
const MAX_STORE_ITEMS = 64; // of each kind
const MAX_STORE_ITEM_BYTES = 8388608;

// [trust with the document's certificates as further intermediates, its evidence]. revisions: views of one document, the most trustworthy first.
export function readValidationData(revisions, trust) {
  const found = Object.fromEntries(STORE_KINDS.map((kind) => [kind, new Map()]));
  const read = new Set();
  for (const document of revisions) {
    let store;
    try {
      store = document.resolveDictionary(entryOf(document.root, "DSS"));
    } catch (error) {
      if (!(error instanceof MalformedError)) throw error;
      continue;
    }
    if (store !== null) for (const kind of STORE_KINDS) readStoreStreams(document, entryOf(store, kind), found[kind], read);
  }
  const certificates = [];
  for (const encoded of found.Certs.values()) {
    try {
      certificates.push(certificateFromDer(encoded));
    } catch (error) {
      if (!(error instanceof MalformedError)) throw error; // what cannot be read helps nobody; the path search says what is missing
    }
  }
  return [trust.withIntermediates(certificates), makeEvidence([...found.CRLs.values()], [...found.OCSPs.values()])];
}

// The streams of a list into found; what was read in another revision already stands at the same place
function readStoreStreams(document, value, found, read) {
  try {
    const items = document.resolve(value);
    for (const item of Array.isArray(items) ? items.slice(0, MAX_STORE_ITEMS) : []) {
      const place = item instanceof PdfRef ? document.place(item.number) : null;
      if ((place !== null && read.has(place)) || found.size >= MAX_STORE_ITEMS) continue;
      const stream = document.resolve(item);
      if (stream instanceof PdfStream && stream.raw.length <= MAX_STORE_ITEM_BYTES) {
        const content = decodeStream(stream, document.resolve, document.budget);
        const key = toBinary(content);
        if (!found.has(key)) found.set(key, content);
      }
      if (place !== null) read.add(place);
    }
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error; // what was read before a damaged item still helps
  }
}
