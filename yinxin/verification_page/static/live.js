// Asks every second whether anything published has changed, while the page is seen and shows a result. One short answer, or "304 unchanged".

const ADDRESS = "/v/status";
const EVERY_MS = 1000;
const WAIT_MS = 5000;

export class Live {
  // changed(): the version is another one; connected(bool): whether answers come
  constructor({ changed, connected }) {
    this.changed = changed;
    this.connected = connected;
    this.version = "";
    this.timer = 0;
    this.isOn = false;
    document.addEventListener("visibilitychange", () => this.again());
    window.addEventListener("online", () => this.again());
  }

  start() {
    if (this.isOn) return;
    this.isOn = true;
    this.again();
  }

  stop() {
    this.isOn = false;
    clearTimeout(this.timer);
  }

  again() {
    clearTimeout(this.timer);
    if (this.isOn && document.visibilityState === "visible") this.look();
  }

  async look() {
    const run = (this.run = Symbol("run"));
    let version = null;
    try {
      const answer = await fetch(ADDRESS, { cache: "no-cache", signal: AbortSignal.timeout(WAIT_MS) });
      if (answer.ok) version = (await answer.json()).version;
    } catch {
      // No answer: said below, asked again
    }
    if (run !== this.run || !this.isOn) return;
    this.connected(version !== null);
    if (version !== null && version !== this.version) {
      const isFirst = this.version === "";
      this.version = version;
      if (!isFirst) this.changed();
    }
    this.timer = setTimeout(() => this.again(), EVERY_MS);
  }
}
