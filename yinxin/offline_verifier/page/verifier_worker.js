// The verifier behind a door of messages: in a worker, so that the page stays alive, or in the page itself where there are no workers.
import { TrustError } from "./bytes.js";
import { verifyCode, verifyFile } from "./dispatch.js";
import { TrustKnowledge, readBundle } from "./trust.js";

let trust = new TrustKnowledge();
let isTold = false;

// A bundle among the files that are to be verified may be from whoever sent them: it begins nothing unless it comes alone, and takes the place of
// another only as a newer one by one of the same keys
function mayBeTaken(found, isAlone) {
  if (!isTold) return isAlone;
  const isSameKey = found.signers.some(({ fingerprint }) => trust.signers.some((each) => each.fingerprint === fingerprint));
  return isSameKey && Date.parse(found.issuedAt) >= Date.parse(trust.issuedAt);
}

// One question { kind, ... } -> its answer; never throws
async function answerQuestion({ kind, bytes, text, at, options, isAmongFiles, isAlone }) {
  try {
    if (kind === "trust") {
      const found = await readBundle(bytes);
      if (isAmongFiles && !mayBeTaken(found, isAlone)) throw new TrustError("TRUST_BUNDLE_AMONG_FILES");
      [trust, isTold] = [found, true];
      const { name, issuedAt, expiresAt, signers, anchors, statusLists, statusTokens } = trust;
      return { ok: true, name, issuedAt, expiresAt, signers, anchors: anchors.length, statuses: statusLists.length + statusTokens.length };
    }
    if (kind === "code") return { ok: true, found: await verifyCode(text, trust, new Date(at), options) };
    return { ok: true, report: await verifyFile(bytes, trust, new Date(at), options) };
  } catch (error) {
    return { ok: false, code: error?.code ?? error?.name ?? "Error", facts: error?.facts ?? {} };
  }
}

if (typeof WorkerGlobalScope !== "undefined" && globalThis instanceof WorkerGlobalScope) {
  globalThis.onmessage = async ({ data }) => globalThis.postMessage({ id: data.id, answer: await answerQuestion(data) });
} else {
  globalThis.yinxinAnswer = answerQuestion;
}
