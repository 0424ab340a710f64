// A check list that outlives the network: what is answered stays on this phone until it is written
// down. The server takes the same visit any number of times and opens each hazard once, so sending
// again is always right. Kept are answers about a place of work, for three days, and no person.

const KEPT_MS = 72 * 3600 * 1000;
const AGAIN_MS = 15000;
const OPEN = "form[data-checklist]";

const name = (form) => `checklist:${form.dataset.checklist}`;

function kept(form) {
  try {
    const found = JSON.parse(localStorage.getItem(name(form)) ?? "null");
    return found && Date.now() - found.at <= KEPT_MS ? found : null;
  } catch {
    return null;
  }
}

function forget(form) {
  try {
    localStorage.removeItem(name(form));
  } catch {
    // A browser without storage has kept nothing.
  }
}

function keep(form, waiting) {
  const said = [...new FormData(form)].filter(([key]) => /^(is|seen)-/.test(key));
  try {
    localStorage.setItem(name(form), JSON.stringify({ said, waiting, at: Date.now() }));
  } catch {
    // No room: the open page still holds everything.
  }
}

function putBack(form, said) {
  for (const [key, value] of said) {
    for (const field of form.elements[key]?.length ? form.elements[key] : [form.elements[key]]) {
      if (field?.type === "radio") field.checked ||= field.value === value;
      else if (field && !field.value) field.value = value;
    }
  }
}

function show(form, which) {
  for (const note of form.querySelectorAll("[data-said]")) note.hidden = note.dataset.said !== which;
}

async function send(form) {
  keep(form, true);
  let answer;
  let text;
  try {
    answer = await fetch(form.action || location.href, { method: "POST", body: new FormData(form) });
    text = await answer.text();
  } catch {
    show(form, "gone");
    return;
  } finally {
    form.dispatchEvent(new CustomEvent("htmx:afterRequest"));
  }
  const page = new DOMParser().parseFromString(text, "text/html");
  if (answer.ok && !page.querySelector(OPEN) && page.querySelector("[data-visit-made]")) {
    forget(form);
    location.assign(answer.url);
    return;
  }
  if (answer.status === 422 && page.querySelector(OPEN)) {
    keep(form, false);
    const main = document.getElementById("main");
    main.replaceChildren(...document.importNode(page.getElementById("main"), true).childNodes);
    main.dispatchEvent(new CustomEvent("htmx:load", { detail: { elt: main }, bubbles: true }));
    main.querySelector(".error, [role=alert]")?.scrollIntoView({ block: "center" });
    return;
  }
  // A server in trouble, or a session that has ended: the answers stay where they are.
  show(form, answer.status >= 500 ? "gone" : "signed-out");
}

function again() {
  const form = document.querySelector(OPEN);
  if (form && kept(form)?.waiting && !form.querySelector("[data-said=gone]").hidden) send(form);
}

function start(root) {
  for (const form of root.querySelectorAll(OPEN)) {
    if (form.dataset.kept) continue;
    form.dataset.kept = "yes";
    const before = kept(form);
    if (before) putBack(form, before.said);
    form.addEventListener("input", () => keep(form, false));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      send(form);
    });
    if (before?.waiting) show(form, "gone");
  }
}

start(document);
document.addEventListener("htmx:load", (event) => start(event.target));
window.addEventListener("online", again);
setInterval(again, AGAIN_MS);
