// Signatures.xml and Signature.xml (GB/T 33190-2016 18), OFDEntries.xml (GM/T 0099-2020 annex D): read as they stand, in one way only.

import { MalformedError, fromBinary } from "./bytes.js";
import { Oid } from "./oids.js";
import { stripped, withoutWhiteSpace } from "./texts.js";

export const OFD_SIGNATURES = 512;
const OFD_REFERENCES = 65535;
const OFD_STAMPS = 10000;
const CHECK_METHODS = {
  MD5: Oid.MD5, SHA1: Oid.SHA1, "SHA-1": Oid.SHA1, SHA256: Oid.SHA256, "SHA-256": Oid.SHA256, SHA384: Oid.SHA384, "SHA-384": Oid.SHA384,
  SHA512: Oid.SHA512, "SHA-512": Oid.SHA512, SM3: Oid.SM3,
};
const SM3_ALIASES = ["1.2.156.10197.1.401.2", "1.2.156.10197.1.401.1"]; // with key and without; what is meant is the plain digest

const ofdMalformed = (reason, facts = {}) => new MalformedError("OFD_XML_MALFORMED", { reason, ...facts });
const textOf = (node) => (node === null ? null : node.text || null);

/** Base64 as lenient readers take it: padding enough, bits at the end of no account; null where it is none. */
export function readLooseBase64(text) {
  const match = /^([A-Za-z0-9+/]*)(={0,2})$/.exec(text);
  const rest = match ? match[1].length % 4 : 1;
  if (rest === 1 || (rest && match[2].length < 4 - rest)) return null;
  return fromBinary(atob(match[1]));
}

/** The digest that CheckMethod names, by name or identifier: { oid, isAlias }; null where it is none we know. */
export function readCheckMethod(stated) {
  const name = stripped(stated || "MD5"); // 18.2.1, the schema's default
  if (Object.hasOwn(CHECK_METHODS, name.toUpperCase())) return { oid: CHECK_METHODS[name.toUpperCase()], isAlias: false };
  if (SM3_ALIASES.includes(name)) return { oid: Oid.SM3, isAlias: true };
  return Object.values(CHECK_METHODS).includes(name) ? { oid: name, isAlias: false } : null;
}

/** What Signatures.xml lists: { kind (null where not stated), location }. */
export function readSignatureList(root) {
  if (root.name !== "Signatures") throw ofdMalformed("root");
  const found = root.descendants("Signature");
  if (found.some((node) => node.readings("BaseLoc").length > 1)) throw ofdMalformed("repeated", { element: "BaseLoc" });
  if (found.length > OFD_SIGNATURES) throw ofdMalformed("too-many-signatures");
  return found.map((node) => ({ kind: node.get("Type") || null, location: node.get("BaseLoc") || "" }));
}

/** What Signature.xml describes; malformed also where an element stands twice that may stand once. */
export function readSignatureDescription(root) {
  if (root.name !== "Signature") throw ofdMalformed("root");
  const info = root.child("SignedInfo");
  if (info === null) throw ofdMalformed("missing", { element: "SignedInfo" });
  const references = info.child("References");
  const files = references === null ? [] : references.children("Reference");
  const stamps = info.children("StampAnnot");
  if (files.length > OFD_REFERENCES || stamps.length > OFD_STAMPS) throw ofdMalformed("too-many-references");
  const seal = info.child("Seal");
  const provider = info.child("Provider");
  if (provider !== null && !provider.get("ProviderName")) textOf(provider.child("ProviderName")); // with one vendor it is an element
  return {
    method: textOf(info.child("SignatureMethod")) || "",
    statedTime: textOf(info.child("SignatureDateTime")) || "",
    checkMethod: (references !== null && references.get("CheckMethod")) || null,
    references: files.map((node) => {
      const value = readLooseBase64(withoutWhiteSpace(textOf(node.child("CheckValue")) || ""));
      return { location: node.get("FileRef") || "", checkValue: value !== null && value.length ? value : null };
    }),
    stamps: stamps.map((node) => ({
      identifier: node.get("ID") || "", page: node.get("PageRef") || "", boundary: node.get("Boundary") || "", clip: node.get("Clip"),
    })),
    sealLocation: seal === null ? null : textOf(seal.child("BaseLoc")),
    valueLocation: textOf(root.child("SignedValue")),
  };
}

/** What OFDEntries.xml lists: where the value over the list is, and the files as written. */
export function readOfdEntries(root) {
  if (root.name !== "DocEntries" && root.name !== "OFDEntries") throw ofdMalformed("root");
  const holder = root.child("FileList");
  const value = root.child("SignedValueLoc");
  if (holder === null || value === null) throw ofdMalformed("missing", { element: holder === null ? "FileList" : "SignedValueLoc" });
  const files = holder.children("File");
  if (files.length > OFD_REFERENCES) throw ofdMalformed("too-many-references");
  return { valueLocation: value.text, files: files.map((node) => node.get("FileLoc") || node.text) };
}
