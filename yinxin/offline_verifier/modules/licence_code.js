// The code on a licence: what stands behind "#" of its link, signed; code, number and status are questions of their own. As
// licence_vault/faces/qr.py and licence_vault/verify_code.py. What it says is only given where it is signed by a key that may sign for it.

import { MalformedError, TrustError } from "./bytes.js";
import { checkCose, readCbor } from "./cose.js";
import { verificationKey } from "./jose.js";
import { checkDays, checkIssueDate, questionOf } from "./licence.js";
import { examineLicenceNumber, isDay } from "./licence_data.js";
import { failed, fileReport, notChecked, passed, verdictOf, warned } from "./report.js";
import { isWhole } from "./strict_json.js";
import { characterCount, isPlainText } from "./texts.js";
import { askStatusLists } from "./token_status.js";

const CODE_CLAUSE = "RFC 9052 4.2";
const CODE_NUMBER_CLAUSE = "GB/T 36904-2018";
const CODE_CHARACTERS = 4296;
const CODE_MESSAGE_BYTES = 1600;
const CODE_NAME_CHARACTERS = 200;
const CODE_URL_CHARACTERS = 500;
const CODE_HOLDERS = 3; // the first ones of a licence
const CODE_LARGEST = 2n ** 63n - 1n;
const BASE45_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";
const CODE_LINK = /^https?:\/\/[A-Za-z0-9.:[\]-]{1,110}(?:\/[A-Za-z0-9._~-]{1,60}){1,6}#([^]+)$/;

const codeUnreadable = (reason) => new MalformedError("LICENCE_QR_UNREADABLE", { reason });

/** Whether a text is the link that a code on a licence holds. */
export const isLicenceCode = (text) => text.length <= CODE_CHARACTERS && CODE_LINK.test(text);

/** The bytes of a text in Base45 (RFC 9285). */
function readBase45(text) {
  if (text.length % 3 === 1) throw codeUnreadable("Base45 length");
  const values = Array.from(text, (each) => BASE45_ALPHABET.indexOf(each));
  if (values.includes(-1) || values.length !== text.length) throw codeUnreadable("Base45 character");
  const out = [];
  for (let at = 0; at < values.length; at += 3) {
    const group = values.slice(at, at + 3);
    const number = group.reduce((sum, value, power) => sum + value * 45 ** power, 0);
    if (number >= 256 ** (group.length - 1)) throw codeUnreadable("Base45 range");
    if (group.length === 3) out.push(number >> 8);
    out.push(number & 255);
  }
  return Uint8Array.from(out);
}

/** The signed message in the text of a code, nothing of it proven. */
function readCodeMessage(text) {
  const match = characterCount(text) <= CODE_CHARACTERS ? CODE_LINK.exec(text) : null;
  if (!match || match[1].includes(" ") || /%(?!25|20)/.test(match[1])) throw codeUnreadable("link");
  return readBase45(match[1].replace(/%(25|20)/g, (_, code) => (code === "25" ? "%" : " ")));
}

function codeDay(value) {
  const text = isWhole(value, 0, 99991231) ? String(value).padStart(8, "0").replace(/^(\d{4})(\d\d)(\d\d)$/, "$1-$2-$3") : "";
  if (!isDay(text)) throw codeUnreadable("claims");
  return text;
}

/** The claims, every member checked. */
function readCodeClaims(payload) {
  let row;
  try {
    row = readCbor(payload, CODE_MESSAGE_BYTES);
  } catch (error) {
    if (!(error instanceof TrustError)) throw error;
    throw codeUnreadable("CBOR");
  }
  if (!Array.isArray(row) || row.length !== 13 || row[0] !== 1) throw codeUnreadable("claims");
  const [, identifier, name, number, holders, issuer, issuedOn, validFrom, validTo, statusList, statusIndex, logIndex, commitment] = row;
  const isText = (value) => typeof value === "string" && value && characterCount(value) <= CODE_NAME_CHARACTERS && isPlainText(value);
  const isIndex = (value) => isWhole(value, 0, Infinity) || (typeof value === "bigint" && value >= 0n && value <= CODE_LARGEST);
  const isSound =
    [identifier, name, number, issuer, ...(Array.isArray(holders) ? holders : [null])].every(isText) && holders.length &&
    [statusIndex, logIndex].every(isIndex) && commitment instanceof Uint8Array && commitment.length === 32 &&
    typeof statusList === "string" && characterCount(statusList) <= CODE_URL_CHARACTERS;
  if (!isSound) throw codeUnreadable("claims");
  return {
    identifier: `1.2.156.3005.2.${identifier}`, name, number, holders, issuer, issuedOn: codeDay(issuedOn), validFrom: codeDay(validFrom),
    validTo: validTo === null ? null : codeDay(validTo), statusList, statusIndex: Number(statusIndex), logIndex: Number(logIndex), commitment,
  };
}

/**
 * What a code says, under the signature of a key that may sign for it: one of an issuer of the status list that the licence names; or, where
 * `isWithdrawn`, of one that might, had it not been withdrawn.
 */
async function readLicenceCode(text, issuers, isWithdrawn = false) {
  const message = readCodeMessage(text);
  let refusal = null;
  for (const issuer of issuers) {
    const keys = new Map();
    for (const [i, spki] of issuer.keys.entries()) {
      if ((issuer.periods.length > 0 && issuer.periods[i].withdrawn !== null) !== isWithdrawn) continue;
      const key = await verificationKey(spki);
      keys.set(key.keyId.slice(0, 8), key);
    }
    let checked;
    try {
      checked = await checkCose(message, keys, "yinxin-licence-qr");
    } catch (error) {
      if (!(error instanceof TrustError)) throw error;
      if (refusal === null || error.code !== "COSE_KEY_UNKNOWN") refusal = error;
      continue;
    }
    const claims = readCodeClaims(checked.payload);
    if (claims.statusList.startsWith(issuer.prefix)) return claims;
    refusal = codeUnreadable("a key of another place");
  }
  throw refusal ?? new TrustError("COSE_KEY_UNKNOWN");
}

/** Whether a key signed the code that would count, had it not been withdrawn. When it did so nobody can tell: the code itself says no such time. */
async function isUnderWithdrawnKey(text, trust) {
  try {
    await readLicenceCode(text, trust.statusIssuers, true);
  } catch (error) {
    return false;
  }
  return true;
}

const codeReport = (questions) => fileReport({ verdict: verdictOf(questions.flatMap(({ steps }) => steps)), tampered: null, signatures: [], questions });

/** The verdict on the text of a scanned code as of `at`: { report, claims }; claims are null where nobody who is known has signed it. */
export async function verifyLicenceCode(text, trust, at) {
  let claims;
  try {
    claims = await readLicenceCode(text, trust.statusIssuers);
  } catch (error) {
    const isUnknown = !(error instanceof TrustError) || error.code === "COSE_KEY_UNKNOWN" || error.code === "COSE_UNDECIDED";
    const step = isUnknown
      ? notChecked((await isUnderWithdrawnKey(text, trust)) ? "LICENCE_QR_KEY_WITHDRAWN" : "LICENCE_QR_KEY_UNKNOWN", CODE_CLAUSE)
      : failed("LICENCE_QR_NOT_GENUINE", CODE_CLAUSE, { reason: String(error.facts.reason) });
    return { report: codeReport([questionOf("code", [step])]), claims: null };
  }
  const { verdict, malformed } = examineLicenceNumber(claims.identifier);
  const number = verdict === "valid"
    ? passed("LICENCE_NUMBER_VALID", CODE_NUMBER_CLAUSE)
    : failed("LICENCE_NUMBER_INVALID", CODE_NUMBER_CLAUSE, { rule: malformed ?? verdict });
  const status = [checkDays(claims.validFrom, claims.validTo, at), ...(await askStatusLists(claims.statusList, claims.statusIndex, trust, at))];
  // Names that stand on the face behind these are not in the code: it is no word for them
  const first = claims.holders.length >= CODE_HOLDERS ? [warned("LICENCE_QR_HOLDERS_FIRST", CODE_CLAUSE, { limit: CODE_HOLDERS })] : [];
  const code = [passed("LICENCE_QR_GENUINE", CODE_CLAUSE), ...first, ...checkIssueDate(claims.issuedOn, at)];
  const questions = [questionOf("code", code), questionOf("number", [number]), questionOf("status", status)];
  return { report: codeReport(questions), claims };
}
