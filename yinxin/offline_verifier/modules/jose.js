// JSON Web Signatures in the compact form (RFC 7515, 7518, 8037, with SM2), strictly, as crypto/jose.py: a key carries its algorithm and is
// used with no other, and what would fetch a key, bring one along or change the rules is refused.

import { TrustError, fromBase64Url, fromHex, joinBytes, toBase64, utf8 } from "./bytes.js";
import { MAX_MODULUS_BYTES, Tag, readDer, writeInteger, writeTlv } from "./der.js";
import { ed25519Verifies } from "./ed25519.js";
import { browserCrypto, digestOf } from "./hashes.js";
import { Oid } from "./oids.js";
import { Check, isSm2Key, readSpki, verifyEcdsaRaw, verifySignature } from "./signatures.js";
import { readSm2Point, sm2VerifyRaw } from "./sm2.js";
import { JsonError, isJsonObject, readJson } from "./strict_json.js";
import { characterCount, isAscii, readUtf8 } from "./texts.js";

const JWKS_BYTES = 65536;
const JWKS_KEYS = 32;
const TOKEN_CHARACTERS = 8192;
const LEAST_RSA_BITS = 2048;
const MOST_RSA_BITS = 8192;
const MOST_EXPONENT_BITS = 64;
const SM2_CURVE_NAME = "SM2-P-256"; // GM/T 0125.4
const P256_SPKI = fromHex("3059301306072a8648ce3d020106082a8648ce3d030107034200");
const SM2_SPKI = fromHex("3059301306072a8648ce3d020106082a811ccf5501822d034200");
const ED25519_SPKI = fromHex("302a300506032b6570032100");
const RSA_ALGORITHM = fromHex("300d06092a864886f70d0101010500");
const P256_PARAMETERS = "06082a8648ce3d030107";
const P256_P = 0xffffffff00000001000000000000000000000000ffffffffffffffffffffffffn;
const P256_B = 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604bn;

export const jwsInvalid = (reason) => new TrustError("JWS_INVALID", { reason });
export const writeBase64Url = (bytes) => toBase64(bytes).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
const hexOf = (bytes) => Array.from(bytes, (each) => each.toString(16).padStart(2, "0")).join("");

/** Base64url without padding in its one spelling. */
export function readBase64Url(text) {
  let bytes;
  try {
    bytes = fromBase64Url(text);
  } catch (error) {
    if (!(error instanceof TrustError)) throw error;
    throw jwsInvalid("base64url");
  }
  if (writeBase64Url(bytes) !== text) throw jwsInvalid("base64url not canonical");
  return bytes;
}

/** A JSON object without duplicate members and what else readers disagree about. */
export function readStrictObject(bytes) {
  let value;
  try {
    value = readJson(readUtf8(bytes), { isStrict: true });
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
    throw jwsInvalid(error.message);
  }
  if (!isJsonObject(value)) throw jwsInvalid("JSON object");
  return value;
}

// -- keys: { keyId, algorithm, verify(signature, message) }, where verify gives true, false, or null where this browser cannot tell

function rsaParts(info) {
  const [n, e] = readDer(info.keyBits).children(Tag.SEQUENCE).map((each) => each.integer(Tag.INTEGER, MAX_MODULUS_BYTES));
  return { n, e };
}

/** Whether an uncompressed point is one of P-256; any other is no key. */
function isOnP256(point) {
  const [x, y] = [BigInt(`0x${hexOf(point.subarray(1, 33))}`), BigInt(`0x${hexOf(point.subarray(33))}`)];
  return x < P256_P && y < P256_P && (y * y - (x * x - 3n) * x - P256_B) % P256_P === 0n;
}

const ecdsaVerifies = async (spki, signature, message) => (browserCrypto() === null ? null : verifyEcdsaRaw(spki, Oid.SHA256, message, signature));
const ofCheck = (check) => (check === Check.GOOD ? true : check === Check.BAD ? false : null);
const numberBytes = (number) => {
  const hex = number.toString(16);
  return fromHex(hex.length % 2 ? `0${hex}` : hex);
};

/** From a SubjectPublicKeyInfo: P-256, Ed25519, SM2 or RSA of 2048 to 8192 bits. `keyId` null: the thumbprint (RFC 7638). */
export async function verificationKey(spki, keyId = null, stated = null) {
  let info, members, key;
  try {
    info = readSpki(spki);
    const { oid, parameters } = info.algorithm;
    if (isSm2Key(info)) {
      readSm2Point(info.keyBits);
      const bits = info.keyBits.slice(-64);
      members = { crv: SM2_CURVE_NAME, kty: "EC", x: writeBase64Url(bits.subarray(0, 32)), y: writeBase64Url(bits.subarray(32)) };
      key = { algorithm: "SGD_SM3_SM2", verify: async (signature, message) => sm2VerifyRaw(info.keyBits, signature, message) };
    } else if (oid === Oid.EC_PUBLIC_KEY && parameters !== null && hexOf(parameters) === P256_PARAMETERS) {
      if (info.keyBits.length !== 65 || info.keyBits[0] !== 4 || !isOnP256(info.keyBits)) throw jwsInvalid("key");
      members = { crv: "P-256", kty: "EC", x: writeBase64Url(info.keyBits.subarray(1, 33)), y: writeBase64Url(info.keyBits.subarray(33)) };
      key = { algorithm: "ES256", verify: (signature, message) => ecdsaVerifies(spki, signature, message) };
    } else if (oid === Oid.ED25519 && parameters === null && info.keyBits.length === 32) {
      members = { crv: "Ed25519", kty: "OKP", x: writeBase64Url(info.keyBits) };
      key = { algorithm: "EdDSA", verify: async (signature, message) => ed25519Verifies(info.keyBits, signature, message) };
    } else if (oid === Oid.RSA) {
      const { n, e } = rsaParts(info);
      const bits = n.toString(2).length;
      if (bits < LEAST_RSA_BITS || bits > MOST_RSA_BITS || e.toString(2).length > MOST_EXPONENT_BITS) throw jwsInvalid("key");
      members = { e: writeBase64Url(numberBytes(e)), kty: "RSA", n: writeBase64Url(numberBytes(n)) };
      const algorithm = stated === "PS256" ? PS256_ALGORITHM : { oid: Oid.SHA256_WITH_RSA, parameters: null, raw: null };
      key = {
        algorithm: stated === "PS256" ? "PS256" : "RS256",
        verify: async (signature, message) => ofCheck(await verifySignature(spki, algorithm, message, signature)),
      };
    } else throw jwsInvalid("key");
  } catch (error) {
    if (!(error instanceof TrustError)) throw error;
    throw jwsInvalid("key");
  }
  if (stated !== null && stated !== key.algorithm) throw jwsInvalid("key");
  return { ...key, keyId: keyId || writeBase64Url(await digestOf(Oid.SHA256, utf8(JSON.stringify(members)))) };
}

// RSASSA-PSS with SHA-256, MGF1 with SHA-256 and a salt as long as the hash (RFC 7518 3.5)
const PS256_ALGORITHM = {
  oid: Oid.RSA_PSS,
  parameters: fromHex("3030a00d300b0609608648016503040201a11a301806092a864886f70d010108300b0609608648016503040201a203020120"),
  raw: null,
};

/** A public JWK; `isGm`: SM2 keys and no others, or all others and no SM2. */
export async function readJwk(members, isGm) {
  if (["d", "p", "q", "k"].some((name) => name in members)) throw jwsInvalid("key is not public");
  const text = (name) => (typeof members[name] === "string" ? members[name] : null);
  const part = (name) => {
    if (text(name) === null) throw jwsInvalid("key");
    return readBase64Url(text(name));
  };
  const [keyId, kind, curve] = [text("kid") ?? "", text("kty"), text("crv")];
  if (isGm !== (curve === SM2_CURVE_NAME)) throw jwsInvalid("key type");
  let spki;
  if (kind === "EC" && (curve === "P-256" || curve === SM2_CURVE_NAME)) {
    const [x, y] = [part("x"), part("y")];
    if (x.length !== 32 || y.length !== 32) throw jwsInvalid("key");
    spki = joinBytes(curve === "P-256" ? P256_SPKI : SM2_SPKI, Uint8Array.of(4), x, y);
  } else if (kind === "OKP" && curve === "Ed25519") {
    const x = part("x");
    if (x.length !== 32) throw jwsInvalid("key");
    spki = joinBytes(ED25519_SPKI, x);
  } else if (kind === "RSA") {
    const [n, e] = [part("n"), part("e")];
    if (n.length * 8 > MOST_RSA_BITS || e.length > 8) throw jwsInvalid("key");
    const integer = (bytes) => writeInteger(BigInt(`0x${hexOf(bytes) || "0"}`));
    spki = writeTlv(Tag.SEQUENCE, RSA_ALGORITHM, writeTlv(Tag.BIT_STRING, Uint8Array.of(0), writeTlv(Tag.SEQUENCE, integer(n), integer(e))));
  } else throw jwsInvalid("key type");
  const isPss = kind === "RSA" && members.alg === "PS256";
  const key = await verificationKey(spki, keyId || null, isPss ? "PS256" : null);
  if (("alg" in members && members.alg !== key.algorithm) || ("use" in members && members.use !== "sig") || !keyId) throw jwsInvalid("key");
  return key;
}

/** A JWK Set (bytes, or the object read from them): usable keys by `kid`. Keys of kinds we do not use are passed over. */
export async function readJwks(data, isGm) {
  if (data.length > JWKS_BYTES) throw jwsInvalid("key set too large");
  const listed = (data instanceof Uint8Array ? readStrictObject(data) : data).keys;
  if (!Array.isArray(listed) || listed.length > JWKS_KEYS) throw jwsInvalid("key set");
  const keys = new Map();
  for (const members of listed) {
    let key;
    try {
      key = await readJwk(isJsonObject(members) ? members : {}, isGm);
    } catch (error) {
      if (!(error instanceof TrustError)) throw error;
      continue;
    }
    if (keys.has(key.keyId)) throw jwsInvalid("duplicate kid");
    keys.set(key.keyId, key);
  }
  return keys;
}

/**
 * Form, type, key and signature of a token: { header, claims, key }; claims are read but not judged. Throws JWS_INVALID, JWS_KEY_UNKNOWN, and
 * JWS_UNDECIDED where this browser cannot check the key's algorithm.
 */
export async function checkToken(token, keys, tokenType, limit = TOKEN_CHARACTERS) {
  if (characterCount(token) > limit || !isAscii(token)) throw jwsInvalid("length");
  const parts = token.split(".");
  if (parts.length !== 3) throw jwsInvalid("form");
  const header = readStrictObject(readBase64Url(parts[0]));
  const { alg, kid, typ } = header;
  if (!Object.keys(header).every((name) => ["alg", "kid", "typ"].includes(name))) throw jwsInvalid("header member");
  if (![alg, kid, typ].every((each) => typeof each === "string")) throw jwsInvalid("header member");
  if (typ.toLowerCase().replace(/^application\//, "") !== tokenType) throw jwsInvalid("typ");
  const key = keys.get(kid);
  if (!key) throw new TrustError("JWS_KEY_UNKNOWN");
  if (key.algorithm !== alg) throw jwsInvalid("alg");
  const isGood = await key.verify(readBase64Url(parts[2]), utf8(`${parts[0]}.${parts[1]}`));
  if (isGood === null) throw new TrustError("JWS_UNDECIDED");
  if (!isGood) throw jwsInvalid("signature");
  return { header, claims: readStrictObject(readBase64Url(parts[1])), key };
}
