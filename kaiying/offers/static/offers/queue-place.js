// <queue-place src="/gate/sales/slug" facts='{"turn", "phase", "threshold", "early", "tiers"}'>: one's place in line.
// It asks only for the object that is the same for everybody, and finds the place by itself: an early one is drawn from
// the seed once that is published. Paused while hidden; slower after errors; says how old the numbers are.

const SOONEST = 2000, SPREAD = 3000, SLOWEST = 30000, STALE = 10, SAY_EVERY = 30000;

async function draw(seed, { offer, learner }) {
  const text = new TextEncoder();
  const key = await crypto.subtle.importKey("raw", text.encode(seed), { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  const lot = new Uint8Array(await crypto.subtle.sign("HMAC", key, text.encode(`${offer}:${learner}`)));
  return lot.reduce((sum, byte) => (sum << 8n) + BigInt(byte), 0n);
}

class QueuePlace extends HTMLElement {
  connectedCallback() {
    this.facts = JSON.parse(this.getAttribute("facts"));
    [this.phase, this.threshold] = [this.facts.phase, this.facts.threshold];
    if (this.phase === "closed") return;
    this.figures = new Intl.NumberFormat(document.documentElement.lang);
    [this.seen, this.failed, this.told] = [Date.now(), 0, Date.now()];
    this.onVisible = () => { if (!document.hidden) this.soon(0); };
    document.addEventListener("visibilitychange", this.onVisible);
    this.addEventListener("countdown:over", (event) => { event.preventDefault(); this.soon(Math.random() * SPREAD); });
    this.clock = setInterval(() => this.age(), 1000);
    this.soon(Math.random() * SOONEST);
  }

  disconnectedCallback() {
    clearInterval(this.clock);
    clearTimeout(this.timer);
    document.removeEventListener("visibilitychange", this.onVisible);
  }

  soon(wait = SOONEST + Math.random() * SPREAD) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.look(), wait);
  }

  async look() {
    if (document.hidden || this.leaving) return;
    try {
      const answer = await fetch(this.getAttribute("src"), { credentials: "omit" });
      if (!answer.ok) throw new Error(answer.status);
      await this.take(await answer.json());
      [this.seen, this.failed] = [Date.now(), 0];
      this.age();
      this.soon();
    } catch {
      this.failed += 1; // the age on the page says that there is no news
      this.soon(Math.min(SLOWEST, SOONEST * 2 ** this.failed) * (0.5 + Math.random()));
    }
  }

  async take(now) {
    const { turn } = this.facts;
    if (now.phase === "closed" || (now.phase === "open" && (now.threshold === null || !now.on_sale !== (this.phase === "sold_out")))) return this.leave(SPREAD);
    if (now.phase === "early") return this.put("[data-reserved]", this.figures.format(now.reserved));
    if (!turn || !["early", "waiting", "paused"].includes(this.phase)) return this.phase === "outside" ? this.leave(SPREAD) : null;
    const place = await this.place(turn, now);
    if (place === null) return null;
    this.threshold = Math.max(this.threshold, now.threshold); // an answer that was kept on the way may be older
    if (place < this.threshold) return this.leave(500);
    this.phase = now.paused ? "paused" : "waiting";
    return this.show(now, place, turn);
  }

  async place(turn, now) {
    if (turn.number !== null) return now.early + turn.number;
    if (!now.seed) return null;
    if (!(window.crypto && crypto.subtle)) return this.leave(SLOWEST), null; // only a secure page may draw; else we do
    this.lot = this.lot || (await draw(now.seed, turn));
    return Number((this.lot * BigInt(now.early)) >> 256n);
  }

  show(now, place, turn) {
    const ahead = place - this.threshold, number = ahead + 1, way = Math.max(1, place + 1 - turn.since);
    const pace = now.per_second || now.pace, seconds = number / pace;
    const wait = seconds < 60 ? this.dataset.moment : this.fill("minutes", { n: Math.ceil(seconds / 60) });
    for (const part of this.querySelectorAll("[data-when]")) part.hidden = part.dataset.when !== "waiting";
    for (const part of document.querySelectorAll("[data-call], [data-back]")) part.hidden = !("call" in part.dataset);
    this.querySelector("[data-paused]").hidden = !now.paused;
    this.put("[data-number]", this.figures.format(number));
    this.put("[data-wait]", now.paused ? "—" : wait);
    this.put("[data-pace]", now.paused ? "0" : this.figures.format(pace));
    this.put("[data-basis]", now.paused ? "" : this.fill(now.per_second ? "measured" : "planned", { n: this.figures.format(pace) }));
    this.put("[data-seed]", now.seed);
    this.querySelector("[data-track] i").className = `v-${Math.min(99, Math.floor((100 * (way - number)) / way))}`;
    this.look_ahead(now, ahead);
    if (Date.now() - this.told > SAY_EVERY) {
      this.told = Date.now();
      this.put("[data-say]", this.fill("said", { n: this.figures.format(number), wait }));
    }
  }

  // What is likely left on one's turn, if everybody before takes a seat.
  look_ahead(now, ahead) {
    const open = now.tiers.filter((tier) => tier.free > 0);
    if (!open.length) return;
    let rest = ahead;
    const then = open.find((tier) => rest < tier.free || ((rest -= tier.free), false));
    const kind = !then ? "short" : then === open[0] ? "same" : "later";
    const [name, price] = this.facts.tiers[(then || open[0]).id] || ["", ""];
    const [first] = this.facts.tiers[open[0].id] || [""];
    const left = this.figures.format(kind === "short" ? now.free : open[0].free);
    this.put("[data-outlook]", this.fill(kind, { left, now: first, name, price }));
    this.querySelector("[data-waitlist]").hidden = kind !== "short";
  }

  age() {
    const seconds = Math.round((Date.now() - this.seen) / 1000);
    const stale = seconds > STALE;
    this.classList.toggle("is-stale", stale);
    this.put("[data-age]", this.fill(stale ? "stale" : "fresh", { s: seconds }));
  }

  put(where, text) {
    for (const place of document.querySelectorAll(where)) if (place.textContent !== text) place.textContent = text;
  }

  fill(name, values) {
    return (this.dataset[name] || "").replace(/\{(\w+)\}/g, (_all, key) => values[key]);
  }

  // The server knows the price of now, so it makes the page of one's turn; not everybody asks at the same moment.
  leave(spread) {
    if (this.leaving) return;
    this.leaving = setTimeout(() => location.reload(), Math.random() * spread);
  }
}

customElements.define("queue-place", QueuePlace);
