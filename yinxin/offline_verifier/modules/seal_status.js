// Signed lists of the status of seals, used without a network: the format and the rules of seal_service/seal_data/status_list.py.
//
// Nothing in a list that is stale, unsigned or signed by somebody unknown counts, and a seal that no list names has an unknown status.

import { MalformedError, fromHex, isoTime, toHex, utcTime } from "./bytes.js";
import { Purpose } from "./chains.js";
import { verifySignedData } from "./cms.js";
import { Outcome, Verdict, failed, notChecked, passed, verdictOf, warned } from "./report.js";
import { sm3 } from "./sm3.js";
import { JsonError, hasExactly, isWhole, readJson } from "./strict_json.js";
import { characterCount, readUtf8 } from "./texts.js";

const STATUS_CLAUSE = "seal status list";
const SEAL_LIST_BYTES = 32 * 1024 * 1024;
const LISTED_SEALS = 200000;
const SEAL_RECORDS = 100;
const SEAL_REASON_CHARACTERS = 500;
const SEAL_LISTS = 64;
const STATUS_NAMES = ["valid", "expired", "frozen", "cancelled"]; // as the deployed systems count them
const STATUS_TOLERANCE = 300 * 1000;

const listMalformed = (reason) => new MalformedError("SEAL_STATUS_LIST_MALFORMED", { reason });

function statusTime(item) {
  const match = typeof item === "string" ? /^(\d{4})-(\d{1,2})-(\d{1,2})T(\d{1,2}):(\d{1,2}):(\d{1,2})Z$/.exec(item) : null;
  const at = match ? utcTime(...match.slice(1).map(Number)) : null;
  if (at === null) throw listMalformed("time");
  return at;
}

function statusHistory(item) {
  if (!hasExactly(item, ["seal_id", "records"], ["seal_digest"])) throw listMalformed("unknown or missing keys");
  const { seal_id: id, seal_digest: digest = null } = item;
  if (typeof id !== "string" || !id) throw listMalformed("seal_id");
  if (!Array.isArray(item.records) || item.records.length > SEAL_RECORDS) throw listMalformed("records");
  const records = item.records.map((record) => {
    if (!hasExactly(record, ["status", "since"], ["reason"])) throw listMalformed("unknown or missing keys");
    const { reason = "" } = record;
    if (typeof reason !== "string" || characterCount(reason) > SEAL_REASON_CHARACTERS) throw listMalformed("reason");
    if (!isWhole(record.status, 0, 3)) throw listMalformed("status");
    return { status: record.status, since: statusTime(record.since), reason };
  });
  if (!records.length || records.some((record, i) => i && record.since <= records[i - 1].since)) throw listMalformed("records missing or out of order");
  if (digest !== null && (typeof digest !== "string" || digest.length !== 64 || fromHex(digest).length !== 32)) throw listMalformed("seal_digest");
  return { id, records, digest: digest === null ? null : digest.toLowerCase() };
}

/** The JSON inside a list, strictly; who signed it is another question. */
function readSealList(document) {
  if (document.length > SEAL_LIST_BYTES) throw listMalformed("too large");
  let top;
  try {
    top = readJson(readUtf8(document), { isStrict: true });
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
    throw listMalformed(error.message === "duplicate member" ? "a key occurs twice" : "not JSON");
  }
  if (!hasExactly(top, ["format", "version", "number", "issued_at", "next_update", "seals"])) throw listMalformed("unknown or missing keys");
  if (top.format !== "yinxin-seal-status-list" || top.version !== 1) throw listMalformed("another format or version");
  if (!Array.isArray(top.seals) || top.seals.length > LISTED_SEALS) throw listMalformed("seals");
  const isNumber = isWhole(top.number, 0, Infinity) || (typeof top.number === "bigint" && top.number >= 0n && top.number < 1n << 63n);
  if (!isNumber) throw listMalformed("number");
  const [issuedAt, nextUpdate] = [statusTime(top.issued_at), statusTime(top.next_update)];
  const seals = new Map();
  for (const item of top.seals) {
    const history = statusHistory(item);
    const key = `${history.digest ?? ""} ${history.id}`;
    if (seals.has(key)) throw listMalformed("a seal occurs twice");
    seals.set(key, history);
  }
  if (nextUpdate <= issuedAt) throw listMalformed("next_update not after issued_at");
  for (const { records } of seals.values()) if (records[records.length - 1].since > issuedAt) throw listMalformed("a record from after the issue");
  return { number: String(top.number), issuedAt, nextUpdate, seals };
}

/**
 * Who signed a list, and whether it is fresh: { content, ended, steps }; content is null unless every step is decided and good. `ended`: the content of
 * one of which nothing is wrong but that its time is over: it tells nothing, and an older one does not tell what its publisher says now.
 */
async function openSealList(list, trust, at) {
  if (list.length > SEAL_LIST_BYTES) return { content: null, ended: null, steps: [notChecked("SEAL_STATUS_LIST_BAD", STATUS_CLAUSE, { reason: "too large" })] };
  const found = await verifySignedData(list, { trust, at, purpose: Purpose.SEAL_MAKER, allowEncapsulated: true });
  // The publisher says himself when he signed; what matters is that he is trusted now, so the unproven time is of no account
  const steps = found.steps.filter((step) => step.code !== "SIG_TIME_UNPROVEN" || step.outcome !== Outcome.WARN);
  const isSigned = found.trusted === true && verdictOf(steps) === Verdict.VALID;
  let content = null;
  try {
    content = readSealList(found.encapsulated ?? new Uint8Array(0));
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
    steps.push(notChecked("SEAL_STATUS_LIST_BAD", STATUS_CLAUSE, { reason: String(error.facts.reason) }));
  }
  if (content) {
    const bad = (reason, facts = {}) => steps.push(notChecked("SEAL_STATUS_LIST_BAD", STATUS_CLAUSE, { reason, ...facts }));
    if (content.issuedAt - at > STATUS_TOLERANCE) bad("issued in the future");
    else if (content.nextUpdate < at) bad("stale", { next_update: isoTime(content.nextUpdate) });
    else steps.push(passed("SEAL_STATUS_LIST_OK", STATUS_CLAUSE, { number: content.number, issued_at: isoTime(content.issuedAt) }));
  }
  const ended = isSigned && content && content.nextUpdate < at ? content : null;
  return { content: isSigned && verdictOf(steps) === Verdict.VALID ? content : null, ended, steps };
}

/** The status lists that a trust list carries, verified as of `at`, to be passed as `status` to what asks for them. */
export async function openSealLists(trust, at) {
  const opened = [];
  for (const list of trust.statusLists.slice(0, SEAL_LISTS)) opened.push(await openSealList(list, trust, at));
  return opened;
}

function whyStatusUnknown(lists) {
  const unusable = lists.find((opened) => opened.content === null);
  if (!unusable) return "not-listed";
  const cause = unusable.steps.find((step) => step.outcome === Outcome.FAIL || step.outcome === Outcome.NOT_CHECKED);
  return `status-list: ${cause ? cause.code : "not usable"}`;
}

function statusStep({ records }, usedAt, isProven, isAlone) {
  const factsOf = ({ status, since, reason }) => ({ status: STATUS_NAMES[status], since: isoTime(since), cause: reason });
  const then = records.filter((record) => record.since <= usedAt).pop();
  const now = records[records.length - 1];
  if (!then) return notChecked("SEAL_STATUS_UNKNOWN", STATUS_CLAUSE, { reason: "not-listed-at-that-time" });
  if (then.status === 1) {
    return isAlone ? warned("SEAL_EXPIRED_NOW", STATUS_CLAUSE, factsOf(then)) : failed("SEAL_EXPIRED_AT_SIGNING", STATUS_CLAUSE, factsOf(then));
  }
  if (then.status !== 0) return failed("SEAL_REVOKED", STATUS_CLAUSE, factsOf(then));
  if (now.status === 0) return passed("SEAL_STATUS_OK", STATUS_CLAUSE, factsOf(now));
  if (now.status === 1) return warned("SEAL_EXPIRED_NOW", STATUS_CLAUSE, factsOf(now));
  // Whoever holds the key of a cancelled seal can claim any earlier time, so only a proven time carries a document past it
  return (isProven ? warned : notChecked)("SEAL_REVOKED_AFTER", STATUS_CLAUSE, factsOf(now));
}

/** The steps on the status of a seal at `usedAt`; without any list it was not asked for. `isAlone`: the seal was not used. */
export function checkSealStatus(seal, lists, usedAt, isProven, isAlone) {
  if (!lists.length) return [warned("SEAL_STATUS_NOT_ASKED", STATUS_CLAUSE)];
  const digest = toHex(sm3(seal.infoRaw));
  const historyIn = (content) => content?.seals.get(`${digest} ${seal.esId}`) ?? content?.seals.get(` ${seal.esId}`);
  const naming = lists.map(({ content }) => content).filter((content) => historyIn(content) !== undefined);
  const unknown = () => notChecked("SEAL_STATUS_UNKNOWN", STATUS_CLAUSE, { reason: whyStatusUnknown(lists) });
  if (!naming.length) return [unknown()];
  const steps = naming.map((content) => statusStep(historyIn(content), usedAt, isProven, isAlone));
  const newest = Math.max(...naming.map(({ issuedAt }) => issuedAt));
  const isOver = lists.some(({ ended }) => historyIn(ended) !== undefined && ended.issuedAt > newest); // what it said last is over, and these are older
  return isOver ? [...steps, unknown()] : steps;
}
