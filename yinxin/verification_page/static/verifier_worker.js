// The verifier beside the page: what takes long does not hold the page up, and what takes too long can be ended. Served as one script with
// the modules of the offline verifier in it.
import { verifyFile } from "./dispatch.js";
import { sm3 } from "./sm3.js";
import { readBundle } from "./trust.js";

// {id, bytes, knowledge, name, language} -> {id, report, digest} or {id, failed}
async function answer({ id, bytes, knowledge, name, language }) {
  try {
    const trust = await readBundle(knowledge);
    const report = await verifyFile(bytes, trust, new Date(), { name, language });
    const digest = Array.from(sm3(bytes), (each) => each.toString(16).padStart(2, "0")).join("");
    return { id, report, digest };
  } catch (error) {
    return { id, failed: String(error) };
  }
}

addEventListener("message", async ({ data }) => postMessage(await answer(data)));
