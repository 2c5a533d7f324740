// <claim-button offer="slug" waitlist="…/waitlist/" data-busy data-again data-waiting data-offline data-trouble>: the
// form inside goes to the gate. Nothing is shown as won before the server has said so; what is refused for lack of time is
// asked again, with the same key, when the server says when. Whatever else is refused goes the page's own way, which
// explains it: signing in, a price that moved, a sale that ended. Without this script the form works as it stands.

const GATE = "/gate/claims";
const LONGEST = 15000; // then the answer is lost; asking again with the same key finds out
const TROUBLES = 3;
const PAUSE = 2;
const LATER = [429, 503];
const LINE = ["sold_out", "wait_your_turn"];

class ClaimButton extends HTMLElement {
  connectedCallback() {
    this.onSubmit = (event) => this.submit(event);
    this.onShow = (event) => { if (event.persisted) this.rest(""); };
    this.onOnline = () => { if (this.offline) this.offline(); };
    this.addEventListener("submit", this.onSubmit);
    addEventListener("pageshow", this.onShow);
    addEventListener("online", this.onOnline);
  }

  disconnectedCallback() {
    this.gone = true;
    this.removeEventListener("submit", this.onSubmit);
    removeEventListener("pageshow", this.onShow);
    removeEventListener("online", this.onOnline);
  }

  get form() { return this.querySelector("form"); }

  get button() { return this.querySelector("button"); }

  submit(event) {
    event.preventDefault();
    if (this.form.hasAttribute("aria-busy")) return;
    this.label = this.label || this.button.textContent;
    this.form.setAttribute("aria-busy", "true"); // also keeps the numbers from taking the form away
    this.go(0);
  }

  async go(troubles) {
    if (this.gone) return;
    this.say("", this.dataset.busy);
    const answer = await this.ask();
    if (!answer) return this.unheard(troubles);
    const said = await answer.json().catch(() => ({}));
    if (answer.ok && said.checkout) return location.assign(said.checkout);
    if (LATER.includes(answer.status)) return this.later(answer, said);
    if (answer.status >= 500) return this.unheard(troubles);
    if (said.where) return location.assign(said.where);
    if (LINE.includes(said.code)) return location.assign(this.getAttribute("waitlist"));
    return this.form.submit();
  }

  async ask() {
    const stop = new AbortController();
    const timer = setTimeout(() => stop.abort(), LONGEST);
    const fields = this.form.elements;
    const wish = {
      offer: this.getAttribute("offer"),
      max_price: Number(fields.max_price.value),
      key: fields.key.value,
    };
    if (this.captcha) wish.captcha = this.captcha;
    try {
      return await fetch(GATE, {
        method: "POST",
        credentials: "same-origin",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(wish),
        signal: stop.signal,
      });
    } catch {
      return null; // nobody knows whether it arrived; the key makes asking again safe
    } finally {
      clearTimeout(timer);
    }
  }

  // Too busy, or too often. A page that knows a captcha answers "claim:captcha" by setting the element's `captcha`.
  later(answer, said) {
    if (said.captcha && this.dispatchEvent(new CustomEvent("claim:captcha", { bubbles: true, cancelable: true })) === false) {
      return this.rest("");
    }
    const seconds = Number(said.retry_after || answer.headers.get("retry-after")) || PAUSE;
    this.say(said.text || "", this.dataset.again.replace("{s}", Math.ceil(seconds)));
    this.timer = setTimeout(() => this.go(0), seconds * 1000);
  }

  unheard(troubles) {
    if (!navigator.onLine) {
      this.say(this.dataset.offline, this.dataset.waiting);
      this.offline = () => { this.offline = null; this.go(0); };
    } else if (troubles < TROUBLES) {
      this.say(this.dataset.trouble, this.dataset.waiting);
      this.timer = setTimeout(() => this.go(troubles + 1), PAUSE * 1000);
    } else {
      this.form.submit(); // the page's own way says what is wrong
    }
  }

  say(text, label) {
    const line = this.querySelector("[role=status]");
    if (line.textContent !== text) line.textContent = text;
    this.button.textContent = label;
  }

  rest(text) {
    clearTimeout(this.timer);
    this.offline = null;
    if (!this.form || !this.label) return;
    this.form.removeAttribute("aria-busy");
    this.say(text, this.label);
  }
}

customElements.define("claim-button", ClaimButton);
