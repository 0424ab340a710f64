// A tap copies a code; where the browser does not let us, it says how to do it by hand.

export function startCopies() {
  document.addEventListener("click", async ({ target }) => {
    const button = target.closest?.("[data-copy]");
    if (!button) return;
    const said = button.parentElement.querySelector("[data-copy-said]");
    const words = button.querySelector("span");
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
      words.textContent = button.dataset.copied;
      said.textContent = button.dataset.copied;
    } catch {
      words.textContent = button.dataset.copyFailed;
      said.textContent = button.dataset.copyFailed;
    }
  });
}
