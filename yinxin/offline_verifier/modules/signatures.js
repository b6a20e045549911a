// Verifying a signature value under a public key: SM2 and Ed25519 are ours; RSA and ECDSA are the browser's, where it has them.
//
// Never throws. What cannot be judged here is "unsupported", and what verifies only with a broken digest or a short key is "weak".
import { MalformedError, TrustError, fromHex, joinBytes, sameBytes, toBinary, toBytes } from "./bytes.js";
import { MAX_MODULUS_BYTES, Tag, contextTag, readDer, writeSequence, writeTlv } from "./der.js";
import { ed25519Verifies } from "./ed25519.js";
import { WEAK_DIGESTS, browserCrypto, browserDigestName } from "./hashes.js";
import { Oid, SM2_SIGNATURE_OIDS } from "./oids.js";
import { readSm2Point, sm2Verify } from "./sm2.js";

export const Check = { GOOD: "good", BAD: "bad", UNSUPPORTED: "unsupported", WEAK: "weak" };

const MIN_RSA_BITS = 2048;
const MAX_RSA_BITS = 16384;
const MAX_RSA_EXPONENT_BITS = 64;
const MAX_SIGNATURE_VALUE_BYTES = MAX_RSA_BITS / 8;
const MAX_SPKI_BYTES = 8192;
const SM2_KEY_ALGORITHM = fromHex("301306072a8648ce3d020106082a811ccf5501822d"); // id-ecPublicKey on the SM2 curve
const RSA_KEY_ALGORITHM = fromHex("300d06092a864886f70d0101010500"); // rsaEncryption, NULL

const RSA_DIGESTS = {
  [Oid.MD5_WITH_RSA]: Oid.MD5, [Oid.SHA1_WITH_RSA]: Oid.SHA1, [Oid.SHA224_WITH_RSA]: Oid.SHA224, [Oid.SHA256_WITH_RSA]: Oid.SHA256,
  [Oid.SHA384_WITH_RSA]: Oid.SHA384, [Oid.SHA512_WITH_RSA]: Oid.SHA512,
};
const ECDSA_DIGESTS = {
  [Oid.ECDSA_WITH_SHA1]: Oid.SHA1, [Oid.ECDSA_WITH_SHA256]: Oid.SHA256, [Oid.ECDSA_WITH_SHA384]: Oid.SHA384, [Oid.ECDSA_WITH_SHA512]: Oid.SHA512,
};
const EC_CURVES = {
  [Oid.SECP256R1]: { name: "P-256", bytes: 32 }, [Oid.SECP384R1]: { name: "P-384", bytes: 48 }, [Oid.SECP521R1]: { name: "P-521", bytes: 66 },
};

// Keys that can be loaded at all: of one of these, another algorithm's signature is wrong; of any other nothing can be said
const KEY_ALGORITHMS = new Set([
  Oid.EC_PUBLIC_KEY, Oid.RSA, Oid.RSA_PSS, Oid.ED25519, "1.3.101.110", "1.3.101.111", "1.3.101.113", "1.2.840.10040.4.1",
]);

class WrongKeyError extends Error {} // the key is of another kind than the algorithm

// -- AlgorithmIdentifier and SubjectPublicKeyInfo (RFC 5280, 4.1.1.2 and 4.1.2.7)

// { oid, parameters (a whole DER element or null), raw }
export function readAlgorithm(node) {
  const parts = node.children(Tag.SEQUENCE);
  if (parts.length < 1 || parts.length > 2) throw new MalformedError("ALGORITHM_MALFORMED", { elements: parts.length });
  return { oid: parts[0].oid(), parameters: parts.length === 2 ? parts[1].raw : null, raw: node.raw };
}

const hasNoParameters = (algorithm) => algorithm.parameters === null || toBinary(algorithm.parameters) === "\x05\x00";

// { algorithm, keyBits, raw }
export function readSpki(spki) {
  if (spki.length > MAX_SPKI_BYTES) throw new MalformedError("SPKI_TOO_LARGE", { limit: MAX_SPKI_BYTES, found: spki.length });
  const parts = readDer(spki).children(Tag.SEQUENCE);
  if (parts.length !== 2) throw new MalformedError("SPKI_MALFORMED", { elements: parts.length });
  return { algorithm: readAlgorithm(parts[0]), keyBits: parts[1].bits(), raw: spki };
}

export const isSm2Key = (info) => sameBytes(info.algorithm.raw, SM2_KEY_ALGORITHM);

// -- verifying

// Whether the key `spki` made `signature` over `message` (bytes, or a list of parts). `digestOid` counts only where the algorithm names no
// digest: CMS may state rsaEncryption, or the bare key identifier of EC and SM2.
export async function verifySignature(spki, algorithm, message, signature, digestOid = null) {
  if (signature.length > MAX_SIGNATURE_VALUE_BYTES) return Check.BAD;
  try {
    return await verifyWith(readSpki(spki), algorithm, Array.isArray(message) ? message : [message], signature, digestOid);
  } catch (error) {
    return error instanceof WrongKeyError ? Check.BAD : Check.UNSUPPORTED;
  }
}

async function verifyWith(info, stated, message, signature, digestOid) {
  const { oid } = stated;
  const isSm2 = isSm2Key(info);
  if (isSm2) {
    if (info.keyBits.length !== 65) throw new MalformedError("SM2_POINT_ENCODING");
    readSm2Point(info.keyBits); // a point off the curve is no key at all
  }
  if (!KEY_ALGORITHMS.has(info.algorithm.oid)) throw new MalformedError("KEY_ALGORITHM_UNKNOWN");
  const isEc = !isSm2 && info.algorithm.oid === Oid.EC_PUBLIC_KEY;
  const curve = isEc ? EC_CURVES[readDer(info.algorithm.parameters ?? new Uint8Array()).oid()] : null;
  if (curve === undefined) throw new MalformedError("CURVE_UNKNOWN");
  if (isEc && ![2, 3, 4].includes(info.keyBits[0])) throw new MalformedError("SPKI_MALFORMED"); // the hybrid form must not be used (RFC 5480, 2.2)
  if (SM2_SIGNATURE_OIDS.has(oid) || oid === Oid.SM2_CURVE || (oid === Oid.EC_PUBLIC_KEY && isSm2)) {
    if (!isSm2) throw new WrongKeyError();
    if (!SM2_SIGNATURE_OIDS.has(oid) && digestOid !== Oid.SM3) throw new MalformedError("DIGEST_UNKNOWN");
    return sm2Verify(info.keyBits, signature, message) ? Check.GOOD : Check.BAD;
  }
  if (oid in RSA_DIGESTS || oid === Oid.RSA || oid === Oid.RSA_PSS) {
    if (info.algorithm.oid !== Oid.RSA && info.algorithm.oid !== Oid.RSA_PSS) throw new WrongKeyError();
    return verifyRsa(info, stated, message, signature, digestOid);
  }
  if (oid in ECDSA_DIGESTS || oid === Oid.EC_PUBLIC_KEY) {
    if (!isEc) throw new WrongKeyError();
    return verifyEcdsa(info, curve, ECDSA_DIGESTS[oid] ?? digestOid, message, signature);
  }
  if (oid === Oid.ED25519 && stated.parameters === null) {
    if (info.algorithm.oid !== Oid.ED25519) throw new WrongKeyError();
    if (info.algorithm.parameters !== null || info.keyBits.length !== 32) throw new MalformedError("ED25519_KEY_MALFORMED");
    return ed25519Verifies(info.keyBits, signature, joinBytes(...message)) ? Check.GOOD : Check.BAD;
  }
  throw new MalformedError("SIGNATURE_ALGORITHM_UNKNOWN", { oid });
}

async function runInBrowser(keyScheme, scheme, spki, message, signature, isWeak) {
  const subtle = browserCrypto();
  if (subtle === null) throw new TrustError("ALGORITHM_NOT_AVAILABLE");
  const key = await subtle.importKey("spki", spki, keyScheme, false, ["verify"]);
  if (!(await subtle.verify(scheme, key, signature, joinBytes(...message)))) return Check.BAD;
  return isWeak ? Check.WEAK : Check.GOOD;
}

function browserHash(oid) {
  const name = browserDigestName(oid);
  if (name === null) throw new TrustError("DIGEST_UNKNOWN", { oid });
  return name;
}

// The length of the modulus. No key at all: parameters beside the algorithm, a modulus that is not positive, an exponent with which everybody signs
// (1) or nobody can (an even one), or one that is there to cost time. Not every browser refuses these.
function rsaBits({ algorithm, keyBits }) {
  const parts = readDer(keyBits).children(Tag.SEQUENCE);
  const [modulus, exponent] = parts.map((part) => part.integer(Tag.INTEGER, MAX_MODULUS_BYTES));
  const isKey = parts.length === 2 && modulus > 0n && exponent > 2n && exponent & 1n && exponent < 1n << BigInt(MAX_RSA_EXPONENT_BITS);
  if (!isKey || (algorithm.oid === Oid.RSA && !hasNoParameters(algorithm))) throw new MalformedError("RSA_KEY_MALFORMED");
  return modulus.toString(2).length;
}

async function verifyRsa(info, stated, message, signature, digestOid) {
  const bits = rsaBits(info);
  if (bits > MAX_RSA_BITS) throw new MalformedError("RSA_KEY_TOO_LONG", { limit: MAX_RSA_BITS, found: bits });
  const bound = info.algorithm;
  if (bound.oid === Oid.RSA_PSS && stated.oid !== Oid.RSA_PSS) throw new WrongKeyError();
  // Browsers know the key under rsaEncryption alone
  const spki = writeSequence(RSA_KEY_ALGORITHM, writeTlv(Tag.BIT_STRING, Uint8Array.of(0), info.keyBits));
  if (stated.oid === Oid.RSA_PSS) {
    const pss = readPss(stated);
    if (bound.oid === Oid.RSA_PSS && bound.parameters !== null) {
      const least = readPss(bound); // what a key states binds its signatures (RFC 4055, 3.3)
      if (least.digest !== pss.digest || least.mgf !== pss.mgf || pss.saltBytes < least.saltBytes) throw new WrongKeyError();
    }
    if (pss.digest !== pss.mgf) throw new TrustError("DIGEST_UNKNOWN"); // no browser separates the two
    const isWeak = WEAK_DIGESTS.has(pss.digest) || bits < MIN_RSA_BITS;
    const keyScheme = { name: "RSA-PSS", hash: browserHash(pss.digest) };
    return runInBrowser(keyScheme, { name: "RSA-PSS", saltLength: pss.saltBytes }, spki, message, signature, isWeak);
  }
  const oid = RSA_DIGESTS[stated.oid] ?? digestOid;
  if (!hasNoParameters(stated)) throw new MalformedError("ALGORITHM_PARAMETERS", { oid: stated.oid });
  const isWeak = WEAK_DIGESTS.has(oid) || bits < MIN_RSA_BITS;
  const keyScheme = { name: "RSASSA-PKCS1-v1_5", hash: browserHash(oid) };
  return runInBrowser(keyScheme, { name: "RSASSA-PKCS1-v1_5" }, spki, message, signature, isWeak);
}

async function verifyEcdsa(info, curve, oid, message, signature) {
  const hash = browserHash(oid);
  let raw;
  try {
    const parts = readDer(signature).children(Tag.SEQUENCE);
    const [r, s] = parts.map((part) => part.integer());
    if (parts.length !== 2 || r < 1n || s < 1n) return Check.BAD;
    raw = joinBytes(toBytes(r, curve.bytes), toBytes(s, curve.bytes));
  } catch {
    return Check.BAD;
  }
  if (raw.length !== 2 * curve.bytes) return Check.BAD;
  const scheme = { name: "ECDSA", namedCurve: curve.name, hash };
  return runInBrowser(scheme, scheme, info.raw, message, raw, WEAK_DIGESTS.has(oid));
}

// ECDSA with r ‖ s in one piece, as JOSE and COSE write it; null where this browser cannot tell
export async function verifyEcdsaRaw(spki, digestOid, message, signature) {
  try {
    const info = readSpki(spki);
    const curve = info.algorithm.oid === Oid.EC_PUBLIC_KEY ? EC_CURVES[readDer(info.algorithm.parameters).oid()] : undefined;
    if (curve === undefined || signature.length !== 2 * curve.bytes) return false;
    const scheme = { name: "ECDSA", namedCurve: curve.name, hash: browserHash(digestOid) };
    return (await runInBrowser(scheme, scheme, spki, [message], signature, false)) === Check.GOOD;
  } catch (error) {
    return error instanceof MalformedError ? false : null;
  }
}

// RSASSA-PSS-params, each with its default (RFC 4055, 3.1)
function readPss(stated) {
  const found = { digest: Oid.SHA1, mgf: Oid.SHA1, saltBytes: 20 };
  if (stated.parameters === null) throw new MalformedError("ALGORITHM_PARAMETERS");
  let before = -1;
  for (const part of readDer(stated.parameters).children(Tag.SEQUENCE)) {
    if (part.tag <= before) throw new MalformedError("ALGORITHM_PARAMETERS"); // one field twice would be read differently by others
    before = part.tag;
    const inner = part.onlyChild();
    if (part.tag === contextTag(0)) {
      found.digest = readAlgorithm(inner).oid;
    } else if (part.tag === contextTag(1)) {
      const mgf = readAlgorithm(inner);
      if (mgf.oid !== Oid.MGF1 || mgf.parameters === null) throw new MalformedError("ALGORITHM_PARAMETERS");
      found.mgf = readAlgorithm(readDer(mgf.parameters)).oid;
    } else if (part.tag === contextTag(2)) {
      found.saltBytes = inner.smallInteger();
    } else if (part.tag !== contextTag(3) || inner.integer() !== 1n) {
      throw new MalformedError("ALGORITHM_PARAMETERS");
    }
  }
  if (!(found.saltBytes >= 0 && found.saltBytes <= 512)) throw new MalformedError("ALGORITHM_PARAMETERS");
  return found;
}

