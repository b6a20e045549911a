// One door for every kind of sealed file: the content decides which verifier reads it, never the file's name.
//
// Pure: bytes, what is trusted and the time in, report out; it never throws, and what is unknown is never valid.
import { isCredential, verifyCredentialFile } from "./credential.js";
import { isLicenceCode, verifyLicenceCode } from "./licence_code.js";
import { finishVerdict } from "./judge.js";
import { examineOfd, isOfd } from "./ofd.js";
import { examinePdf, isPdf } from "./pdf_verify.js";
import { Verdict, fileReport, notChecked, writeReport } from "./report.js";
import { isSealData, verifySealData } from "./ses.js";

const MAX_VERIFIED_BYTES = 96 * 1024 * 1024; // as `yinxin verify`: a file is held in memory once
const SUPPORTED = "application/pdf, application/ofd, application/x-ses-seal";

const undecidedFile = (code, facts) => fileReport({ verdict: Verdict.INDETERMINATE, tampered: null, signatures: [], steps: [notChecked(code, "own rule", facts)] });

// The verdict on a file in the shape of `yinxin verify --json`. at: a Date. options: name, issuers (of credentials: Map of keys by issuer),
// isOriginalAsked (of licences no annotated copy will do), sentences and language for the detail of each step.
export async function verifyFile(bytes, trust, at, options = {}) {
  return writeReport(options.name ?? "", await examineFile(bytes, trust, at.getTime(), options), options);
}

async function examineFile(bytes, trust, at, { issuers = new Map(), isOriginalAsked = false }) {
  try {
    if (bytes.length > MAX_VERIFIED_BYTES) return undecidedFile("FILE_TOO_LARGE", { limit_bytes: MAX_VERIFIED_BYTES });
    if (isCredential(bytes)) return await verifyCredentialFile(bytes, trust, issuers, at);
    return await finishVerdict(bytes, await examineSealed(bytes, trust, at), trust, at, { isOriginalAsked });
  } catch (error) {
    return undecidedFile("FORMAT_UNSUPPORTED", { supported: error?.name ?? "Error" }); // unknown trouble is "not decided"
  }
}

// What kind of file the content is: pdf, ofd, seal, credential; null where nobody knows it
export function kindOfFile(bytes) {
  if (isCredential(bytes)) return "credential";
  if (isPdf(bytes)) return "pdf";
  if (isOfd(bytes)) return "ofd";
  return isSealData(bytes) ? "seal" : null;
}

async function examineSealed(bytes, trust, at) {
  if (isPdf(bytes)) return examinePdf(bytes, trust, at);
  if (isOfd(bytes)) return examineOfd(bytes, trust, at);
  if (isSealData(bytes)) return { report: await verifySealData(bytes, trust, at), readFiles: null };
  return { report: undecidedFile("FORMAT_UNSUPPORTED", { supported: SUPPORTED }), readFiles: null };
}

// The text of a scanned code: { report, claims }, or null where it is none of a licence
export async function verifyCode(text, trust, at, options = {}) {
  if (!isLicenceCode(text)) return null;
  const { report, claims } = await verifyLicenceCode(text, trust, at.getTime());
  return { report: writeReport("", report, options), claims };
}
