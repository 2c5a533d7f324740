// Forms: one tap sends once, and what was typed survives a reload.
//   <button data-busy="Paying…">      the label while the form is on its way
//   <textarea data-draft="reply-7">   kept in this tab until the server has taken it

const HTMX = ["hx-post", "hx-put", "hx-patch", "hx-delete"];
const LONGEST = 15000;
const busy = new Map();
const sent = new Map();

function begin(form, button) {
  const label = button && button.dataset.busy ? button.textContent : null;
  if (label !== null) button.textContent = button.dataset.busy;
  form.setAttribute("aria-busy", "true");
  // A download answers without a new page; then nothing else would free the form.
  busy.set(form, { button, label, timer: setTimeout(() => end(form), LONGEST) });
}

function end(form) {
  const was = busy.get(form);
  if (!was) return;
  clearTimeout(was.timer);
  form.removeAttribute("aria-busy");
  if (was.label !== null) was.button.textContent = was.label;
  busy.delete(form);
}

const isHtmx = (form) => HTMX.some((name) => form.hasAttribute(name) || form.hasAttribute(`data-${name}`));

document.addEventListener("submit", (event) => {
  if (!busy.has(event.target)) return;
  event.preventDefault();
  event.stopImmediatePropagation();
}, true);

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method === "get" || form.method === "dialog") return;
  if (event.defaultPrevented && !isHtmx(form)) return;
  begin(form, event.submitter || form.querySelector("[type=submit], button:not([type])"));
  for (const box of form.querySelectorAll("textarea[data-draft]")) {
    store("sent", box, "1");
    sent.set(box, box.value);
  }
});

const formOf = ({ ctx }) => ctx && ctx.sourceElement && (ctx.sourceElement.closest("form") || ctx.sourceElement);

// Before the swap: what was taken must not be put back into the new box; what was typed since stays.
document.addEventListener("htmx:after:request", (event) => {
  const form = formOf(event.detail);
  if (!form) return;
  const taken = event.detail.ctx.response.status < 400;
  for (const box of form.querySelectorAll("textarea[data-draft]")) {
    if (taken && box.value === sent.get(box)) store("draft", box, null);
  }
});

// By now the swap may have put another element in the form's place.
document.addEventListener("htmx:finally:request", (event) => {
  const form = formOf(event.detail);
  for (const one of [...busy.keys()]) if (one === form || !one.isConnected) end(one);
  for (const box of [...sent.keys()]) {
    if (box.isConnected && box.form !== form) continue;
    store("sent", box, null);
    sent.delete(box);
  }
});

// A page that comes back from the browser's memory must not stay locked.
addEventListener("pageshow", (event) => { if (event.persisted) [...busy.keys()].forEach(end); });

const keyOf = (box) => `${location.pathname}:${box.dataset.draft || box.name}`;

function store(kind, box, value) {
  const key = `${kind}:${typeof box === "string" ? box : keyOf(box)}`;
  try {
    if (value === null) sessionStorage.removeItem(key);
    else sessionStorage.setItem(key, value);
  } catch { /* a private window may refuse; then there is no draft */ }
}

function stored(kind) {
  try {
    return Object.keys(sessionStorage).filter((key) => key.startsWith(`${kind}:`)).map((key) => key.slice(kind.length + 1));
  } catch {
    return [];
  }
}

function restore(root) {
  for (const box of root.querySelectorAll("textarea[data-draft]")) {
    let kept = null;
    try { kept = sessionStorage.getItem(`draft:${keyOf(box)}`); } catch { /* see above */ }
    if (kept && !box.value) {
      box.value = kept;
      box.dispatchEvent(new Event("input", { bubbles: true }));
    }
  }
}

document.addEventListener("input", (event) => {
  const box = event.target;
  if (box.matches && box.matches("textarea[data-draft]")) store("draft", box, box.value || null);
});

// The page after a sent form tells whether it was taken; an error page carries data-failed and keeps the drafts.
const failed = document.querySelector("[data-failed], .errorlist, [aria-invalid=true]");
for (const key of stored("sent")) {
  store("sent", key, null);
  if (!failed) store("draft", key, null);
}
restore(document);
document.addEventListener("htmx:after:swap", () => restore(document));
