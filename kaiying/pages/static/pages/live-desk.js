// <live-desk>: keeps a page about a sale true. News on the stream, and a look every few seconds, fetch the page's parts
// anew: at most once a second, one at a time, and not while nobody looks. Each element with data-part takes the part of
// the same name. [data-age] says how old the numbers are; past ten seconds they are stale and grey.

const NEWS = [
  ...["seat_held", "seat_freed", "seat_paid", "ladder_moved", "waitlist_moved", "operated", "closed"],
  ...["incident_began", "incident_ended", "admission_moved", "reserved"],
].map((name) => `live:offers.${name}`);
const GAP = 1000;
const LOOK = 5000;
const STALE = 10;

class LiveDesk extends HTMLElement {
  connectedCallback() {
    this.seen = Date.now();
    this.asked = Date.now();
    this.onNews = () => this.soon();
    [...NEWS, "live:orders.moved", "live:catch-up"].forEach((name) => document.addEventListener(name, this.onNews));
    this.addEventListener("refresh", this.onNews);
    this.onVisible = () => { if (!document.hidden) this.soon(); };
    document.addEventListener("visibilitychange", this.onVisible);
    this.clock = setInterval(() => this.tick(), 1000);
  }

  disconnectedCallback() {
    clearInterval(this.clock);
    clearTimeout(this.later);
    [...NEWS, "live:orders.moved", "live:catch-up"].forEach((name) => document.removeEventListener(name, this.onNews));
    document.removeEventListener("visibilitychange", this.onVisible);
  }

  tick() {
    const age = Math.floor((Date.now() - this.seen) / 1000);
    const stale = age > STALE;
    for (const place of document.querySelectorAll("[data-age]")) {
      place.textContent = (stale ? place.dataset.stale : place.dataset.fresh).replace("{s}", age);
    }
    for (const part of document.querySelectorAll("[data-part]:not([data-part=controls])")) part.classList.toggle("is-stale", stale);
    if (Date.now() - this.asked >= LOOK) this.soon();
  }

  soon() {
    if (this.later || document.hidden) return;
    const wait = Math.max(0, this.asked + GAP - Date.now());
    this.later = setTimeout(() => this.renew(), wait);
  }

  async renew() {
    this.asked = Date.now();
    try {
      const answer = await fetch(location.href, { headers: { "X-Live": "parts" }, credentials: "same-origin", cache: "no-store" });
      if (answer.ok && !answer.redirected) this.take(await answer.text());
    } catch { /* the age on the page says that there is no news */ }
    this.later = null;
    this.tick();
  }

  take(text) {
    const copy = new DOMParser().parseFromString(text, "text/html");
    for (const fresh of copy.querySelectorAll("[data-part]")) this.swap(fresh);
    this.seen = Date.now();
  }

  // A menu that is open stays open, and the focus stays on the same link.
  swap(fresh) {
    const old = document.querySelector(`[data-part="${fresh.dataset.part}"]`);
    if (!old || old.querySelector("details[open]") || old.innerHTML === fresh.innerHTML) return;
    const held = old.contains(document.activeElement) && document.activeElement.getAttribute("href");
    old.replaceChildren(...fresh.childNodes);
    const again = held && old.querySelector(`a[href="${CSS.escape(held)}"]`);
    if (again) again.focus({ preventScroll: true });
  }
}

customElements.define("live-desk", LiveDesk);
