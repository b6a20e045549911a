// The verifier beside the page: what takes long does not hold the page up, and what takes too long can be ended. Served as one script with
// the modules of the offline verifier in it.
import { judgeCode, verifyFile } from "./dispatch.js";
import { examineLicenceNumber } from "./licence_data.js";
import { sm3 } from "./sm3.js";
import { readBundle } from "./trust.js";

// A file: {bytes, knowledge, name, holder} -> {report, digest}; what stands in a code: {code, knowledge} -> {report, claims}; what is typed as an
// identifier: {number} -> {isNumber}
async function found({ bytes, code, number, knowledge, name, holder, language }) {
  if (number !== undefined) return { isNumber: examineLicenceNumber(number).verdict !== "invalid" };
  const trust = await readBundle(knowledge);
  if (code !== undefined) return judgeCode(code, trust, new Date(), { language });
  const report = await verifyFile(bytes, trust, new Date(), { name, holder, language });
  return { report, digest: Array.from(sm3(bytes), (each) => each.toString(16).padStart(2, "0")).join("") };
}

// {id, ...} -> {id, ...} or {id, failed}
async function answer(asked) {
  try {
    return { id: asked.id, ...(await found(asked)) };
  } catch (error) {
    return { id: asked.id, failed: String(error) };
  }
}

addEventListener("message", async ({ data }) => postMessage(await answer(data)));
