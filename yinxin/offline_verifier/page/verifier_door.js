// How the page asks the verifier: one question after the other, each with its answer.

let ask = null;

function startWorker(address) {
  const worker = new Worker(address);
  const waiting = new Map();
  let last = 0;
  worker.onmessage = ({ data }) => {
    waiting.get(data.id)(data.answer);
    waiting.delete(data.id);
  };
  return (question) =>
    new Promise((resolve) => {
      last += 1;
      waiting.set(last, resolve);
      worker.postMessage({ ...question, id: last });
    });
}

// Some browsers refuse workers to a page that was opened from a disk: then the page does the work itself
async function startHere(address) {
  await import(address);
  return globalThis.yinxinAnswer;
}

async function start() {
  const address = globalThis.yinxinVerifier;
  try {
    return startWorker(address);
  } catch {
    return startHere(address);
  }
}

export async function askVerifier(question) {
  ask ??= start();
  return (await ask)(question);
}
