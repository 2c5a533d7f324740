// <lesson-sync>: what another device of the same person did in this lesson: "synced 3 s ago from your phone", with the
// offer to go where it stopped. Listens to the live stream; its words come from data attributes.

const KEY = "ky-device";
const KEPT = 45000;
const FAR = 5;

function kind() {
  const agent = navigator.userAgent;
  if (/iPad|Tablet|Android(?!.*Mobile)/.test(agent)) return "tablet";
  return /Mobi|iPhone|Android/.test(agent) ? "phone" : "computer";
}

// A name for this browser, which says what it is and nothing about whose.
window.kyDevice = () => {
  if (window.kyDeviceName) return window.kyDeviceName;
  let name = null;
  try { name = localStorage.getItem(KEY); } catch { /* a new one each time then */ }
  if (!name) {
    name = `${kind()}-${Math.random().toString(36).slice(2, 12)}`;
    try { localStorage.setItem(KEY, name); } catch { /* see above */ }
  }
  window.kyDeviceName = name;
  return name;
};

const clock = (seconds) => `${String(Math.floor(seconds / 60)).padStart(2, "0")}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;

class LessonSync extends HTMLElement {
  connectedCallback() {
    this.tag = this.querySelector(".tag");
    this.button = this.querySelector("button");
    this.button.addEventListener("click", () => this.jump());
    this.onMerged = (event) => this.heard(event.detail.facts);
    // After a gap in the stream an empty report brings what the server holds by now.
    this.onGap = () => {
      const detail = { lesson: Number(this.dataset.lesson), cohort: Number(this.dataset.cohort), spans: [], leaving: false };
      document.dispatchEvent(new CustomEvent("progress:played", { detail }));
    };
    document.addEventListener("live:learning.progress_merged", this.onMerged);
    document.addEventListener("live:catch-up", this.onGap);
    this.offset = Date.parse(this.dataset.now) - Date.now();
    const at = Date.parse(this.dataset.positionAt);
    if (at) this.show(this.dataset.device, at - this.offset, Number(this.dataset.position), false);
  }

  disconnectedCallback() {
    document.removeEventListener("live:learning.progress_merged", this.onMerged);
    document.removeEventListener("live:catch-up", this.onGap);
    clearInterval(this.timer);
  }

  heard(facts) {
    if (String(facts.lesson) !== this.dataset.lesson) return;
    document.dispatchEvent(new CustomEvent("progress:merged", { detail: facts }));
    this.show(facts.device, Date.now(), facts.position, true);
  }

  show(device, at, position, live) {
    if (!device || device === window.kyDevice() || Date.now() - at > KEPT) return;
    const words = this.dataset[device.split("-")[0]];
    if (!words) return;
    this.position = position;
    const player = document.querySelector("lesson-player");
    const here = player && player.video ? player.video.currentTime : 0;
    this.button.hidden = !live || Math.abs(here - position) < FAR;
    this.button.textContent = this.dataset.jump.replace("{time}", clock(position));
    clearInterval(this.timer);
    const say = () => {
      const seconds = Math.max(0, Math.round((Date.now() - at) / 1000));
      this.tag.hidden = Date.now() - at > KEPT;
      this.classList.toggle("is-shown", !this.tag.hidden);
      if (this.tag.hidden) { clearInterval(this.timer); return; }
      this.tag.lastElementChild.textContent = words.replace("{ago}", this.ago(seconds));
    };
    say();
    this.timer = setInterval(say, 1000);
  }

  // Our Chinese sets a space between digits and Han.
  ago(seconds) {
    const { lang } = document.documentElement;
    const style = lang.startsWith("zh") ? "short" : "long";
    const said = new Intl.RelativeTimeFormat(lang, { style }).format(-Math.max(1, seconds), "second");
    return said.replace(/(\d)(\p{Script=Han})/gu, "$1 $2").replace(/(\p{Script=Han})(\d)/gu, "$1 $2");
  }

  jump() {
    document.querySelector("lesson-player").seek(this.position);
    this.button.hidden = true;
  }
}

customElements.define("lesson-sync", LessonSync);
