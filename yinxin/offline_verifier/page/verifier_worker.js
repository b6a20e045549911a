// The verifier behind a door of messages: in a worker, so that the page stays alive, or in the page itself where there are no workers.
import { verifyCode, verifyFile } from "./dispatch.js";
import { TrustKnowledge, readBundle } from "./trust.js";

let trust = new TrustKnowledge();

// One question { kind, ... } -> its answer; never throws
async function answerQuestion({ kind, bytes, text, at, options }) {
  try {
    if (kind === "trust") {
      trust = await readBundle(bytes);
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
