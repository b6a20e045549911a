// What the bytes of a SignedData show by themselves: form, attributes, digests, signature value. No trust and no time in here.
//
// Every check runs and leaves a step, the same as in crypto/cms_examination.py; what cannot be decided can never become valid.
import { MalformedError, sameBytes, toBinary } from "./bytes.js";
import {
  DATA_TYPES, MAX_CMS_BYTES, encodedLength, isGbt35275, isSameContentType, isSignerVersionConsistent, isVersionConsistent, nationalDeviations,
  readAdobeRevocation, readAlgorithmProtection, readAttributeSet, readSignedData, readSigningCertificate, signatureFromRaw,
} from "./cms_read.js";
import { Tag, contextTag, normaliseBer, readDer, tagText, writeTlv } from "./der.js";
import { canDigest, digestOf, isKnownDigest, isWeakDigest } from "./hashes.js";
import { Oid, SM2_SIGNATURE_OIDS } from "./oids.js";
import { failed, notChecked, passed, warned } from "./report.js";
import { Check, readAlgorithm, verifySignature } from "./signatures.js";
import { certificateFromDer } from "./x509.js";

const FORM = "RFC 5652 5.1";
const SIGNER = "RFC 5652 5.3";
const ATTRIBUTES = "RFC 5652 11";
const DIGEST = "RFC 5652 5.4";
const VALUE = "RFC 5652 5.6";
const BINDING = "RFC 5035 3";
const PROTECTION = "RFC 6211 2";
const NATIONAL = "GB/T 35275-2017 8";

export const SIGNED_ONLY = new Set([
  Oid.CONTENT_TYPE, Oid.MESSAGE_DIGEST, Oid.SIGNING_TIME, Oid.SIGNING_CERTIFICATE, Oid.SIGNING_CERTIFICATE_V2, Oid.CMS_ALGORITHM_PROTECTION,
  Oid.ADBE_REVOCATION,
]);

const IMPLIED_DIGESTS = {
  [Oid.SM2_CURVE]: Oid.SM3, [Oid.MD5_WITH_RSA]: Oid.MD5, [Oid.SHA1_WITH_RSA]: Oid.SHA1, [Oid.SHA224_WITH_RSA]: Oid.SHA224,
  [Oid.SHA256_WITH_RSA]: Oid.SHA256, [Oid.SHA384_WITH_RSA]: Oid.SHA384, [Oid.SHA512_WITH_RSA]: Oid.SHA512, [Oid.ECDSA_WITH_SHA1]: Oid.SHA1,
  [Oid.ECDSA_WITH_SHA256]: Oid.SHA256, [Oid.ECDSA_WITH_SHA384]: Oid.SHA384, [Oid.ECDSA_WITH_SHA512]: Oid.SHA512,
  [Oid.ED25519]: Oid.SHA512, // RFC 8419, 3.1
};

// Run every check that needs neither trust nor time. Demands: contentDigest(oid) gives the detached content's digest, content() its bytes,
// or null; contentTypes, requireSignedAttributes, allowEncapsulated.
export async function examineCms(der, demands) {
  const wanted = { contentDigest: null, content: null, contentTypes: DATA_TYPES, requireSignedAttributes: true, allowEncapsulated: false, ...demands };
  const found = {
    steps: [], signed: null, signer: null, certificate: null, certificates: [], cryptographicallyValid: null, documentIntact: null,
    signingAt: null, crls: [], ocsp: [], isNormalised: false,
  };
  const signed = readStrictlyOrNormalised(der, found);
  if (signed === null) return found;
  found.signed = signed;
  if (signed.signers.length !== 1) {
    found.steps.push(failed("CMS_SIGNER_COUNT", FORM, { found: signed.signers.length }));
    return found;
  }
  const signer = (found.signer = signed.signers[0]);
  checkForm(signed, signer, wanted, found.steps);
  found.certificates = readEnclosedCertificates(signed, found.steps);
  const attributes = await checkAttributes(signed, signer, wanted, found.steps);
  await findSignerCertificate(signer, attributes, found);
  await checkSigningCertificate(signed, attributes, found);
  checkAlgorithms(signed, signer, attributes, found.steps);
  const digestMatches = await checkDigest(signed, signer, attributes, wanted, found.steps);
  await checkValue(signed, signer, wanted, found);
  readClaims(attributes, found);
  found.crls = [...signed.crls, ...found.crls];
  found.ocsp = [...signed.ocsp, ...found.ocsp];
  if (digestMatches === false) {
    found.documentIntact = false;
  } else if (found.cryptographicallyValid && digestMatches) {
    const isWeak = isWeakDigest(signer.digestAlgorithm.oid);
    found.documentIntact = isWeak || (signed.content !== null && !wanted.allowEncapsulated) ? null : true;
  }
  return found;
}

// Strictly as DER; where that fails, once more after normalising BER, with a warning
function readStrictlyOrNormalised(der, found) {
  try {
    const signed = readSignedData(der);
    found.steps.push(passed("CMS_FORMAT_OK", FORM));
    return signed;
  } catch (strict) {
    if (!(strict instanceof MalformedError)) throw strict;
    try {
      if (encodedLength(der) !== der.length) throw strict;
      const signed = readSignedData(normaliseBer(der, MAX_CMS_BYTES));
      found.isNormalised = true;
      found.steps.push(warned("CMS_ENCODING_NONDER", FORM, { reason: strict.code }));
      return signed;
    } catch (error) {
      if (!(error instanceof MalformedError)) throw error;
      found.steps.push(failed("CMS_MALFORMED", FORM, { reason: strict.code }));
      return null;
    }
  }
}

function checkForm(signed, signer, demands, steps) {
  if (isGbt35275(signed)) {
    const deviations = nationalDeviations(signed);
    if (deviations.length) steps.push(notChecked("GBT35275_DEVIATION", NATIONAL, { fields: deviations.join(", ") }));
  } else {
    if (!isVersionConsistent(signed)) steps.push(notChecked("CMS_VERSION_UNEXPECTED", FORM, { where: "SignedData", found: signed.version }));
    if (!isSignerVersionConsistent(signer)) steps.push(notChecked("CMS_VERSION_UNEXPECTED", SIGNER, { where: "SignerInfo", found: signer.version }));
    if (signed.contentTag !== null && signed.contentTag !== Tag.OCTET_STRING) steps.push(failed("CMS_CONTENT_TYPE_BAD", FORM, { found: tagText(signed.contentTag) }));
  }
  if (!demands.contentTypes.has(signed.contentType)) steps.push(failed("CMS_CONTENT_TYPE_BAD", FORM, { found: signed.contentType }));
  if (signed.content !== null && !demands.allowEncapsulated) steps.push(failed("CMS_CONTENT_EMBEDDED", "RFC 5652 5.2", { size_bytes: signed.content.length }));
}

function readEnclosedCertificates(signed, steps) {
  const certificates = [];
  for (const encoded of signed.certificates) {
    try {
      certificates.push(certificateFromDer(encoded));
    } catch (error) {
      if (!(error instanceof MalformedError)) throw error;
      steps.push(notChecked("CMS_CERTIFICATE_UNREADABLE", FORM, { reason: error.code }));
    }
  }
  return certificates;
}

// The signed attributes by type. Duplicates, misplaced ones and several values are refused.
async function checkAttributes(signed, signer, demands, steps) {
  for (const attribute of signer.unsignedAttributes) {
    if (SIGNED_ONLY.has(attribute.oid)) steps.push(failed("CMS_ATTRIBUTE_MISPLACED", ATTRIBUTES, { attribute: attribute.oid, where: "unsigned" }));
  }
  const attributes = new Map();
  if (signer.signedAttributes === null) {
    if (demands.requireSignedAttributes) steps.push(notChecked("CMS_ATTRIBUTES_MISSING", SIGNER, { attribute: "signedAttrs" }));
    else steps.push(...checkConfusion(signed, demands));
    return attributes;
  }
  for (const attribute of signer.signedAttributes) {
    if (attributes.has(attribute.oid)) steps.push(failed("CMS_ATTRIBUTE_DUPLICATE", SIGNER, { attribute: attribute.oid }));
    if (SIGNED_ONLY.has(attribute.oid) && attribute.values.length !== 1) {
      steps.push(failed("CMS_ATTRIBUTE_DUPLICATE", ATTRIBUTES, { attribute: attribute.oid, values: attribute.values.length }));
    }
    if (attribute.oid === Oid.SIGNATURE_TIME_STAMP) steps.push(failed("CMS_ATTRIBUTE_MISPLACED", "RFC 3161 A", { attribute: attribute.oid, where: "signed" }));
    if (attribute.values.length && !attributes.has(attribute.oid)) attributes.set(attribute.oid, attribute);
  }
  if (!signer.isSorted) steps.push(warned("CMS_ENCODING_NONDER", DIGEST, { reason: "DER_SET_ORDER" }));
  for (const [name, oid] of [["content-type", Oid.CONTENT_TYPE], ["message-digest", Oid.MESSAGE_DIGEST]]) {
    if (!attributes.has(oid)) steps.push(failed("CMS_ATTRIBUTES_MISSING", ATTRIBUTES, { attribute: name }));
  }
  if (attributes.has(Oid.CONTENT_TYPE)) checkContentType(signed, attributes.get(Oid.CONTENT_TYPE).values[0], steps);
  return attributes;
}

function checkContentType(signed, value, steps) {
  let stated;
  try {
    stated = readDer(value).oid();
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
    steps.push(failed("CMS_MALFORMED", ATTRIBUTES, { reason: error.code }));
    return;
  }
  if (stated === signed.contentType) steps.push(passed("CMS_ATTRIBUTES_OK", ATTRIBUTES));
  else if (isGbt35275(signed) && isSameContentType(stated, signed.contentType)) {
    steps.push(warned("CMS_CONTENT_TYPE_ALIAS", NATIONAL, { stated, found: signed.contentType }));
  } else {
    steps.push(failed("CMS_CONTENT_TYPE_MISMATCH", ATTRIBUTES, { stated, found: signed.contentType }));
  }
}

// Content that is itself a SET OF attributes was cut off another signature and is offered here as if it had been signed by itself
function checkConfusion(signed, demands) {
  const content = signed.content ?? (demands.content === null ? null : demands.content());
  if (content === null) return [notChecked("CMS_CONTENT_MISSING", SIGNER)]; // a digest does not show what it is of
  try {
    const kinds = readAttributeSet(content).map((attribute) => attribute.oid);
    return kinds.includes(Oid.MESSAGE_DIGEST) || kinds.includes(Oid.CONTENT_TYPE) ? [failed("CMS_ATTRIBUTES_CONFUSED", SIGNER)] : [];
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
    return [];
  }
}

// The embedded certificate that the signer identifier names; of several, the one that the signed attributes name
async function findSignerCertificate(signer, attributes, found) {
  const named = found.certificates.filter((each) =>
    signer.subjectKeyId === null ? each.serial === signer.serial && sameBytes(each.issuer, signer.issuer) : sameBytes(each.subjectKeyId, signer.subjectKeyId),
  );
  if (!named.length) {
    found.steps.push(notChecked("SIGNER_CERT_ABSENT", SIGNER));
    return;
  }
  found.certificate = named[0];
  if (named.length > 1) {
    const stated = readCertificateId(attributes, Oid.SIGNING_CERTIFICATE_V2) ?? readCertificateId(attributes, Oid.SIGNING_CERTIFICATE);
    for (const each of named) {
      if (stated !== null && (await isMeant(stated, each))) {
        found.certificate = each;
        return;
      }
    }
  }
}

function readCertificateId(attributes, oid) {
  if (!attributes.has(oid)) return null;
  try {
    return readSigningCertificate(attributes.get(oid).values[0], oid === Oid.SIGNING_CERTIFICATE_V2);
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
    return null;
  }
}

async function isMeant(stated, certificate) {
  if (!canDigest(stated.digestOid) || !sameBytes(await digestOf(stated.digestOid, certificate.der), stated.digest)) return false;
  return stated.issuer === null || (sameBytes(stated.issuer, certificate.issuer) && stated.serial === certificate.serial);
}

// Each signing-certificate attribute that is present must name the certificate that is used; at least one should be there
async function checkSigningCertificate(signed, attributes, found) {
  const present = [Oid.SIGNING_CERTIFICATE_V2, Oid.SIGNING_CERTIFICATE].filter((oid) => attributes.has(oid));
  if (!present.length) {
    // The national standard does not know the attribute, and Z_A binds the key at least
    if (isGbt35275(signed)) found.steps.push(warned("CMS_SIGNING_CERTIFICATE_MISSING", NATIONAL));
    else found.steps.push(notChecked("CMS_SIGNING_CERTIFICATE_MISSING", BINDING));
    return;
  }
  if (found.certificate === null) return;
  for (const oid of present) {
    const stated = readCertificateId(attributes, oid);
    if (stated !== null && isKnownDigest(stated.digestOid) && !canDigest(stated.digestOid)) {
      found.steps.push(notChecked("SIG_ALGORITHM_UNSUPPORTED", BINDING, { algorithm: stated.digestOid }));
    } else if (stated === null || !(await isMeant(stated, found.certificate))) {
      found.steps.push(failed("CMS_SIGNING_CERTIFICATE_MISMATCH", BINDING));
    } else if (isWeakDigest(stated.digestOid)) {
      found.steps.push(warned("CMS_SIGNING_CERTIFICATE_V1", BINDING, { digest: stated.digestOid }));
    } else {
      found.steps.push(passed("CMS_SIGNING_CERTIFICATE_OK", BINDING));
    }
  }
}

const hasNone = (algorithm) => algorithm.parameters === null || toBinary(algorithm.parameters) === "\x05\x00";
const isSameAlgorithm = (one, other) => one.oid === other.oid && ((hasNone(one) && hasNone(other)) || sameBytes(one.parameters, other.parameters));

// The digest that a signature algorithm implies; null where it names only a kind of key and leaves the digest open
function agreedDigest(algorithm) {
  if (SM2_SIGNATURE_OIDS.has(algorithm.oid)) return Oid.SM3;
  if (algorithm.oid !== Oid.RSA_PSS) return IMPLIED_DIGESTS[algorithm.oid] ?? null;
  try {
    const fields = algorithm.parameters === null ? [] : readDer(algorithm.parameters).children(Tag.SEQUENCE);
    if (fields.length && fields[0].tag === contextTag(0)) return readAlgorithm(fields[0].onlyChild()).oid;
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
    return null;
  }
  return Oid.SHA1;
}

function checkAlgorithms(signed, signer, attributes, steps) {
  const digest = signer.digestAlgorithm;
  if (!hasNone(digest)) steps.push(failed("CMS_MALFORMED", SIGNER, { reason: "DIGEST_PARAMETERS" }));
  if (!signed.digestAlgorithms.some((listed) => listed.oid === digest.oid && hasNone(listed))) {
    steps.push(notChecked("CMS_DIGEST_ALGORITHM_DISAGREES", FORM, { where: "digestAlgorithms", digest: digest.oid }));
  }
  const demanded = agreedDigest(signer.signatureAlgorithm);
  if (demanded !== null && demanded !== digest.oid) {
    steps.push(failed("CMS_DIGEST_ALGORITHM_DISAGREES", SIGNER, { where: "signatureAlgorithm", digest: digest.oid, demanded }));
  }
  if (isWeakDigest(digest.oid)) steps.push(notChecked("SIG_ALGORITHM_WEAK", DIGEST, { algorithm: digest.oid }));
  const protection = attributes.get(Oid.CMS_ALGORITHM_PROTECTION);
  if (protection === undefined) return;
  try {
    const [statedDigest, statedSignature] = readAlgorithmProtection(protection.values[0]);
    if (isSameAlgorithm(statedDigest, digest) && isSameAlgorithm(statedSignature, signer.signatureAlgorithm)) {
      steps.push(passed("CMS_ALGORITHM_PROTECTION_OK", PROTECTION));
    } else {
      steps.push(failed("CMS_ALGORITHM_PROTECTION_BAD", PROTECTION, { algorithm: signer.signatureAlgorithm.oid, digest: digest.oid }));
    }
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
    steps.push(failed("CMS_MALFORMED", PROTECTION, { reason: error.code }));
  }
}

// Whether what is signed is every form of the content there is, by the message-digest attribute or by itself; null where it cannot be known
async function checkDigest(signed, signer, attributes, demands, steps) {
  if (signer.signedAttributes === null) return checkSameContent(signed, signer, demands, steps);
  const attribute = attributes.get(Oid.MESSAGE_DIGEST);
  if (attribute === undefined) return null;
  let stated;
  try {
    stated = readDer(attribute.values[0]).octets();
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
    steps.push(failed("CMS_MALFORMED", ATTRIBUTES, { reason: error.code }));
    return null;
  }
  const digest = signer.digestAlgorithm.oid;
  if (!canDigest(digest)) {
    steps.push(notChecked("SIG_ALGORITHM_UNSUPPORTED", DIGEST, { algorithm: digest }));
    return null;
  }
  const actual = [];
  if (signed.content !== null && demands.allowEncapsulated) actual.push(await digestOf(digest, signed.content));
  if (demands.contentDigest !== null) actual.push(await demands.contentDigest(digest));
  if (!actual.length) {
    steps.push(notChecked("CMS_CONTENT_MISSING", DIGEST));
    return null;
  }
  if (actual.some((value) => !sameBytes(value, stated))) {
    // The embedded content, already refused, may be what was signed: not a sign of a later change
    if (signed.content !== null && !demands.allowEncapsulated) return null;
    steps.push(failed("CMS_DIGEST_MISMATCH", DIGEST, { digest }));
    return false;
  }
  steps.push(passed("CMS_DIGEST_OK", DIGEST, { digest }));
  return true;
}

// Without signed attributes the signature is over the content inside, where there is one: it must be that which the caller holds, if he holds one.
// Where there are no two to be compared the signature itself says it. Null where the two cannot be compared.
async function checkSameContent(signed, signer, demands, steps) {
  if (signed.content === null || !demands.allowEncapsulated || (demands.content === null && demands.contentDigest === null)) return true;
  const digest = signer.digestAlgorithm.oid;
  let isSame;
  if (demands.content !== null) {
    isSame = sameBytes(demands.content(), signed.content);
  } else if (!canDigest(digest)) {
    steps.push(notChecked("SIG_ALGORITHM_UNSUPPORTED", DIGEST, { algorithm: digest }));
    return null;
  } else {
    isSame = sameBytes(await demands.contentDigest(digest), await digestOf(digest, signed.content));
  }
  steps.push((isSame ? passed : failed)(isSame ? "CMS_DIGEST_OK" : "CMS_DIGEST_MISMATCH", DIGEST, { digest }));
  return isSame;
}

async function checkValue(signed, signer, demands, found) {
  if (found.certificate === null) return;
  const algorithm = signer.signatureAlgorithm.oid;
  let message = null;
  if (signer.signedAttributes !== null) {
    message = signer.signedAttributesDer;
    if (found.isNormalised && !signer.isSorted) {
      // In BER the attributes may stand in any order; signed is their DER form (5.4)
      const items = readDer(message).children().map((node) => node.raw);
      message = writeTlv(Tag.SET, ...items.sort((one, other) => (toBinary(one) < toBinary(other) ? -1 : 1)));
    }
  } else if (signed.content !== null) {
    message = signed.content;
  } else if (demands.content !== null) {
    message = demands.content();
  }
  let { signature } = signer;
  const plain = isGbt35275(signed) ? signatureFromRaw(signature) : null;
  if (plain !== null) {
    signature = plain;
    found.steps.push(warned("SIG_RAW_RS", NATIONAL));
  }
  const check = await verifyCmsValue(found.certificate.spki, signer, signature, message);
  if (check === null) {
    found.steps.push(notChecked("CMS_CONTENT_MISSING", VALUE));
  } else if (check === Check.UNSUPPORTED) {
    found.steps.push(notChecked("SIG_ALGORITHM_UNSUPPORTED", VALUE, { algorithm }));
  } else if (check === Check.BAD) {
    found.cryptographicallyValid = false;
    found.steps.push(failed("SIG_VALUE_BAD", VALUE, { algorithm }));
  } else {
    found.cryptographicallyValid = true;
    found.steps.push(check === Check.WEAK ? notChecked("SIG_ALGORITHM_WEAK", VALUE, { algorithm }) : passed("SIG_VALUE_OK", VALUE, { algorithm }));
  }
}

// Over the message alone: where only its digest is at hand the browser cannot tell, and nothing is known
async function verifyCmsValue(spki, signer, signature, message) {
  const algorithm = signer.signatureAlgorithm;
  if (algorithm.oid !== Oid.RSA_PSS && !hasNone(algorithm)) return Check.UNSUPPORTED;
  if (message === null) return null;
  return verifySignature(spki, algorithm, message, signature, signer.digestAlgorithm.oid);
}

// What the signer claims about the time, and the revocation evidence put beside the signature
function readClaims(attributes, found) {
  try {
    if (attributes.has(Oid.SIGNING_TIME)) found.signingAt = readDer(attributes.get(Oid.SIGNING_TIME).values[0]).time();
    if (attributes.has(Oid.ADBE_REVOCATION)) Object.assign(found, readAdobeRevocation(attributes.get(Oid.ADBE_REVOCATION).values[0]));
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
    found.steps.push(failed("CMS_MALFORMED", ATTRIBUTES, { reason: error.code }));
  }
}

