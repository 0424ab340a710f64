// Sends the report without leaving the page: while the network or the server is away everything
// stays where it is, and the same form, with the same key, can be sent again.
import { forget, keep, putBack } from "./draft.js";

const KEEP_AFTER_MS = 400;

function show(form, name, on = true) {
  const note = form.querySelector(`[data-said=${name}]`);
  if (note) note.hidden = !on;
  if (on && note?.getAttribute("role") === "alert") note.scrollIntoView({ block: "center" });
}

function calm(form) {
  form.dispatchEvent(new CustomEvent("htmx:afterRequest"));
}

/** The same words under the same key count once; other words are another report. */
function keyed(form) {
  const words = form.querySelector("[name=text]").value;
  const { tried } = form.dataset;
  if (tried !== undefined && tried !== words) {
    const drawn = crypto.getRandomValues(new Uint8Array(16));
    const key = [...drawn].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    form.querySelector("[name=key]").value = key;
  }
  form.dataset.tried = words;
  if (form.dataset.draft) keep(form, form.dataset.draft);
}

/** Lays the server's answer into this page: the form with its sentences, or whatever it says. */
function laidIn(form, text) {
  const answer = new DOMParser().parseFromString(text, "text/html");
  if (!answer.querySelector("form[data-report]")) return false;
  const main = document.getElementById("main");
  main.replaceChildren(...document.importNode(answer.getElementById("main"), true).childNodes);
  const event = new CustomEvent("htmx:load", { detail: { elt: main }, bubbles: true });
  main.dispatchEvent(event);
  main.querySelector("[data-read-first]")?.focus();
  window.scrollTo(0, 0);
  return true;
}

async function send(form) {
  await form.querySelector("[data-voice]")?.voice?.stop();
  show(form, "gone", false);
  show(form, "back", false);
  keyed(form);
  let answer;
  let text;
  try {
    answer = await fetch(form.action, {
      method: "POST",
      body: new FormData(form),
      headers: { Accept: "text/html" },
    });
    text = await answer.text();
  } catch {
    calm(form);
    return show(form, "gone");
  }
  if (answer.redirected && answer.ok) {
    if (form.dataset.draft) forget(form.dataset.draft);
    location.assign(answer.url);
    return;
  }
  if (laidIn(form, text)) return;
  calm(form);
  // A server that is away says it in its own words; anything else is a page to be gone to.
  if (answer.status >= 500) return show(form, "gone");
  form.submit();
}

function startDraft(form) {
  const name = form.dataset.draft;
  // A form that came back with its sentences has its words already.
  show(form, "kept", !document.getElementById("problems") && putBack(form, name));
  let later;
  const now = () => {
    clearTimeout(later);
    show(form, "full", !keep(form, name));
  };
  form.addEventListener("input", () => {
    clearTimeout(later);
    later = setTimeout(now, KEEP_AFTER_MS);
  });
  form.addEventListener("submit", now);
  form.querySelector("[data-draft-clear]").addEventListener("click", () => {
    clearTimeout(later);
    forget(name);
    location.assign(form.action);
  });
}

export function startReports(root) {
  for (const form of root.querySelectorAll("form[data-report]")) {
    if (form.dataset.sends) continue;
    form.dataset.sends = "yes";
    if (form.dataset.draft) startDraft(form);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      send(form);
    });
    window.addEventListener("online", () => {
      if (!form.isConnected || form.querySelector("[data-said=gone]").hidden) return;
      show(form, "gone", false);
      show(form, "back");
    });
  }
}
