// Seals and sealing values of all three data versions (GM/T 0031-2014, GB/T 38540-2020, GM/T 0031-2025), with the habits of real files.
//
// Strict where nothing speaks for tolerance; each tolerated deviation leaves a quirk { code, where, found }. The same readings, limits and
// refusals as standards/gbt38540_seal: SES_MALFORMED with `reason` and `where`. Indefinite lengths are not tolerated.

import { MalformedError, toBinary } from "./bytes.js";
import { Tag, contextTag, readDer, tagText, writeSequence } from "./der.js";
import {
  Quirks, SEAL_TEXT_BYTES, SEAL_TOKEN_BYTES, TAG_VARIANT, readCertificateBytes, readCertificateFrame, readFlag, readNumber, readSealAlgorithm,
  readSealBytes, readSealDate, readSealIdentifier, readSealSignatureValue, readSealText, readSealToken, readTolerant, sesMalformed, timeInText,
} from "./ses_quirks.js";

export const SES_V1 = 1;
export const SES_V4 = 4;
export const SES_V5 = 5;
export const SES_CRITICAL_UNKNOWN = "SES_CRITICAL_EXT_UNKNOWN";
export const SES_CERTIFICATES = 1; // certListType: the signers' certificates themselves
const SES_DIGESTS = 2;
const SEAL_BYTES = 8 * 1024 * 1024;
const PICTURE_BYTES = 4 * 1024 * 1024;
const PICTURE_MM = 10000;
const SEAL_LIST_ENTRIES = 64;
const SEAL_EXTENSIONS = 64;
const EXTENSION_BYTES = 65536;
const DATA_HASH_BYTES = 64;
const TIME_UNREADABLE = "SES_TIME_UNREADABLE";
// Credit code and name, name in Mongolian, name in Latin letters: what real seals of the regions carry
const KNOWN_EXTENSIONS = new Set(["1.2.156.112600.7.1", "1.2.156.112600.7.2", "1.2.156.112600.7.3"]);

// -- seals

const namedSes = (error) => (error.code === "SES_MALFORMED" ? error : new MalformedError("SES_MALFORMED", { reason: error.code, ...error.facts }));

function readNamed(data, where, read) {
  try {
    if (data.length > SEAL_BYTES) throw sesMalformed("too-large", where);
    const quirks = new Quirks();
    return read(readTolerant(data, quirks), quirks);
  } catch (error) {
    throw error instanceof MalformedError ? namedSes(error) : error;
  }
}

/** One SESeal that fills `data`. Throws SES_MALFORMED. */
export const readSeal = (data) => readNamed(data, "SESeal", sealOf);

/** One SES_Signature that fills `data`. Throws SES_MALFORMED. */
export const readSealSignature = (data) => readNamed(data, "SES_Signature", sealSignatureOf);

function elementsOf(node, where, ...counts) {
  const elements = node.children(Tag.SEQUENCE);
  if (!counts.includes(elements.length)) throw sesMalformed("element-count", where, { elements: elements.length });
  return elements;
}

/** The version by structure first, never by the number that a version 1 header states. */
function sealVersion(elements, headerVersion) {
  if (elements.length === 2) return SES_V1;
  if (elements.length === 4) return headerVersion === SES_V5 ? SES_V5 : SES_V4;
  if (elements.length === 5 && headerVersion === SES_V5) return SES_V5;
  throw sesMalformed("element-count", "SESeal", { elements: elements.length, version: headerVersion });
}

function sealOf(node, quirks) {
  const elements = elementsOf(node, "SESeal", 2, 4, 5);
  const info = elements[0];
  const parts = elementsOf(info, "SES_SealInfo", 4, 5);
  const header = elementsOf(parts[0], "SES_Header", 3);
  if (readSealText(header[0], Tag.IA5_STRING, "SES_Header.ID", quirks) !== "ES") throw sesMalformed("header-id", "SES_Header.ID");
  const headerVersion = readNumber(header[1], "SES_Header.version", quirks);
  const version = sealVersion(elements, headerVersion);
  const [maker, algorithm, value] = version === SES_V1 ? elementsOf(elements[1], "SES_SignInfo", 3) : elements.slice(1, 4);
  readSealText(header[2], Tag.IA5_STRING, "SES_Header.Vid", quirks);
  return {
    version,
    headerVersion,
    esId: readSealText(parts[1], Tag.IA5_STRING, "SES_SealInfo.esID", quirks),
    property: sealProperty(parts[2], version, quirks),
    picture: sealPicture(parts[3], quirks),
    extensions: parts.length === 5 ? sealExtensions(parts[4], version, quirks) : [],
    makerCertificate: readCertificateBytes(maker, "SESeal.cert", quirks),
    algorithm: readSealAlgorithm(algorithm, "SESeal.signAlgID", quirks),
    signature: readSealSignatureValue(value, "SESeal.signedValue", quirks),
    timeStamp: elements.length === 5 ? readSealToken(elements[4], "SESeal.timeStamp", quirks) : null,
    infoRaw: info.raw,
    // in version 1 a frame around bytes as received
    signedBytes: version === SES_V1 ? writeSequence(info.raw, maker.raw, algorithm.raw) : info.raw,
    quirks: quirks.listed(),
  };
}

function sealProperty(node, version, quirks) {
  const where = "SES_ESPropertyInfo";
  const parts = elementsOf(node, where, version === SES_V1 ? 6 : 7);
  const kind = readNumber(parts[0], `${where}.type`, quirks);
  const name = readSealText(parts[1], Tag.UTF8_STRING, `${where}.name`, quirks);
  const listType = version === SES_V1 ? SES_CERTIFICATES : readNumber(parts[2], `${where}.certListType`, quirks);
  if (listType !== SES_CERTIFICATES && listType !== SES_DIGESTS) throw sesMalformed("list-type", `${where}.certListType`);
  const entries = parts[parts.length - 4].children(Tag.SEQUENCE);
  if (entries.length > SEAL_LIST_ENTRIES) throw sesMalformed("too-many", `${where}.certList`);
  const [createdAt, validFrom, validUntil] = ["createDate", "validStart", "validEnd"].map((field, i) =>
    readSealDate(parts[parts.length - 3 + i], `${where}.${field}`, quirks),
  );
  return {
    kind, name, listType, createdAt, validFrom, validUntil,
    certificates: listType === SES_CERTIFICATES ? sealCertificates(entries, quirks) : [],
    digests: listType === SES_DIGESTS ? entries.map((entry) => certificateDigest(entry, quirks)) : [],
  };
}

/** The entries that are certificates; what is none is passed over and noted. */
function sealCertificates(entries, quirks) {
  const certificates = [];
  entries.forEach((entry, number) => {
    const where = `SES_ESPropertyInfo.certList[${number}]`;
    const der = entry.tag === Tag.SEQUENCE ? entry.raw : entry.value.subarray(entry.tag === Tag.BIT_STRING ? 1 : 0);
    try {
      readCertificateFrame(der);
    } catch (error) {
      if (!(error instanceof MalformedError)) throw error;
      quirks.add("SES_CERT_LIST_ENTRY_BAD", where, error.code);
      return;
    }
    readCertificateBytes(entry, where, quirks);
    certificates.push(der);
  });
  return certificates;
}

function certificateDigest(node, quirks) {
  const where = "CertDigestObj";
  const [kind, value] = elementsOf(node, where, 2);
  return {
    kind: readSealText(kind, Tag.PRINTABLE_STRING, `${where}.type`, quirks),
    value: readSealBytes(value, Tag.OCTET_STRING, `${where}.value`, DATA_HASH_BYTES, quirks),
  };
}

function sealPicture(node, quirks) {
  const where = "SES_ESPictureInfo";
  const parts = elementsOf(node, where, 4);
  const [widthMm, heightMm] = parts.slice(2).map((part) => readNumber(part, `${where}.size`, quirks));
  if (!(widthMm >= 0 && widthMm <= PICTURE_MM && heightMm >= 0 && heightMm <= PICTURE_MM)) throw sesMalformed("size", where);
  return {
    kind: readSealText(parts[0], Tag.IA5_STRING, `${where}.type`, quirks),
    data: readSealBytes(parts[1], Tag.OCTET_STRING, `${where}.data`, PICTURE_BYTES, quirks),
    widthMm,
    heightMm,
  };
}

/** Untagged in versions 4 and 5; version 1 prints EXPLICIT without a number, so there both forms are right. */
function sealExtensions(node, version, quirks) {
  const where = "SES_SealInfo.extDatas";
  if (node.tag !== contextTag(0)) return extensionsOf(node.children(Tag.SEQUENCE), where, quirks);
  if (version !== SES_V1) quirks.add(TAG_VARIANT, where, "tagged");
  return extensionsOf(explicitElements(node) ?? node.children(), where, quirks);
}

/** [0] EXPLICIT in TBS_Sign; implicit or untagged is noted. */
function signatureExtensions(node, quirks) {
  const where = "TBS_Sign.extDatas";
  if (node.tag !== contextTag(0)) {
    quirks.add(TAG_VARIANT, where, "untagged");
    return extensionsOf(node.children(Tag.SEQUENCE), where, quirks);
  }
  const elements = explicitElements(node);
  if (elements === null) quirks.add(TAG_VARIANT, where, "implicit");
  return extensionsOf(elements ?? node.children(), where, quirks);
}

/** The ExtData elements inside [0] and SEQUENCE OF; null where the latter is not there, so that the tag is an implicit one. */
function explicitElements(node) {
  const children = node.children();
  if (children.length !== 1) return null;
  const elements = children[0].children(Tag.SEQUENCE);
  return !elements.length || elements[0].tag === Tag.SEQUENCE ? elements : null;
}

function extensionsOf(nodes, where, quirks) {
  if (nodes.length > SEAL_EXTENSIONS) throw sesMalformed("too-many", where);
  return nodes.map((node) => {
    const parts = elementsOf(node, where, 2, 3);
    const oid = readSealIdentifier(parts[0], `${where}.extnID`, quirks);
    const isCritical = parts.length === 3 && readFlag(parts[1], `${where}.critical`, quirks);
    if (isCritical && !KNOWN_EXTENSIONS.has(oid)) quirks.add(SES_CRITICAL_UNKNOWN, where, oid);
    return { oid, isCritical, value: readSealBytes(parts[parts.length - 1], Tag.OCTET_STRING, `${where}.extnValue`, EXTENSION_BYTES, quirks) };
  });
}

// -- sealing values

function sealSignatureOf(node, quirks) {
  const elements = node.children(Tag.SEQUENCE);
  if (![2, 4, 5].includes(elements.length)) throw sesMalformed("element-count", "SES_Signature", { elements: elements.length });
  const isOld = elements.length === 2;
  const parts = elementsOf(elements[0], "TBS_Sign", ...(isOld ? [7] : [5, 6]));
  const statedVersion = readNumber(parts[0], "TBS_Sign.version", quirks);
  const seal = sealOf(parts[1], new Quirks());
  for (const { code, where, found } of seal.quirks) quirks.add(code, where, found);
  const [certificate, algorithm, value] = isOld ? [parts[5], parts[6], elements[1]] : elements.slice(1, 4);
  const [timeInfoAt, timeInfoToken] = timeInfo(parts[2], quirks, isOld);
  return {
    version: isOld ? SES_V1 : Math.max(seal.version, SES_V4),
    statedVersion,
    seal,
    sealRaw: parts[1].raw,
    timeInfoAt,
    timeInfoToken,
    dataHash: readSealBytes(parts[3], Tag.BIT_STRING, "TBS_Sign.dataHash", DATA_HASH_BYTES, quirks),
    propertyInfo: readSealText(parts[4], Tag.IA5_STRING, "TBS_Sign.propertyInfo", quirks),
    extensions: parts.length === 6 ? signatureExtensions(parts[5], quirks) : [],
    toBeSigned: elements[0].raw,
    signerCertificate: readCertificateBytes(certificate, "SES_Signature.cert", quirks),
    algorithm: readSealAlgorithm(algorithm, "SES_Signature.signatureAlgID", quirks),
    signature: readSealSignatureValue(value, "SES_Signature.signature", quirks),
    timeStamp: elements.length === 5 ? readSealToken(elements[4], "SES_Signature.timeStamp", quirks) : null,
    quirks: quirks.listed(),
  };
}

/** What stands in version 1 without its BIT STRING: a token, a time, text. Of what is none of them only that is said. */
function oldTime(node, where, quirks) {
  quirks.add(TAG_VARIANT, where, tagText(node.tag));
  if (node.tag === Tag.SEQUENCE && node.raw.length <= SEAL_TOKEN_BYTES) return [null, node.raw];
  try {
    return [readSealDate(node, where, quirks), null];
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
    quirks.add(TIME_UNREADABLE, where);
    return [null, null];
  }
}

/** The claimed time, or a token in its place: GeneralizedTime in versions 4 and 5, anything inside a BIT STRING in version 1. */
function timeInfo(node, quirks, isOld) {
  const where = "TBS_Sign.timeInfo";
  if (node.tag !== Tag.BIT_STRING && node.tag !== Tag.OCTET_STRING) return isOld ? oldTime(node, where, quirks) : [readSealDate(node, where, quirks), null];
  const content = readSealBytes(node, isOld ? Tag.BIT_STRING : Tag.GENERALIZED_TIME, where, SEAL_TOKEN_BYTES, quirks);
  let inner = null;
  try {
    inner = readDer(content);
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
  }
  if (inner !== null && inner.tag === Tag.SEQUENCE) return [null, content];
  const text = inner !== null && (inner.tag === Tag.UTC_TIME || inner.tag === Tag.GENERALIZED_TIME) ? content.subarray(2) : content;
  const at = timeInText(toBinary(text.subarray(0, SEAL_TEXT_BYTES)));
  if (at === null) quirks.add(TIME_UNREADABLE, where);
  return [at, null];
}
