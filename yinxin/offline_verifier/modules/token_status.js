// Token status lists (IETF draft-ietf-oauth-status-list-21) in JWT and CWT, ES256 and SM2: what those at hand say of one licence; as
// standards/ietf_status_list.py and licence_vault/status. What is not known is never valid.

import { MalformedError, TrustError, fromBinary } from "./bytes.js";
import { checkCose, readCbor } from "./cose.js";
import { INFLATE_BAD, INFLATE_FULL, inflateZlib } from "./inflate.js";
import { checkToken, readBase64Url, readStrictObject, verificationKey } from "./jose.js";
import { failed, notChecked, passed } from "./report.js";
import { isJsonObject, isWhole } from "./strict_json.js";
import { characterCount } from "./texts.js";

export const TOKEN_STATUS_CLAUSE = "IETF status-list-21 8.3";
const STATUS_LIST_BYTES = 4 * 1024 * 1024;
const PACKED_LIST_BYTES = STATUS_LIST_BYTES + 64 * 1024;
const STATUS_URI_CHARACTERS = 2048;
const STATUS_LEEWAY_SECONDS = 60;
const STATUS_CODES = { 0: "STATUS_VALID", 2: "STATUS_SUSPENDED", 3: "STATUS_OVERDUE" };

const claimsMalformed = () => new MalformedError("STATUS_LIST_CLAIMS");

function checkedClaims(subject, issuedAt, expiresAt = null, ttl = null, bits, packed) {
  const isTime = (value) => isWhole(value, 0, Number.MAX_SAFE_INTEGER);
  if (typeof subject !== "string" || !subject || characterCount(subject) > STATUS_URI_CHARACTERS) throw claimsMalformed();
  if (![1, 2, 4, 8].includes(bits) || !isTime(issuedAt) || (expiresAt !== null && !isTime(expiresAt)) || (ttl !== null && (!isTime(ttl) || ttl === 0))) {
    throw claimsMalformed();
  }
  return { subject, issuedAt, expiresAt, bits, packed };
}

function readJwtClaims(claims) {
  const listed = claims.status_list;
  const text = isJsonObject(listed) ? listed.lst : null;
  if (typeof text !== "string" || !/^[A-Za-z0-9_-]+$/.test(text) || text.length % 4 === 1) throw claimsMalformed();
  const packed = fromBinary(atob(text.replace(/-/g, "+").replace(/_/g, "/")));
  return checkedClaims(claims.sub, claims.iat, claims.exp ?? null, claims.ttl ?? null, listed.bits, packed);
}

function readCwtClaims(claims) {
  const listed = claims instanceof Map ? claims.get(65533) : null;
  const packed = listed instanceof Map ? listed.get("lst") : null;
  if (!(packed instanceof Uint8Array) || !packed.length) throw claimsMalformed();
  return checkedClaims(claims.get(2), claims.get(6), claims.get(4) ?? null, claims.get(65534) ?? null, listed.get("bits"), packed);
}

function inflateList(packed) {
  if (packed.length > PACKED_LIST_BYTES) throw new MalformedError("STATUS_LIST_TOO_LARGE");
  const found = inflateZlib(packed, STATUS_LIST_BYTES);
  if (found === INFLATE_FULL) throw new MalformedError("STATUS_LIST_TOO_LARGE");
  if (found === INFLATE_BAD || !found.length) throw new MalformedError("STATUS_LIST_COMPRESSION");
  return found;
}

const codeOf = (error) => {
  if (!(error instanceof TrustError)) throw error;
  return error.code;
};

/** A token once its signature was checked, kept while the page is open: { claims, packed, steps }. */
const openedTokens = new WeakMap();

async function openStatusToken(token, keys, keySet) {
  const known = openedTokens.get(token);
  if (known && known.keySet === keySet) return known.opened;
  const opened = await readStatusToken(token, keys);
  openedTokens.set(token, { keySet, opened });
  return opened;
}

async function readStatusToken(token, keys) {
  let claims, keyId;
  try {
    if (token[0] === 0x65) {
      // base64url of {" ; a tagged COSE_Sign1 begins with 0xd2
      const text = new TextDecoder("latin1").decode(token);
      const checked = await checkToken(text, keys, "statuslist+jwt", 2 * PACKED_LIST_BYTES);
      [claims, keyId] = [readJwtClaims(checked.claims), checked.key.keyId];
    } else {
      const message = await checkCose(token, keys, "application/statuslist+cwt");
      [claims, keyId] = [readCwtClaims(readCbor(message.payload)), message.key.keyId];
    }
  } catch (error) {
    const rule = codeOf(error);
    const isUnknown = /^(?:JWS|COSE)_KEY_UNKNOWN$/.test(rule);
    const steps = [notChecked(isUnknown ? "STATUS_TOKEN_KEY_UNKNOWN" : "STATUS_TOKEN_REFUSED", TOKEN_STATUS_CLAUSE, { rule })];
    return { claims: null, stated: /^(?:JWS|COSE)_UNDECIDED$/.test(rule) ? statedClaims(token) : null, steps };
  }
  const steps = [passed("STATUS_TOKEN_SIGNED", TOKEN_STATUS_CLAUSE, { key: keyId })];
  try {
    return { claims, packed: inflateList(claims.packed), steps };
  } catch (error) {
    return { claims, packed: null, steps: [...steps, notChecked("STATUS_TOKEN_REFUSED", TOKEN_STATUS_CLAUSE, { rule: codeOf(error) })] };
  }
}

/** What a token says of itself whose signature this browser cannot check: believed in nothing, but it may be the newer one. */
function statedClaims(token) {
  try {
    if (token[0] !== 0x65) return readCwtClaims(readCbor(readCbor(token).value[2]));
    return readJwtClaims(readStrictObject(readBase64Url(new TextDecoder("latin1").decode(token).split(".")[1])));
  } catch (error) {
    codeOf(error);
    return null;
  }
}

/** The status at place `index` of the list `address`, by this token, as of `at`: { status (null where not to be believed), issuedAt, steps }. */
async function verifyStatusToken(token, address, index, keys, keySet, at) {
  const opened = await openStatusToken(token, keys, keySet);
  const { claims, packed } = opened;
  const steps = [...opened.steps];
  if (claims === null) return { status: null, issuedAt: opened.stated?.issuedAt ?? null, isOpen: opened.stated?.subject === address, steps };
  const now = Math.floor(at / 1000);
  let isKnown = packed !== null;
  const doubt = (step) => {
    steps.push(step);
    isKnown = false;
  };
  if (claims.subject !== address) doubt(failed("STATUS_LIST_OTHER", TOKEN_STATUS_CLAUSE, { expected: address, found: claims.subject }));
  if (claims.issuedAt > now + STATUS_LEEWAY_SECONDS) doubt(notChecked("STATUS_LIST_NOT_YET", TOKEN_STATUS_CLAUSE, { issued_at: claims.issuedAt }));
  // one that never expires would let a revoked licence live for ever
  else if (claims.expiresAt === null || claims.expiresAt <= now) {
    doubt(notChecked("STATUS_LIST_EXPIRED", TOKEN_STATUS_CLAUSE, { expires_at: claims.expiresAt }));
  } else steps.push(passed("STATUS_LIST_FRESH", TOKEN_STATUS_CLAUSE, { age_seconds: now - claims.issuedAt }));
  let status = null;
  if (isKnown) {
    const perByte = 8 / claims.bits;
    const place = Math.floor(index / perByte);
    if (place >= packed.length) {
      steps.push(notChecked("STATUS_TOKEN_REFUSED", TOKEN_STATUS_CLAUSE, { rule: "STATUS_INDEX_OUTSIDE" }));
    } else {
      status = (packed[place] >> ((index % perByte) * claims.bits)) & ((1 << claims.bits) - 1);
      const code = STATUS_CODES[status] ?? "STATUS_INVALID";
      steps.push(status === 0 ? passed(code, TOKEN_STATUS_CLAUSE) : failed(code, TOKEN_STATUS_CLAUSE, { status }));
    }
  }
  return { status, issuedAt: claims.issuedAt, steps };
}

/** Those under which a list of this address is believed at `at`, by their thumbprint; or, where `isWithdrawn`, those that were withdrawn. */
async function statusKeys(address, trust, at, isWithdrawn = false) {
  const keys = new Map();
  for (const issuer of trust.statusIssuers) {
    if (!address.startsWith(issuer.prefix)) continue;
    for (const [i, spki] of issuer.keys.entries()) {
      const until = issuer.periods.length ? issuer.periods[i].until : null;
      const withdrawn = issuer.periods.length ? issuer.periods[i].withdrawn : null;
      if ((withdrawn !== null) !== isWithdrawn || (!isWithdrawn && until !== null && until < at)) continue;
      try {
        const key = await verificationKey(spki);
        keys.set(key.keyId, key);
      } catch (error) {
        codeOf(error); // a key of no kind that we use signs nothing
      }
    }
  }
  return keys;
}

async function newestStatus(address, index, trust, keys, at) {
  const keySet = [...keys.keys()].join(" ");
  let newest = null;
  let open = null; // the newest of those that cannot be checked here
  for (const token of trust.statusTokens) {
    const result = await verifyStatusToken(token, address, index, keys, keySet, at);
    if (result.steps.some((step) => step.code === "STATUS_LIST_OTHER" || step.code === "STATUS_TOKEN_KEY_UNKNOWN")) continue;
    if (result.isOpen && (open === null || result.issuedAt > open.issuedAt)) open = result;
    const rank = statusRank(result);
    const differs = newest ? rank.findIndex((each, i) => each !== newest.rank[i]) : -1;
    if (!newest || (differs >= 0 && rank[differs] > newest.rank[differs])) newest = { rank, result };
  }
  // One that is newer than what is believed may say otherwise: then it is not known
  if (open !== null && newest.result.status !== null && open.issuedAt > newest.result.issuedAt) return open;
  return newest ? newest.result : null;
}

/**
 * The newest list decides, also where it has expired or cannot be read: what an older one says is not what its signer says now. Noise and lists
 * of a later time than is asked of come last; of two of one second the one that is worse for the licence.
 */
function statusRank({ status, issuedAt, isOpen, steps }) {
  const isOfThen = issuedAt !== null && isOpen === undefined && !steps.some((step) => step.code === "STATUS_LIST_NOT_YET");
  return [Number(isOfThen), issuedAt ?? 0, Number(status !== null), status ?? 0];
}

/** The steps for place `index` of the list `address` by the lists at hand. */
export async function askStatusLists(address, index, trust, at) {
  const keys = await statusKeys(address, trust, at);
  const withdrawn = await statusKeys(address, trust, at, true);
  if (!keys.size && !withdrawn.size) return [notChecked("LICENCE_STATUS_SIGNER_UNKNOWN", TOKEN_STATUS_CLAUSE, { list: address })];
  const newest = await newestStatus(address, index, trust, keys, at);
  if (newest) return newest.steps;
  const isWithdrawn = withdrawn.size > 0 && (await newestStatus(address, index, trust, withdrawn, at)) !== null;
  return [notChecked(isWithdrawn ? "LICENCE_STATUS_KEY_WITHDRAWN" : "LICENCE_STATUS_NOT_AT_HAND", TOKEN_STATUS_CLAUSE, { list: address })];
}

/** The value at a place by the same lists, null where it is not known, and the step that says how old what it rests on is. */
export async function statusAtHand(address, index, trust, at) {
  const newest = await newestStatus(address, index, trust, await statusKeys(address, trust, at), at);
  return newest && newest.status !== null ? [newest.status, newest.steps.filter(({ code }) => code === "STATUS_LIST_FRESH")] : [null, []];
}
