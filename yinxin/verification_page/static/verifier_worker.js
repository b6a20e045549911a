// The verifier beside the page: what takes long does not hold the page up, and what takes too long can be ended.

let loading = null;

async function load({ modules, stepTexts }) {
  const parts = ["dispatch.js", "trust.js", "sm3.js"].map((name) => import(modules + name));
  const [{ verifyFile }, { readTrustList }, { sm3 }, answer] = await Promise.all([...parts, fetch(stepTexts)]);
  if (!answer.ok) throw new Error(`${answer.status}`);
  return { verifyFile, readTrustList, sm3, sentences: await answer.json() };
}

// {id, places} loads; {id, places, bytes, knowledge, name, language} verifies; the answer is {id, report, digest} or {id, failed}
addEventListener("message", async ({ data }) => {
  const { id, places, bytes, knowledge, name, language } = data;
  try {
    loading ??= load(places);
    const { verifyFile, readTrustList, sm3, sentences } = await loading;
    if (bytes === undefined) {
      postMessage({ id, report: null });
      return;
    }
    const trust = await readTrustList(knowledge);
    const report = await verifyFile(bytes, trust, new Date(), { name, sentences, language });
    const digest = Array.from(sm3(bytes), (each) => each.toString(16).padStart(2, "0")).join("");
    postMessage({ id, report, digest });
  } catch (error) {
    loading = null;
    postMessage({ id, failed: String(error) });
  }
});
