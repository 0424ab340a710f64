// A call taken by keyboard: what stands beside the form follows the typing, a word of danger is
// shown at once, and a call that could not be sent stands there again.

const PAUSE_MS = 220;
const DRAFT = "maplebridge-call";
const LOOKED_AT = ["phone", "text", "place"];
const KEPT = ["phone", "name", "text", "place", "category", "about", "answer", "key", "answered_at"];

function words() {
  return JSON.parse(document.getElementById("danger-words")?.textContent ?? "{}");
}

// Which number to call: by the words alone, until the server has read the sentence.
function dangerIn(text, known) {
  for (const [number, said] of Object.entries(known)) {
    const word = said.find((one) => text.includes(one));
    if (word) return { number, word };
  }
  return { number: "", word: "" };
}

class Call {
  constructor(form) {
    this.form = form;
    this.part = document.querySelector("[data-beside-part]");
    this.said = document.querySelector("[data-beside-said]");
    this.known = words();
    form.querySelector("[data-look]").hidden = true;
    form.addEventListener("input", (event) => this.typed(event));
    form.addEventListener("change", () => this.keep());
    form.addEventListener("keydown", (event) => this.key(event));
    document.addEventListener("keydown", (event) => this.anywhere(event));
    this.part.addEventListener("click", (event) => this.pick(event));
    document.querySelector("[data-draft-drop]")?.addEventListener("click", () => {
      sessionStorage.removeItem(DRAFT);
      window.location.assign(form.action);
    });
    this.answerable();
    this.restore();
  }

  field(name) {
    return this.form.elements[name];
  }

  typed(event) {
    if (!this.begun) {
      this.begun = true;
      if (!this.field("text").defaultValue) this.field("answered_at").value = new Date().toISOString();
    }
    this.keep();
    this.answerable();
    if (event.target.name === "text") this.warn(dangerIn(event.target.value, this.known));
    if (LOOKED_AT.includes(event.target.name)) this.soon();
  }

  // Only a question is answered in the call.
  answerable() {
    const box = this.form.querySelector(".call-answer");
    const nature = this.field("nature").value;
    box.hidden = nature !== "consult" && !this.field("answer").value;
  }

  warn({ number, word }) {
    for (const note of document.querySelectorAll("[data-danger]")) {
      const now = note.dataset.danger === number;
      if (note.hidden === now) note.hidden = !now;
      if (now) note.querySelector("[data-danger-words]").textContent = word;
    }
  }

  soon() {
    clearTimeout(this.next);
    this.next = setTimeout(() => this.look(), PAUSE_MS);
  }

  async look() {
    this.asking?.abort();
    const asking = new AbortController();
    this.asking = asking;
    try {
      const answer = await fetch(this.form.dataset.beside, {
        method: "POST",
        body: new FormData(this.form),
        signal: asking.signal,
      });
      if (!answer.ok || answer.redirected) throw new Error(String(answer.status));
      this.show(await answer.text());
    } catch (fault) {
      if (fault.name !== "AbortError") this.said.textContent = this.form.dataset.away;
    }
  }

  show(html) {
    // Whoever is reading there keeps what is read.
    if (this.part.contains(document.activeElement)) return;
    const drawn = new DOMParser().parseFromString(html, "text/html");
    this.part.replaceChildren(...drawn.body.childNodes);
    const found = this.part.querySelector("[data-found-danger]").dataset;
    this.warn({ number: found.foundDanger, word: found.foundWords });
    this.said.textContent = this.form.dataset.found
      .replace("{mine}", found.foundMine)
      .replace("{twins}", found.foundTwins);
  }

  key(event) {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      this.form.requestSubmit(this.form.querySelector(".button.main"));
    } else if (event.key === "Enter" && event.target.matches("input")) {
      event.preventDefault();
      this.onward(event.target);
    } else if (/^[1-6]$/.test(event.key) && event.target.name === "nature") {
      const chosen = this.form.querySelector(`[data-digit="${event.key}"]`);
      event.preventDefault();
      chosen.checked = true;
      chosen.focus();
      chosen.dispatchEvent(new Event("input", { bubbles: true }));
    }
  }

  anywhere(event) {
    if (event.key === "F2") {
      event.preventDefault();
      this.left = document.activeElement;
      this.part.querySelector("a, button")?.focus();
    } else if (event.key === "Escape" && this.part.contains(document.activeElement)) {
      (this.left ?? this.field("text")).focus();
      this.soon();
    }
  }

  // The next field that can be seen; of choices one is enough.
  onward(from) {
    const there = [...this.form.querySelectorAll("input, textarea, select, button.main")].filter(
      (one) => one.type !== "hidden" && one.type !== "checkbox" && one.getClientRects().length,
    );
    const natures = there.filter((one) => one.name === "nature");
    const kept = natures.find((one) => one.checked) ?? natures[0];
    const stops = there.filter((one) => one.name !== "nature" || one === kept);
    const here = stops.indexOf(from.name === "nature" ? kept : from);
    stops[here + 1]?.focus();
  }

  pick(event) {
    const button = event.target.closest("[data-pick]");
    if (!button) return;
    const field = this.field(button.dataset.pick);
    field.value = button.dataset.value;
    field.focus();
    this.keep();
    this.soon();
  }

  keep() {
    const kept = Object.fromEntries(KEPT.map((name) => [name, this.field(name).value]));
    kept.nature = this.field("nature").value;
    kept.anonymous = this.field("anonymous").checked;
    kept.under = this.field("under")?.value ?? "";
    try {
      sessionStorage.setItem(DRAFT, JSON.stringify(kept));
    } catch {
      // A full or forbidden storage takes nothing away: the form itself still holds it all.
    }
  }

  restore() {
    if (document.getElementById("problems") || this.field("text").value) return;
    const kept = JSON.parse(sessionStorage.getItem(DRAFT) ?? "null");
    if (!kept || !kept.text || kept.under !== (this.field("under")?.value ?? "")) return;
    for (const name of KEPT) this.field(name).value = kept[name] ?? "";
    this.field("nature").value = kept.nature;
    this.field("anonymous").checked = kept.anonymous;
    this.begun = true;
    document.querySelector("[data-draft]").hidden = false;
    this.answerable();
    this.soon();
  }
}

document.addEventListener("DOMContentLoaded", () => {
  const form = document.querySelector("[data-call]");
  if (form) new Call(form);
  const taken = document.querySelector("[data-taken]");
  if (!taken) return;
  sessionStorage.removeItem(DRAFT);
  document.addEventListener("keydown", (event) => {
    if (event.key.toLowerCase() !== "n" || event.ctrlKey || event.altKey || event.metaKey) return;
    taken.querySelector("[data-next-call]").click();
  });
});
