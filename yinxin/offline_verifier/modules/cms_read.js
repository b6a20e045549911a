// CMS SignedData as it is written: RFC 5652, and GB/T 35275 as it differs; the attributes of RFC 5035 and RFC 6211. As standards/rfc5652_cms.py.
import { MalformedError, joinBytes, toBinary, toNumber } from "./bytes.js";
import { Tag, contextTag, readDer, writeInteger, writeSequence } from "./der.js";
import { Oid } from "./oids.js";
import { readAlgorithm } from "./signatures.js";

export const MAX_CMS_BYTES = 8 * 1024 * 1024;
const MAX_CMS_CERTIFICATES = 64;
const MAX_REVOCATION_ITEMS = 64;
const MAX_ATTRIBUTES = 64;
const MAX_SIGNERS = 64;
const MAX_ATTRIBUTE_VALUES = 16;
const MAX_CERTIFICATE_IDS = 64;
const MAX_LENGTH_ELEMENTS = 300000;
const MAX_LENGTH_DEPTH = 64;

export const DATA_TYPES = new Set([Oid.CMS_DATA, Oid.GM_DATA]);

// How many bytes the element at the start of data takes, so that padding behind it can be cut; lengths of every form, indefinite ones too
export function encodedLength(data) {
  let [offset, depth] = [0, 0];
  for (let i = 0; i < MAX_LENGTH_ELEMENTS; i++) {
    if (offset + 2 > data.length) throw new MalformedError("DER_TRUNCATED", { offset });
    if (depth && data[offset] === 0 && data[offset + 1] === 0) {
      depth -= 1;
      offset += 2;
    } else if (data[offset + 1] === 0x80) {
      depth += 1;
      if (depth > MAX_LENGTH_DEPTH) throw new MalformedError("DER_TOO_DEEP", { limit: MAX_LENGTH_DEPTH });
      offset += 2;
    } else {
      offset = endOfDefinite(data, offset);
    }
    if (!depth) return offset;
  }
  throw new MalformedError("DER_TOO_MANY_ELEMENTS", { limit: MAX_LENGTH_ELEMENTS });
}

function endOfDefinite(data, offset) {
  let length = data[offset + 1];
  let body = offset + 2;
  if (length > 0x84) throw new MalformedError("DER_LENGTH", { offset });
  if (length > 0x80) {
    body += length & 0x7f;
    length = Number(toNumber(data.subarray(offset + 2, body)));
  }
  if (body + length > data.length) throw new MalformedError("DER_TRUNCATED", { offset });
  return body + length;
}

function pair(node, where) {
  const parts = node.children(Tag.SEQUENCE);
  if (parts.length !== 2) throw new MalformedError("CMS_MALFORMED", { where, elements: parts.length });
  return parts;
}

function atMost(nodes, limit, where) {
  if (nodes.length > limit) throw new MalformedError("CMS_TOO_MANY_ELEMENTS", { where, limit, found: nodes.length });
  return nodes;
}

// The ContentInfo (3) that fills data and its SignedData (5.1), in either dialect, told apart by outerType
export function readSignedData(data) {
  if (data.length > MAX_CMS_BYTES) throw new MalformedError("CMS_TOO_LARGE", { limit: MAX_CMS_BYTES, found: data.length });
  const outer = pair(readDer(data), "ContentInfo");
  const outerType = outer[0].oid();
  if (outerType !== Oid.CMS_SIGNED_DATA && outerType !== Oid.GM_SIGNED_DATA) throw new MalformedError("CMS_NOT_SIGNED_DATA", { found: outerType });
  const fields = outer[1].expect(contextTag(0)).onlyChild().children(Tag.SEQUENCE);
  if (fields.length < 4 || fields.length > 6) throw new MalformedError("CMS_MALFORMED", { where: "SignedData", elements: fields.length });
  const digests = atMost(fields[1].children(Tag.SET), MAX_SIGNERS, "digestAlgorithms");
  const signed = { outerType, ...readContent(fields[2]), certificates: [], otherCertificates: 0, crls: [], ocsp: [], otherRevocation: 0 };
  let index = 3;
  if (fields[index].tag === contextTag(0)) {
    for (const choice of atMost(fields[index].children(), MAX_CMS_CERTIFICATES, "certificates")) {
      if (choice.tag === Tag.SEQUENCE) signed.certificates.push(choice.raw);
      else signed.otherCertificates += 1;
    }
    index += 1;
  }
  if (index < fields.length && fields[index].tag === contextTag(1)) {
    for (const choice of atMost(fields[index].children(), MAX_REVOCATION_ITEMS, "crls")) {
      const answer = choice.tag === Tag.SEQUENCE ? null : readOcspChoice(choice);
      if (choice.tag === Tag.SEQUENCE) signed.crls.push(choice.raw);
      else if (answer !== null) signed.ocsp.push(answer);
      else signed.otherRevocation += 1;
    }
    index += 1;
  }
  if (index !== fields.length - 1) throw new MalformedError("CMS_MALFORMED", { where: "SignedData", elements: fields.length });
  const signers = atMost(fields[index].children(Tag.SET), MAX_SIGNERS, "signerInfos");
  signed.version = fields[0].smallInteger();
  signed.digestAlgorithms = digests.map(readAlgorithm);
  signed.signers = signers.map(readSigner);
  return signed;
}

// content: the octets of the encapsulated content, contentTag its identifier; both null for a detached signature
function readContent(node) {
  const parts = node.children(Tag.SEQUENCE);
  if (parts.length === 1) return { contentType: parts[0].oid(), contentTag: null, content: null };
  const [contentType, wrapped] = pair(node, "encapContentInfo");
  const content = wrapped.expect(contextTag(0)).onlyChild();
  return { contentType: contentType.oid(), contentTag: content.tag, content: content.value };
}

// The OCSPResponse in [1] OtherRevocationInfoFormat (RFC 5940, 2.1), null where it is another format
function readOcspChoice(choice) {
  const parts = choice.expect(contextTag(1)).children();
  if (parts.length !== 2) throw new MalformedError("CMS_MALFORMED", { where: "OtherRevocationInfoFormat", elements: parts.length });
  return parts[0].oid() === Oid.RI_OCSP_RESPONSE ? parts[1].raw : null;
}

function readSigner(node) {
  const fields = node.children(Tag.SEQUENCE);
  if (fields.length < 5 || fields.length > 7) throw new MalformedError("CMS_MALFORMED", { where: "SignerInfo", elements: fields.length });
  const signer = { issuer: null, serial: null, subjectKeyId: null, signedAttributes: null, signedAttributesDer: new Uint8Array(), isSorted: true, unsignedAttributes: [] };
  if (fields[1].tag === contextTag(0, false)) {
    signer.subjectKeyId = fields[1].value;
  } else {
    const [issuer, serial] = pair(fields[1], "issuerAndSerialNumber");
    signer.issuer = issuer.expect(Tag.SEQUENCE).raw;
    signer.serial = serial.integer();
  }
  let index = 3;
  if (fields[index].tag === contextTag(0)) {
    // What the signature covers: as received, but with the identifier of SET OF (5.4)
    signer.signedAttributesDer = joinBytes(Uint8Array.of(Tag.SET), fields[index].raw.subarray(1));
    const items = fields[index].children();
    if (!items.length) throw new MalformedError("CMS_MALFORMED", { where: "signedAttrs", elements: 0 });
    signer.signedAttributes = readAttributes(items);
    const raws = items.map((item) => toBinary(item.raw));
    signer.isSorted = raws.every((raw, i) => !i || raws[i - 1] <= raw);
    index += 1;
  }
  if (fields.length === index + 3) signer.unsignedAttributes = readAttributes(fields[index + 2].children(contextTag(1)));
  else if (fields.length !== index + 2) throw new MalformedError("CMS_MALFORMED", { where: "SignerInfo", elements: fields.length });
  signer.version = fields[0].smallInteger();
  signer.digestAlgorithm = readAlgorithm(fields[2]);
  signer.signatureAlgorithm = readAlgorithm(fields[index]);
  signer.signature = fields[index + 1].octets();
  return signer;
}

// [{ oid, values (DER each) }]
function readAttributes(nodes) {
  return atMost(nodes, MAX_ATTRIBUTES, "attributes").map((node) => {
    const [kind, values] = pair(node, "Attribute");
    return { oid: kind.oid(), values: atMost(values.children(Tag.SET), MAX_ATTRIBUTE_VALUES, "values").map((value) => value.raw) };
  });
}

// A SET OF Attribute that fills data (the form in which signed attributes are signed, 5.4)
export const readAttributeSet = (data) => readAttributes(readDer(data).children(Tag.SET));

// 5.3: version 1 for issuerAndSerialNumber, version 3 for subjectKeyIdentifier
export const isSignerVersionConsistent = (signer) => signer.version === (signer.subjectKeyId === null ? 1 : 3);

// The table of 5.1. Where rare kinds of certificates or revocation items are present any known version is accepted.
export function isVersionConsistent(signed) {
  if (signed.otherCertificates || signed.otherRevocation || signed.ocsp.length) return [1, 3, 4, 5].includes(signed.version);
  const isNewer = !DATA_TYPES.has(signed.contentType) || signed.signers.some((signer) => signer.version === 3);
  return signed.version === (isNewer ? 3 : 1);
}

// The digest and the signature algorithm of a CMSAlgorithmProtection attribute (RFC 6211, 2)
export function readAlgorithmProtection(value) {
  const [digest, signature] = pair(readDer(value), "CMSAlgorithmProtection");
  const stated = signature.expect(contextTag(1)).raw;
  return [readAlgorithm(digest), readAlgorithm(readDer(joinBytes(Uint8Array.of(Tag.SEQUENCE), stated.subarray(1))))];
}

// { crls, ocsp } of a RevocationInfoArchival attribute (ISO 32000-2, 12.8.3.3.2)
export function readAdobeRevocation(value) {
  const found = { crls: [], ocsp: [] };
  for (const part of readDer(value).children(Tag.SEQUENCE)) {
    if (part.tag !== contextTag(0) && part.tag !== contextTag(1)) continue;
    const items = atMost(part.onlyChild().children(Tag.SEQUENCE), MAX_REVOCATION_ITEMS, "revocationInfoArchival").map((item) => item.raw);
    found[part.tag === contextTag(0) ? "crls" : "ocsp"] = items;
  }
  return found;
}

// -- signing-certificate attributes: { digestOid, digest, issuer, serial } of the first certificate, the signer's own (RFC 5035, 3)

export function readSigningCertificate(value, isVersion2) {
  const outer = readDer(value).children(Tag.SEQUENCE);
  if (outer.length < 1 || outer.length > 2) throw new MalformedError("SIGNING_CERTIFICATE_MALFORMED", { elements: outer.length });
  const ids = outer[0].children(Tag.SEQUENCE);
  if (ids.length < 1 || ids.length > MAX_CERTIFICATE_IDS) throw new MalformedError("SIGNING_CERTIFICATE_MALFORMED", { certificates: ids.length });
  let fields = ids[0].children(Tag.SEQUENCE);
  let digestOid = isVersion2 ? Oid.SHA256 : Oid.SHA1;
  if (isVersion2 && fields.length && fields[0].tag === Tag.SEQUENCE) {
    digestOid = readAlgorithm(fields[0]).oid;
    fields = fields.slice(1);
  }
  if (fields.length < 1 || fields.length > 2) throw new MalformedError("SIGNING_CERTIFICATE_MALFORMED", { elements: fields.length });
  const digest = fields[0].octets();
  if (fields.length === 1) return { digestOid, digest, issuer: null, serial: null };
  const parts = fields[1].children(Tag.SEQUENCE);
  if (parts.length !== 2) throw new MalformedError("SIGNING_CERTIFICATE_MALFORMED", { elements: parts.length });
  const issuer = parts[0].children(Tag.SEQUENCE);
  if (issuer.length !== 1) throw new MalformedError("SIGNING_CERTIFICATE_MALFORMED", { names: issuer.length });
  return { digestOid, digest, issuer: issuer[0].expect(contextTag(4)).onlyChild().raw, serial: parts[1].integer() };
}

// -- GB/T 35275-2017, clause 8

export const isGbt35275 = (signed) => signed.outerType === Oid.GM_SIGNED_DATA;

// What goes against the fixed choices of clause 8, by field name
export function nationalDeviations(signed) {
  const found = [];
  if (signed.version !== 1) found.push("SignedData.version");
  for (const signer of signed.signers) {
    if (signer.version !== 1) found.push("SignerInfo.version");
    if (signer.subjectKeyId !== null) found.push("SignerInfo.sid");
    if (signer.digestAlgorithm.oid !== Oid.SM3) found.push("SignerInfo.digestAlgorithm");
  }
  return found;
}

// The two identifiers of plain data count as one in national files
export const isSameContentType = (stated, actual) => stated === actual || (DATA_TYPES.has(stated) && DATA_TYPES.has(actual));

// The DER form of a signature value that is a bare r ‖ s of 32 bytes each, as some government seals carry it; null for any other
export function signatureFromRaw(value) {
  if (value.length !== 64) return null;
  return writeSequence(writeInteger(toNumber(value.subarray(0, 32))), writeInteger(toNumber(value.subarray(32))));
}
