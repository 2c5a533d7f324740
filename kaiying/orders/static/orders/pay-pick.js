// The pay button names the chosen way to pay; without this it names the one that was chosen by the server.

for (const name of document.querySelectorAll("[data-pay-name]")) {
  document.addEventListener("change", (event) => {
    if (event.target.name === "provider") name.textContent = event.target.dataset.label;
  });
}
