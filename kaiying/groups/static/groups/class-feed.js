// <class-feed data-posts data-newest data-kind data-me data-label>: a class's talk, live.
// New posts are announced and come in when asked for; likes and replies count up in place; forms work without a reload.
// With data-thread it is one conversation; with data-still (an older page) nothing is announced.

class ClassFeed extends HTMLElement {
  connectedCallback() {
    this.fresh = new Set();
    this.newest = Number(this.dataset.newest || 0);
    this.button = this.querySelector("[data-fresh]");
    this.live = new AbortController();
    const on = (name, act) => document.addEventListener(`live:${name}`, (event) => act(event.detail.facts || {}), this.live);
    on("groups.posted", (facts) => this.posted(facts));
    on("groups.replied", (facts) => this.replied(facts));
    on("groups.liked", (facts) => this.count("likes", facts.post, facts.likes));
    on("groups.removed", (facts) => this.removed(facts));
    on("catch-up", () => this.look());
    this.addEventListener("submit", (event) => this.submit(event));
    this.addEventListener("class:posted", (event) => this.take(event.detail.html, event.detail.newest));
    if (this.button) this.button.addEventListener("click", (event) => this.bring(event));
  }

  disconnectedCallback() {
    this.live.abort();
  }

  posted({ post, author, kind }) {
    if (this.dataset.still !== undefined || String(author) === this.dataset.me) return;
    if (this.querySelector(`#post-${post}`) || !this.fits(author, kind)) return;
    this.announce(post);
  }

  fits(author, kind) {
    if (this.dataset.kind === "check_in") return kind === "check_in";
    if (this.dataset.kind === "staff") return (this.dataset.staff || "").split(" ").includes(String(author));
    return true;
  }

  replied({ post, reply, author, replies }) {
    this.count("replies", post, replies);
    const mine = String(author) === this.dataset.me;
    if (this.dataset.thread && !mine && this.querySelector(`[data-post="${post}"]`) && !this.querySelector(`#post-${reply}`)) this.announce(reply);
  }

  removed({ post }) {
    const gone = this.querySelector(`#post-${post}`);
    if (!gone) return;
    // It keeps its place, so that nothing below jumps.
    gone.textContent = this.dataset.gone;
    gone.classList.add("is-gone");
  }

  announce(id) {
    this.fresh.add(id);
    if (!this.button) return;
    this.button.textContent = this.dataset.label.replace("{n}", this.fresh.size);
    this.button.hidden = false;
  }

  count(what, post, number) {
    for (const place of this.querySelectorAll(`[data-${what}="${Number(post)}"]`)) place.textContent = number || "";
  }

  // After a gap in the stream: ask whether something is new, and only announce it.
  async look() {
    if (this.dataset.still !== undefined) return;
    const answer = await this.ask(this.address());
    if (!answer || !answer.ok) return;
    const found = new DOMParser().parseFromString(await answer.text(), "text/html").querySelectorAll("[data-post]");
    for (const post of found) if (!this.querySelector(`#${post.id}`)) this.announce(Number(post.dataset.post));
  }

  address() {
    return `${this.dataset.posts}?${new URLSearchParams({ after: this.newest, kind: this.dataset.kind || "" })}`;
  }

  async bring(event) {
    event.preventDefault();
    const answer = await this.ask(this.dataset.thread || this.address());
    if (!answer || !answer.ok) return location.assign(this.button.href);
    const html = await answer.text();
    if (this.dataset.thread) this.swap(this.querySelector("[data-post]"), html);
    else this.take(html, answer.headers.get("X-Newest"));
    this.fresh.clear();
    this.button.hidden = true;
  }

  take(html, newest) {
    const list = this.querySelector("[data-list]");
    if (!list) return;
    const part = document.createRange().createContextualFragment(html);
    for (const post of part.querySelectorAll("[data-post]")) if (this.querySelector(`#${post.id}`)) post.remove();
    const first = part.querySelector("[data-post]");
    list.prepend(part);
    const empty = this.querySelector(".feed-empty");
    if (empty) empty.remove();
    this.newest = Math.max(this.newest, Number(newest || 0));
    if (first) first.focus({ preventScroll: false });
  }

  submit(event) {
    const form = event.target;
    if (form.matches("[data-like]")) this.send(event, (html) => this.swap(form, html, "button"));
    if (form.matches("[data-reply]")) this.send(event, (html) => this.answered(form, html));
  }

  async send(event, done) {
    event.preventDefault();
    const form = event.target;
    if (form.getAttribute("aria-busy")) return;
    form.setAttribute("aria-busy", "true");
    const answer = await this.ask(form.action, { method: "POST", body: new FormData(form) });
    form.removeAttribute("aria-busy");
    if (answer && answer.ok && !answer.redirected) return done(await answer.text());
    const known = answer && (answer.headers.get("Content-Type") || "").startsWith("text/plain");
    const text = known ? await answer.text() : document.querySelector("toast-list").dataset.trouble;
    document.dispatchEvent(new CustomEvent("toast", { detail: { text, level: "error" } }));
  }

  answered(form, html) {
    const box = form.querySelector("textarea");
    box.value = "";
    box.dispatchEvent(new Event("input", { bubbles: true })); // the kept draft goes too
    this.swap(form.closest("[data-post]"), html, ".reply:last-of-type");
  }

  swap(old, html, focus) {
    const part = document.createRange().createContextualFragment(html.trim());
    const fresh = part.firstElementChild;
    old.replaceWith(part);
    const target = focus && fresh.querySelector(focus);
    if (target) target.focus();
  }

  ask(address, options = {}) {
    return fetch(address, { credentials: "same-origin", ...options, headers: { "X-Part": "1" } }).catch(() => null);
  }
}

customElements.define("class-feed", ClassFeed);
