// The verifier in this browser: the modules of the offline verifier, and what must be known, fetched from here. Throws where this browser cannot.

import { given } from "./elements.js";

let loading = null;

async function fetched(address, options) {
  const answer = await fetch(address, options);
  if (!answer.ok) throw new Error(`${answer.status}`);
  return answer;
}

async function load() {
  const [{ verifyFile }, { readTrustList }, sentences] = await Promise.all([
    import(`${given.modules}dispatch.js`),
    import(`${given.modules}trust.js`),
    fetched(given.stepTexts).then((answer) => answer.json()),
  ]);
  return { verifyFile, readTrustList, sentences };
}

// Fetch the verifier before it is needed; where that fails it is tried again when it is
export function prepare() {
  if (given.modules === "") return Promise.reject(new Error("no verifier"));
  loading ??= load().catch((error) => {
    loading = null;
    throw error;
  });
  return loading;
}

// {report, knownAt}: knownAt is RFC 3339, when what is known was handed out
export async function verifyHere(bytes, name) {
  const { verifyFile, readTrustList, sentences } = await prepare();
  const answer = await fetched(given.knowledge, { cache: "no-cache" });
  const knownAt = new Date(answer.headers.get("date") ?? Date.now()).toISOString();
  const trust = await readTrustList(new Uint8Array(await answer.arrayBuffer()));
  const report = await verifyFile(bytes, trust, new Date(), { name, sentences, language: given.language });
  return { report, knownAt };
}
