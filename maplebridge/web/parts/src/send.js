// A form is sent once: its button says that it is working, and a second tap does nothing.
// The server keeps the same promise by the form's key; this only spares the reader the doubt.

function calm(form) {
  delete form.dataset.sending;
  for (const button of form.querySelectorAll("[aria-busy]")) button.removeAttribute("aria-busy");
}

export function startSends(root) {
  const forms = root.matches?.("form[data-once]") ? [root] : [];
  for (const form of [...forms, ...root.querySelectorAll("form[data-once]")]) {
    if (form.dataset.watched) continue;
    form.dataset.watched = "yes";
    form.addEventListener("submit", (event) => {
      if (form.dataset.sending) {
        event.preventDefault();
        event.stopImmediatePropagation();
        return;
      }
      form.dataset.sending = "yes";
      const button = event.submitter ?? form.querySelector("button:not([type=button])");
      button?.setAttribute("aria-busy", "true");
    });
    form.addEventListener("htmx:afterRequest", () => calm(form));
  }
}

window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sending]")) calm(form);
});
