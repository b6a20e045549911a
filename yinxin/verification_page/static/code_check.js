// A code on a licence, told in the shape of a report: the steps and sentences of licence_vault/verify_code.py.

import { isNumber, judge, keysOf } from "./code.js";
import { given } from "./elements.js";

const OUTCOMES = { valid: "pass", invalid: "fail", unknown: "not-checked" };
const VERDICTS = { valid: "valid", invalid: "invalid", unknown: "indeterminate" };
const LISTED = ["STATUS_VALID", "STATUS_INVALID", "STATUS_SUSPENDED", "STATUS_OVERDUE"];
const CLAUSES = { code: "RFC 9052 4.2", number: "GB/T 36904-2018", status: "draft-ietf-oauth-status-list-21", days: "GB/T 36903-2018" };

async function ask(address) {
  const answer = await fetch(address, { cache: "no-cache" });
  if (!answer.ok) throw new Error(`${answer.status}`);
  return answer;
}

function step(code, outcome, clause, facts = {}) {
  const detail = (given.sentences[code] ?? code).replace(/\{(\w+)\}/g, (_, name) => facts[name] ?? "–");
  return { code, outcome, clause, detail };
}

function question(name, steps) {
  const outcomes = steps.map((each) => each.outcome);
  const verdict = outcomes.includes("fail") ? "invalid" : outcomes.includes("not-checked") ? "indeterminate" : "valid";
  return { name, verdict, steps };
}

function daysStep(found) {
  const { days } = found.questions;
  if (days === "valid") return step("LICENCE_IN_FORCE", "pass", CLAUSES.days);
  const code = found.isEarly ? "LICENCE_NOT_YET_VALID" : "LICENCE_EXPIRED";
  return step(code, "fail", CLAUSES.days, { valid_from: found.claims.validFrom, valid_to: found.claims.validTo });
}

function questionsOf(found) {
  const asked = found.questions;
  const code = { valid: "LICENCE_QR_GENUINE", invalid: "LICENCE_QR_NOT_GENUINE", unknown: "LICENCE_QR_KEY_UNKNOWN" }[asked.code];
  const questions = [question("code", [step(code, OUTCOMES[asked.code], CLAUSES.code)])];
  if (found.claims === null) return questions;
  const number = asked.number === "valid" ? "LICENCE_NUMBER_VALID" : "LICENCE_NUMBER_INVALID";
  questions.push(question("number", [step(number, OUTCOMES[asked.number], CLAUSES.number)]));
  const listed = found.listed === null ? "LICENCE_STATUS_NOT_AT_HAND" : (LISTED[found.listed] ?? "STATUS_INVALID");
  const status = step(listed, OUTCOMES[asked.status], CLAUSES.status, { list: found.claims.list });
  questions.push(question("status", [daysStep(found), status]));
  return questions;
}

// The report, and what the code says; claims are null where nobody who is known has signed it
export async function checkCode(link) {
  const origin = window.location.origin;
  let found;
  try {
    const keys = keysOf(await (await ask("/licences/gm-status-keys")).json());
    const fetchStatus = async (claims) => (await ask(`${claims.list}/gm`)).text();
    found = await judge(link, keys, `${origin}/licences/status/`, fetchStatus, new Date());
  } catch {
    found = { verdict: "unknown", claims: null, questions: { code: "unknown" } };
  }
  const report = { file: "", verdict: VERDICTS[found.verdict], tampered: null, signatures: [], questions: questionsOf(found) };
  return { report, claims: found.claims === null ? null : shown(found.claims) };
}

function shown(claims) {
  const { name, number, holders, issuer, issuedOn, validFrom, validTo, identifier } = claims;
  return { name, number, holders: holders.join("、"), issuer, issuedOn, validFrom, validTo: validTo ?? "", identifier };
}

export { isNumber };
