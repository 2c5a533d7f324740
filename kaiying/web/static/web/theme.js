// Light, dark or as the system: without this file the form posts and the page comes back; with it nothing reloads.

const YEAR = 60 * 60 * 24 * 365;

function choose(form, theme) {
  const secure = location.protocol === "https:" ? "; Secure" : "";
  document.cookie = `theme=${theme}; Path=/; Max-Age=${theme ? YEAR : 0}; SameSite=Lax${secure}`;
  if (theme) document.documentElement.dataset.theme = theme;
  else delete document.documentElement.dataset.theme;
  for (const button of form.querySelectorAll("button[name=theme]")) {
    button.setAttribute("aria-pressed", String(button.value === theme));
  }
}

// On click, not on submit: an old Safari does not say which button submitted a form.
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-theme-form] button[name=theme]");
  if (!button) return;
  event.preventDefault();
  choose(button.form, button.value);
});
