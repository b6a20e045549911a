// What a verifier says: steps with a stable code each, one verdict per signature, one for the whole file; as crypto/report.py.
import { writeTime } from "./bytes.js";

export const Outcome = { PASS: "pass", FAIL: "fail", WARN: "warn", NOT_CHECKED: "not-checked" };
export const Verdict = { VALID: "valid", INVALID: "invalid", INDETERMINATE: "indeterminate" };

export const passed = (code, clause, facts = {}) => ({ code, outcome: Outcome.PASS, clause, facts });
export const failed = (code, clause, facts = {}) => ({ code, outcome: Outcome.FAIL, clause, facts });
export const warned = (code, clause, facts = {}) => ({ code, outcome: Outcome.WARN, clause, facts });
export const notChecked = (code, clause, facts = {}) => ({ code, outcome: Outcome.NOT_CHECKED, clause, facts });

// The overall rule: a failed step makes it invalid, otherwise an undecided one indeterminate; no steps at all is indeterminate
export function verdictOf(steps) {
  if (steps.some((step) => step.outcome === Outcome.FAIL)) return Verdict.INVALID;
  if (!steps.length || steps.some((step) => step.outcome === Outcome.NOT_CHECKED)) return Verdict.INDETERMINATE;
  return Verdict.VALID;
}

// true when every step passed (warnings allowed), false when one failed, null when it cannot be known
export function trustOf(steps) {
  if (steps.some((step) => step.outcome === Outcome.FAIL)) return false;
  return steps.some((step) => step.outcome === Outcome.NOT_CHECKED) ? null : true;
}

// The verdict on several parts together; no parts is indeterminate
export function worstVerdict(verdicts) {
  if (verdicts.includes(Verdict.INVALID)) return Verdict.INVALID;
  if (!verdicts.length || verdicts.includes(Verdict.INDETERMINATE)) return Verdict.INDETERMINATE;
  return Verdict.VALID;
}

// A signature's report; signedAt in milliseconds or null, certificate: whose key verified it, or null; isShown: it shows something on a page
export function signatureReport({ name, kind, verdict, cryptographicallyValid, documentIntact, trusted, signer, signedAt, steps, certificate = null, isShown = false }) {
  return { name, kind, verdict, cryptographicallyValid, documentIntact, trusted, signer, signedAt, steps, certificate, isShown };
}

// A file's report; tampered is true only where a change after signing is shown, null where unknown
export const fileReport = ({ verdict, tampered, signatures, steps = [], questions = [] }) => ({ verdict, tampered, signatures, steps, questions });

// -- the very shape of `yinxin verify --json`; a step's facts stay beside it

// What a step says, for a human reader. sentences: { code: [English, Chinese] } as crypto/report_sentences has them; a fact that is missing shows
// as a dash, a code without a sentence as it is.
export function stepSentence(step, sentences, language) {
  const texts = sentences !== null && Object.hasOwn(sentences, step.code) ? sentences[step.code] : null;
  if (texts === null) return step.code;
  const fact = (name) => (Object.hasOwn(step.facts, name) && step.facts[name] !== null && step.facts[name] !== undefined ? pythonText(step.facts[name]) : "–");
  return texts[language.startsWith("zh") ? 1 : 0].replace(/\{\{|\}\}|\{(\w+)\}/g, (all, name) => (name === undefined ? all[0] : fact(name)));
}

const pythonText = (value) => (value === true ? "True" : value === false ? "False" : String(value));

export function writeReport(file, report, { sentences = null, language = "en" } = {}) {
  const writeStep = (step) => ({ code: step.code, outcome: step.outcome, clause: step.clause, detail: stepSentence(step, sentences, language), facts: step.facts });
  const written = {
    file,
    verdict: report.verdict,
    tampered: report.tampered,
    signatures: report.signatures.map((each) => ({
      name: each.name,
      kind: each.kind,
      verdict: each.verdict,
      cryptographically_valid: each.cryptographicallyValid,
      document_intact: each.documentIntact,
      trusted: each.trusted,
      signer: each.signer,
      signed_at: writeTime(each.signedAt),
      steps: each.steps.map(writeStep),
    })),
  };
  if (report.steps.length) written.steps = report.steps.map(writeStep);
  if (report.questions.length) {
    written.questions = report.questions.map(({ name, verdict, steps }) => ({ name, verdict, steps: steps.map(writeStep) }));
  }
  if (report.says) written.says = report.says;
  return written;
}
