// Acts in a dialog: a link with data-act opens the form of its page over the live numbers. Without this script, or
// without <dialog>, the link leads to the page itself. What was typed survives a refusal; Escape leaves all as it is.

const dialog = document.getElementById("act-dialog");
let from = null;

async function show(answer) {
  const copy = new DOMParser().parseFromString(await answer.text(), "text/html");
  const form = copy.getElementById("act");
  if (!form) return false;
  dialog.replaceChildren(form);
  if (!dialog.open) dialog.showModal();
  const first = dialog.querySelector(".is-error") || dialog.querySelector("[role=alert]");
  const field = dialog.querySelector("[aria-invalid=true], input:not([type=hidden])");
  (field || first || dialog).focus();
  return true;
}

async function open(link) {
  from = link.getAttribute("href");
  try {
    const answer = await fetch(link.href, { credentials: "same-origin" });
    if (answer.ok && await show(answer)) return;
  } catch { /* the page itself says more */ }
  location.assign(link.href);
}

async function send(form) {
  const button = form.querySelector("button");
  button.disabled = true;
  form.setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(form.action, { method: "POST", body: new FormData(form), credentials: "same-origin" });
    if (answer.status !== 200) {
      if (!(await show(answer))) form.submit();
      return;
    }
    await done(answer);
  } catch {
    button.disabled = false;
    form.removeAttribute("aria-busy");
    trouble(form);
  }
}

// The page we were sent to says what was done.
async function done(answer) {
  const copy = new DOMParser().parseFromString(await answer.text(), "text/html");
  dialog.close();
  for (const toast of copy.querySelectorAll(".toast")) {
    const detail = { text: toast.textContent.trim(), level: toast.dataset.level };
    document.dispatchEvent(new CustomEvent("toast", { detail }));
  }
  document.querySelector("live-desk").dispatchEvent(new Event("refresh"));
}

function trouble(form) {
  const note = document.createElement("p");
  note.className = "banner banner--warn";
  note.setAttribute("role", "alert");
  note.textContent = document.querySelector("toast-list").dataset.trouble;
  form.prepend(note);
}

if (dialog && dialog.showModal) {
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-act]");
    if (link && !event.metaKey && !event.ctrlKey && !event.shiftKey && event.button === 0) {
      event.preventDefault();
      const menu = link.closest("details");
      if (menu) menu.open = false;
      open(link);
    }
    if (event.target.closest("[data-cancel]") && dialog.open) {
      event.preventDefault();
      dialog.close();
    }
  });
  dialog.addEventListener("submit", (event) => {
    event.preventDefault();
    send(event.target);
  });
  dialog.addEventListener("close", () => {
    dialog.replaceChildren();
    const link = from && document.querySelector(`a[data-act][href="${CSS.escape(from)}"]`);
    const place = link && (link.closest("details") ? link.closest("details").querySelector("summary") : link);
    if (place) place.focus();
  });
}
