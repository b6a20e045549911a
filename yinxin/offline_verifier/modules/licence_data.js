// What a licence says, and what stands about it in the public log: identifiers (GB/T 36904), credit codes (GB 32100), the data, copies and
// leaves, each read strictly and in its one spelling; as licence_vault/model.py, copies.py, log/leaf.py.

import { MalformedError, fromHex, utcTime, utf8 } from "./bytes.js";
import { sm3 } from "./sm3.js";
import { JsonError, canonicalJson, hasExactly, isJsonObject, isWhole, readJson } from "./strict_json.js";
import { characterCount, isPlainText, isPrintable, readUtf8, stripped } from "./texts.js";

const NUMBER_ROOT = "1.2.156.3005.2";
const NUMBER_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const CREDIT_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"; // without I, O, S, V, Z
const CREDIT_WEIGHTS = [1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28];
const RESIDENT_WEIGHTS = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
const HOLDER_CODE_TYPES = "001 099 111 114 115 118 119 120 122 411 412 413 414 511 516 999";
const LICENCE_JSON_BYTES = 1024 * 1024;
const COPY_JSON_BYTES = 4096;
const LEAF_BYTES = 1024;
const MOST_INDEX = 2 ** 31 - 1;
const DAY_MS = 24 * 3600 * 1000;
const LAST_MOMENT = Date.UTC(9999, 11, 31, 23, 59, 59);
const LICENCE_EVENTS = [
  "made", "issued", "changed", "extended", "suspended", "resumed", "annual_check", "cancelled", "revoked", "withdrawn", "transferred_out",
  "transferred_in", "expired", "printed", "annotated",
];
const LICENCE_MEMBERS = [
  "v", "identifier", "type", "number", "version", "name", "issuer", "issued_on", "valid_from", "valid_to", "area_code", "holders", "fields", "status",
];
const LEAF_MEMBERS = ["v", "event", "type", "issuer", "version", "time", "previous", "status_index", "file", "commitment"];
const LIST_LEAF_MEMBERS = ["v", "event", "list", "time", "size", "bits", "digest"];

const dataMalformed = (place, rule) => new MalformedError("LICENCE_DATA_MALFORMED", { place, rule });
const leafMalformed = (member) => new MalformedError("LICENCE_LEAF_FORM", { member });

// -- codes

/** Whether a text is a unified social credit code by its check character. */
export function isCreditCode(text) {
  if (text.length !== 18 || [...text].some((each) => !CREDIT_ALPHABET.includes(each)) || !/^[0-9]{6}$/.test(text.slice(2, 8))) return false;
  const total = CREDIT_WEIGHTS.reduce((sum, weight, i) => sum + weight * CREDIT_ALPHABET.indexOf(text[i]), 0);
  return CREDIT_ALPHABET[(31 - (total % 31)) % 31] === text[17];
}

/** Whether a text is the number of a person (GB 11643). */
function isResidentId(text) {
  if (!/^[0-9]{17}[0-9X]$/.test(text)) return false;
  const total = RESIDENT_WEIGHTS.reduce((sum, weight, i) => sum + weight * Number(text[i]), 0);
  return "10X98765432"[total % 11] === text[17] && utcTime(Number(text.slice(6, 10)), Number(text.slice(10, 12)), Number(text.slice(12, 14))) !== null;
}

function numberCheck(body) {
  let product = 36;
  for (const each of body) product = (((product + NUMBER_ALPHABET.indexOf(each)) % 36 || 36) * 2) % 37;
  return NUMBER_ALPHABET[(37 - product) % 36];
}

/** What one family of deployed programs makes of it, which counts letters from 11 instead of from 10. */
function legacyNumberCheck(body) {
  let product = 36;
  for (const each of body) {
    const isLetter = each > "9";
    let total = product + NUMBER_ALPHABET.indexOf(each) + (isLetter ? 1 : 0);
    if (isLetter && total > 37) total %= 37;
    if (!isLetter && total > 36) total %= 36;
    product = ((total % 36 || 36) * 2) % 37;
  }
  return NUMBER_ALPHABET[36 - product];
}

/** { verdict: "valid", "legacy-variant" or "invalid"; malformed: the rule where it has not the form of an identifier; parts }. */
export function examineLicenceNumber(text) {
  const bad = (rule) => ({ verdict: "invalid", malformed: `LICENCE_NUMBER_${rule}`, parts: null });
  if (characterCount(text) > 128) return bad("LENGTH");
  const arcs = text.split(".");
  if (arcs.slice(0, 5).join(".") !== NUMBER_ROOT) return bad("ROOT");
  const [type, issuer, serial, version, check] = arcs.slice(5);
  if (arcs.length !== 10) return bad("PARTS");
  if (!/^[0-9A-Z]{21}$/.test(type)) return bad("TYPE");
  if (!/^(?:[0-9A-Z]{18}|[0-9]{6})$/.test(issuer)) return bad("ISSUER");
  if (!/^[0-9A-Z]+$/.test(serial)) return bad("SERIAL");
  if (!/^[0-9]{3}$/.test(version) || version === "000") return bad("VERSION");
  if (!/^[0-9A-Z]$/.test(check)) return bad("CHECK");
  const body = type + issuer + serial + version;
  const verdict = check === numberCheck(body) ? "valid" : check === legacyNumberCheck(body) ? "legacy-variant" : "invalid";
  const areCodesSound = isCreditCode(type.slice(0, 18)) && (issuer.length === 6 || isCreditCode(issuer));
  return { verdict, malformed: null, parts: { type, issuer, version, areCodesSound } };
}

// -- days and times

/** A day YYYY-MM-DD of the calendar. */
export function isDay(text) {
  const match = /^([0-9]{4})-([0-9]{2})-([0-9]{2})$/.exec(text);
  return match !== null && utcTime(...match.slice(1).map(Number)) !== null;
}

/** The day at this moment in China, as text; the last day there is where China is in the year 10000 already. */
export const dayInChina = (at) => new Date(Math.min(at + DAY_MS / 3, LAST_MOMENT)).toISOString().slice(0, 10);

const timeMatch = (text) => (typeof text === "string" ? /^([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})Z$/.exec(text) : null);
const readLicenceTime = (text) => (timeMatch(text) ? utcTime(...timeMatch(text).slice(1).map(Number)) : null);

// -- the data of a licence

function licenceText(value, place, limit, mayBeLong = false) {
  if (typeof value !== "string" || characterCount(value) > limit || !(value || mayBeLong)) throw dataMalformed(place, `a text of at most ${limit} characters`);
  if (!isPlainText(mayBeLong ? value.replaceAll("\n", " ") : value)) throw dataMalformed(place, "no control and direction characters");
  return value;
}

function licenceObject(value, place, names) {
  if (!hasExactly(value, names)) throw dataMalformed(place, "exactly the members it has");
  return value;
}

function licenceMatching(value, place, pattern, rule) {
  if (typeof value !== "string" || !pattern.test(value)) throw dataMalformed(place, rule);
}

function licenceDay(value, place) {
  licenceMatching(value, place, /^[0-9]{4}-[0-9]{2}-[0-9]{2}$/, "YYYY-MM-DD");
  if (!isDay(value)) throw dataMalformed(place, "a day of the calendar");
}

function licenceInteger(value, place, most) {
  if (!isWhole(value, 0, most)) throw dataMalformed(place, `an integer from 0 to ${most}`);
}

function readDataJson(data, limit) {
  if (data.length > limit) throw new MalformedError("LICENCE_DATA_TOO_LARGE");
  try {
    return readJson(readUtf8(data));
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
    throw dataMalformed("$", "JSON");
  }
}

/** The content of licence.json: { data, commitment }, the data as they stand there. Throws LICENCE_DATA_* with place and rule. */
export function readSaltedLicence(bytes) {
  const value = licenceObject(readDataJson(bytes, LICENCE_JSON_BYTES), "$", ["data", "salt"]);
  licenceText(value.salt, "$.salt", 64);
  licenceMatching(value.salt, "$.salt", /^[0-9a-f]{64}$/, "64 digits of lower-case hex");
  const { data } = value;
  checkLicenceData(data);
  const canonical = canonicalJson(value);
  if (readUtf8(bytes) !== canonical) throw dataMalformed("$", "canonical form");
  return { data, commitment: sm3(fromHex(value.salt), utf8(canonicalJson(data))) };
}

function checkLicenceData(data) {
  licenceObject(data, "$", LICENCE_MEMBERS);
  licenceInteger(data.v, "$.v", 1);
  if (data.v !== 1) throw dataMalformed("$.v", "a known version");
  const { type, issuer, status, holders, fields } = data;
  licenceObject(type, "$.type", ["code", "name", "version"]);
  licenceObject(issuer, "$.issuer", ["name", "code"]);
  licenceObject(status, "$.status", ["list", "index"]);
  if (!Array.isArray(holders) || holders.length < 1 || holders.length > 32) throw dataMalformed("$.holders", "1 to 32 holders");
  if (!isJsonObject(fields) || Object.keys(fields).length > 200 || !Object.keys(fields).every((key) => /^[A-Za-z][A-Za-z0-9_]{0,63}$/.test(key))) {
    throw dataMalformed("$.fields", "at most 200 keys of letters, digits and underscores");
  }
  licenceText(data.identifier, "$.identifier", 128);
  licenceText(type.code, "$.type.code", 128);
  licenceText(type.name, "$.type.name", 200);
  licenceInteger(type.version, "$.type.version", MOST_INDEX);
  licenceText(data.number, "$.number", 128);
  licenceMatching(data.version, "$.version", /^[0-9]{3}$/, "three digits");
  licenceText(data.name, "$.name", 200);
  licenceText(issuer.name, "$.issuer.name", 200);
  licenceText(issuer.code, "$.issuer.code", 64);
  licenceDay(data.issued_on, "$.issued_on");
  licenceDay(data.valid_from, "$.valid_from");
  if (data.valid_to !== null) licenceDay(data.valid_to, "$.valid_to");
  licenceMatching(data.area_code, "$.area_code", /^[0-9]{6}$/, "six digits");
  holders.forEach((holder, i) => {
    licenceObject(holder, `$.holders[${i}]`, ["name", "code", "code_type"]);
    licenceText(holder.code_type, `$.holders[${i}].code_type`, 64);
    if (!HOLDER_CODE_TYPES.split(" ").includes(holder.code_type)) throw dataMalformed(`$.holders[${i}].code_type`, "a code type of GB/T 36903 Annex A");
    licenceText(holder.name, `$.holders[${i}].name`, 200);
    licenceText(holder.code, `$.holders[${i}].code`, 64);
  });
  for (const key of Object.keys(fields)) licenceText(fields[key], `$.fields.${key}`, 4000, true);
  licenceText(status.list, "$.status.list", 500);
  licenceInteger(status.index, "$.status.index", MOST_INDEX);
}

// -- annotated copies

/** The content of licence-copy.json: { statement, madeAt, until, commitment }. Throws LICENCE_DATA_* with place and rule. */
export function readSaltedCopy(bytes) {
  const whole = licenceObject(readDataJson(bytes, COPY_JSON_BYTES), "$", ["copy", "salt"]);
  const { copy, salt } = whole;
  licenceObject(copy, "$.copy", ["v", "form", "licence", "made_by", "reason", "made_at", "until"]);
  if (copy.v !== 1) throw dataMalformed("$.copy.v", "a known version");
  if (copy.form !== "pdf" && copy.form !== "ofd") throw dataMalformed("$.copy.form", "pdf or ofd");
  licenceMatching(copy.licence, "$.copy.licence", /^[0-9a-f]{64}$/, "64 digits of lower-case hex");
  for (const [name, limit] of [["made_by", 60], ["reason", 200]]) {
    const value = copy[name];
    const isText = typeof value === "string" && value && characterCount(value) <= limit;
    if (!isText || !isPrintable(value) || stripped(value) !== value) throw dataMalformed(`$.copy.${name}`, `1 to ${limit} characters on one line`);
  }
  const [madeAt, until] = ["made_at", "until"].map((name) => {
    if (!timeMatch(copy[name])) throw dataMalformed(`$.copy.${name}`, "YYYY-MM-DDThh:mm:ssZ");
    const at = readLicenceTime(copy[name]);
    if (at === null || at + DAY_MS / 3 > LAST_MOMENT) throw dataMalformed(`$.copy.${name}`, "a time of the calendar"); // as readers are told it
    return at;
  });
  licenceMatching(salt, "$.salt", /^[0-9a-f]{64}$/, "64 digits of lower-case hex");
  if (readUtf8(bytes) !== canonicalJson(whole)) throw dataMalformed("$", "canonical form");
  if (!(until > madeAt && until - madeAt <= 366 * DAY_MS)) throw dataMalformed("$.copy.until", "after made_at, at most 366 days");
  return { statement: copy, madeAt, until, commitment: sm3(fromHex(salt), utf8(canonicalJson(copy))) };
}

// -- leaves of the log

/** A leaf in its one spelling: its members, or null where it is that of a status list. Throws LICENCE_LEAF_FORM with `member`. */
export function readLicenceLeaf(bytes) {
  if (bytes.length > LEAF_BYTES) throw leafMalformed("length");
  const text = readUtf8(bytes);
  let leaf;
  try {
    leaf = readJson(text);
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
    throw leafMalformed("JSON");
  }
  if (!isJsonObject(leaf) || canonicalJson(leaf) !== text) throw leafMalformed("JSON");
  const demand = (isRight, member) => {
    if (!isRight) throw leafMalformed(member);
  };
  const matches = (name, pattern) => typeof leaf[name] === "string" && pattern.test(leaf[name]);
  const isNumber = (name) => isWhole(leaf[name], 0, Number.MAX_SAFE_INTEGER);
  demand(leaf.v === 1, "v");
  demand(readLicenceTime(leaf.time) !== null, "time");
  if (leaf.event === "status_list") {
    demand(hasExactly(leaf, LIST_LEAF_MEMBERS), "members");
    demand(matches("digest", /^[0-9a-f]{64}$/), "digest");
    for (const name of ["list", "size", "bits"]) demand(isNumber(name), name);
    return null;
  }
  demand(hasExactly(leaf, LEAF_MEMBERS), "members");
  demand(LICENCE_EVENTS.includes(leaf.event), "event");
  // The defining authority's code need not have a right check character (some in use have not), but it is not a person's number
  demand(matches("type", /^[0-9A-Z]{18}[0-9]{3}$/) && (isCreditCode(leaf.type.slice(0, 18)) || !isResidentId(leaf.type.slice(0, 18))), "type");
  demand(matches("issuer", /^[0-9A-Z]{18}$/) && isCreditCode(leaf.issuer), "issuer");
  demand(matches("version", /^[0-9]{3}$/), "version");
  demand(leaf.previous === null || isNumber("previous"), "previous");
  demand(isNumber("status_index"), "status_index");
  demand(leaf.file === null || matches("file", /^[0-9a-f]{64}$/), "file");
  demand(matches("commitment", /^[0-9a-f]{64}$/), "commitment");
  return leaf;
}
