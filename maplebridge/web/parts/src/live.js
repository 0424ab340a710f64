// Keeps an open page true: hears which cases moved and draws their parts anew. What the reader is
// typing is never touched. Without a stream it asks every 15 seconds; hidden pages hear nothing
// and read what they missed when they are looked at again.
import htmx from "htmx.org";

const HIDDEN_MS = 5000;
const SILENT_MS = 40000;
const ASK_MS = 15000;
const AGAIN_MS = 60000;
const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 15000;
const FAILURES_BEFORE_ASKING = 3;
const GATHER_MS = 150;
const BETWEEN_MS = 1500;

function differs(field) {
  if (field.matches("[type=hidden], button, [type=submit]")) return false;
  if (field.matches("[type=checkbox], [type=radio]")) return field.checked !== field.defaultChecked;
  if (field.matches("select")) {
    return [...field.options].some((one) => one.selected !== one.defaultSelected) &&
      field.selectedIndex > 0;
  }
  return field.value !== field.defaultValue;
}

// Whether a part holds something of the reader's: a form in use, or where the reader is now.
function inUse(part) {
  if (part.querySelector("#move-form")) return true;
  if (part.contains(document.activeElement)) return true;
  return [...part.querySelectorAll("input, select, textarea")].some(differs);
}

class Live {
  constructor(box, start) {
    this.box = box;
    this.start = start;
    this.after = box.dataset.live;
    this.seen = new Map();
    this.failures = 0;
    this.away = false;
    this.drawnAt = 0;
    this.known();
    this.state("off");
    document.addEventListener("visibilitychange", () => this.looked());
    window.addEventListener("pagehide", () => this.close());
    window.addEventListener("pageshow", (event) => event.persisted && this.open());
    window.addEventListener("online", () => this.open());
    box.querySelector("[data-live-show]")?.addEventListener("click", () => this.draw(true));
    this.looked();
  }

  // The rows (or the case) this page shows, with the number of the last event drawn.
  known() {
    this.rows = [];
    for (const row of document.querySelectorAll("[data-case]")) {
      this.rows.push(row.dataset.case);
      this.see(row.dataset.case, Number(row.dataset.sequence));
    }
  }

  // Whether an event is news to this page; the same one told again is not.
  see(id, sequence) {
    if ((this.seen.get(id) ?? 0) >= sequence) return false;
    this.seen.set(id, sequence);
    return true;
  }

  question() {
    const asked = new URLSearchParams({ after: this.after });
    if (this.box.dataset.code) asked.set("code", this.box.dataset.code);
    const drawn = this.box.closest("[data-live-draws]");
    if (drawn) {
      asked.set("draws", drawn.dataset.liveDraws);
      for (const [name, value] of new URLSearchParams(drawn.dataset.liveAsked)) asked.set(name, value);
    }
    if (!this.box.dataset.code && this.rows.length) asked.set("rows", this.rows.slice(0, 60).join(","));
    return asked;
  }

  looked() {
    clearTimeout(this.hiding);
    if (document.visibilityState === "visible") this.open();
    else this.hiding = setTimeout(() => this.close(), HIDDEN_MS);
  }

  open() {
    if (document.visibilityState !== "visible") return;
    if (this.source && this.source.readyState !== 2) return;
    clearTimeout(this.next);
    if (this.asking || !window.EventSource) return this.ask();
    this.listen();
  }

  listen() {
    this.source?.close();
    const source = new EventSource(`/live/?${this.question()}`);
    this.source = source;
    this.heard();
    const told = (name, act) =>
      source.addEventListener(name, (event) => {
        if (this.source !== source) return;
        this.heard();
        if (event.lastEventId) this.after = event.lastEventId;
        act(event);
      });
    told("message", (event) => this.event(JSON.parse(event.data)));
    told("here", () => {
      this.failures = 0;
      this.asking = false;
      clearTimeout(this.asker);
      this.state("live");
    });
    told("paint", (event) => {
      const html = JSON.parse(event.data).html;
      this.swap(new DOMParser().parseFromString(html, "text/html"), false);
    });
    told("gone", (event) => this.gone(JSON.parse(event.data).case));
    told("reload", () => this.changed());
    told("away", () => this.state("again"));
    source.onerror = () => this.source === source && this.failed();
  }

  heard() {
    clearTimeout(this.silence);
    this.silence = setTimeout(() => this.failed(), SILENT_MS);
  }

  failed() {
    this.close();
    this.failures += 1;
    if (this.failures >= FAILURES_BEFORE_ASKING) return this.ask();
    this.state("again");
    this.next = setTimeout(() => this.open(), this.pause());
  }

  pause() {
    const pause = Math.min(FIRST_PAUSE_MS * 2 ** (this.failures - 1), LONGEST_PAUSE_MS);
    return pause * (0.5 + Math.random());
  }

  close() {
    this.source?.close();
    this.source = null;
    clearTimeout(this.silence);
    clearTimeout(this.next);
    clearTimeout(this.asker);
  }

  // Asks instead of listening; tries the stream again from time to time, and as soon as a server
  // that was away answers.
  async ask() {
    let away = false;
    if (!this.asking) {
      this.asking = true;
      this.askedFrom = Date.now();
    }
    clearTimeout(this.asker);
    if (document.visibilityState !== "visible") return;
    try {
      const answer = await fetch(`/live/since/?${this.question()}`, { redirect: "error" });
      if (answer.status === 403) return this.state("off");
      if (!answer.ok) throw new Error(answer.status);
      const said = await answer.json();
      this.after = said.here;
      for (const event of said.events) this.event(event);
      for (const id of said.gone) this.gone(id);
      if (said.reload) this.changed();
      this.state("asking");
    } catch {
      away = true;
      this.failures += 1;
      this.state("again");
    }
    const late = Date.now() - this.askedFrom > AGAIN_MS;
    if (window.EventSource && !away && (this.away || late)) {
      this.away = false;
      this.askedFrom = Date.now();
      this.failures = FAILURES_BEFORE_ASKING - 1;
      this.listen();
    } else {
      this.away = away;
      this.asker = setTimeout(() => this.ask(), away ? this.pause() : ASK_MS);
    }
  }

  event({ case: id, sequence }) {
    // A receipt also hears of the case its own was merged into, numbered apart; drawing twice
    // shows nothing twice.
    const fresh = this.see(id, sequence) || this.box.dataset.code;
    const only = this.box.dataset.only;
    if (fresh && (!only || only === id)) this.changed();
  }

  gone(id) {
    this.seen.delete(id);
    if (this.rows.includes(id)) this.changed();
  }

  // Draws soon, and not much more often than once in BETWEEN_MS however much happens.
  changed() {
    // What is drawn by the stream itself need not be asked for while the stream lives.
    if (this.source && !this.asking && this.box.closest("[data-live-draws]")) return;
    this.stale = true;
    if (this.drawing) return;
    const wait = Math.max(GATHER_MS * (0.5 + Math.random()),
      this.drawnAt + BETWEEN_MS - Date.now());
    this.drawing = setTimeout(() => this.draw(false), wait);
  }

  async draw(asked) {
    clearTimeout(this.drawing);
    this.drawing = true;
    this.stale = false;
    try {
      const answer = await fetch(this.address(), { headers: { "X-Live": "1" } });
      const path = new URL(answer.url).pathname;
      if (answer.status >= 500) throw new Error(answer.status);
      if (!answer.ok || path !== location.pathname) return this.say("lost");
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      this.swap(fresh, asked);
    } catch {
      setTimeout(() => this.changed(), ASK_MS / 3);
    } finally {
      this.drawing = null;
      this.drawnAt = Date.now();
      // Something happened while the page was fetched.
      if (this.stale) this.changed();
    }
  }

  // What is drawn anew: the whole page, or what draws only its live parts, from the last news on.
  address() {
    const only = this.box.closest("[data-live-source]")?.dataset.liveSource;
    return only ? `${only}&after=${this.after}` : location.href;
  }

  // Puts in every part that differs, unless the reader is at work in it.
  swap(fresh, asked) {
    let kept = false;
    let drawn = false;
    for (const part of document.querySelectorAll("[data-live-part]")) {
      const other = fresh.getElementById(part.id);
      if (!other || plain(part) === plain(other)) continue;
      if (!asked && this.stays(part)) {
        kept = true;
        continue;
      }
      const put = document.importNode(other, true);
      part.replaceWith(put);
      htmx.process(put);
      this.start(put);
      drawn = true;
    }
    const box = fresh.querySelector("[data-live]");
    this.known();
    if (box && this.source === null) this.after = box.dataset.live;
    if (kept) this.say("waiting");
    else if (drawn) this.say("changed");
    if (drawn) document.dispatchEvent(new CustomEvent("live:drawn"));
  }

  stays(part) {
    if (part.dataset.livePart === "list") {
      return part.contains(document.activeElement) || window.scrollY > window.innerHeight / 2;
    }
    return inUse(part);
  }

  say(name) {
    for (const said of this.box.querySelectorAll("[data-live-said]")) {
      said.hidden = said.dataset.liveSaid !== name;
    }
    const loud = this.box.querySelector("[data-live-loud]");
    const words = this.box.dataset[`${name}Words`] ?? "";
    // The same words twice are read once; a space more makes them new.
    loud.textContent = loud.textContent === words ? `${words}\u00a0` : words;
  }

  state(name) {
    const shown = this.box.querySelector("[data-live-state]");
    shown.hidden = name === "off";
    shown.dataset.liveState = name;
    shown.textContent = shown.dataset[`${name}Words`] ?? "";
  }
}

// What a reader sees of a part: form keys and tokens differ in every copy of a page.
function plain(part) {
  const copy = part.cloneNode(true);
  for (const hidden of copy.querySelectorAll("input[type=hidden], .count, .loading")) hidden.remove();
  for (const one of copy.querySelectorAll("[data-watched], [data-counted]")) {
    one.removeAttribute("data-watched");
    one.removeAttribute("data-counted");
  }
  for (const opening of copy.querySelectorAll("details[open]")) opening.removeAttribute("open");
  return copy.innerHTML.replace(/ class="[^"]*"| aria-[a-z]+="[^"]*"/g, "").replace(/\s+/g, " ");
}

export function startLive(root, start) {
  const box = root.querySelector("[data-live]");
  if (!box || box.live) return;
  box.live = new Live(box, start);
}
