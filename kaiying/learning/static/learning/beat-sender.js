// <beat-sender action data-user>: keeps what was played until the server has it, through lost networks, closed tabs
// and crashes. The server unites seconds, so sending twice does no harm and order does not matter.
// Tells "progress:merged" {lesson, spans, watched, position, completed} and "progress:state" {waiting, signedOut}.

const STORE = "beats";
const SPARE = "ky-beats:";
const MOST = 60; // beats in one request
const FRESH = 20000; // what is older does not move the position any more
const LATEST = 60000;

const tab = `${Date.now().toString(36)}-${Math.random().toString(36).slice(2, 8)}`;

function database() {
  return new Promise((resolve, reject) => {
    const asked = indexedDB.open("kaiying", 1);
    asked.onupgradeneeded = () => asked.result.createObjectStore(STORE, { keyPath: "id" });
    asked.onsuccess = () => resolve(asked.result);
    asked.onerror = () => reject(asked.error);
  });
}

// Where the browser keeps no database (private windows), memory has to do.
class Kept {
  constructor() { this.memory = new Map(); this.base = database().catch(() => null); }

  async run(mode, act) {
    const base = await this.base;
    if (!base) return null;
    return new Promise((resolve, reject) => {
      const work = base.transaction(STORE, mode, { durability: "strict" });
      const asked = act(work.objectStore(STORE));
      work.oncomplete = () => resolve(asked ? asked.result : null);
      work.onerror = work.onabort = () => reject(work.error);
    });
  }

  async put(beat) {
    this.memory.set(beat.id, beat);
    try { await this.run("readwrite", (store) => store.put(beat)); } catch { /* it stays in memory */ }
  }

  async all(user) {
    let found = null;
    try { found = await this.run("readonly", (store) => store.getAll()); } catch { /* see above */ }
    const beats = new Map([...(found || []).map((beat) => [beat.id, beat]), ...this.memory]);
    return [...beats.values()].filter((beat) => beat.user === user).sort((a, b) => a.at - b.at);
  }

  async drop(beats) {
    for (const beat of beats) this.memory.delete(beat.id);
    try { await this.run("readwrite", (store) => beats.forEach((beat) => store.delete(beat.id))); } catch { /* sent twice then */ }
  }
}

class BeatSender extends HTMLElement {
  connectedCallback() {
    this.user = this.dataset.user;
    this.kept = new Kept();
    this.count = 0;
    this.failures = 0;
    this.notBefore = 0;
    this.onPlayed = (event) => this.take(event.detail);
    this.onOnline = () => { this.failures = 0; this.notBefore = 0; this.send(); };
    document.addEventListener("progress:played", this.onPlayed);
    addEventListener("online", this.onOnline);
    this.adopt().then(() => this.send());
  }

  disconnectedCallback() {
    document.removeEventListener("progress:played", this.onPlayed);
    removeEventListener("online", this.onOnline);
    clearTimeout(this.later);
  }

  async take({ lesson, cohort, spans, position, leaving }) {
    this.count += 1;
    const beat = { id: `${tab}-${this.count}`, user: this.user, lesson, cohort, spans, position, at: Date.now() };
    if (leaving) this.leave(beat);
    await this.kept.put(beat);
    if (!leaving) await this.send();
  }

  // A page that goes has no time for a database: a copy in localStorage, and a request that outlives the page.
  leave(beat) {
    try { localStorage.setItem(SPARE + beat.id, JSON.stringify(beat)); } catch { /* the request may still arrive */ }
    this.post([beat], true).then((answer) => { if (answer.ok) this.forget([beat]); }).catch(() => {});
  }

  forget(beats) {
    for (const beat of beats) {
      try { localStorage.removeItem(SPARE + beat.id); } catch { /* it goes with the next ones */ }
    }
    return this.kept.drop(beats);
  }

  async adopt() {
    try {
      for (const key of Object.keys(localStorage).filter((one) => one.startsWith(SPARE))) await this.kept.put(JSON.parse(localStorage.getItem(key)));
    } catch { /* unreadable copies are left alone */ }
  }

  post(beats, keepalive = false) {
    const fresh = Date.now() - FRESH;
    const said = beats.map(({ lesson, cohort, spans, position, at }) => ({ lesson, cohort, spans, ...(at > fresh ? { position } : {}) }));
    const body = JSON.stringify({ device: window.kyDevice(), beats: said });
    return fetch(this.getAttribute("action"), { method: "POST", headers: { "Content-Type": "application/json" }, credentials: "same-origin", body, keepalive });
  }

  async send() {
    if (this.sending || Date.now() < this.notBefore) return;
    this.sending = true;
    clearTimeout(this.later);
    try {
      for (let beats = await this.kept.all(this.user); beats.length; beats = await this.kept.all(this.user)) {
        if (!(await this.batch(beats.slice(0, MOST)))) break;
      }
    } finally { this.sending = false; }
  }

  async batch(beats) {
    let answer = null;
    try { answer = await this.post(beats); } catch { /* no network */ }
    if (answer && (answer.ok || answer.status === 400)) { // a 400 would be refused for ever
      await this.forget(beats);
      this.failures = 0;
      this.tell("state", { waiting: false, signedOut: false });
      if (answer.ok) for (const one of (await answer.json()).merged) this.tell("merged", { ...one, completed: Boolean(one.completed_at) });
      return true;
    }
    this.failures += 1;
    this.tell("state", { waiting: !answer || answer.status !== 429, signedOut: Boolean(answer && answer.status === 401) });
    const asked = Number(answer && answer.headers.get("Retry-After")) * 1000;
    const pause = asked || Math.min(LATEST, 2000 * 2 ** this.failures) * (0.5 + Math.random() / 2);
    this.notBefore = Date.now() + pause;
    this.later = setTimeout(() => this.send(), pause + 10);
    return false;
  }

  tell(name, detail) { document.dispatchEvent(new CustomEvent(`progress:${name}`, { detail })); }
}

customElements.define("beat-sender", BeatSender);
