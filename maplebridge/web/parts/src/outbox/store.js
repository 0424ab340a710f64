// The outbox's database on the phone: sealed entries, their sealed photos, and the key.
//
// A write is told as done only when the browser says that it lies on the disk (durability
// "strict"). An entry carries a version; whoever changes it writes only over the version that was
// read, so that two tabs never undo each other's changes.
import { drawKey, seal, sealJson, unseal, unsealJson } from "./seal.js";

const PREFIX = "maplebridge-outbox-";
const STORES = ["keys", "items", "photos"];
// Of an entry that does not open nobody knows how many photos it had.
const SOME = Array(10).fill(null);

const asked = (request) =>
  new Promise((done, refuse) => {
    request.onsuccess = () => done(request.result);
    request.onerror = () => refuse(request.error);
  });

function finished(transaction) {
  return new Promise((done, refuse) => {
    transaction.oncomplete = () => done();
    transaction.onabort = () => refuse(transaction.error ?? new DOMException("aborted", "AbortError"));
    transaction.onerror = () => {};
  });
}

function opened(storage, name) {
  const opening = storage.open(PREFIX + name, 1);
  opening.onupgradeneeded = () => {
    for (const store of STORES) opening.result.createObjectStore(store);
  };
  return asked(opening);
}

export async function openStore({ storage, name, key = null }) {
  const base = await opened(storage, name);
  // Another tab wipes the phone: do not stand in its way.
  base.onversionchange = () => base.close();

  const begin = (mode) => base.transaction(STORES, mode, { durability: "strict" });

  async function write(work) {
    const transaction = begin("readwrite");
    const done = finished(transaction);
    let result;
    try {
      result = await work(transaction);
    } catch (fault) {
      try {
        transaction.abort();
      } catch {
        // It has ended already.
      }
      await done.catch(() => {});
      throw transaction.error ?? fault;
    }
    await done;
    return result;
  }

  key ??= await asked(begin("readonly").objectStore("keys").get("outbox"));
  if (!key) {
    const fresh = await drawKey();
    key = await write(async (transaction) => {
      const keys = transaction.objectStore("keys");
      const found = await asked(keys.get("outbox"));
      if (found) return found;
      await asked(keys.put(fresh, "outbox"));
      return fresh;
    });
  }

  const photoName = (id, number) => `${id}/${number}`;

  async function read(id) {
    const row = await asked(begin("readonly").objectStore("items").get(id));
    return row ? { item: await unsealJson(key, id, row), version: row.version } : null;
  }

  // Everything, the oldest first. An entry that does not open is told as broken, and left there.
  async function all() {
    const items = begin("readonly").objectStore("items");
    const [ids, rows] = await Promise.all([asked(items.getAllKeys()), asked(items.getAll())]);
    const found = await Promise.all(
      rows.map(async (row, place) => {
        const item = await unsealJson(key, ids[place], row).catch(() => ({ id: ids[place], broken: true }));
        return { item, order: row.order };
      }),
    );
    return found.sort((one, other) => one.order - other.order).map(({ item }) => item);
  }

  // An entry and its photos, all or nothing; false when there is one of this name already.
  async function add(item, photos) {
    const row = await sealJson(key, item.id, item);
    const sealed = await Promise.all(photos.map((bytes, n) => seal(key, photoName(item.id, n), bytes)));
    return write(async (transaction) => {
      const items = transaction.objectStore("items");
      const rows = await asked(items.getAll());
      if (await asked(items.getKey(item.id))) return false;
      const order = 1 + Math.max(0, ...rows.map((other) => other.order));
      await asked(items.put({ ...row, order, version: 1 }, item.id));
      for (const [n, photo] of sealed.entries()) {
        await asked(transaction.objectStore("photos").put(photo, photoName(item.id, n)));
      }
      return true;
    });
  }

  // Changes an entry by `work` (item → item, or nothing to leave it). photos: null forgets their
  // bytes, a map of number → bytes replaces some. Returns what stands there then, null when it is
  // gone.
  async function change(id, work, photos = new Map()) {
    const drawn = [];
    for (const [n, bytes] of photos ?? []) drawn.push([n, await seal(key, photoName(id, n), bytes)]);
    for (;;) {
      const found = await read(id);
      if (!found) return null;
      const changed = work(found.item);
      if (!changed) return found.item;
      const row = await sealJson(key, id, changed);
      const written = await write(async (transaction) => {
        const items = transaction.objectStore("items");
        const now = await asked(items.get(id));
        if (!now) return "gone";
        if (now.version !== found.version) return "again";
        await asked(items.put({ ...row, order: now.order, version: now.version + 1 }, id));
        const shelf = transaction.objectStore("photos");
        if (photos === null) {
          for (const n of changed.photos.keys()) await asked(shelf.delete(photoName(id, n)));
        }
        for (const [n, photo] of drawn) await asked(shelf.put(photo, photoName(id, n)));
        return "written";
      });
      if (written === "written") return changed;
      if (written === "gone") return null;
    }
  }

  // Removes an entry if `may(item)` still holds for what is there; says whether it did.
  async function remove(id, may) {
    for (;;) {
      const found = await read(id).catch(() => ({ item: { broken: true }, version: null }));
      if (!found || !may(found.item)) return false;
      const written = await write(async (transaction) => {
        const items = transaction.objectStore("items");
        const now = await asked(items.get(id));
        if (!now) return "gone";
        if (found.version !== null && now.version !== found.version) return "again";
        await asked(items.delete(id));
        for (const n of (found.item.photos ?? SOME).keys()) {
          await asked(transaction.objectStore("photos").delete(photoName(id, n)));
        }
        return "written";
      });
      if (written !== "again") return written === "written";
    }
  }

  async function photo(id, number) {
    const row = await asked(begin("readonly").objectStore("photos").get(photoName(id, number)));
    return row ? unseal(key, photoName(id, number), row) : null;
  }

  // The key goes in the same write as all the rest; without it what a disk keeps is noise.
  async function wipe() {
    await write(async (transaction) => {
      for (const store of STORES) await asked(transaction.objectStore(store).clear());
    });
    base.close();
    storage.deleteDatabase(PREFIX + name);
  }

  return { all, add, change, read, remove, photo, wipe, close: () => base.close() };
}

// Wipes every outbox of this browser, whosever it is; without a list of them, the one that is named.
export async function wipeEvery(storage, name) {
  const found = storage.databases ? (await storage.databases()).map((each) => each.name) : [PREFIX + name];
  for (const each of found.filter((other) => other.startsWith(PREFIX))) {
    const store = await openStore({ storage, name: each.slice(PREFIX.length) });
    await store.wipe();
  }
}
