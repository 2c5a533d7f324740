// <watch-line data-length data-spans>: the watched seconds as a line one can move along.
// It unites what the server holds ("progress:merged") with what this page played since ("progress:seen").

const SVG = "http://www.w3.org/2000/svg";

function unite(spans) {
  const sorted = spans.map(([start, end]) => [start, end]).filter(([start, end]) => end > start).sort((a, b) => a[0] - b[0]);
  const found = [];
  for (const [start, end] of sorted) {
    const last = found[found.length - 1];
    if (last && start <= last[1]) last[1] = Math.max(last[1], end);
    else found.push([start, end]);
  }
  return found;
}

class WatchLine extends HTMLElement {
  connectedCallback() {
    this.length = Number(this.dataset.length) || 1;
    this.spans = JSON.parse(this.dataset.spans || "[]");
    this.complete = this.hasAttribute("data-complete");
    this.player = document.querySelector("lesson-player");
    this.slider = this.querySelector(".tl-seek");
    this.slider.disabled = false;
    this.slider.addEventListener("input", () => this.player.seek(Number(this.slider.value)));
    this.slider.addEventListener("change", () => this.slider.blur());
    this.onTime = (event) => this.move(event.detail);
    this.onSeen = (event) => this.add(event.detail.spans, this.complete);
    this.onMerged = (event) => this.add(event.detail.spans, event.detail.completed, true);
    document.addEventListener("player:time", this.onTime);
    document.addEventListener("progress:seen", this.onSeen);
    document.addEventListener("progress:merged", this.onMerged);
    document.addEventListener("progress:state", (event) => this.state(event.detail));
    this.draw();
  }

  disconnectedCallback() {
    document.removeEventListener("player:time", this.onTime);
    document.removeEventListener("progress:seen", this.onSeen);
    document.removeEventListener("progress:merged", this.onMerged);
  }

  add(spans, complete) {
    this.spans = unite([...this.spans, ...spans.map(([start, end]) => [Math.round(start), Math.min(this.length, Math.round(end))])]);
    this.complete = this.complete || complete;
    this.draw();
    document.dispatchEvent(new CustomEvent("progress:spans", { detail: { spans: this.spans } }));
  }

  move({ time, clock }) {
    this.querySelector(".watch-now").setAttribute("x", this.share(time));
    if (document.activeElement !== this.slider || !this.slider.matches(":active")) this.slider.value = String(Math.floor(time));
    this.slider.setAttribute("aria-valuetext", clock);
  }

  share(seconds) { return `${Math.min(100, (seconds * 100) / this.length).toFixed(2)}%`; }

  draw() {
    const group = this.querySelector("[data-part=seen]");
    const bars = this.spans.map(([start, end]) => {
      const bar = document.createElementNS(SVG, "rect");
      bar.setAttribute("class", "watch-seen");
      bar.setAttribute("x", this.share(start));
      bar.setAttribute("width", this.share(end - start));
      bar.setAttribute("height", "10");
      return bar;
    });
    group.replaceChildren(...bars);
    this.words();
  }

  words() {
    const seen = this.spans.reduce((sum, [start, end]) => sum + end - start, 0);
    const percent = seen <= 0 ? 0 : seen >= this.length ? 100 : Math.min(99, Math.max(1, Math.round((seen * 100) / this.length)));
    const data = this.dataset;
    const fill = (text, facts) => text.replace(/\{(\w+)\}/g, (_all, name) => facts[name]);
    const time = (seconds) => `${String(Math.floor(seconds / 60)).padStart(2, "0")}:${String(seconds % 60).padStart(2, "0")}`;
    const said = this.spans.slice(0, 12).map(([start, end]) => `${time(start)}–${time(end)}`).join(", ");
    const line = this.querySelector("svg.watch");
    line.setAttribute("aria-label", seen ? fill(data.label, { spans: said, percent }) : data.none);
    const shown = this.querySelector("[data-part=percent]");
    if (!shown) return;
    shown.textContent = fill(data.percent, { percent });
    this.querySelector("[data-part=gaps]").hidden = this.complete || !seen;
    const minutes = Math.ceil(Math.max(0, Math.ceil(0.9 * this.length) - seen) / 60);
    this.querySelector("[data-part=left]").textContent = this.complete || !minutes ? data.done : fill(data.left, { minutes });
  }

  // waiting: kept here and not yet on the server; signedOut: the server does not know us any more
  state({ waiting, signedOut }) {
    const parts = { waiting: waiting && !signedOut, "signed-out": signedOut };
    for (const [name, shown] of Object.entries(parts)) {
      const part = this.querySelector(`[data-part=${name}]`);
      if (part) part.hidden = !shown;
    }
  }
}

customElements.define("watch-line", WatchLine);
