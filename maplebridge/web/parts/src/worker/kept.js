// What a phone keeps of the own pages: sealed by a key that cannot leave the browser, for 72 hours
// and for one account. Tokens of the session and confidential matters are never among it.
import { openDB } from "idb";
import { drawKey, seal, sealJson, unseal, unsealJson } from "../outbox/seal.js";

const NAME = "maplebridge-kept";
const MOST_PHOTOS = 30;
// A clock that was set back must not make old pages young.
const FUTURE_MS = 3600e3;
const PHOTO = /\ssrc="(\/worker\/task\/[^"]+\/photo\/\d+\/)"/g;

async function opened() {
  return openDB(NAME, 1, {
    upgrade(store) {
      store.createObjectStore("keys");
      store.createObjectStore("pages");
      store.createObjectStore("facts");
    },
  });
}

async function keyOf(store) {
  const found = await store.get("keys", "pages");
  if (found) return found;
  const made = await drawKey();
  await store.put("keys", made, "pages");
  return made;
}

const isOld = (facts, now = Date.now()) =>
  now > facts.until || now < facts.drawnAt - FUTURE_MS;

export async function keep(said) {
  const store = await opened();
  const key = await keyOf(store);
  const drawnAt = Date.parse(said.drawn_at);
  const rows = await Promise.all(
    Object.entries(said.pages).map(async ([path, page]) => [
      path,
      await sealJson(key, path, page),
    ]),
  );
  const writing = store.transaction(["pages", "facts"], "readwrite");
  const pages = writing.objectStore("pages");
  for (const path of await pages.getAllKeys()) {
    if (!path.includes("/photo/") && !(path in said.pages)) await pages.delete(path);
  }
  for (const [path, row] of rows) await pages.put(row, path);
  await writing.objectStore("facts").put(
    { keeper: said.keeper, drawnAt, until: drawnAt + said.kept_hours * 3600e3, hours: said.kept_hours },
    "facts",
  );
  await writing.done;
  await keepPhotos(store, key, Object.values(said.pages));
  store.close();
}

// The photos of the kept tasks, one after the other; what cannot be had is left out.
async function keepPhotos(store, key, pages) {
  const wanted = new Set(pages.flatMap(({ html }) => [...html.matchAll(PHOTO)].map((found) => found[1])));
  const there = new Set(await store.getAllKeys("pages"));
  for (const path of there) {
    if (path.includes("/photo/") && !wanted.has(path)) await store.delete("pages", path);
  }
  for (const path of [...wanted].slice(0, MOST_PHOTOS)) {
    if (there.has(path)) continue;
    try {
      const answer = await fetch(path, { redirect: "error" });
      if (!answer.ok) continue;
      const row = await seal(key, path, await answer.arrayBuffer());
      await store.put("pages", { ...row, type: answer.headers.get("Content-Type") }, path);
    } catch {
      return;
    }
  }
}

// Whose pages are kept and since when; what is too old is removed here and said so.
export async function standing() {
  const store = await opened();
  const facts = await store.get("facts", "facts");
  store.close();
  if (facts && isOld(facts)) {
    await forget();
    return { old: true, hours: facts.hours };
  }
  return facts ?? null;
}

export async function page(path) {
  const facts = await standing();
  if (!facts || facts.old) return facts;
  const store = await opened();
  const row = await store.get("pages", path);
  const key = await store.get("keys", "pages");
  store.close();
  if (!row || !key) return { ...facts, missing: true };
  return { ...facts, ...(await unsealJson(key, path, row)) };
}

export async function photo(path) {
  const store = await opened();
  const row = await store.get("pages", path);
  const key = await store.get("keys", "pages");
  store.close();
  if (!row || !key) return null;
  return URL.createObjectURL(new Blob([await unseal(key, path, row)], { type: row.type ?? "image/jpeg" }));
}

// Nothing is left, the key first: without it the rest is noise.
export async function forget() {
  const store = await opened();
  await store.clear("keys");
  await store.clear("pages");
  await store.clear("facts");
  store.close();
}
