// Verify a licence file: number, content, seal, log, status, copy, each a question of its own, none of them valid while unknown; as
// licence_vault/verify.py. What is asked goes by the files attached inside the sealed revision alone.

import { MalformedError, toHex } from "./bytes.js";
import { dayInChina, examineLicenceNumber, readLicenceLeaf, readSaltedCopy, readSaltedLicence } from "./licence_data.js";
import { checkLogReceipt, readCheckpoint, readLogProof, readNote, verifyCosignatures } from "./logs.js";
import { Outcome, Verdict, failed, notChecked, passed, verdictOf, warned, worstVerdict } from "./report.js";
import { TOKEN_STATUS_CLAUSE, askStatusLists } from "./token_status.js";

const NUMBER_CLAUSE = "GB/T 36904-2018";
const SEAL_CLAUSE = "GB/T 36901-2018";
const DATA_CLAUSE = "GB/T 36903-2018";
const LOG_CLAUSE = "C2SP tlog-proof";
export const LICENCE_NAMES = ["licence.json", "licence-copy.json", "original-licence.json"];

const fileNames = (data, start) => ({ data, leaf: `${start}.leaf`, proofs: [`${start}.sm3.tlog-proof`, `${start}.sha256.tlog-proof`] });
const LICENCE_FILES = fileNames("licence.json", "licence");
const ORIGINAL_FILES = fileNames("original-licence.json", "original-licence");
const COPY_FILES = fileNames("licence-copy.json", "licence-copy");

const malformedOf = (error) => {
  if (!(error instanceof MalformedError)) throw error;
  return error;
};
export const questionOf = (name, steps) => ({ name, verdict: verdictOf(steps), steps });

/** Whether the files inside say that this is a licence, or an annotated copy of one. */
export const isLicence = (files) => files !== null && LICENCE_NAMES.some((name) => files.has(name));

/**
 * The report on a licence file whose seals have been judged: { report, files (Map), sealerName, sealerCode }, as of `at`. Its `licence` says
 * what the file says: { data, isCopy, copy, logIndex }, to be believed only as far as the report goes. `isOriginalAsked`: no copy will do.
 * `holder`: { name, code } of whom the asker has before him; without it nobody's right to the licence is said.
 */
export async function verifyLicence(judged, trust, at, { isOriginalAsked = false, holder = null } = {}) {
  const { files } = judged;
  const shownAt = shownTime(judged.report);
  // 1. What the sealed file says: an original, or a copy of one
  const isCopy = LICENCE_NAMES.slice(1).some((name) => files.has(name));
  const names = isCopy ? ORIGINAL_FILES : LICENCE_FILES;
  const [salted, content] = readContent(files, names, at);
  const [copy, copies] = isCopy ? await askCopy(files, salted, trust, at, shownAt, isOriginalAsked) : [null, []];
  if (salted === null) return licenceReport(judged, [content, ...copies], { data: null, isCopy, copy, logIndex: null });
  // 2. Every question, whatever the answers before
  const { data } = salted;
  const leafSteps = leafOf(files.get(names.leaf), data, "made", salted.commitment);
  const [logIndex, proofSteps] = await checkProofs(files, names, trust, at, shownAt);
  const log = questionOf("log", [...leafSteps, ...proofSteps]);
  const questions = [
    askNumber(data), content, askSeal(judged, data), log, await askStatus(data, trust, at, log.verdict === Verdict.VALID),
    ...copies, ...(holder === null ? [] : [askHolder(data.holders, holder)]),
  ];
  // 3. Which licence it is, where it is shown that its issuer says so
  const says = saidOf(judged, data, questions, holder !== null);
  return { ...licenceReport(judged, questions, { data, isCopy, copy, logIndex }), says };
}

/**
 * By when what the file holds is shown to have been in it: the last of the time-stamps of seals that are all good and all have one; null else.
 * A seal carries the time-stamp of its own making too; where the signature has none a step says so.
 */
function shownTime({ signatures }) {
  const stamps = [];
  for (const { verdict, steps } of signatures) {
    const stated = steps.filter((step) => step.code === "TS_OK").map((step) => Date.parse(step.facts.gen_at));
    if (verdict !== Verdict.VALID || steps.some((step) => step.code === "SIG_TIME_UNPROVEN") || !stated.length) return null;
    stamps.push(...stated);
  }
  return stamps.length ? Math.max(...stamps) : null;
}

function licenceReport({ report }, questions, licence) {
  const verdict = worstVerdict([report.verdict, ...questions.map((each) => each.verdict)]);
  return { ...report, verdict, questions, licence };
}

const SHOW_WHO_SAYS_SO = ["content", "number", "seal", "log"];

/**
 * null where the content, its number, the issuer's seal on it or its entry in the log is in doubt: then it is what a file claims, whoever made it.
 * No holders where somebody was asked about: who guesses wrong does not learn who it is.
 */
function saidOf({ sealerName }, data, questions, isHolderAsked) {
  if (questions.some((each) => SHOW_WHO_SAYS_SO.includes(each.name) && each.verdict !== Verdict.VALID)) return null;
  const { identifier, name, number, issued_on, valid_from, valid_to } = data;
  const holders = isHolderAsked ? null : data.holders.map((each) => each.name);
  return { identifier, name, number, holders, issuer: sealerName || data.issuer.name, issued_on, valid_from, valid_to };
}

function readContent(files, names, at) {
  const bytes = files.get(names.data);
  if (bytes === undefined) return [null, questionOf("content", [notChecked("LICENCE_DATA_MISSING", DATA_CLAUSE)])];
  try {
    const salted = readSaltedLicence(bytes);
    return [salted, questionOf("content", [passed("LICENCE_DATA_READ", DATA_CLAUSE), ...checkIssueDate(salted.data.issued_on, at)])];
  } catch (error) {
    const { code, facts } = malformedOf(error);
    return [null, questionOf("content", [failed("LICENCE_DATA_UNREADABLE", DATA_CLAUSE, { rule: facts.rule ?? code, place: facts.place ?? "" })])];
  }
}

/** The identifier: its form and check character, and that it is of this type, issuer and version. */
function askNumber(data) {
  const { verdict, malformed, parts } = examineLicenceNumber(data.identifier);
  if (parts === null) return questionOf("number", [failed("LICENCE_NUMBER_INVALID", NUMBER_CLAUSE, { rule: malformed })]);
  const steps = [];
  if (verdict === "valid") steps.push(passed("LICENCE_NUMBER_VALID", NUMBER_CLAUSE));
  else if (verdict === "legacy-variant") steps.push(warned("LICENCE_NUMBER_LEGACY", NUMBER_CLAUSE));
  else steps.push(failed("LICENCE_NUMBER_INVALID", NUMBER_CLAUSE, { rule: "check character" }));
  for (const [part, stated] of [["type", data.type.code], ["issuer", data.issuer.code], ["version", data.version]]) {
    if (stated !== parts[part]) steps.push(failed("LICENCE_NUMBER_OTHER", NUMBER_CLAUSE, { part }));
  }
  if (!parts.areCodesSound) steps.push(warned("LICENCE_NUMBER_CREDIT_CODE", NUMBER_CLAUSE));
  return questionOf("number", steps);
}

/** The seals of the file hold, and they are those of the office that the licence names as issuer, which nobody else shows anything beside. */
function askSeal({ report, sealerName, sealerCode, shownBeside = [] }, { issuer }) {
  const steps = [
    report.verdict === Verdict.VALID ? passed("LICENCE_SEALS_HOLD", SEAL_CLAUSE)
      : report.verdict === Verdict.INVALID ? failed("LICENCE_SEALS_FAIL", SEAL_CLAUSE)
        : notChecked("LICENCE_SEALS_UNKNOWN", SEAL_CLAUSE),
    // A signature shows what its signer likes, another name over that of the holder too
    ...shownBeside.map((found) => notChecked("LICENCE_SHOWN_BESIDE", SEAL_CLAUSE, { found })),
  ];
  const found = sealerCode ?? sealerName;
  if (found === null) return questionOf("seal", [...steps, notChecked("LICENCE_SEALER_UNKNOWN", SEAL_CLAUSE)]);
  if (found !== (sealerCode === null ? issuer.name : issuer.code)) {
    return questionOf("seal", [...steps, failed("LICENCE_SEALED_BY_OTHER", SEAL_CLAUSE, { expected: issuer.name, found })]);
  }
  // Of one code with another name nothing but the certificate says what the office is called: that name is told, and that the licence differs
  const certified = sealerName || issuer.name;
  steps.push(passed("LICENCE_SEALED_BY_ISSUER", SEAL_CLAUSE, { expected: certified, found }));
  if (certified !== issuer.name) steps.push(warned("LICENCE_ISSUER_NAME_OTHER", SEAL_CLAUSE, { expected: certified, found: issuer.name }));
  return questionOf("seal", steps);
}

/** The entry of the log that travels along must be the one that this very licence, or copy, made. */
function leafOf(bytes, data, event, commitment) {
  if (bytes === undefined) return [notChecked("LICENCE_LEAF_MISSING", LOG_CLAUSE)];
  let leaf;
  try {
    leaf = readLicenceLeaf(bytes);
  } catch (error) {
    return [failed("LICENCE_LEAF_UNREADABLE", LOG_CLAUSE, { rule: malformedOf(error).facts.member })];
  }
  const other = (member) => [failed("LICENCE_LEAF_OTHER", LOG_CLAUSE, { member })];
  if (leaf === null) return other("event");
  const wanted = {
    event, type: data.type.code, issuer: data.issuer.code, version: data.version, status_index: data.status.index, commitment: toHex(commitment),
  };
  for (const member of Object.keys(wanted)) if (leaf[member] !== wanted[member]) return other(member);
  return [passed(event === "made" ? "LICENCE_COMMITTED" : "LICENCE_COPY_COMMITTED", LOG_CLAUSE)];
}

/** Each proof that travels along, under the log that it names. One log that is known and holds is enough; one that fails is too much. */
async function checkProofs(files, names, trust, at, shownAt) {
  const entry = files.get(names.leaf);
  const steps = [];
  let index = null;
  let isShown = false;
  for (const name of names.proofs) {
    const text = files.get(name);
    if (text === undefined || entry === undefined) {
      steps.push(warned("LICENCE_PROOF_MISSING", LOG_CLAUSE, { name }));
      continue;
    }
    let proof, origin;
    try {
      proof = readLogProof(text);
      origin = readCheckpoint(readNote(proof.checkpoint).text).origin;
    } catch (error) {
      steps.push(failed("LICENCE_PROOF_UNREADABLE", LOG_CLAUSE, { name, rule: malformedOf(error).code }));
      continue;
    }
    const log = trust.logs.find((each) => each.origin === origin);
    if (log === undefined) {
      steps.push(warned("LICENCE_LOG_UNKNOWN", LOG_CLAUSE, { origin }));
      continue;
    }
    const found = await checkLogReceipt(entry, proof, log, shownAt);
    if (log.quorum) found.push(...(await verifyCosignatures(proof.checkpoint, log, at)));
    steps.push(...found);
    if (verdictOf(found) === Verdict.VALID) [isShown, index] = [true, Number(proof.index)];
  }
  if (!isShown && !steps.some((step) => step.outcome === Outcome.FAIL)) steps.push(notChecked("LICENCE_NOT_SHOWN_LOGGED", LOG_CLAUSE));
  if (!isShown) return [index, steps];
  // by another log: what is under a withdrawn key is not needed
  return [index, steps.map((step) => (step.code === "LOG_KEY_WITHDRAWN" ? warned(step.code, step.clause, step.facts) : step))];
}

/** Whether a licence is in force by its days, which are days in China; `to` null is 长期. */
export function checkDays(from, to, at) {
  const today = dayInChina(at);
  if (today < from) return failed("LICENCE_NOT_YET_VALID", DATA_CLAUSE, { valid_from: from });
  if (to !== null && today > to) return failed("LICENCE_EXPIRED", DATA_CLAUSE, { valid_to: to });
  return passed("LICENCE_IN_FORCE", DATA_CLAUSE);
}

/** A warning where a licence was issued on a day that is not yet there. */
export const checkIssueDate = (day, at) => (day > dayInChina(at) ? [warned("LICENCE_ISSUED_IN_FUTURE", DATA_CLAUSE, { issued_on: day })] : []);

/** In force by its days, and neither revoked nor suspended by the newest status list at hand. */
async function askStatus(data, trust, at, isLogged) {
  const steps = [checkDays(data.valid_from, data.valid_to, at)];
  const found = await askStatusLists(data.status.list, data.status.index, trust, at);
  if (!isLogged && found[0].code !== "LICENCE_STATUS_SIGNER_UNKNOWN") {
    // the place in the list is what the log has on record for this licence; without that, the file alone says which place to look at
    steps.push(warned("LICENCE_STATUS_PLACE_UNPROVEN", TOKEN_STATUS_CLAUSE));
  }
  return questionOf("status", [...steps, ...found]);
}

/**
 * Name and code must both be those of one of the holders, character by character: no form of writing stands for another. Facts tell nothing of
 * the holder: a wrong guess must not learn who it is.
 */
export function askHolder(holders, asked) {
  const isOne = holders.some(({ name, code }) => name.normalize("NFC") === asked.name.normalize("NFC") && code === asked.code);
  return questionOf("holder", [isOne ? passed("LICENCE_HOLDER_MATCHES", DATA_CLAUSE) : failed("LICENCE_HOLDER_OTHER", DATA_CLAUSE)]);
}

/** The report with the question of the holder answered, also where the file does not say who holds it: it is not valid then. */
export function withHolderAsked(report, holder) {
  const questions = report.questions ?? [];
  if (holder === null || questions.some(({ name }) => name === "holder")) return report;
  const unsaid = questionOf("holder", [notChecked("LICENCE_HOLDER_NOT_SAID", DATA_CLAUSE)]);
  return { ...report, verdict: worstVerdict([report.verdict, unsaid.verdict]), questions: [...questions, unsaid] };
}

const chinaMinutes = (at) => `${new Date(at + 8 * 3600 * 1000).toISOString().slice(0, 16).replace("T", " ")}+08:00`;

/** That it is a copy; of this very licence; for whom, why and until when; that the log has it so; and that its time is not over. */
async function askCopy(files, salted, trust, at, shownAt, isOriginalAsked) {
  // 1. A file is one or the other, and a copy does not do where the original is asked for
  const steps = isOriginalAsked ? [failed("LICENCE_COPY_NO_ORIGINAL", DATA_CLAUSE)] : [];
  if (files.has(LICENCE_FILES.data)) steps.push(failed("LICENCE_COPY_MIXED", DATA_CLAUSE));
  const answer = (copy, ...more) => [copy, [questionOf("copy", [...steps, ...more])]];
  // 2. What it says of itself
  const bytes = files.get(COPY_FILES.data);
  if (bytes === undefined) return answer(null, notChecked("LICENCE_COPY_MISSING", DATA_CLAUSE));
  let found;
  try {
    found = readSaltedCopy(bytes);
  } catch (error) {
    const { code, facts } = malformedOf(error);
    return answer(null, failed("LICENCE_COPY_UNREADABLE", DATA_CLAUSE, { rule: facts.rule ?? code, place: facts.place ?? "" }));
  }
  const { statement } = found;
  const [madeAt, until] = [chinaMinutes(found.madeAt), chinaMinutes(found.until)];
  steps.push(warned("LICENCE_COPY_FOR", DATA_CLAUSE, { made_by: statement.made_by, reason: statement.reason, made_at: madeAt, until }));
  // 3. Its time
  if (at < found.madeAt) steps.push(failed("LICENCE_COPY_NOT_YET", DATA_CLAUSE, { made_at: madeAt }));
  else if (at > found.until) steps.push(failed("LICENCE_COPY_EXPIRED", DATA_CLAUSE, { until }));
  else steps.push(passed("LICENCE_COPY_IN_TIME", DATA_CLAUSE, { until }));
  // 4. Of which licence, and as the log has it
  if (salted === null) return answer(statement, notChecked("LICENCE_COPY_OF_NOTHING", DATA_CLAUSE));
  if (statement.licence !== toHex(salted.commitment)) steps.push(failed("LICENCE_COPY_OF_OTHER", DATA_CLAUSE));
  const leafSteps = leafOf(files.get(COPY_FILES.leaf), salted.data, "annotated", found.commitment);
  const [, proofSteps] = await checkProofs(files, COPY_FILES, trust, at, shownAt);
  return answer(statement, ...leafSteps, ...proofSteps);
}
