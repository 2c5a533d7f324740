// <live-stream src="/events" ticket="…">: what happens on the server, as DOM events.
// Each message is JSON {id, name, channel, facts} and becomes a CustomEvent "live:<name>" on the document; after a gap
// that may have swallowed messages there is "live:catch-up". The element's data-state is online, waiting or offline.

const SLEEP_AFTER = 60000;
const FIRST_PAUSE = 1000;
const LONGEST_PAUSE = 30000;
const FAILURES_BEFORE_RENEWAL = 2;

class LiveStream extends HTMLElement {
  connectedCallback() {
    this.after = this.getAttribute("after") || "";
    this.failures = 0;
    this.onVisibility = () => this.visibility();
    this.onNetwork = () => this.network();
    document.addEventListener("visibilitychange", this.onVisibility);
    addEventListener("online", this.onNetwork);
    addEventListener("offline", this.onNetwork);
    this.network();
  }

  disconnectedCallback() {
    this.close();
    clearTimeout(this.sleep);
    document.removeEventListener("visibilitychange", this.onVisibility);
    removeEventListener("online", this.onNetwork);
    removeEventListener("offline", this.onNetwork);
  }

  open() {
    this.close();
    const address = new URL(this.getAttribute("src") || "/events", location.href);
    address.searchParams.set("ticket", this.getAttribute("ticket") || "");
    if (this.after) address.searchParams.set("after", this.after);
    this.source = new EventSource(address);
    this.source.addEventListener("open", () => this.opened());
    this.source.addEventListener("message", (event) => this.receive(event));
    this.source.addEventListener("expired", () => this.renew());
    this.source.addEventListener("error", () => this.retry());
  }

  close() {
    clearTimeout(this.pause);
    if (this.source) this.source.close();
    this.source = null;
  }

  opened() {
    // Without the id of a last message the server cannot replay, so the page has to look for itself.
    if (this.lost && !this.after) this.tell("catch-up", {});
    this.failures = 0;
    this.lost = false;
    this.state("online");
  }

  receive(event) {
    let message;
    try {
      message = JSON.parse(event.data);
    } catch {
      return;
    }
    if (message.id !== undefined) this.after = String(message.id);
    if (message.name) this.tell(message.name, message);
  }

  tell(name, detail) {
    document.dispatchEvent(new CustomEvent(`live:${name}`, { detail }));
  }

  retry() {
    this.close();
    this.lost = true;
    this.failures += 1;
    if (!navigator.onLine) return this.state("offline");
    this.state("waiting");
    const pause = Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (this.failures - 1)) * (0.5 + Math.random() / 2);
    // A refused ticket looks like any other error, so after two of them ask for a new one.
    const next = () => (this.failures >= FAILURES_BEFORE_RENEWAL ? this.renew() : this.open());
    this.pause = setTimeout(next, pause);
  }

  // The page itself is what issues tickets: read the one in a fresh copy.
  async renew() {
    this.close();
    if (document.hidden) { this.lost = true; return; }
    let ticket = null;
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" }, credentials: "same-origin" });
      if (answer.ok) {
        const copy = new DOMParser().parseFromString(await answer.text(), "text/html");
        const found = copy.querySelector("live-stream");
        if (!found) return this.state("waiting"); // signed out, or the page no longer streams
        ticket = found.getAttribute("ticket");
      }
    } catch { /* no network: try again below */ }
    if (!this.isConnected) return;
    if (!ticket) return this.retry();
    this.setAttribute("ticket", ticket);
    this.open();
  }

  visibility() {
    clearTimeout(this.sleep);
    if (document.hidden) {
      this.sleep = setTimeout(() => { this.close(); this.lost = true; }, SLEEP_AFTER);
    } else if (!this.source && navigator.onLine) {
      this.failures = 0;
      this.open();
    }
  }

  network() {
    if (navigator.onLine) {
      this.failures = 0;
      this.state("waiting");
      if (!document.hidden) this.open();
    } else {
      this.close();
      this.lost = true;
      this.state("offline");
    }
  }

  state(state) {
    this.dataset.state = state;
    const bar = document.getElementById("offline-bar");
    if (bar) bar.hidden = state !== "offline";
  }
}

customElements.define("live-stream", LiveStream);
