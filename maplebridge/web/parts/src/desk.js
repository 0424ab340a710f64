// A queue that is worked by keyboard: move, open, mark, search. Single keys are off while a field
// has the focus, and can be turned off altogether (WCAG 2.2, 2.1.4).

const KEPT = "maplebridge:keys";
const rows = () => [...document.querySelectorAll("#rows .case-row")];
const linkOf = (row) => row.querySelector("h2 a");
const keys = document.querySelector("[data-keys]");
const batch = document.querySelector("[data-batch]");

function allowed() {
  try {
    return localStorage.getItem(KEPT) !== "off";
  } catch {
    return true;
  }
}

function count() {
  if (!batch) return;
  const marked = document.querySelectorAll("input[form=batch]:checked").length;
  const shown = batch.querySelector("[data-batch-count]");
  shown.textContent = marked ? batch.dataset.words.replace("{n}", marked) : "";
  batch.classList.toggle("some", marked > 0);
  for (const row of rows()) {
    row.classList.toggle("marked", Boolean(row.querySelector("input[form=batch]")?.checked));
  }
}

function here() {
  return document.activeElement?.closest?.("#rows .case-row");
}

function step(by) {
  const all = rows();
  if (!all.length) return;
  const at = all.indexOf(here());
  const next = all[at < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(Math.max(at + by, 0), all.length - 1)];
  linkOf(next).focus();
  next.scrollIntoView({ block: "nearest" });
}

function search() {
  const field = document.getElementById("number");
  if (!field) return;
  field.closest("details").open = true;
  field.focus();
  field.select();
}

const ACTS = {
  j: () => step(1),
  ArrowDown: () => step(1),
  k: () => step(-1),
  ArrowUp: () => step(-1),
  x: () => here()?.querySelector("input[form=batch]")?.click(),
  b: () => batch && document.querySelector("input[form=batch]:checked") && batch.requestSubmit(),
  "/": search,
  "?": () => keys?.showModal(),
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || !allowed()) return;
  if (event.target.closest("input:not([type=checkbox]), textarea, select, dialog[open]")) return;
  // Arrows scroll the page unless somebody is among the rows.
  if (event.key.startsWith("Arrow") && !here()) return;
  const tab = /^[1-9]$/.test(event.key) && document.querySelectorAll(".tabs a")[event.key - 1];
  const act = tab ? () => tab.click() : ACTS[event.key];
  if (!act) return;
  event.preventDefault();
  act();
});

document.addEventListener("change", (event) => {
  if (event.target.matches("input[form=batch]")) count();
});
document.addEventListener("live:drawn", count);
window.addEventListener("pageshow", count);

for (const button of document.querySelectorAll("[data-keys-open]")) {
  button.hidden = false;
  button.addEventListener("click", () => keys?.showModal());
}
const on = document.querySelector("[data-keys-on]");
if (on) {
  on.checked = allowed();
  on.addEventListener("change", () => {
    try {
      localStorage.setItem(KEPT, on.checked ? "on" : "off");
    } catch {
      // Then it holds for this page alone.
    }
  });
}
count();
