// <toast-list role="status" data-trouble="…" data-close="…">: what has just been done, gone after a few seconds.
// Other modules say document.dispatchEvent(new CustomEvent("toast", { detail: { text, level } })).

const SHOWN_FOR = 6000;

class ToastList extends HTMLElement {
  connectedCallback() {
    for (const toast of this.children) this.prepare(toast);
    this.say = (event) => this.add(event.detail.text, event.detail.level);
    this.trouble = () => this.add(this.dataset.trouble, "error");
    document.addEventListener("toast", this.say);
    document.addEventListener("htmx:response:error", this.trouble);
    document.addEventListener("htmx:error", this.trouble);
  }

  disconnectedCallback() {
    document.removeEventListener("toast", this.say);
    document.removeEventListener("htmx:response:error", this.trouble);
    document.removeEventListener("htmx:error", this.trouble);
  }

  add(text, level = "info") {
    const known = [...this.children].find((toast) => toast.dataset.text === text);
    if (known) known.remove();
    const toast = document.createElement("span");
    toast.className = "toast";
    toast.dataset.level = level;
    toast.dataset.text = text;
    const words = document.createElement("span");
    words.textContent = text;
    toast.append(words);
    this.prepare(toast);
    this.append(toast);
  }

  prepare(toast) {
    const close = document.createElement("button");
    close.type = "button";
    close.setAttribute("aria-label", this.dataset.close || "×");
    const cross = document.createElement("i");
    cross.className = "i i-x";
    cross.setAttribute("aria-hidden", "true");
    close.append(cross);
    close.addEventListener("click", () => toast.remove());
    toast.append(close);
    // Bad news stays until it is closed: reading it may take longer than six seconds.
    if (toast.dataset.level === "error" || toast.dataset.level === "warning") return;
    let timer = setTimeout(() => toast.remove(), SHOWN_FOR);
    const hold = () => clearTimeout(timer);
    const go = () => { timer = setTimeout(() => toast.remove(), SHOWN_FOR); };
    toast.addEventListener("mouseenter", hold);
    toast.addEventListener("focusin", hold);
    toast.addEventListener("mouseleave", go);
    toast.addEventListener("focusout", go);
  }
}

customElements.define("toast-list", ToastList);
