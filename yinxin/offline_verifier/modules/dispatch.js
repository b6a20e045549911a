// One door for every kind of sealed file: the content decides which verifier reads it, never the file's name.
//
// Pure: bytes, what is trusted and the time in, report out; it never throws, and what is unknown is never valid.
import { isoTime } from "./bytes.js";
import { isCredential, verifyCredentialFile } from "./credential.js";
import { isLicenceCode, verifyLicenceCode } from "./licence_code.js";
import { finishVerdict } from "./judge.js";
import { withHolderAsked } from "./licence.js";
import { examineOfd, isOfd } from "./ofd.js";
import { examinePdf, isPdf } from "./pdf_verify.js";
import { Verdict, fileReport, notChecked, verdictOf, writeReport } from "./report.js";
import { SENTENCES } from "./sentences.js";
import { isSealData, verifySealData } from "./ses.js";

const MAX_VERIFIED_BYTES = 96 * 1024 * 1024; // as `yinxin verify`: a file is held in memory once
const SUPPORTED = "application/pdf, application/ofd, application/x-ses-seal";

const undecidedFile = (code, facts) => fileReport({ verdict: Verdict.INDETERMINATE, tampered: null, signatures: [], steps: [notChecked(code, "own rule", facts)] });

const CLOCK_BEHIND_MS = 300 * 1000; // what is known may be dated this much after the clock of this computer

// The verdict on a file in the shape of `yinxin verify --json`. at: a Date. options: name, isOriginalAsked (of licences no annotated copy will do),
// holder ({ name, code } of whom the asker has before him, told to nobody; a file that does not say who holds it is not valid then), language
// ("zh" or "en") for the detail of each step.
export async function verifyFile(bytes, trust, at, options = {}) {
  const report = whileKnown(await examineFile(bytes, trust, at.getTime(), options), trust, at.getTime());
  return writeReport(options.name ?? "", report, { sentences: SENTENCES, language: options.language ?? "en" });
}

// Knowledge that is past its end, or from the future of this clock, says nothing of now: with it nothing is valid and nobody is trusted. What is
// wrong stays wrong, and whether the document was changed is seen in it alone. As crypto/known_until.py
const STANDS_BY_ITSELF = "number"; // the question whose answer is in the file alone

function whileKnown(report, trust, at) {
  const steps = [];
  if (trust.expiresAt !== null && trust.expiresAt < at) steps.push(notChecked("TRUST_BUNDLE_EXPIRED", "own rule", { expired_at: isoTime(trust.expiresAt) }));
  if (trust.issuedAt && Date.parse(trust.issuedAt) - at > CLOCK_BEHIND_MS) {
    steps.push(notChecked("TRUST_BUNDLE_FROM_FUTURE", "own rule", { issued_at: isoTime(Date.parse(trust.issuedAt)), at: isoTime(at) }));
  }
  const questions = report.questions ?? [];
  if (!steps.length || !(report.signatures.length || questions.length)) return report;
  const lowered = (verdict) => (verdict === Verdict.VALID ? verdictOf(steps) : verdict);
  return {
    ...report,
    verdict: lowered(report.verdict),
    signatures: report.signatures.map((each) => ({ ...each, verdict: lowered(each.verdict), trusted: each.trusted ? null : each.trusted })),
    questions: questions.map((each) =>
      each.name === STANDS_BY_ITSELF || each.verdict !== Verdict.VALID ? each : { ...each, verdict: verdictOf(steps), steps: [...each.steps, ...steps] },
    ),
    steps: [...report.steps, ...steps],
    says: null,
  };
}

async function examineFile(bytes, trust, at, { isOriginalAsked = false, holder = null }) {
  if (bytes.length > MAX_VERIFIED_BYTES) return undecidedFile("FILE_TOO_LARGE", { limit_bytes: MAX_VERIFIED_BYTES }); // nothing was asked of it
  return withHolderAsked(await examineContent(bytes, trust, at, { isOriginalAsked, holder }), holder);
}

async function examineContent(bytes, trust, at, options) {
  try {
    if (isCredential(bytes)) return await verifyCredentialFile(bytes, trust, trust.issuers, at, options);
    return await finishVerdict(bytes, await examineSealed(bytes, trust, at), trust, at, options);
  } catch (error) {
    return undecidedFile("FORMAT_UNSUPPORTED", { supported: error?.name ?? "Error" }); // unknown trouble is "not decided"
  }
}

async function examineSealed(bytes, trust, at) {
  if (isPdf(bytes)) return examinePdf(bytes, trust, at);
  if (isOfd(bytes)) return examineOfd(bytes, trust, at);
  if (isSealData(bytes)) return { report: await verifySealData(bytes, trust, at), readFiles: null };
  return { report: undecidedFile("FORMAT_UNSUPPORTED", { supported: SUPPORTED }), readFiles: null };
}

// The text of a scanned code: { report, claims }, or null where it is none of a licence
export async function verifyCode(text, trust, at, options = {}) {
  return isLicenceCode(text) ? judgeCode(text, trust, at, options) : null;
}

// The same of a text that is offered as one: { report, claims } whatever it is
export async function judgeCode(text, trust, at, options = {}) {
  const { report, claims } = await verifyLicenceCode(text, trust, at.getTime());
  const known = whileKnown(report, trust, at.getTime());
  return { report: writeReport("", known, { sentences: SENTENCES, language: options.language ?? "en" }), claims };
}
