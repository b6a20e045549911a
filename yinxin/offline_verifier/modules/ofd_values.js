// The value of one OFD signature: a sealing value (GB/T 38540, GM/T 0031) or SignedData (GB/T 35275, RFC 5652) over Signature.xml; as
// seal_service/ofd/signature_values.py. Which form it has, the bytes say.

import { isoTime, MalformedError, sameBytes, toBase64, toBinary, TrustError } from "./bytes.js";
import { verifySignedData } from "./cms.js";
import { digestOf } from "./hashes.js";
import { resolveLocation } from "./ofd_graph.js";
import { SM2_SIGNATURE_OIDS } from "./oids.js";
import { failed, notChecked, passed, warned } from "./report.js";
import { sealContentOf, verifySealSignature } from "./ses.js";
import { timeInText } from "./ses_quirks.js";
import { readSealSignature } from "./ses_read.js";
import { readSm2Signature } from "./sm2.js";
import { sm3 } from "./sm3.js";
import { firstCharacters } from "./texts.js";

const OFD_VALUE = "GB/T 33190-2016 18.2";
const OFD_DATA = "GM/T 0099-2020 7.2";
const TIMES_DIFFER = 9 * 3600 * 1000; // local time written as UTC differs by eight hours, and clocks by some minutes
export const reasonOf = (error) => {
  if (!(error instanceof TrustError)) throw error;
  return String(error.facts.reason || error.code);
};

/** The kind of report for a stated type, where the value itself does not tell; a seal by default (18.1). */
export const kindOfValue = (stated) => ((stated || "Seal").toLowerCase() === "sign" ? "ofd-sign" : "ofd-seal");

const valueResult = (kind, steps, more = {}) => ({
  kind, steps, cryptographicallyValid: null, isBound: null, trusted: null, signer: null, signedAt: null, sealRaw: null, propertyInfo: null,
  method: null, certificate: null, ...more,
});

/** Verify a signature value over `original`, the bytes of Signature.xml. Which form it has, the bytes say. */
export async function verifyValue(value, stated, original, statedTime, setting) {
  const content = sealContentOf(value);
  let result;
  if (content === "signature") result = await verifySealValue(value, original, setting);
  else if (content === "signed-data") result = await verifySignValue(value, original, setting, timeInText(statedTime));
  else if (isBareSignature(value)) {
    result = valueResult("ofd-sign", [notChecked("SIGNER_CERT_ABSENT", OFD_VALUE, { size_bytes: value.length })], { signedAt: timeInText(statedTime) });
  } else return valueResult(kindOfValue(stated), [failed("SIGNED_VALUE_UNREADABLE", OFD_VALUE, { size_bytes: value.length })]);
  return { ...result, steps: [...typeSteps(stated, result.kind), ...result.steps] };
}

/** A value without a seal where a seal is stated is less than was promised; the other way round it is more. */
function typeSteps(stated, kind) {
  if (stated === null || stated === (kind === "ofd-sign" ? "Sign" : "Seal")) return [];
  const isKnown = ["sign", "seal"].includes(stated.toLowerCase());
  if (isKnown && (kind === "ofd-seal" || kindOfValue(stated) === "ofd-sign")) return [warned("OFD_TYPE_DISAGREES", OFD_VALUE, { stated, found: kind })];
  return [notChecked("OFD_TYPE_DISAGREES", OFD_VALUE, { stated: firstCharacters(stated, 40), found: kind })];
}

/** Whether the value is nothing but the numbers of an SM2 signature. */
function isBareSignature(value) {
  if (value.length === 64) return true;
  try {
    readSm2Signature(value);
    return true;
  } catch (error) {
    reasonOf(error);
    return false;
  }
}

async function verifySealValue(value, original, { trust, at, status }) {
  let signature;
  try {
    signature = readSealSignature(value);
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
    return valueResult("ofd-seal", [failed("SES_MALFORMED", OFD_VALUE, error.facts)]);
  }
  const found = await verifySealSignature(signature, { trust, at, data: original, status });
  return valueResult("ofd-seal", found.steps, {
    cryptographicallyValid: found.cryptographicallyValid,
    isBound: found.documentIntact,
    trusted: found.trusted,
    signer: found.signer,
    signedAt: found.signedAt,
    sealRaw: signature.sealRaw,
    propertyInfo: signature.propertyInfo.replace(/^[\0 \t\r\n]+|[\0 \t\r\n]+$/g, ""),
    method: signature.algorithm,
    certificate: found.signerCertificate,
  });
}

/** SignedData over `original` in any of the forms in use: its digest, that as Base64, the file itself, or the digest of the digest. */
export async function verifySignValue(value, original, { trust, at }, claimedAt) {
  const run = (content) =>
    verifySignedData(value, {
      contentDigest: content === null ? null : (oid) => digestOf(oid, content),
      content: content === null ? null : () => content,
      trust,
      at,
      requireSignedAttributes: false,
      allowEncapsulated: true,
      claimedAt,
    });
  let result = await run(null);
  let isBound;
  let steps = [];
  if (result.encapsulated !== null) [isBound, steps] = compareContent(result.encapsulated, original);
  else {
    result = await run(original);
    if (!(result.cryptographicallyValid && result.documentIntact)) {
      const ofDigest = await run(sm3(original));
      if (ofDigest.cryptographicallyValid && ofDigest.documentIntact) {
        result = ofDigest;
        steps = [warned("OFD_SIGN_FORM_VARIANT", OFD_DATA, { form: "digest of the digest" })];
      }
    }
    isBound = result.documentIntact;
  }
  const valid = result.cryptographicallyValid;
  return valueResult("ofd-sign", [...steps, ...result.steps], {
    cryptographicallyValid: valid !== null && isBound === false ? false : valid,
    isBound: valid || isBound === false ? isBound : null,
    trusted: result.trusted,
    signer: result.signer,
    signedAt: result.signedAt,
    certificate: result.signerCertificate,
  });
}

function compareContent(content, original) {
  const expected = sm3(original);
  if (sameBytes(content, expected) || sameBytes(content, original)) return [true, [passed("DATA_HASH_OK", OFD_DATA)]];
  if (content.length < 4096 && toBinary(content).replace(/[ \t\n\r\f\v]+/g, "") === toBase64(expected)) {
    return [true, [warned("OFD_SIGN_FORM_VARIANT", OFD_DATA, { form: "Base64" })]];
  }
  return [false, [failed("DATA_HASH_BAD", OFD_DATA)]];
}

/** What the value and Signature.xml say twice should be the same: the place, the algorithm, the time. */
export function checkStatements(result, signaturePath, method, statedTime) {
  const steps = checkProperty(result.propertyInfo, signaturePath);
  const found = result.method;
  if (found !== null && method !== found && !(SM2_SIGNATURE_OIDS.has(method) && SM2_SIGNATURE_OIDS.has(found))) {
    steps.push(warned("OFD_METHOD_DISAGREES", OFD_VALUE, { stated: firstCharacters(method, 60), found }));
  }
  const statedAt = timeInText(statedTime);
  if (statedAt !== null && result.signedAt !== null && Math.abs(statedAt - result.signedAt) > TIMES_DIFFER) {
    steps.push(warned("OFD_TIME_DISAGREES", OFD_VALUE, { stated: isoTime(statedAt), found: isoTime(result.signedAt) }));
  }
  return steps;
}

/** The text of propertyInfo names Signature.xml by its path. One vendor writes JSON, which says nothing we could compare. */
function checkProperty(stated, signaturePath) {
  if (stated === null || !stated.toLowerCase().endsWith(".xml")) return [];
  let named = "";
  try {
    named = resolveLocation("", stated);
  } catch (error) {
    reasonOf(error);
  }
  if (named === signaturePath) return [passed("OFD_PROPERTY_OK", OFD_VALUE)];
  const isPart = named && `/${signaturePath}`.toLowerCase().endsWith(`/${named}`.toLowerCase());
  return [(isPart ? warned : notChecked)("OFD_PROPERTY_DISAGREES", OFD_VALUE, { stated: firstCharacters(stated, 120), found: signaturePath })];
}
