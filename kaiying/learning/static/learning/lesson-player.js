// <lesson-player data-length data-resume data-next>: our controls around a native <video>.
// Other modules talk to it through its element: seek(seconds), video, and the event "player:time" on the document.
// Without this script the video keeps the browser's own controls.

const STEP = 10;
const REST = 2600;
const RATE_KEY = "ky-rate";

const clock = (seconds) => {
  const whole = Math.max(0, Math.floor(seconds || 0));
  const two = (number) => String(number).padStart(2, "0");
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60), whole % 60];
  return hours ? `${hours}:${two(minutes)}:${two(rest)}` : `${two(minutes)}:${two(rest)}`;
};

class LessonPlayer extends HTMLElement {
  connectedCallback() {
    this.video = this.querySelector("video");
    this.length = Number(this.dataset.length) || 0;
    this.video.removeAttribute("controls");
    this.part("bar").hidden = false;
    this.classList.add("is-resting");
    this.addEventListener("click", (event) => this.clicked(event));
    this.addEventListener("change", (event) => this.changed(event));
    this.addEventListener("input", (event) => this.changed(event));
    for (const name of ["pointermove", "focusin", "touchstart"]) this.addEventListener(name, () => this.wake(), { passive: true });
    for (const name of ["play", "pause", "timeupdate", "seeked", "ratechange", "volumechange", "loadedmetadata"]) {
      this.video.addEventListener(name, () => this.draw());
    }
    this.video.addEventListener("play", () => this.veil(null));
    this.video.addEventListener("ended", () => this.veil("end"));
    this.video.addEventListener("error", () => this.veil("trouble"));
    const place = /^#t=(\d+)$/.exec(location.hash);
    const resume = place ? Number(place[1]) : Number(this.dataset.resume) || 0;
    this.restore();
    this.resumeAt = resume;
    if (resume) this.seek(resume);
    if (resume && !place) this.veil("start");
    addEventListener("hashchange", () => {
      const moved = /^#t=(\d+)$/.exec(location.hash);
      if (moved) this.seek(Number(moved[1]));
    });
    this.draw(resume);
  }

  part(name) { return this.querySelector(`[data-part=${name}]`); }
  act(name) { return this.querySelector(`[data-act=${name}]`); }

  // Before its length is known a video forgets where it is sent.
  seek(seconds) {
    const to = Math.min(Math.max(0, seconds), Math.max(0, (this.video.duration || this.length) - 0.1));
    this.waiting = to;
    const go = () => { this.waiting = null; this.video.currentTime = to; };
    if (this.video.readyState >= 1) go();
    else this.video.addEventListener("loadedmetadata", go, { once: true });
    if (this.part("start") && !this.part("start").hidden) this.veil(null);
    this.draw(to);
  }

  skip(seconds) { this.seek(this.video.currentTime + seconds); this.wake(); }

  toggle() {
    if (this.video.paused) this.video.play().catch(() => this.draw());
    else this.video.pause();
  }

  clicked(event) {
    const button = event.target.closest("[data-act]");
    if (!button) {
      if (event.target === this.video && matchMedia("(hover: hover)").matches) this.toggle();
      else if (event.target === this.video) this.classList.toggle("is-resting", this.classList.contains("is-asleep"));
      return;
    }
    const acts = {
      play: () => this.toggle(),
      back: () => this.skip(-STEP),
      forward: () => this.skip(STEP),
      mute: () => { this.video.muted = !this.video.muted; },
      captions: () => this.querySelector("caption-box").toggle(),
      full: () => this.full(),
      resume: () => { this.seek(this.resumeAt); this.toggle(); },
      restart: () => { this.seek(0); this.veil(null); this.video.play().catch(() => {}); },
      reload: () => location.reload(),
    };
    if (acts[button.dataset.act]) acts[button.dataset.act]();
  }

  changed(event) {
    const { act } = event.target.dataset;
    if (act === "rate") {
      this.video.playbackRate = Number(event.target.value);
      try { localStorage.setItem(RATE_KEY, event.target.value); } catch { /* then it is 1 next time */ }
    }
    if (act === "volume") { this.video.volume = Number(event.target.value); this.video.muted = this.video.volume === 0; }
  }

  restore() {
    let rate = null;
    try { rate = localStorage.getItem(RATE_KEY); } catch { /* see above */ }
    if (rate && [...this.act("rate").options].some((option) => option.value === rate)) {
      this.act("rate").value = rate;
      this.video.defaultPlaybackRate = this.video.playbackRate = Number(rate);
    }
  }

  full() {
    if (document.fullscreenElement) document.exitFullscreen();
    else if (this.requestFullscreen) this.requestFullscreen();
    else if (this.video.webkitEnterFullscreen) this.video.webkitEnterFullscreen();
  }

  // One veil at a time covers the video: where to go on, the end, or trouble.
  veil(name) {
    for (const one of ["start", "end", "trouble"]) this.part(one).hidden = one !== name;
    this.classList.toggle("is-veiled", Boolean(name));
  }

  wake() {
    this.classList.remove("is-asleep");
    clearTimeout(this.rest);
    this.rest = setTimeout(() => {
      const busy = this.video.paused || this.contains(document.activeElement) && document.activeElement.matches(":focus-visible");
      this.classList.toggle("is-asleep", !busy);
    }, REST);
  }

  draw(at) {
    const time = at !== undefined ? at : this.waiting || this.video.currentTime;
    const play = this.act("play");
    play.setAttribute("aria-label", this.video.paused ? play.dataset.play : play.dataset.pause);
    play.firstElementChild.className = `i i-${this.video.paused ? "play" : "pause"} i-lg`;
    this.act("mute").setAttribute("aria-pressed", String(!this.video.muted));
    this.part("time").textContent = clock(time);
    if (this.video.paused) this.classList.remove("is-asleep");
    else if (!this.rest) this.wake();
    const detail = { time, paused: this.video.paused, length: this.length, clock: clock(time) };
    document.dispatchEvent(new CustomEvent("player:time", { detail }));
  }
}

customElements.define("lesson-player", LessonPlayer);
