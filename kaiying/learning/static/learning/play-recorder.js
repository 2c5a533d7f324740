// <play-recorder data-lesson data-user>: notes which seconds of the video really played, and hands them on every five
// seconds, on a pause, at the end and when the page goes: "progress:played" {lesson, spans, position, leaving}.

const EVERY = 5000;
const SLACK = 0.75;

class PlayRecorder extends HTMLElement {
  connectedCallback() {
    this.video = document.querySelector("lesson-player video");
    if (!this.video) return;
    this.spans = [];
    this.last = null;
    const on = (name, act) => this.video.addEventListener(name, act);
    on("timeupdate", () => this.collect());
    on("play", () => this.start());
    on("playing", () => this.start());
    on("seeking", () => { this.last = null; });
    on("seeked", () => { this.moved = true; this.start(); });
    on("ratechange", () => { this.collect(); });
    on("pause", () => { this.collect(true); this.hand(); });
    on("ended", () => { this.collect(true); this.hand(); });
    this.timer = setInterval(() => this.hand(), EVERY);
    this.onLeave = () => { this.collect(); this.hand(true); };
    this.onHide = () => { if (document.visibilityState === "hidden") this.onLeave(); };
    addEventListener("pagehide", this.onLeave);
    document.addEventListener("visibilitychange", this.onHide);
  }

  disconnectedCallback() {
    clearInterval(this.timer);
    removeEventListener("pagehide", this.onLeave);
    document.removeEventListener("visibilitychange", this.onHide);
  }

  start() { this.last = { time: this.video.currentTime, at: performance.now() }; }

  // Only what fits the clock counts: a jump that came without a "seeking" is no playing.
  collect(stopped) {
    const now = { time: this.video.currentTime, at: performance.now() };
    const { last } = this;
    this.last = stopped || this.video.paused || this.video.seeking ? null : now;
    if (!last || this.video.seeking) return;
    const played = now.time - last.time;
    const possible = ((now.at - last.at) / 1000) * this.video.playbackRate + SLACK;
    if (played > 0 && played <= possible) this.add(last.time, now.time);
  }

  add(start, end) {
    const latest = this.spans[this.spans.length - 1];
    if (latest && Math.abs(latest[1] - start) < 0.05) latest[1] = end;
    else this.spans.push([start, end]);
    this.moved = true;
    document.dispatchEvent(new CustomEvent("progress:seen", { detail: { spans: [this.spans[this.spans.length - 1]] } }));
  }

  hand(leaving = false) {
    if (!this.spans.length && !(leaving && this.moved)) return;
    this.moved = false;
    const round = (seconds) => Math.round(seconds * 100) / 100;
    const spans = this.spans.map(([start, end]) => [round(start), round(end)]);
    // What is still playing goes on from where it was cut.
    this.spans = [];
    const position = round(this.video.currentTime);
    const detail = { lesson: Number(this.dataset.lesson), cohort: Number(this.dataset.cohort), spans, position, leaving };
    document.dispatchEvent(new CustomEvent("progress:played", { detail }));
  }
}

customElements.define("play-recorder", PlayRecorder);
