// The verifier in this browser: the modules of the offline verifier, and what must be known, fetched from here. Throws where this browser cannot.

import { given } from "./elements.js";

let modules = null;

async function load() {
  if (given.modules === "") throw new Error("no verifier");
  modules ??= Promise.all([import(`${given.modules}dispatch.js`), import(`${given.modules}trust.js`)]);
  return modules;
}

// {report, knownAt}: knownAt is RFC 3339, when what is known was put together
export async function verifyHere(bytes, name) {
  const [{ verifyFile }, { readTrustList }] = await load();
  const answer = await fetch(given.knowledge, { cache: "no-cache" });
  if (!answer.ok) throw new Error(`${answer.status}`);
  const trust = await readTrustList(new Uint8Array(await answer.arrayBuffer()));
  const report = await verifyFile(bytes, trust, new Date(), { language: given.language });
  return { report: { ...report, file: name }, knownAt: new Date(answer.headers.get("date") ?? Date.now()).toISOString() };
}
