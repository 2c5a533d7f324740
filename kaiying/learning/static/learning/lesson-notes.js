// <lesson-notes id="notes">: writing a note at the second that is playing. N, or a button, takes one there.

class LessonNotes extends HTMLElement {
  connectedCallback() {
    this.form = this.querySelector(".note-form");
    this.opener = this.querySelector("[data-act=open]");
    this.time = 0;
    if (this.opener) this.opener.hidden = false;
    this.classList.add("is-ready");
    if (this.form && (this.held() || this.form.querySelector(".is-error"))) this.form.classList.add("is-open");
    for (const button of document.querySelectorAll("[data-note]")) button.hidden = !this.form;
    this.addEventListener("click", (event) => this.clicked(event));
    this.addEventListener("keydown", (event) => this.key(event));
    this.onTime = (event) => this.follow(event.detail);
    this.onOpen = () => this.open();
    document.addEventListener("player:time", this.onTime);
    document.addEventListener("note:open", this.onOpen);
    const count = document.querySelector("[data-count=notes]");
    if (count) count.textContent = String(this.querySelectorAll(".notes > li:not(.notes-none)").length);
    const player = document.querySelector("lesson-player");
    if (player && player.video) player.draw();
  }

  disconnectedCallback() {
    document.removeEventListener("player:time", this.onTime);
    document.removeEventListener("note:open", this.onOpen);
  }

  follow({ time, clock }) {
    this.time = time;
    const words = this.dataset.label.replace("{time}", clock);
    if (this.opener) this.opener.lastElementChild.textContent = words;
    if (!this.form || this.held()) return;
    this.form.elements.second.value = String(Math.floor(time));
    this.form.querySelector("label").textContent = words;
  }

  // While something is being written, its second stays the one at which it was begun.
  held() { return this.form.elements.text.value.trim() !== ""; }

  open() {
    if (!this.form) return;
    const tab = document.getElementById("t-notes");
    if (tab && getComputedStyle(this).display === "none") tab.click();
    this.form.classList.add("is-open");
    this.form.elements.text.focus();
  }

  clicked(event) {
    if (event.target.closest("[data-act=open]")) return this.open();
    const link = event.target.closest("[data-at]");
    const player = document.querySelector("lesson-player");
    if (!link || !player || !player.video) return undefined;
    event.preventDefault();
    return player.seek(Number(link.dataset.at));
  }

  key(event) {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && event.target.form) event.target.form.requestSubmit();
    if (event.key === "Escape") event.target.blur();
  }
}

customElements.define("lesson-notes", LessonNotes);

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-note]")) document.dispatchEvent(new CustomEvent("note:open"));
});

// Focus was in what htmx replaced; it goes to the heading, so that the next key is not lost.
document.addEventListener("htmx:after:swap", () => {
  const heading = document.querySelector("#notes h2");
  if (heading && document.activeElement === document.body) heading.focus({ preventScroll: true });
});
