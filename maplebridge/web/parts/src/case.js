// The page of a case that two people may have open: says that it is, shows who else is there, and
// keeps what is typed as a draft. Without script the server does the same at each page.

const SIGN_MS = 15000;
const SOON_MS = 1000;
const PAUSE_MS = 1500;

function startTogether(box) {
  const shown = box.querySelector("[data-beside]");
  const said = () => new FormData(box);
  const openMove = () =>
    document.getElementById("move-form")?.action.match(/\/move\/([^/]+)\/$/)?.[1] ?? "";

  async function sign() {
    if (document.visibilityState !== "visible") return;
    const body = said();
    body.set("move", openMove());
    try {
      const answer = await fetch(box.dataset.together, { method: "POST", body, redirect: "error" });
      if (!answer.ok) return;
      const html = (await answer.text()).trim();
      const place = shown.querySelector("[role=status]");
      if (place.innerHTML.trim() !== html) {
        const drawn = new DOMParser().parseFromString(html, "text/html");
        place.replaceChildren(...drawn.body.childNodes);
      }
      shown.hidden = !html;
    } catch {
      // The next sign tells it.
    }
  }

  // Soon, too: the page before this one may say that it is gone after this one was drawn.
  setTimeout(sign, SOON_MS);
  setInterval(sign, SIGN_MS);
  document.addEventListener("visibilitychange", sign);
  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.target.id === "move-place") sign();
  });
  window.addEventListener("pagehide", () => {
    const body = said();
    body.set("gone", "yes");
    navigator.sendBeacon(box.dataset.together, body);
  });
}

function typed(form) {
  const body = new FormData(form);
  for (const [name, value] of [...body.entries()]) if (value instanceof File) body.delete(name);
  return body;
}

// Keeps the form a moment after the last key; what is sent last is what stands.
function startDraft(form) {
  const button = form.querySelector("[data-draft]");
  const status = form.querySelector("[data-draft-said]");
  if (!button || !status || form.dataset.drafting) return;
  form.dataset.drafting = "yes";
  let waiting;
  const keep = async () => {
    if (form.dataset.sending) return;
    try {
      const answer = await fetch(button.formAction, {
        method: "POST",
        body: typed(form),
        headers: { Accept: "application/json" },
        redirect: "error",
      });
      if (!answer.ok) throw new Error(answer.status);
      const { at } = await answer.json();
      status.textContent = at ? status.dataset.words.replace("{at}", at) : "";
    } catch {
      status.textContent = status.dataset.lost;
    }
  };
  form.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(keep, PAUSE_MS);
  });
  form.addEventListener("submit", () => clearTimeout(waiting));
}

function start() {
  const form = document.getElementById("move-form");
  if (form) startDraft(form);
}

const box = document.querySelector("[data-together]");
if (box) startTogether(box);
start();
document.addEventListener("htmx:afterSwap", start);
document.addEventListener("live:drawn", start);
