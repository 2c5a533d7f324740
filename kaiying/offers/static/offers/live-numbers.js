// <live-numbers id="live-numbers" src="…/numbers/" status="/gate/sales/…" version="12" phase="open">: keeps the numbers true.
// News on the stream (or a look every few seconds) fetches the parts anew, at most every two seconds; each element with
// data-part takes the part of the same name. [data-age] says how old the numbers are; past ten seconds they are stale.

const NEWS = ["seat_held", "seat_freed", "seat_paid", "ladder_moved", "waitlist_moved"].map((name) => `live:offers.${name}`);
const GAP = 2000;
const LOOK = 5000;
const STALE = 10;

class LiveNumbers extends HTMLElement {
  connectedCallback() {
    this.seen = Date.now();
    this.fetched = 0;
    this.version = this.getAttribute("version");
    this.phase = this.getAttribute("phase");
    this.onNews = () => this.soon();
    [...NEWS, "live:catch-up"].forEach((name) => document.addEventListener(name, this.onNews));
    this.addEventListener("refresh", this.onNews);
    this.onVisible = () => { if (!document.hidden) this.look(); };
    document.addEventListener("visibilitychange", this.onVisible);
    this.clock = setInterval(() => this.tick(), 1000);
  }

  disconnectedCallback() {
    clearInterval(this.clock);
    clearTimeout(this.later);
    [...NEWS, "live:catch-up"].forEach((name) => document.removeEventListener(name, this.onNews));
    document.removeEventListener("visibilitychange", this.onVisible);
  }

  tick() {
    const age = Math.floor((Date.now() - this.seen) / 1000);
    const stale = age > STALE;
    for (const place of document.querySelectorAll("[data-age]")) {
      place.textContent = (stale ? place.dataset.stale : place.dataset.fresh).replace("{s}", age);
    }
    for (const part of document.querySelectorAll("[data-part=card]")) part.classList.toggle("is-stale", stale);
    if (!document.hidden && Date.now() - Math.max(this.seen, this.looked || 0) > LOOK) this.look();
  }

  // Small, the same for everybody, and kept for a second by whatever stands in between.
  async look() {
    this.looked = Date.now();
    const answer = await this.ask(this.getAttribute("status"));
    if (!answer) return;
    const now = await answer.json();
    this.seen = Date.now();
    document.dispatchEvent(new CustomEvent("offers:status", { detail: now }));
    if (String(now.epoch) !== this.version || now.phase !== this.phase) this.soon();
  }

  soon() {
    if (this.later) return;
    const wait = Math.max(0, this.fetched + GAP - Date.now());
    this.later = setTimeout(() => { this.later = null; this.renew(); }, wait);
  }

  async renew() {
    this.fetched = Date.now();
    const answer = await this.ask(this.getAttribute("src"));
    if (!answer) return;
    const copy = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const fresh of copy.querySelectorAll("[data-part]")) this.swap(fresh);
    const mark = copy.querySelector("[data-version]");
    if (mark) [this.version, this.phase] = [mark.dataset.version, mark.dataset.phase];
    this.seen = Date.now();
    this.tick();
  }

  // A form on its way must not be taken from under the finger, and the focus stays where it was.
  swap(fresh) {
    const old = document.querySelector(`[data-part="${fresh.dataset.part}"]`);
    if (!old || old.querySelector("form[aria-busy]")) return;
    const focused = old.contains(document.activeElement);
    old.replaceChildren(...fresh.childNodes);
    const next = focused && old.querySelector("a, button");
    if (next) next.focus();
  }

  async ask(address) {
    try {
      const answer = await fetch(address, { credentials: "same-origin", cache: "no-cache" });
      return answer.ok ? answer : null;
    } catch {
      return null; // the age on the page says that there is no news
    }
  }
}

customElements.define("live-numbers", LiveNumbers);
