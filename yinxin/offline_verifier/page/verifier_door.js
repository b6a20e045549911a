// How the page asks the verifier: each question has its answer, within a minute. A verifier that takes longer is ended, and begins anew with what
// it was told to trust.

const LIMIT_MS = 60000;
let ask = null;
let trusted = null; // the last bundle that was taken

function startWorker(address) {
  const worker = new Worker(address);
  const waiting = new Map();
  let last = 0;
  let isEnded = false;
  const end = (code) => {
    if (isEnded) return; // another may be at work by now
    isEnded = true;
    worker.terminate();
    ask = null;
    for (const { done, timer } of waiting.values()) {
      clearTimeout(timer);
      done({ ok: false, code, facts: {} });
    }
  };
  worker.onerror = () => end("WORKER_FAILED");
  worker.onmessage = ({ data }) => {
    const { done, timer } = waiting.get(data.id);
    waiting.delete(data.id);
    clearTimeout(timer);
    done(data.answer);
  };
  return (question) =>
    new Promise((done) => {
      if (isEnded) {
        done({ ok: false, code: "WORKER_FAILED", facts: {} });
        return;
      }
      last += 1;
      waiting.set(last, { done, timer: setTimeout(() => end("TOO_LONG"), LIMIT_MS) });
      worker.postMessage({ ...question, id: last });
    });
}

// Some browsers refuse workers to a page that was opened from a disk: then the page does the work itself
async function start() {
  const address = globalThis.yinxinVerifier;
  let started;
  try {
    started = startWorker(address);
  } catch {
    await import(address);
    started = globalThis.yinxinAnswer;
  }
  if (trusted !== null) await started(trusted);
  return started;
}

export async function askVerifier(question) {
  ask ??= start();
  const answer = await (await ask)(question);
  if (question.kind === "trust" && answer.ok) trusted = { kind: "trust", bytes: question.bytes };
  return answer;
}
