// A credential as text: SD-JWT VC (RFC 9901, draft-ietf-oauth-sd-jwt-vc) in two lanes, ES256 with SHA-256 and SM2 with SM3, which nothing
// crosses; as licence_vault/verify_credential.py. Whether its holder shows it is not asked of a file, which has been shown by nobody.

import { MalformedError, TrustError, toBinary, utf8 } from "./bytes.js";
import { digestOf } from "./hashes.js";
import { checkToken, readBase64Url, readJwk, readJwks, readStrictObject, writeBase64Url } from "./jose.js";
import { examineLicenceNumber, isDay } from "./licence_data.js";
import { askHolder, checkDays, checkIssueDate, questionOf } from "./licence.js";
import { Oid } from "./oids.js";
import { Outcome, Verdict, failed, fileReport, notChecked, passed, signatureReport, verdictOf, warned, worstVerdict } from "./report.js";
import { JsonError, canonicalJson, isJsonObject, isWhole, readJson } from "./strict_json.js";
import { characterCount, isPlainText, readUtf8, stripped } from "./texts.js";
import { statusAtHand } from "./token_status.js";

const SD_JWT = "RFC 9901";
const SD_JWT_VC = "SD-JWT VC";
const CREDENTIAL_STATUS = "Token Status List 8.3";
const CREDENTIAL_TYPE = "dc+sd-jwt";
const COMBINED_CHARACTERS = 64 * 1024;
const MOST_DISCLOSURES = 256;
const DISCLOSURE_CHARACTERS = 16 * 1024;
const EMBEDDED_DIGESTS = 1024;
const REVEAL_DEPTH = 16;
const CREDENTIAL_LEEWAY = 30;
const STATUS_ADDRESS_CHARACTERS = 500;
const LANES = { ES256: { digestName: "sha-256", digest: Oid.SHA256, isGm: false }, SGD_SM3_SM2: { digestName: "sm3", digest: Oid.SM3, isGm: true } };
const NEVER_DISCLOSED = ["iss", "nbf", "exp", "cnf", "vct", "vct#integrity", "aka_vcts", "status", "_sd_alg"];
const STATUS_WORDS = { 1: "CREDENTIAL_STATUS_INVALID", 2: "CREDENTIAL_STATUS_SUSPENDED", 3: "CREDENTIAL_STATUS_ANNUAL" };
const OF_SEAL = ["CREDENTIAL_ALGORITHM", "CREDENTIAL_ISSUER_UNKNOWN", "CREDENTIAL_KEY_UNKNOWN", "CREDENTIAL_SIGNATURE_BAD", "CREDENTIAL_SIGNATURE"];

const sdRefused = (rule) => new MalformedError("SD_JWT_FORM", { rule });
const ruleOf = (error) => {
  if (!(error instanceof TrustError)) throw error;
  return String(error.facts.reason ?? error.facts.rule ?? error.code);
};

/** Whether a file is a credential as text: a compact SD-JWT. What it is worth is another question. */
export function isCredential(data) {
  const start = new TextDecoder("latin1").decode(data.subarray(0, COMBINED_CHARACTERS + 64));
  return /^[ \t\n\r\f\v]{0,64}[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+~/.test(start);
}

/** The keys of an issuer from his published metadata: [name, Map of keys by kid]. Throws CREDENTIAL_KEYS_UNFIT. */
export async function readIssuerKeys(data) {
  try {
    const { issuer, jwks } = readStrictObject(data);
    if (typeof issuer !== "string" || !isJsonObject(jwks)) throw new TrustError("CREDENTIAL_KEYS_UNFIT");
    return [issuer, new Map([...(await readJwks(jwks, false)), ...(await readJwks(jwks, true))])];
  } catch (error) {
    ruleOf(error);
    throw new TrustError("CREDENTIAL_KEYS_UNFIT");
  }
}

// -- the compact form and its disclosures

function readCombined(text) {
  if (characterCount(text) > COMBINED_CHARACTERS) throw sdRefused("length");
  const parts = text.split("~");
  if (parts.length < 2) throw sdRefused("tilde"); // an ordinary JWT is no SD-JWT
  const [token, last] = [parts[0], parts[parts.length - 1]];
  const isToken = (each) => /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/.test(each);
  if (!isToken(token) || (last && !isToken(last))) throw sdRefused("token");
  const disclosures = parts.slice(1, -1);
  if (disclosures.length > MOST_DISCLOSURES) throw sdRefused("disclosures");
  if (!disclosures.every((each) => /^[A-Za-z0-9_-]+$/.test(each) && each.length <= DISCLOSURE_CHARACTERS)) throw sdRefused("disclosure");
  return { token, disclosures, keyBinding: last || null };
}

function readDisclosure(text) {
  let content;
  try {
    content = readJson(readUtf8(readBase64Url(text)), { isStrict: true });
  } catch (error) {
    if (error instanceof JsonError) throw sdRefused(/^(?:duplicate|num|not)/.test(error.message) ? error.message : "JSON");
    ruleOf(error);
    throw sdRefused("base64url");
  }
  if (!Array.isArray(content) || ![2, 3].includes(content.length)) throw sdRefused("disclosure");
  const [salt, name] = content;
  if (typeof salt !== "string" || characterCount(salt) > 256) throw sdRefused("salt");
  if (content.length === 2) return { name: null, value: content[1] };
  if (typeof name !== "string" || name === "_sd" || name === "...") throw sdRefused("name");
  return { name, value: content[2] };
}

/** The payload with what was disclosed in its place, and without any trace of what was not (RFC 9901 7.1, steps 3 to 5). */
async function revealClaims(payload, disclosures, digestOid) {
  const byDigest = new Map();
  for (const text of disclosures) byDigest.set(writeBase64Url(await digestOf(digestOid, utf8(text))), readDisclosure(text));
  if (byDigest.size !== disclosures.length) throw sdRefused("disclosure comes twice");
  const seen = new Set();
  const take = (digest) => {
    if (typeof digest !== "string" || !/^[A-Za-z0-9_-]{43,86}$/.test(digest)) throw sdRefused("digest");
    if (seen.has(digest)) throw sdRefused("digest stands in two places");
    seen.add(digest);
    if (seen.size > EMBEDDED_DIGESTS) throw sdRefused("digests");
    return byDigest.get(digest);
  };
  const reveal = (value, depth) => {
    if (depth > REVEAL_DEPTH) throw sdRefused("depth");
    if (Array.isArray(value)) return value.flatMap((each) => revealElement(each, depth));
    return isJsonObject(value) ? revealObject(value, depth) : value;
  };
  const revealElement = (element, depth) => {
    if (!isJsonObject(element) || Object.keys(element).join() !== "...") return [reveal(element, depth + 1)];
    const disclosure = take(element["..."]);
    if (disclosure === undefined) return [];
    if (disclosure.name !== null) throw sdRefused("kind of disclosure");
    return [reveal(disclosure.value, depth + 1)];
  };
  const revealObject = (members, depth) => {
    if ("..." in members || "_sd_alg" in members) throw sdRefused("reserved name");
    const revealed = Object.create(null);
    for (const name of Object.keys(members)) if (name !== "_sd") revealed[name] = reveal(members[name], depth + 1);
    const digests = "_sd" in members ? members._sd : [];
    if (!Array.isArray(digests)) throw sdRefused("_sd");
    for (const each of digests) {
      const disclosure = take(each);
      if (disclosure === undefined) continue;
      if (disclosure.name === null) throw sdRefused("kind of disclosure");
      if (disclosure.name in revealed || disclosure.name === "_sd_alg") throw sdRefused("name is there already");
      revealed[disclosure.name] = reveal(disclosure.value, depth + 1);
    }
    return revealed;
  };
  const top = Object.assign(Object.create(null), payload);
  delete top._sd_alg;
  const revealed = revealObject(top, 0);
  if (![...byDigest.keys()].every((digest) => seen.has(digest))) throw sdRefused("disclosure belongs nowhere");
  return revealed;
}

// -- the steps

async function checkIssuerSignature(found, combined, issuers) {
  const clause = `${SD_JWT} 7.1`;
  const keys = typeof found.payload.iss === "string" ? issuers.get(found.payload.iss) : undefined;
  if (keys === undefined) {
    found.steps.push(notChecked("CREDENTIAL_ISSUER_UNKNOWN", clause));
    return;
  }
  try {
    await checkToken(combined.token, keys, CREDENTIAL_TYPE);
    found.isSigned = true;
    found.steps.push(passed("CREDENTIAL_SIGNATURE", clause));
  } catch (error) {
    const rule = ruleOf(error);
    if (error.code === "JWS_KEY_UNKNOWN" || error.code === "JWS_UNDECIDED") {
      found.steps.push(notChecked("CREDENTIAL_KEY_UNKNOWN", clause)); // he may have a newer one than we know
      return;
    }
    found.isSigned = false;
    found.steps.push(failed("CREDENTIAL_SIGNATURE_BAD", clause, { rule }));
  }
}

async function checkDisclosures(found, combined, lane) {
  const { payload, steps } = found;
  let claims;
  try {
    const name = "_sd_alg" in payload ? payload._sd_alg : "sha-256";
    if (typeof name !== "string") throw sdRefused("_sd_alg");
    if (name !== lane.digestName) {
      steps.push(failed("CREDENTIAL_DIGEST", `${SD_JWT} 4.1.1`, { expected: lane.digestName }));
      return;
    }
    claims = await revealClaims(payload, combined.disclosures, lane.digest);
  } catch (error) {
    steps.push(failed("CREDENTIAL_DISCLOSURES_BAD", `${SD_JWT} 7.1`, { rule: ruleOf(error) }));
    return;
  }
  const plain = (name) => (name === "_sd_alg" ? undefined : payload[name]);
  const hidden = NEVER_DISCLOSED.filter((name) => !isSameJson(claims[name] ?? null, plain(name) ?? null)).sort();
  if (hidden.length) {
    steps.push(failed("CREDENTIAL_CLAIM_HIDDEN", `${SD_JWT_VC} 2.2.2.3`, { claim: hidden[0] }));
    return;
  }
  steps.push(passed("CREDENTIAL_DISCLOSURES", `${SD_JWT} 7.1`, { count: combined.disclosures.length }));
  if (found.isSigned) found.claims = claims;
}

const isSameJson = (one, other) => canonicalJson(one) === canonicalJson(other);

function checkCredentialTimes({ payload, steps }, at) {
  const now = at / 1000;
  const times = ["exp", "nbf", "iat"].filter((name) => name in payload).map((name) => [name, payload[name]]);
  if (!("exp" in payload) || !times.every(([, value]) => isWhole(value, 0, Number.MAX_SAFE_INTEGER))) {
    steps.push(failed("CREDENTIAL_TIMES_MALFORMED", "RFC 7519 4.1"));
  } else if (now >= payload.exp + CREDENTIAL_LEEWAY) steps.push(failed("CREDENTIAL_EXPIRED", "RFC 7519 4.1.4"));
  else if (times.some(([name, value]) => name !== "exp" && value > now + CREDENTIAL_LEEWAY)) steps.push(failed("CREDENTIAL_NOT_YET_VALID", "RFC 7519 4.1.5"));
  else steps.push(passed("CREDENTIAL_TIMES", "RFC 7519 4.1"));
}

/** As far as it discloses the days of its licence: it counts no longer than that, whatever `exp` says. */
function checkLicenceDays({ claims, steps }, at) {
  const day = (name) => (typeof claims?.[name] === "string" && isDay(claims[name]) ? claims[name] : null);
  const step = checkDays(day("valid_from") ?? "0001-01-01", day("valid_to"), at);
  if (step.outcome === Outcome.FAIL) steps.push(step);
  if (day("issued_on") !== null) steps.push(...checkIssueDate(day("issued_on"), at));
}

async function checkCredentialStatus(found, trust, at) {
  const { payload, steps } = found;
  if (!("status" in payload)) {
    steps.push(warned("CREDENTIAL_STATUS_ABSENT", CREDENTIAL_STATUS));
    return;
  }
  const reference = isJsonObject(payload.status) ? payload.status.status_list : null;
  const { idx, uri } = isJsonObject(reference) ? reference : {};
  if (!isWhole(idx, 0, 2 ** 31 - 1) || typeof uri !== "string" || !uri || characterCount(uri) > STATUS_ADDRESS_CHARACTERS) {
    steps.push(failed("CREDENTIAL_STATUS_MALFORMED", CREDENTIAL_STATUS));
    return;
  }
  const [value, age] = await statusAtHand(uri, idx, trust, at);
  found.age = age;
  if (value === null) steps.push(notChecked("CREDENTIAL_STATUS_UNKNOWN", CREDENTIAL_STATUS));
  else if (value === 0) steps.push(passed("CREDENTIAL_STATUS", CREDENTIAL_STATUS));
  else steps.push(failed(STATUS_WORDS[value] ?? "CREDENTIAL_STATUS_OTHER", CREDENTIAL_STATUS, { value }));
}

/** The public key of a wallet, of the lane's curve, without its private half. */
async function checkHolderKey({ payload, steps }, lane, algorithm) {
  const { cnf } = payload;
  if (cnf === undefined || cnf === null) return;
  try {
    const members = isJsonObject(cnf) ? cnf.jwk : null;
    if (!isJsonObject(members)) throw new TrustError("JWS_INVALID");
    const names = Object.keys(members).filter((name) => !["alg", "use", "kid", "key_ops", "ext"].includes(name));
    const isOf = (name, wanted) => !(name in members) || members[name] === wanted;
    if (names.sort().join() !== "crv,kty,x,y" || !isOf("alg", algorithm) || !isOf("use", "sig")) throw new TrustError("JWS_INVALID");
    const { kty, crv, x, y } = members;
    const key = await readJwk({ kty, crv, x, y, kid: "holder" }, lane.isGm);
    if (key.algorithm !== algorithm) throw new TrustError("JWS_INVALID");
  } catch (error) {
    ruleOf(error);
    steps.push(failed("CREDENTIAL_HOLDER_KEY_BAD", "RFC 7800 3.2"));
  }
}

async function checkCredential(text, trust, issuers, at) {
  const found = { steps: [], payload: {}, isSigned: null, claims: null };
  // 1. The parts
  let combined, header;
  try {
    combined = readCombined(text);
    [header, found.payload] = combined.token.split(".").slice(0, 2).map((part) => readStrictObject(readBase64Url(part)));
  } catch (error) {
    found.payload = {};
    found.steps.push(failed("CREDENTIAL_MALFORMED", `${SD_JWT} 4`, { rule: ruleOf(error) }));
    return found;
  }
  // 2. Whose signature it is, and in which lane
  const lane = typeof header.alg === "string" && Object.hasOwn(LANES, header.alg) ? LANES[header.alg] : null;
  if (lane === null) {
    found.steps.push(failed("CREDENTIAL_ALGORITHM", `${SD_JWT} 7.1`)); // among them "none"
    return found;
  }
  await checkIssuerSignature(found, combined, issuers);
  // 3. What is disclosed
  await checkDisclosures(found, combined, lane);
  // 4. Type, time and status
  const { vct } = found.payload;
  const isTyped = typeof vct === "string" && vct;
  found.steps.push((isTyped ? passed : failed)(isTyped ? "CREDENTIAL_TYPE" : "CREDENTIAL_TYPE_MISSING", `${SD_JWT_VC} 2.2.2.1`));
  checkCredentialTimes(found, at);
  checkLicenceDays(found, at);
  await checkCredentialStatus(found, trust, at);
  // 5. Its holder's key; that he shows it is not asked here
  await checkHolderKey(found, lane, header.alg);
  const isBare = combined.keyBinding === null;
  found.steps.push(warned(isBare ? "CREDENTIAL_HOLDER_NOT_SHOWN" : "CREDENTIAL_BINDING_NOT_ASKED", "RFC 9901 7.3"));
  found.steps.push(...(found.age ?? []));
  return found;
}

/**
 * The verdict on a credential in a file, with the questions that are asked of licence files. `issuers`: Map of keys by kid, by issuer.
 * `holder`: { name, code } of whom the asker has before him; asked where the credential discloses its holders.
 */
export async function verifyCredentialFile(data, trust, issuers, at, { holder = null } = {}) {
  // Only ASCII may stand around it: a blank of another kind is no part of a credential
  const found = await checkCredential(stripped(toBinary(data).replace(/[^\x00-\x7f]/g, "\ufffd")), trust, issuers, at);
  const { steps, payload, isSigned, claims } = found;
  const issuedAt = isSigned && isWhole(payload.iat, 0, 2 ** 37 - 1) ? payload.iat * 1000 : null;
  const signature = signatureReport({
    name: "credential",
    kind: CREDENTIAL_TYPE,
    verdict: verdictOf(steps),
    cryptographicallyValid: isSigned,
    documentIntact: isSigned ? claims !== null : null,
    trusted: isSigned ? true : null,
    signer: isSigned && typeof payload.iss === "string" ? payload.iss : null,
    signedAt: issuedAt,
    steps,
  });
  const isStatus = ({ code }) => ["CREDENTIAL_STATUS", "LICENCE_", "STATUS_LIST_"].some((each) => code.startsWith(each));
  const questions = [
    ...credentialNumber(claims),
    questionOf("content", steps.filter((step) => !OF_SEAL.includes(step.code) && !isStatus(step))),
    questionOf("seal", steps.filter((step) => OF_SEAL.includes(step.code))),
    questionOf("status", steps.filter(isStatus)),
  ];
  const isGood = questions.every((each) => each.verdict === Verdict.VALID);
  const says = isGood && claims !== null ? credentialSays(claims, holder !== null) : null;
  if (holder !== null) questions.push(...credentialHolder(claims, holder));
  const verdict = worstVerdict([signature.verdict, ...questions.map((each) => each.verdict)]);
  return { ...fileReport({ verdict, tampered: null, signatures: [signature], questions }), claims, says };
}

/**
 * Which licence it is, where all but its holder is shown to be good, and as far as it is disclosed: what was kept back is left out, an end too. Null
 * where nothing disclosed says which licence it is. Which office issued it, the credential's issuer alone says.
 */
function credentialSays(claims, isHolderAsked) {
  const text = (value, limit) => (typeof value === "string" && value && characterCount(value) <= limit && isPlainText(value) ? value : undefined);
  const day = (value) => (typeof value === "string" && isDay(value) ? value : undefined);
  const nameIn = (value) => text(isJsonObject(value) ? value.name : undefined, 200);
  const names = Array.isArray(claims.holders) ? claims.holders.map(nameIn) : [];
  const areNamed = names.length > 0 && names.length <= 32 && !names.includes(undefined);
  const told = {
    identifier: text(claims.identifier, 128),
    name: text(claims.licence_name, 200),
    number: text(claims.licence_number, 128),
    holders: isHolderAsked ? null : areNamed ? names : undefined,
    issuer: nameIn(claims.issuing_authority),
    issued_on: day(claims.issued_on),
    valid_from: day(claims.valid_from),
    valid_to: day(claims.valid_to), // a licence without end says none, and so does whoever keeps the end back
  };
  if ([told.identifier, told.name, told.number].every((each) => each === undefined)) return null;
  return Object.fromEntries(Object.entries(told).filter(([, value]) => value !== undefined));
}

/** Where the holders are disclosed with name and code: that he who is asked about is one of them. */
function credentialHolder(claims, asked) {
  const disclosed = Array.isArray(claims?.holders) ? claims.holders.filter(isJsonObject) : [];
  const isSaid = disclosed.length && disclosed.every(({ name, code }) => typeof name === "string" && typeof code === "string");
  return isSaid ? [askHolder(disclosed, asked)] : [];
}

/** The identifier, where it is disclosed. */
function credentialNumber(claims) {
  if (claims === null || typeof claims.identifier !== "string") return [];
  const clause = "GB/T 36904-2018";
  const step = {
    valid: passed("LICENCE_NUMBER_VALID", clause),
    "legacy-variant": warned("LICENCE_NUMBER_LEGACY", clause),
    invalid: failed("LICENCE_NUMBER_INVALID", clause, { rule: "form or check character" }),
  }[examineLicenceNumber(claims.identifier).verdict];
  return [questionOf("number", [step])];
}
