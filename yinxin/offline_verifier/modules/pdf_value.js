// The value of one PDF signature by its /SubFilter (ISO 32000-1 12.8.3, ETSI EN 319 142-1 5), and the sealing value of GB/T 38540 alone in
// /Contents or as a signed attribute of the CMS; as seal_service/pdf/signature_value.py and sealing_checks.py.
//
// Only CMS signatures, sealing values and document time-stamps can become valid; the old kinds rest on SHA-1. A field with a CMS and a sealing
// value is one act in two languages: any disagreement between them is a failure.
import { MalformedError, TrustError, isoTime, sameBytes, toBinary, utcTime } from "./bytes.js";
import { undecidedResult, verifySignedData } from "./cms.js";
import { encodedLength } from "./cms_read.js";
import { Tag, readNode } from "./der.js";
import { canDigest } from "./hashes.js";
import { Oid } from "./oids.js";
import { RANGE_CLAUSE, joinRanges } from "./pdf_coverage.js";
import { PdfString, pdfText } from "./pdf_syntax.js";
import { failed, notChecked, passed, warned } from "./report.js";
import { sealContentOf, verifySealSignature } from "./ses.js";
import { readSealSignature } from "./ses_read.js";
import { Check, verifySignature } from "./signatures.js";
import { CLOCK_TOLERANCE_MS, verifyToken } from "./timestamps.js";
import { certificateFromDer } from "./x509.js";

export const TIMESTAMP_FILTER = "ETSI.RFC3161";
export const SIGNATURE_KINDS = {
  "ETSI.CAdES.detached": "pdf-cms", "adbe.pkcs7.detached": "pdf-cms", [TIMESTAMP_FILTER]: "pdf-timestamp", "adbe.pkcs7.sha1": "pdf-pkcs7-sha1",
  "adbe.x509.rsa_sha1": "pdf-x509-rsa-sha1",
};
export const UNKNOWN_KIND = "pdf-unknown";
export const kindOfFilter = (filter) => (Object.hasOwn(SIGNATURE_KINDS, filter) ? SIGNATURE_KINDS[filter] : UNKNOWN_KIND);
const PRIVATE_FILTERS = new Set(["GM.SM2"]); // seen in files, with a content whose rules are not published
const OLD_CLAUSE = "ISO 32000-2 12.8.3";
const SES_FORM_CLAUSE = "GB/T 38540-2020 format";
const AGREEMENT_CLAUSE = "docs/reference/ses-in-pdf.md 3";

// [kind, result]: what verifying the value in /Contents over the covered bytes shows. setting: { trust, at, evidence, status, provenBy }
export async function verifyPdfValue(document, value, coverage, digests, setting) {
  const filter = pdfText(document.resolveEntry(value, "SubFilter"));
  const stated = filter.slice(0, 60);
  const kind = kindOfFilter(filter);
  const { contents, ranges } = coverage;
  if (contents === null || !ranges.length) return [kind, undecidedResult(notChecked("PDF_VALUE_NOT_CHECKED", RANGE_CLAUSE, { sub_filter: stated }))];
  const isSeal = kind !== "pdf-timestamp" && sealContentOf(contents) === "signature";
  if (kind === UNKNOWN_KIND && !isSeal) {
    const code = PRIVATE_FILTERS.has(stated) ? "PDF_SUBFILTER_PRIVATE" : "PDF_SUBFILTER_UNKNOWN";
    return [kind, undecidedResult(notChecked(code, RANGE_CLAUSE, { sub_filter: stated }))];
  }
  if (kind === "pdf-x509-rsa-sha1" && !isSeal) return [kind, await verifyBareRsa(document, value, coverage)];
  const steps = [];
  let length;
  try {
    length = encodedLength(contents);
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
    return [kind, undecidedResult(failed("PDF_CONTENTS_UNREADABLE", RANGE_CLAUSE, { reason: error.code }))];
  }
  if (contents.subarray(length).some((each) => each)) steps.push(failed("PDF_CONTENTS_PADDING", RANGE_CLAUSE, { count: contents.length - length }));
  const der = contents.subarray(0, length);
  // Where the ranges break a rule, which is a step of its own, no text of a sealing value can name them rightly
  const [gap, end] = [coverage.gap ?? [0, 0], coverage.end ?? 0];
  const sealed = {
    digest: (oid) => digests.digest(oid, ranges),
    content: () => joinRanges(document.data, ranges),
    byteRange: [0, gap[0], gap[1], end - gap[1]],
    claimedAt: readPdfDate(document.resolveEntry(value, "M")),
  };
  const { trust, at, evidence, provenBy } = setting;
  let found;
  if (isSeal) {
    if (kind !== UNKNOWN_KIND) steps.push(warned("PDF_SUBFILTER_DISAGREES", RANGE_CLAUSE, { sub_filter: stated }));
    found = ["pdf-ses", await verifySealAlone(der, sealed, setting)];
  } else if (kind === "pdf-timestamp") {
    found = [kind, await verifyToken(der, sealed.digest, trust, at, evidence, provenBy)];
  } else if (kind === "pdf-pkcs7-sha1") {
    found = [kind, await verifyOldDigest(der, sealed, setting)];
  } else {
    const cms = await verifySignedData(der, { contentDigest: sealed.digest, content: sealed.content, trust, at, evidence, claimedAt: sealed.claimedAt, provenBy });
    const both = await addSeal(cms, sealed, setting);
    found = both === null ? [kind, cms] : ["pdf-cms+ses", both];
  }
  const [foundKind, result] = found;
  return [foundKind, { ...result, steps: [...steps, ...result.steps] }];
}

// adbe.pkcs7.sha1: the CMS carries the SHA-1 digest of the ranges as its content. Never better than undecided.
async function verifyOldDigest(der, sealed, { trust, at, evidence }) {
  const result = await verifySignedData(der, { trust, at, evidence, allowEncapsulated: true, requireSignedAttributes: false });
  const steps = [notChecked("PDF_SUBFILTER_OLD", OLD_CLAUSE, { sub_filter: "adbe.pkcs7.sha1" }), ...result.steps];
  if (!canDigest(Oid.SHA1)) return { ...result, documentIntact: null, steps: [...steps, notChecked("SIG_ALGORITHM_UNSUPPORTED", RANGE_CLAUSE, { algorithm: Oid.SHA1 })] };
  const matches = sameBytes(result.encapsulated, await sealed.digest(Oid.SHA1));
  if (!matches) steps.push(failed("CMS_DIGEST_MISMATCH", RANGE_CLAUSE, { digest: Oid.SHA1 }));
  return { ...result, documentIntact: matches ? null : false, steps };
}

// adbe.x509.rsa_sha1: a bare RSA value with the certificate in /Cert. Never better than undecided.
async function verifyBareRsa(document, value, coverage) {
  const old = notChecked("PDF_SUBFILTER_OLD", OLD_CLAUSE, { sub_filter: "adbe.x509.rsa_sha1" });
  let encoded = document.resolveEntry(value, "Cert");
  if (Array.isArray(encoded) && encoded.length) encoded = document.resolve(encoded[0]);
  let [signature, certificate] = [null, null];
  try {
    signature = readNode(coverage.contents).expect(Tag.OCTET_STRING).value;
    certificate = certificateFromDer(encoded instanceof PdfString ? encoded.bytes : new Uint8Array());
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
    return undecidedResult(old, failed("PDF_CONTENTS_UNREADABLE", RANGE_CLAUSE, { reason: error.code }));
  }
  const algorithm = { oid: Oid.SHA1_WITH_RSA, parameters: Uint8Array.of(5, 0), raw: null };
  const check = await verifySignature(certificate.spki, algorithm, joinRanges(document.data, coverage.ranges), signature);
  const isGood = check === Check.UNSUPPORTED ? null : check !== Check.BAD;
  const step =
    isGood === null
      ? notChecked("SIG_ALGORITHM_UNSUPPORTED", RANGE_CLAUSE, { algorithm: Oid.SHA1_WITH_RSA })
      : (isGood ? passed : failed)(isGood ? "SIG_VALUE_OK" : "SIG_VALUE_BAD", RANGE_CLAUSE);
  return {
    ...undecidedResult(old, step),
    cryptographicallyValid: isGood,
    documentIntact: isGood === false ? false : null,
    signer: certificate.subjectText,
    signerCertificate: certificate,
    signedAt: readPdfDate(document.resolveEntry(value, "M")),
  };
}

// A PDF date string (ISO 32000-1 7.9.4); one without offset is read as UTC. Null when it is no date.
export function readPdfDate(value) {
  if (!(value instanceof PdfString)) return null;
  const match = /^D:(\d{4})(\d\d)?(\d\d)?(\d\d)?(\d\d)?(\d\d)?(?:(Z)|([+-])(\d\d)'?(?:(\d\d)'?)?)?/.exec(toBinary(value.bytes));
  if (match === null) return null;
  const parts = [1, 2, 3, 4, 5, 6].map((i) => (match[i] ? Number(match[i]) : [0, 1, 1, 0, 0, 0][i - 1]));
  const minutes = Number(match[9] ?? 0) * 60 + Number(match[10] ?? 0);
  const local = utcTime(...parts);
  if (local === null || minutes >= 24 * 60) return null;
  return local - (match[8] === "-" ? -1 : 1) * minutes * 60000;
}

// -- sealing values

// A sealing value as the whole of /Contents
async function verifySealAlone(der, sealed, setting) {
  let signature;
  try {
    signature = readSealSignature(der);
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
    return undecidedResult(failed("SES_MALFORMED", SES_FORM_CLAUSE, { reason: error.code, ...error.facts }));
  }
  const found = await verifySealing(signature, sealed, setting, null);
  const steps = [...found.steps, ...checkNamedRange(signature, sealed, notChecked)];
  const claimed = sealed.claimedAt;
  if (claimed !== null && found.signedAt !== null && Math.abs(claimed - found.signedAt) > CLOCK_TOLERANCE_MS) {
    // /M is covered by the sealing value, so its signer wrote both; other makers write local time as UTC
    steps.push(warned("PDF_SES_TIME_DISAGREES", AGREEMENT_CLAUSE, { stated: isoTime(claimed), found: isoTime(found.signedAt) }));
  }
  return { ...undecidedResult(), ...found, signedAt: found.signedAt ?? claimed, steps };
}

async function verifySealing(signature, sealed, { trust, at, evidence, status, provenBy }, cms) {
  const run = (original) =>
    verifySealSignature(signature, {
      trust, at, evidence, status, ...original, intermediates: cms === null ? [] : cms.certificates,
      enclosedAt: cms === null ? provenAlone(signature, provenBy) : cms.timestampAt,
    });
  const found = await run({ dataDigest: sealed.digest });
  // Only the bytes show the variant with the signer's identity
  return found.documentIntact === false && cms === null ? run({ data: sealed.content() }) : found;
}

// When a document time-stamp shows the value to have existed; one that came after seal or certificate had ended says nothing of before
function provenAlone(signature, provenBy) {
  if (provenBy === null) return null;
  const ends = [signature.seal.property.validUntil];
  try {
    ends.push(certificateFromDer(signature.signerCertificate).notAfter);
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error; // a certificate that cannot be read states no end
  }
  return provenBy <= Math.min(...ends) ? provenBy : null;
}

// A CMS together with the sealing value among its signed attributes; null where it has none
async function addSeal(cms, sealed, setting) {
  const attributes = cms.signedAttributes.filter((each) => each.oid === Oid.SES_SIGNATURE_ATTRIBUTE);
  if (!attributes.length) return null;
  const values = attributes.flatMap((attribute) => attribute.values);
  if (values.length !== 1) return withSeal(cms, null, failed("PDF_SES_ATTRIBUTE_BAD", AGREEMENT_CLAUSE, { reason: "VALUES", found: values.length }));
  let signature;
  try {
    signature = readSealSignature(values[0]);
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
    return withSeal(cms, null, failed("PDF_SES_ATTRIBUTE_BAD", AGREEMENT_CLAUSE, { reason: error.code, ...error.facts }));
  }
  const found = await verifySealing(signature, sealed, setting, cms);
  return withSeal(cms, found, ...found.steps, ...checkAgreement(cms, found, signature, sealed));
}

// The same signer, the same time, the same bytes in both
function checkAgreement(cms, found, signature, sealed) {
  const steps = checkNamedRange(signature, sealed, failed);
  if (cms.signerCertificate === null) {
    steps.push(notChecked("PDF_SES_SIGNER_DISAGREES", AGREEMENT_CLAUSE));
  } else if (!sameBytes(cms.signerCertificate.der, signature.signerCertificate)) {
    steps.push(failed("PDF_SES_SIGNER_DISAGREES", AGREEMENT_CLAUSE, { cms: cms.signer, ses: found.signer }));
  }
  const [claimed, inside] = [cms.signedAt, signature.timeInfoAt];
  if (claimed === null || inside === null) {
    steps.push(notChecked("PDF_SES_TIME_DISAGREES", AGREEMENT_CLAUSE));
  } else if (Math.abs(claimed - inside) > CLOCK_TOLERANCE_MS) {
    steps.push(failed("PDF_SES_TIME_DISAGREES", AGREEMENT_CLAUSE, { stated: isoTime(claimed), found: isoTime(inside) }));
  }
  return steps.length ? steps : [passed("PDF_SES_AGREES", AGREEMENT_CLAUSE)];
}

// A range that propertyInfo names must be the one of the signature. The texts of other makers may name none: nothing is said then.
function checkNamedRange(signature, sealed, wrong) {
  const named = /\[\s*(\d{1,12})\s+(\d{1,12})\s+(\d{1,12})\s+(\d{1,12})\s*\]/.exec(signature.propertyInfo);
  if (named === null || sealed.byteRange.every((each, i) => Number(named[i + 1]) === each)) return [];
  return [wrong("PDF_SES_RANGE_DISAGREES", AGREEMENT_CLAUSE, { stated: signature.propertyInfo.slice(0, 120), found: sealed.byteRange.join(" ") })];
}

const togetherGood = (one, other) => (one === false || other === false ? false : one === null || other === null ? null : true);

// Both findings as one: good only where both are. A sealing value over other bytes is wrong, but no sign of a change after signing as long as the
// CMS is over these.
function withSeal(cms, found, ...steps) {
  const isIntact = found !== null && found.documentIntact === true;
  return {
    ...cms,
    cryptographicallyValid: togetherGood(cms.cryptographicallyValid, found === null ? null : found.cryptographicallyValid),
    documentIntact: isIntact || cms.documentIntact === false ? cms.documentIntact : null,
    trusted: togetherGood(cms.trusted, found === null ? null : found.trusted),
    steps: [...cms.steps, ...steps],
  };
}

// What a throw of the digests means for a value: it was not checked
export const valueNotChecked = (error) => {
  if (!(error instanceof TrustError)) throw error;
  return undecidedResult(notChecked("PDF_VALUE_NOT_CHECKED", RANGE_CLAUSE, { reason: error.code }));
};
