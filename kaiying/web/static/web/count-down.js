// <count-down ends-at="ISO" now="ISO" format="clock|hold|days" role="timer">: the server's clock, counted here.
// At zero it dispatches "countdown:over" (cancelable), then asks the server: the element named by refresh="id" gets a
// "refresh" event (hx-trigger="refresh"), or without that attribute the page reloads. Words come from data attributes.

const SECOND = 1000;
const SPREAD = 3000; // everybody's clock reaches zero at once; their questions must not

const two = (number) => String(number).padStart(2, "0");

class CountDown extends HTMLElement {
  connectedCallback() {
    this.ends = Date.parse(this.getAttribute("ends-at"));
    const now = Date.parse(this.getAttribute("now"));
    this.offset = Number.isNaN(now) ? 0 : now - Date.now();
    if (Number.isNaN(this.ends)) return;
    // Over before it began: the server has already said so, asking again would go round in circles.
    this.asked = this.left() <= 0;
    this.announcer = document.createElement("span");
    this.announcer.className = "sr";
    this.announcer.setAttribute("role", "status");
    document.body.append(this.announcer);
    this.last = this.left();
    this.tick();
  }

  disconnectedCallback() {
    clearTimeout(this.timer);
    clearTimeout(this.question);
    if (this.announcer) this.announcer.remove();
  }

  left() {
    return Math.max(0, Math.ceil((this.ends - Date.now() - this.offset) / SECOND));
  }

  tick() {
    const left = this.left();
    this.draw(left);
    this.announce(left);
    this.last = left;
    if (left <= 0) this.over();
    else this.timer = setTimeout(() => this.tick(), SECOND - ((Date.now() + this.offset) % SECOND) + 5);
  }

  draw(left) {
    const days = Math.floor(left / 86400);
    const hours = Math.floor(left / 3600);
    const minutes = Math.floor(left / 60);
    const format = this.getAttribute("format") || "clock";
    if (format === "hold") this.fill([`${two(minutes)}:${two(left % 60)}`]);
    else if (format === "days") this.fill([this.spoken(days, hours % 24, minutes % 60)]);
    else this.fill([two(hours), two(minutes % 60), two(left % 60)]);
  }

  // Text nodes are swapped, not elements, so widths do not jump and a screen reader keeps its place.
  fill(parts) {
    const boxes = this.querySelectorAll("b");
    if (boxes.length === parts.length) {
      parts.forEach((part, place) => { if (boxes[place].textContent !== part) boxes[place].textContent = part; });
      return;
    }
    if (parts.length === 1) {
      if (this.textContent !== parts[0]) this.textContent = parts[0];
      return;
    }
    this.replaceChildren(...parts.flatMap((part, place) => {
      const box = document.createElement("b");
      box.textContent = part;
      return place ? [":", box] : [box];
    }));
  }

  spoken(days, hours, minutes) {
    const put = (name, values) => (this.dataset[name] || "").replace(/\{(\w)\}/g, (_all, key) => values[key]);
    if (days) return put("days", { d: days, h: hours });
    if (hours) return put("hours", { h: hours, m: minutes });
    return put("minutes", { m: Math.max(1, minutes) });
  }

  announce(left) {
    const passed = (seconds) => this.last > seconds && left <= seconds;
    if (passed(300)) this.announcer.textContent = this.dataset.five || "";
    else if (passed(60)) this.announcer.textContent = this.dataset.one || "";
    else if (passed(0)) this.announcer.textContent = this.dataset.over || "";
  }

  over() {
    this.classList.add("is-over");
    if (this.asked) return;
    this.asked = true;
    const go = this.dispatchEvent(new CustomEvent("countdown:over", { bubbles: true, cancelable: true }));
    if (go) this.question = setTimeout(() => this.ask(), Math.random() * SPREAD);
  }

  ask() {
    const part = this.getAttribute("refresh");
    if (part) {
      const target = document.getElementById(part);
      if (target) target.dispatchEvent(new CustomEvent("refresh"));
      return;
    }
    // Never take a half-written sentence away: wait until the person leaves the box.
    const box = document.activeElement;
    if (box && box.matches("textarea, input:not([type=hidden])") && box.value) {
      box.addEventListener("blur", () => location.reload(), { once: true });
      return;
    }
    location.reload();
  }
}

customElements.define("count-down", CountDown);
