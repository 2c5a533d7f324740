// <tab-set>: role=tab buttons that show one panel at a time; arrows move between them.

class TabSet extends HTMLElement {
  connectedCallback() {
    this.bar = this.querySelector("[role=tablist]");
    this.tabs = [...this.querySelectorAll("[role=tab]")];
    if (!this.tabs.length) return;
    this.bar.hidden = false;
    this.classList.add("has-tabs");
    this.tabs.forEach((tab) => {
      const panel = this.panel(tab);
      panel.setAttribute("role", "tabpanel");
      panel.setAttribute("aria-labelledby", tab.id);
    });
    this.addEventListener("click", (event) => {
      const tab = event.target.closest("[role=tab]");
      if (tab) this.show(tab);
    });
    this.addEventListener("keydown", (event) => this.key(event));
    this.show(this.tabs[0]);
    // htmx puts a new panel in the old one's place.
    document.addEventListener("htmx:after:swap", () => this.show(this.tabs.find((tab) => tab.getAttribute("aria-selected") === "true")));
  }

  panel(tab) { return document.getElementById(tab.getAttribute("aria-controls")); }

  show(chosen) {
    for (const tab of this.tabs) {
      const on = tab === chosen;
      tab.setAttribute("aria-selected", String(on));
      tab.tabIndex = on ? 0 : -1;
      const panel = this.panel(tab);
      if (!panel) continue;
      panel.classList.toggle("is-shown", on);
      if (!panel.hasAttribute("role")) {
        panel.setAttribute("role", "tabpanel");
        panel.setAttribute("aria-labelledby", tab.id);
      }
    }
  }

  key(event) {
    const at = this.tabs.indexOf(event.target);
    const steps = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: this.tabs.length - 1 };
    if (at < 0 || !(event.key in steps)) return;
    event.preventDefault();
    const next = this.tabs[(steps[event.key] + this.tabs.length) % this.tabs.length];
    this.show(next);
    next.focus();
  }
}

customElements.define("tab-set", TabSet);
