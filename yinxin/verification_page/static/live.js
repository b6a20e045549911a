// Asks every second whether anything published has changed, while the page is seen and shows a result. One short answer, or "304 unchanged".

const ADDRESS = "/v/status";
const EVERY_MS = 1000;
const WAIT_MS = 5000;
const NONE = "none"; // no version: whatever is answered next is news

async function ask() {
  try {
    const answer = await fetch(ADDRESS, { cache: "no-cache", signal: AbortSignal.timeout(WAIT_MS) });
    return answer.ok ? (await answer.json()).version : null;
  } catch {
    return null;
  }
}

export class Live {
  // changed(): the version is another one; connected(bool): whether answers come
  constructor({ changed, connected }) {
    this.changed = changed;
    this.connected = connected;
    this.version = NONE;
    this.timer = 0;
    this.isOn = false;
    document.addEventListener("visibilitychange", () => this.again());
    window.addEventListener("online", () => this.again());
  }

  // Before something is verified: what is published then. A change while it is verified is noticed afterwards
  async begin() {
    this.stop();
    this.version = (await ask()) ?? NONE;
  }

  start() {
    this.isOn = true;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.again(), EVERY_MS);
  }

  stop() {
    this.isOn = false;
    this.run = null;
    clearTimeout(this.timer);
  }

  // What was to be done about a change did not succeed: the next answer is news again
  forget() {
    this.version = NONE;
  }

  again() {
    clearTimeout(this.timer);
    if (this.isOn && document.visibilityState === "visible") this.look();
  }

  async look() {
    const run = (this.run = Symbol("run"));
    const version = await ask();
    if (run !== this.run || !this.isOn) return;
    this.connected(version !== null);
    if (version !== null && version !== this.version) {
      this.version = version;
      this.changed();
    }
    this.start();
  }
}
