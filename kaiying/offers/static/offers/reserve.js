// <sale-reservation offer="slug" signed-in data-done data-gone data-busy data-trouble>: two forms, one to reserve and one to
// take it back. Who is signed in stays on the page: the word goes to the gate, and every [data-when] shows the new state.
// A visitor's form goes its way, to sign in first. [data-reserved] holds the count, which news of the sale moves too.

const GATE = "/gate/reservations";
const TRIES = 4;
const BUSY = [429, 503];

const say = (text, level) => document.dispatchEvent(new CustomEvent("toast", { detail: { text, level } }));
const sleep = (seconds) => new Promise((done) => { setTimeout(done, seconds * 1000); });

function count(reserved) {
  for (const place of document.querySelectorAll("[data-reserved]")) place.textContent = reserved.toLocaleString("en-US");
  for (const line of document.querySelectorAll("[data-reserved-line]")) line.hidden = !reserved;
}

function show(standing) {
  for (const part of document.querySelectorAll("[data-when]")) part.hidden = (part.dataset.when === "standing") !== standing;
}

class SaleReservation extends HTMLElement {
  connectedCallback() {
    this.onSubmit = (event) => this.submit(event);
    this.addEventListener("submit", this.onSubmit);
  }

  disconnectedCallback() {
    this.removeEventListener("submit", this.onSubmit);
  }

  async submit(event) {
    if (!this.hasAttribute("signed-in")) return;
    event.preventDefault();
    const form = event.target;
    if (form.hasAttribute("aria-busy")) return;
    const button = form.querySelector("button");
    const label = button.textContent;
    button.textContent = button.dataset.busy;
    form.setAttribute("aria-busy", "true");
    try {
      await this.ask(form, form.elements.standing.value === "1");
    } catch {
      say(this.dataset.trouble, "error");
    } finally {
      form.removeAttribute("aria-busy");
      button.textContent = label;
    }
  }

  // A crowd may have to wait: what is refused for lack of time is asked again when the server says so.
  async ask(form, standing) {
    for (let left = TRIES; left; left -= 1) {
      const answer = await fetch(GATE, {
        method: "POST",
        credentials: "same-origin",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ offer: this.getAttribute("offer"), standing }),
      });
      if (answer.status === 401) return form.submit(); // the pass is over: the page's own way leads to signing in
      const said = await answer.json();
      if (answer.ok) return this.done(form, said);
      if (!BUSY.includes(answer.status) || left === 1) return this.refused(said);
      const seconds = Number(answer.headers.get("retry-after")) || 2;
      say(this.dataset.busy.replace("{s}", seconds));
      await sleep(seconds);
    }
    return null;
  }

  done(form, said) {
    show(said.standing);
    count(said.count);
    say(said.standing ? this.dataset.done : this.dataset.gone, "success");
    const next = form.hidden && this.querySelector("form:not([hidden]) button");
    if (next) next.focus({ preventScroll: true }); // the bar sticks: its own place is at the end of the page
  }

  // The sale may have opened meanwhile, or a seat may be theirs: the page looks anew.
  refused(said) {
    say(said.text, "warning");
    const numbers = document.querySelector("live-numbers");
    if (numbers) numbers.dispatchEvent(new CustomEvent("refresh"));
  }
}

customElements.define("sale-reservation", SaleReservation);

document.addEventListener("offers:status", (event) => {
  if (Number.isInteger(event.detail.reserved)) count(event.detail.reserved);
});
