// Digests by object identifier: SM3 and the small SHA-2 are ours, SHA-1 and SHA-2 come from the browser where it gives them, the others are not
// to be had here.
import { TrustError, joinBytes } from "./bytes.js";
import { Oid } from "./oids.js";
import { sha224, sha256 } from "./sha256.js";
import { sm3 } from "./sm3.js";

const BROWSER_DIGESTS = { [Oid.SHA1]: "SHA-1", [Oid.SHA256]: "SHA-256", [Oid.SHA384]: "SHA-384", [Oid.SHA512]: "SHA-512" };
const OWN_DIGESTS = new Set([Oid.SM3, Oid.SHA224, Oid.SHA256]);
const KNOWN_ELSEWHERE = new Set([Oid.MD5, Oid.SHA224, Oid.SHA3_256, Oid.SHA3_384, Oid.SHA3_512]); // Yinxin's server computes them

export const WEAK_DIGESTS = new Set([Oid.MD5, Oid.SHA1]); // collisions are published

// The browser's own cryptography, or null where the page may not use it (an old browser, a page without https)
export const browserCrypto = () => globalThis.crypto?.subtle ?? null;

export const browserDigestName = (oid) => BROWSER_DIGESTS[oid] ?? null;
export const isKnownDigest = (oid) => oid === Oid.SM3 || oid in BROWSER_DIGESTS || KNOWN_ELSEWHERE.has(oid);
export const canDigest = (oid) => OWN_DIGESTS.has(oid) || (oid in BROWSER_DIGESTS && browserCrypto() !== null);
export const isWeakDigest = (oid) => WEAK_DIGESTS.has(oid);

// The digest of the parts one after the other; DIGEST_UNKNOWN where it cannot be computed here
export async function digestOf(oid, ...parts) {
  if (oid === Oid.SM3) return sm3(...parts);
  const whole = () => (parts.length === 1 ? parts[0] : joinBytes(...parts));
  if (oid === Oid.SHA224) return sha224(whole());
  if (oid === Oid.SHA256 && browserCrypto() === null) return sha256(whole());
  const name = BROWSER_DIGESTS[oid];
  if (name === undefined || browserCrypto() === null) throw new TrustError("DIGEST_UNKNOWN", { oid });
  return new Uint8Array(await browserCrypto().digest(name, whole()));
}
