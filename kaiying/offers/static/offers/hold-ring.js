// <hold-ring ends-at="ISO" from="ISO" now="ISO">: the ring around the time left, drawn once a second by the server's clock.

class HoldRing extends HTMLElement {
  connectedCallback() {
    const now = Date.parse(this.getAttribute("now"));
    this.offset = Number.isNaN(now) ? 0 : now - Date.now();
    this.ends = Date.parse(this.getAttribute("ends-at"));
    this.whole = this.ends - Date.parse(this.getAttribute("from"));
    this.arc = this.querySelector("circle + circle");
    if (!this.arc || !(this.whole > 0)) return;
    this.timer = setInterval(() => this.draw(), 1000);
    this.draw();
  }

  disconnectedCallback() {
    clearInterval(this.timer);
  }

  draw() {
    const left = Math.max(0, Math.min(1, (this.ends - Date.now() - this.offset) / this.whole));
    const wanted = `n-${Math.round(left * 100)}`;
    if (this.arc.getAttribute("class") !== wanted) this.arc.setAttribute("class", wanted);
    if (left <= 0) clearInterval(this.timer);
  }
}

customElements.define("hold-ring", HoldRing);
