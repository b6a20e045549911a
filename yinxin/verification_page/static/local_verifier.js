// The verifier in this browser, in a worker, and what must be known, fetched from here. Throws where this browser cannot verify, or not within
// a minute.

import { given } from "./elements.js";

const LIMIT_MS = 60_000;
let worker = null;
let count = 0;
const waiting = new Map();

function end(reason) {
  worker?.terminate();
  worker = null;
  for (const { fail, timer } of waiting.values()) {
    clearTimeout(timer);
    fail(new Error(reason));
  }
  waiting.clear();
}

// Start the worker, which fetches the verifier; where that fails it is tried again when there is something to verify
export function prepare() {
  if (worker !== null) return;
  worker = new Worker(given.worker);
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

function ask(message) {
  prepare();
  const id = ++count;
  return new Promise((done, fail) => {
    waiting.set(id, { done, fail, timer: setTimeout(() => end("too long"), LIMIT_MS) });
    worker.postMessage({ id, ...message });
  });
}

async function askOf(question) {
  const answer = await fetch(given.knowledge, { cache: "no-cache" });
  if (!answer.ok) throw new Error(`${answer.status}`);
  const knownAt = new Date(answer.headers.get("date") ?? Date.now()).toISOString();
  const knowledge = new Uint8Array(await answer.arrayBuffer());
  return { ...(await ask({ ...question, knowledge, language: given.language })), knownAt };
}

// {report, digest, knownAt}: digest is SM3 of the file, hexadecimal; knownAt is RFC 3339, when what is known was handed out. holder: { name, code }
// of whom the asker has before him, or null
export const verifyHere = (bytes, name, holder) => askOf({ bytes, name, holder });

// {report, claims, knownAt}: claims are null where nobody who is known has signed the code
export const verifyCodeHere = (code) => askOf({ code });

// Whether a text has the form and the check character of a licence identifier
export const isNumberHere = async (number) => (await ask({ number })).isNumber;
