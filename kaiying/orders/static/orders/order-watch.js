// <order-watch events="orders.paid …" every="2">: sends a "refresh" event to the part inside that has hx-get, when the
// server tells one of these events and every so many seconds while somebody looks. The longer it takes the rarer it asks.

const SECOND = 1000;
const CALM = 15; // questions at the first pace
const LONGEST = 30;

class OrderWatch extends HTMLElement {
  connectedCallback() {
    this.asked = 0;
    this.watched = this.querySelector("[hx-get]");
    this.names = (this.getAttribute("events") || "").split(" ").filter(Boolean).map((name) => `live:${name}`);
    this.onNews = () => this.ask();
    this.onVisibility = () => { if (!document.hidden) this.ask(); };
    for (const name of [...this.names, "live:catch-up"]) document.addEventListener(name, this.onNews);
    document.addEventListener("visibilitychange", this.onVisibility);
    this.plan();
  }

  disconnectedCallback() {
    clearTimeout(this.timer);
    for (const name of [...this.names, "live:catch-up"]) document.removeEventListener(name, this.onNews);
    document.removeEventListener("visibilitychange", this.onVisibility);
  }

  plan() {
    const every = Number(this.getAttribute("every"));
    if (!every) return;
    const pause = this.asked < CALM ? every : Math.min(LONGEST, every * 2 ** Math.ceil((this.asked - CALM + 1) / CALM));
    this.timer = setTimeout(() => { if (!document.hidden) this.ask(); else this.plan(); }, pause * SECOND);
  }

  ask() {
    clearTimeout(this.timer);
    this.asked += 1;
    if (this.watched) this.watched.dispatchEvent(new CustomEvent("refresh"));
    this.plan();
  }
}

customElements.define("order-watch", OrderWatch);
