// The verifier beside the page: what takes long does not hold the page up, and what takes too long can be ended.

let loading = null;

async function load({ modules, stepTexts }) {
  const [{ verifyFile }, { readTrustList }, answer] = await Promise.all([import(`${modules}dispatch.js`), import(`${modules}trust.js`), fetch(stepTexts)]);
  if (!answer.ok) throw new Error(`${answer.status}`);
  return { verifyFile, readTrustList, sentences: await answer.json() };
}

// {id, places} loads; {id, places, bytes, knowledge, name, language} verifies; the answer is {id, report} or {id, failed}
addEventListener("message", async ({ data }) => {
  const { id, places, bytes, knowledge, name, language } = data;
  try {
    loading ??= load(places);
    const { verifyFile, readTrustList, sentences } = await loading;
    if (bytes === undefined) {
      postMessage({ id, report: null });
      return;
    }
    const trust = await readTrustList(knowledge);
    postMessage({ id, report: await verifyFile(bytes, trust, new Date(), { name, sentences, language }) });
  } catch (error) {
    loading = null;
    postMessage({ id, failed: String(error) });
  }
});
