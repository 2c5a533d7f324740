// <caption-box>: the words of a <video> on the picture, above the controls while those are shown. The browser draws its
// own below them. Other modules call toggle(); full screen by the phone's own player gets the phone's own captions.

class CaptionBox extends HTMLElement {
  connectedCallback() {
    this.video = this.parentElement.querySelector("video");
    this.button = this.parentElement.querySelector("[data-act=captions]");
    const tracks = [...this.video.textTracks];
    this.shown = tracks.some((track) => track.mode === "showing");
    this.track = tracks.find((track) => track.language === document.documentElement.lang) || tracks[0];
    if (!this.track) return;
    this.track.addEventListener("cuechange", () => this.draw());
    this.video.addEventListener("webkitbeginfullscreen", () => { if (this.shown) this.track.mode = "showing"; });
    this.video.addEventListener("webkitendfullscreen", () => this.set());
    this.set();
  }

  toggle() {
    this.shown = !this.shown;
    this.set();
  }

  // A hidden track still tells which words are due.
  set() {
    for (const track of this.video.textTracks) track.mode = this.shown && track === this.track ? "hidden" : "disabled";
    if (this.button) this.button.setAttribute("aria-pressed", String(this.shown));
    this.draw();
  }

  draw() {
    const cues = this.shown ? [...(this.track.activeCues || [])] : [];
    this.replaceChildren(...cues.map((cue) => {
      const line = document.createElement("span");
      line.append(cue.getCueAsHTML());
      return line;
    }));
  }
}

customElements.define("caption-box", CaptionBox);
