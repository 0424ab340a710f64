// The sentences of the script and the one place where they are shown.

export const words = JSON.parse(document.getElementById("worker-words")?.textContent ?? "{}");

export function fill(name, values = {}) {
  return (words[name] ?? "").replace(/\{(\w+)\}/g, (_, blank) => values[blank] ?? "");
}

const LATER = "worker-said";

// A sentence to the reader; tone: water, jade, amber or crimson.
export function say(text, tone = "water", signIn = false) {
  const box = document.querySelector("[data-worker-state]");
  if (!box) return;
  box.hidden = !text;
  box.className = `note worker-state tone-${tone}`;
  box.querySelector("[data-worker-said]").textContent = text;
  box.querySelector("[data-worker-in]").hidden = !signIn;
}

// The same, on the next page.
export function sayLater(text, tone = "jade") {
  sessionStorage.setItem(LATER, JSON.stringify({ text, tone }));
}

export function sayNow() {
  const left = sessionStorage.getItem(LATER);
  if (!left) return false;
  sessionStorage.removeItem(LATER);
  const { text, tone } = JSON.parse(left);
  say(text, tone);
  return true;
}

export const clockTime = (at) =>
  new Intl.DateTimeFormat(document.documentElement.lang || undefined, {
    month: "numeric", day: "numeric", hour: "2-digit", minute: "2-digit", hour12: false,
  }).format(new Date(at));
