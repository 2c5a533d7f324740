// <chapter-list>: links with data-at and data-until that move the video, and say which part is being watched or was.

class ChapterList extends HTMLElement {
  connectedCallback() {
    this.links = [...this.querySelectorAll("[data-at]")];
    this.addEventListener("click", (event) => this.go(event));
    this.onTime = (event) => this.mark(event.detail.time);
    this.onSpans = (event) => this.seen(event.detail.spans);
    document.addEventListener("player:time", this.onTime);
    document.addEventListener("progress:spans", this.onSpans);
  }

  disconnectedCallback() {
    document.removeEventListener("player:time", this.onTime);
    document.removeEventListener("progress:spans", this.onSpans);
  }

  go(event) {
    const link = event.target.closest("[data-at]");
    const player = document.querySelector("lesson-player");
    if (!link || !player || !player.video) return;
    event.preventDefault();
    player.seek(Number(link.dataset.at));
  }

  mark(time) {
    for (const link of this.links) {
      const here = time >= Number(link.dataset.at) && time < Number(link.dataset.until);
      if (here === link.hasAttribute("aria-current")) continue;
      if (here) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
      this.say(link);
    }
  }

  seen(spans) {
    for (const link of this.links) {
      const [start, end] = [Number(link.dataset.at), Number(link.dataset.until)];
      const sum = spans.reduce((all, [a, b]) => all + Math.max(0, Math.min(b, end) - Math.max(a, start)), 0);
      link.dataset.seen = sum >= 0.9 * (end - start) ? "done" : sum > 0 ? "part" : "";
      this.say(link);
    }
  }

  // The server drew what was seen; only what changes here is said anew.
  say(link) {
    const small = link.querySelector("small");
    if (!small) return;
    if (small.dataset.drawn === undefined) small.dataset.drawn = small.querySelector(".i-check") ? "done" : small.textContent.trim() ? "part" : "";
    const state = link.hasAttribute("aria-current") ? "here" : link.dataset.seen || small.dataset.drawn;
    if (small.dataset.state === state) return;
    small.dataset.state = state;
    small.replaceChildren();
    if (state === "done") {
      const tick = document.createElement("i");
      tick.className = "i i-check c-pine";
      tick.setAttribute("aria-hidden", "true");
      const word = document.createElement("span");
      word.className = "sr";
      word.textContent = this.dataset.done;
      small.append(tick, word);
    } else if (state) small.textContent = this.dataset[state === "part" ? "partly" : state] || "";
    small.className = state === "here" ? "t-12 c-pine" : "t-12 c-3";
  }
}

customElements.define("chapter-list", ChapterList);
