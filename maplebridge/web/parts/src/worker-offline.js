// Answers the worker's pages when there is no network: the frame and its parts from this phone's
// cache. Words of cases are never in it; the page itself opens what is kept sealed.
import { openOutbox } from "./outbox/outbox.js";
import { overHttp } from "./outbox/transport.js";

const { version, scope, shell, assets } = self.KEPT;
const NAME = `worker-${version}`;
const PATIENCE_MS = 6000;
const AWAY = [502, 503, 504];

const later = (ms) => new Promise((_, refuse) => setTimeout(() => refuse(new Error("late")), ms));
const asked = (request) => Promise.race([fetch(request), later(PATIENCE_MS)]);

self.addEventListener("install", (event) => {
  const kept = async () => {
    const cache = await caches.open(NAME);
    await cache.addAll(assets);
    // Of the frame a copy without anybody's session.
    await cache.put(shell, await fetch(shell, { credentials: "omit" }));
    await self.skipWaiting();
  };
  event.waitUntil(kept());
});

self.addEventListener("activate", (event) => {
  const cleared = async () => {
    for (const name of await caches.keys()) {
      if (name.startsWith("worker-") && name !== NAME) await caches.delete(name);
    }
    await self.clients.claim();
  };
  event.waitUntil(cleared());
});

// Asked by name, which does not make the store anew where it was wiped.
const kept = (path) => caches.match(path, { cacheName: NAME, ignoreSearch: true });

async function isRevoked() {
  const answer = await fetch(`${scope}standing/`, { redirect: "manual" });
  return answer.status === 403 && Boolean((await answer.json()).wipe);
}

async function page(request) {
  try {
    const answer = await asked(request);
    // A redirection leads to signing in; of a phone that was signed off, its page has to know.
    if (answer.type === "opaqueredirect" && (await isRevoked())) {
      return Response.redirect(`${shell}?revoked=yes`);
    }
    if (!AWAY.includes(answer.status)) return answer;
    return (await kept(shell)) ?? answer;
  } catch {
    return (await kept(shell)) ?? Response.error();
  }
}

async function part(request) {
  try {
    return await asked(request);
  } catch {
    return (await kept(new URL(request.url).pathname)) ?? Response.error();
  }
}

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== "GET" || origin !== self.location.origin) return;
  if (request.mode === "navigate" && pathname.startsWith(scope)) event.respondWith(page(request));
  else if (assets.includes(pathname)) event.respondWith(part(request));
});

// The browser says that there is a network again, although no page is open: the outbox runs. What
// is still there makes it try again later.
self.addEventListener("sync", (event) => {
  if (!event.tag.startsWith("outbox-")) return;
  const sent = async () => {
    const name = event.tag.slice("outbox-".length);
    // Pages that are open hear of each step by the same channel as from each other.
    const channel = new BroadcastChannel(`maplebridge-outbox-${name}`);
    const outbox = await openOutbox({ name, send: overHttp(scope), wake: null, channel });
    await outbox.run();
    const left = (await outbox.list()).filter((item) => item.state === "queued");
    outbox.close();
    if (left.length) throw new Error(`${left.length} left`);
  };
  event.waitUntil(sent());
});
