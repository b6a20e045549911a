// The verifier in this browser: the modules of the offline verifier in a worker, and what must be known, fetched from here. Throws where this
// browser cannot verify, or not within a minute.

import { given } from "./elements.js";

const LIMIT_MS = 60_000;
const places = { modules: given.modules, stepTexts: given.stepTexts };
let worker = null;
let count = 0;
const waiting = new Map();

function end(reason) {
  worker?.terminate();
  worker = null;
  for (const { fail } of waiting.values()) fail(new Error(reason));
  waiting.clear();
}

function ask(message) {
  if (given.modules === "") return Promise.reject(new Error("no verifier"));
  if (worker === null) {
    worker = new Worker(given.worker, { type: "module" });
    worker.addEventListener("error", () => end("no worker"));
    worker.addEventListener("message", ({ data }) => {
      const asked = waiting.get(data.id);
      waiting.delete(data.id);
      if (asked === undefined) return;
      clearTimeout(asked.timer);
      if (data.failed === undefined) asked.done(data);
      else asked.fail(new Error(data.failed));
    });
  }
  const id = ++count;
  return new Promise((done, fail) => {
    waiting.set(id, { done, fail, timer: setTimeout(() => end("too long"), LIMIT_MS) });
    worker.postMessage({ id, places, ...message });
  });
}

// Fetch the verifier before it is needed; where that fails it is tried again when it is
export function prepare() {
  ask({}).catch(() => {
    // This browser cannot, or there is no connection now: said when somebody brings a file
  });
}

// {report, digest, knownAt}: digest is SM3 of the file, hexadecimal; knownAt is RFC 3339, when what is known was handed out
export async function verifyHere(bytes, name) {
  const answer = await fetch(given.knowledge, { cache: "no-cache" });
  if (!answer.ok) throw new Error(`${answer.status}`);
  const knownAt = new Date(answer.headers.get("date") ?? Date.now()).toISOString();
  const knowledge = new Uint8Array(await answer.arrayBuffer());
  const { report, digest } = await ask({ bytes, knowledge, name, language: given.language });
  return { report, digest, knownAt };
}
