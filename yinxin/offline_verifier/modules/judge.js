// From the verdict on the seals of a file to that on the whole of it: the files inside that a seal protects, and, where they say so, the
// questions that are asked of licences; as seal_service/verify.py and yinxin/file_verdicts.py.

import { TrustError, findBytes, utf8 } from "./bytes.js";
import { LICENCE_NAMES, isLicence, verifyLicence } from "./licence.js";
import { isCreditCode } from "./licence_data.js";
import { nameAttribute } from "./names.js";
import { Verdict, failed } from "./report.js";
import { ZipContainer } from "./zip.js";

const INSIDE_CLAUSE = "ISO 19005-3 6.8, GB/T 33190-2016 20";
const ORGANISATION_IDENTIFIER = "2.5.4.97";
const LISTING_BYTES = 1024 * 1024;
const NO_SEALS = ["pdf-timestamp", "ofd-integrity"]; // they say when and what, not who stands for it

/** Name and credit code of whom a certificate names: O is the code followed by the name, or the code is organizationIdentifier. */
function sealerOf(certificate) {
  if (!certificate) return { sealerName: null, sealerCode: null };
  const name = certificate.organisation || certificate.commonName;
  if (name && isCreditCode(name.slice(0, 18))) return { sealerName: name.slice(18) || null, sealerCode: name.slice(0, 18) };
  const identifier = (nameAttribute(certificate.subject, ORGANISATION_IDENTIFIER) || "").slice(-18);
  return { sealerName: name ?? null, sealerCode: isCreditCode(identifier) ? identifier : null };
}

/** Whose signatures show something besides those of the seal's owner, each once. */
function shownBeside({ signatures }, seal) {
  const own = sealerOf(seal.certificate);
  const found = new Set();
  for (const { isShown, kind, certificate, signer, name } of signatures) {
    if (!isShown || NO_SEALS.includes(kind)) continue;
    const { sealerName, sealerCode } = sealerOf(certificate);
    const isOther = sealerCode !== null || own.sealerCode !== null ? sealerCode !== own.sealerCode : sealerName !== own.sealerName;
    if (!certificate || isOther) found.add(sealerName || sealerCode || signer || name);
  }
  return [...found];
}

/**
 * The verdict with what the seal answers for: { report, seals, files, sealerName, sealerCode, shownBeside }, where `seals` is the report on the seals alone
 * and `files` a Map, null where no seal stands over unchanged bytes or the files were refused, which makes the report invalid.
 * `examined`: { report, readFiles(candidates) -> { seal, files } or null }, readFiles null where this kind of file has none inside.
 */
async function judgeExamined({ report, readFiles }) {
  const plain = { report, seals: report, files: null, sealerName: null, sealerCode: null, shownBeside: [] };
  const sound = report.signatures.filter((each) => each.cryptographicallyValid && each.documentIntact && !NO_SEALS.includes(each.kind));
  if (!readFiles || !sound.length) return plain;
  const isValid = (each) => each.verdict === Verdict.VALID;
  try {
    const found = await readFiles([...sound.filter(isValid), ...sound.filter((each) => !isValid(each))]);
    return found ? { ...plain, files: found.files, ...sealerOf(found.seal.certificate), shownBeside: shownBeside(report, found.seal) } : plain;
  } catch (error) {
    const reason = error instanceof TrustError ? String(error.facts.reason || error.code) : error?.name ?? "Error";
    const steps = [...report.steps, failed("SEALED_FILES_REFUSED", INSIDE_CLAUSE, { reason })];
    return { ...plain, report: { ...report, verdict: Verdict.INVALID, steps } };
  }
}

/** The verdict on a whole file whose seals were examined; of a licence with the questions that are asked of licences. Never throws. */
export async function finishVerdict(data, examined, trust, at, options = {}) {
  const judged = await judgeExamined(examined);
  if (isLicence(judged.files)) return verifyLicence(judged, trust, at, options);
  // Files inside that are refused spoil a licence only, whose questions could not be asked: of any other document the seals decide
  return judged.files === null && namesLicenceData(data) ? judged.report : judged.seals;
}

const namesThem = (data) => LICENCE_NAMES.some((name) => findBytes(data, utf8(name)) >= 0);

/** Whether a file says anywhere that it carries licence data: what was sealed can be added to, but not be taken away. */
function namesLicenceData(data) {
  if (namesThem(data)) return true;
  let container;
  try {
    container = new ZipContainer(data);
  } catch (error) {
    if (!(error instanceof TrustError)) throw error;
    return false;
  }
  return [...container.members.keys()].some((path) => {
    if (!path.toLowerCase().endsWith("attachments.xml")) return false;
    try {
      return namesThem(container.read(path, LISTING_BYTES));
    } catch (error) {
      if (!(error instanceof TrustError)) throw error;
      return true; // one listing that cannot be read may name them
    }
  });
}
