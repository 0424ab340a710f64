// Starts the worker's pages: keeps them for flight mode, shows what is kept, and lets the outbox run.
import { openOutbox, progress } from "../outbox/outbox.js";
import { overHttp } from "../outbox/transport.js";
import { badge, startBox, unsent } from "./box.js";
import { shrink } from "./camera.js";
import { freshen } from "./clocks.js";
import { startForms } from "./forms.js";
import { startTaking } from "./hand.js";
import * as kept from "./kept.js";
import { clockTime, fill, say, sayNow, words } from "./said.js";

const REFRESH_MS = 60e3;
const CLOCKS_MS = 30e3;
const SYNC = "outbox-";
const KEEPER = "worker-keeper";
const CACHES = "worker-";

const root = document.querySelector("[data-worker]");
const told = root?.dataset ?? {};
const isShell = told.here === "shell";
const canKeep = Boolean(window.isSecureContext && window.indexedDB && crypto.subtle);
let outbox = null;
let keeper = told.keeper;
let refreshedAt = 0;
let wiping = false;
const send = overHttp(told.scope);

const part = () => document.getElementById("worker-part");

const showTemplate = (name) =>
  part().replaceChildren(document.getElementById(`worker-${name}`).content.cloneNode(true));

function startPart() {
  startForms(part(), outbox, told.box);
  if (outbox) {
    startBox(part(), outbox);
    startTaking(part(), outbox, progress);
    startPhone();
  }
}

// -- kept pages --------------------------------------------------------------------------

async function showKept() {
  // The service worker gives the frame for any address; the address says what to put into it.
  const path = location.pathname;
  const found = await kept.page(path).catch(() => null);
  const here = { [told.report]: "report", [told.box]: "box", [told.phone]: "phone" }[path];
  for (const link of document.querySelectorAll(".worker-nav a")) {
    const own = new URL(link.href).pathname;
    if (own === path || (own === told.scope && path.startsWith(`${told.scope}task/`))) {
      link.setAttribute("aria-current", "page");
    } else link.removeAttribute("aria-current");
  }
  if (found?.html) {
    part().innerHTML = found.html;
    document.title = document.title.replace(/^[^·]*/, `${found.title} `);
    await fillPhotos();
    // Where the phone says that it has a network, the server is what is missing.
    say(fill(navigator.onLine ? "away" : "offline", { at: clockTime(found.drawnAt) }));
  } else if (here) {
    showTemplate(here);
    say(words.offline_box);
  } else {
    showTemplate("empty");
    say(found?.old ? fill("old", { hours: found.hours }) : words.offline_empty, "amber");
  }
  sayNow();
  freshen(part());
}

async function fillPhotos() {
  for (const image of part().querySelectorAll("img[src*='/photo/']")) {
    const path = new URL(image.src).pathname;
    const found = await kept.photo(path).catch(() => null);
    const link = image.closest("a");
    if (found) {
      image.src = found;
      if (link) link.href = found;
    } else (link ?? image).remove();
  }
}

async function refresh(force = false) {
  // A phone that was just wiped keeps nothing anew.
  if (wiping || !navigator.onLine || (!force && Date.now() - refreshedAt < REFRESH_MS)) return;
  refreshedAt = Date.now();
  try {
    const answer = await fetch(told.caseload, { redirect: "manual" });
    if (answer.type === "opaqueredirect" || answer.status === 401) {
      say(words.signed_out, "amber", true);
      return;
    }
    if (!answer.ok) return;
    const said = await answer.json();
    if (said.keeper !== keeper) return;
    await kept.keep(said);
    await keepShell();
    root.dataset.kept = "yes";
  } catch (fault) {
    if (fault?.name === "QuotaExceededError") say(words.full, "amber");
  }
}

async function keepShell() {
  if (!window.caches) return;
  const name = (await caches.keys()).find((each) => each.startsWith(CACHES));
  if (!name) return;
  const asked = `${told.shell}?language=${document.documentElement.lang}`;
  const answer = await fetch(asked, { credentials: "omit" });
  if (answer.ok && !wiping) await (await caches.open(name)).put(told.shell, answer);
}

// -- wiping ------------------------------------------------------------------------------

export async function wipe() {
  wiping = true;
  localStorage.removeItem(KEEPER);
  await kept.forget().catch(() => {});
  await outbox?.wipe();
  for (const name of (await window.caches?.keys()) ?? []) await caches.delete(name);
  for (const one of (await navigator.serviceWorker?.getRegistrations()) ?? []) {
    if (new URL(one.scope).pathname === told.scope) await one.unregister();
  }
}

// Whether this phone may still keep anything; the outbox asks the same when it sends.
async function standing() {
  if (wiping || !navigator.onLine) return;
  const answer = await send({ method: "GET", path: "standing/" }).catch(() => null);
  if (answer?.status === 403 && answer.body.wipe) await revoked();
}

async function revoked() {
  if (wiping) return;
  await wipe();
  showTemplate("empty");
  say(words.revoked, "crimson", true);
}

// Signing out wipes the phone; what was not sent is named first.
function watchSignOut() {
  document.addEventListener("submit", async (event) => {
    const form = event.target;
    if (!form.action.endsWith(told.signOut) || form.dataset.wiped) return;
    event.preventDefault();
    event.stopPropagation();
    const left = outbox ? await unsent(outbox) : 0;
    if (left && !confirm(fill("unsent_out", { n: left }))) return;
    await wipe();
    form.dataset.wiped = "yes";
    form.submit();
  }, true);
}

function startPhone() {
  const until = part().querySelector("[data-kept-until]");
  if (until) showUntil(until);
  const button = part().querySelector("[data-wipe]");
  if (!button || button.dataset.watched) return;
  button.dataset.watched = "yes";
  button.hidden = false;
  button.addEventListener("click", async () => {
    const left = await unsent(outbox);
    if (left && !confirm(fill("unsent_wipe", { n: left }))) return;
    await wipe();
    say(words.wiped, "jade");
    badge(outbox);
  });
}

async function showUntil(place) {
  const facts = await kept.standing().catch(() => null);
  if (!facts?.until) return;
  place.textContent = fill("kept_until", { at: clockTime(facts.drawnAt), until: clockTime(facts.until) });
}

// -- the outbox runs ---------------------------------------------------------------------

async function run() {
  if (!outbox || wiping) return;
  await outbox.run().catch(() => {});
  // Where there is background sync, the browser wakes the service worker when the net is back.
  const worker = await navigator.serviceWorker?.getRegistration(told.scope);
  if ((await unsent(outbox)) && worker?.sync) await worker.sync.register(SYNC + keeper).catch(() => {});
}

// Whose phone it is: as the page says, else as the last page with a network said.
async function open() {
  const before = localStorage.getItem(KEEPER);
  keeper ||= before;
  if (!canKeep || !keeper) return;
  // Somebody else signed in on this phone: nothing of what the one before could read stays.
  if (before && before !== keeper) await kept.forget().catch(() => {});
  localStorage.setItem(KEEPER, keeper);
  const sentences = Object.fromEntries(
    Object.entries(words).filter(([name]) => name.startsWith("code_")).map(([name, said]) => [name.slice(5), said]),
  );
  outbox = await openOutbox({ name: keeper, send, words: sentences, shrink }).catch(() => null);
  outbox?.addEventListener("wiped", () => !wiping && revoked());
}

export async function startWorker() {
  if (!root) return;
  await open();
  navigator.serviceWorker?.register(told.offline, { scope: told.scope }).catch(() => {});
  watchSignOut();
  if (isShell && new URLSearchParams(location.search).has("revoked")) await standing();
  else if (isShell) await showKept();
  else {
    sayNow();
    if (!canKeep) say(words.plain, "amber");
  }
  startPart();
  root.dataset.ready = "yes";
  setInterval(() => freshen(document), CLOCKS_MS);
  if (outbox) {
    outbox.addEventListener("change", arrived);
    arrived();
  }
  window.addEventListener("online", cameBack);
  window.addEventListener("offline", () => say(words.offline_now, "water"));
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") run();
  });
  if (!canKeep) return;
  await standing();
  await run();
  await refresh();
}

// What was sent, by this page or by the service worker, proves that there is a network again.
let sentBefore = null;
async function arrived() {
  badge(outbox);
  const sent = (await outbox.list()).filter((item) => item.state === "sent").length;
  if (isShell && sentBefore !== null && sent > sentBefore) say(words.back, "jade");
  sentBefore = sent;
}

async function cameBack() {
  say(words.back, "jade");
  await run();
  await refresh(true);
  // A list that was kept gives way to what is true now; where somebody is writing, nothing moves.
  const writes = part().querySelector("form[data-outbox], [data-outbox-page]");
  if (isShell && !writes) location.reload();
}
