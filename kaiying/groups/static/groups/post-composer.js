// <post-composer data-limit data-too-big data-trouble>: the box to say something. It grows with the words, names the
// chosen picture, sends without a reload, and keeps everything when sending fails. Ctrl or Cmd + Enter sends.

class PostComposer extends HTMLElement {
  connectedCallback() {
    this.form = this.querySelector("form");
    this.box = this.form.elements.body;
    this.picture = this.form.elements.picture;
    this.box.addEventListener("input", () => this.grow());
    this.box.addEventListener("keydown", (event) => this.key(event));
    this.picture.addEventListener("change", () => this.chosen());
    this.form.addEventListener("submit", (event) => this.submit(event));
    this.grow();
    if (location.hash === "#composer") this.box.focus();
  }

  grow() {
    this.box.style.height = "auto";
    this.box.style.height = `${this.box.scrollHeight}px`;
  }

  key(event) {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !event.isComposing) {
      event.preventDefault();
      this.form.requestSubmit();
    }
  }

  chosen() {
    const [file] = this.picture.files;
    const tooBig = file && file.size > Number(this.dataset.limit);
    if (tooBig) this.picture.value = "";
    const name = this.querySelector("[data-file]");
    name.textContent = file && !tooBig ? file.name : "";
    name.hidden = !name.textContent;
    this.problem(tooBig ? this.dataset.tooBig : "");
  }

  problem(text) {
    const place = this.querySelector("[data-problem]");
    place.textContent = text;
    place.hidden = !text;
    this.box.toggleAttribute("aria-invalid", Boolean(text));
  }

  async submit(event) {
    event.preventDefault();
    if (this.form.getAttribute("aria-busy")) return;
    if (!this.box.value.trim() && !this.picture.files.length) return this.box.focus();
    const button = this.form.querySelector("button");
    const label = button.textContent;
    button.textContent = button.dataset.busy;
    this.form.setAttribute("aria-busy", "true");
    const answer = await fetch(this.form.action, {
      method: "POST", body: new FormData(this.form), credentials: "same-origin", headers: { "X-Part": "1" },
    }).catch(() => null);
    this.form.removeAttribute("aria-busy");
    button.textContent = label;
    if (answer && answer.status === 201) return this.posted(answer);
    const said = answer && (answer.headers.get("Content-Type") || "").startsWith("text/plain");
    this.problem(said ? await answer.text() : this.dataset.trouble);
    this.box.focus();
  }

  async posted(answer) {
    const html = await answer.text();
    this.form.reset();
    this.box.value = "";
    this.form.elements.key.value = answer.headers.get("X-New-Key");
    this.box.dispatchEvent(new Event("input", { bubbles: true })); // the kept draft goes too
    this.chosen();
    const detail = { html, newest: answer.headers.get("X-Newest") };
    this.dispatchEvent(new CustomEvent("class:posted", { bubbles: true, detail }));
  }
}

customElements.define("post-composer", PostComposer);
