// The outbox of the grid worker: what was entered stays on the phone until the server has it.
//
//   const outbox = await openOutbox({ name, send: overHttp("/worker/"), words });
//
// Options (all but `name` and `send` may be left out):
//   name     whose outbox: the page's `data-keeper`. Each account and post has its own; the server
//            refuses what belongs to another one, so nothing is sent under a wrong name.
//   send     transport, see transport.js; throws when nothing came back.
//   words    sentences by code, see CODES; blanks in braces. Without them `reason` is the code.
//   key      a CryptoKey of the caller's; else one is drawn and kept in the outbox's database.
//   storage  indexedDB. locks: navigator.locks. channel: tells other tabs; null for none.
//   now      wall clock in ms, only shown and used to forget what was sent. tick: a clock that never
//            jumps (performance.now), on which waiting is counted. random: 0 to 1, spreads waiting.
//   shrink   (Blob, bytes) → Blob or null: a smaller photo when one is too large.
//   wake     (work, ms): calls `run` when waiting ends; null for never.
//
// outbox.put({kind: "report"|"move", caseId, move, fields, photos: [Blob], id?}) → id
//        Resolves once all of it lies on the disk. The id (a UUID) is the server's idempotency key.
//        Throws QuotaExceededError when the phone is full; then nothing of it was kept.
// outbox.list() → items, the oldest first:
//        { id, kind, caseId, move, fields, photos: [{name, type, size, sentBytes}], share (0 to 1),
//          state: "queued"|"sending"|"sent"|"failed", reason (a sentence or ""), code, problems
//          (a sentence by field), theirs (the case as it stands, when somebody was faster), number
//          and case (once the server answered), at, tries, nextTryAt (ms, or null) }
// outbox.photo(id, number) → Blob or null, counted from 0; gone once it is sent.
// outbox.edit(id, fields), retry(id): queued again. After "stale" retry means: I saw theirs.
// outbox.remove(id): whatever is not being sent; the caller has asked the reader before.
// outbox.exportItem(id) → JSON text with photos in base64.
// outbox.handOver(id) → strings for QR codes; `photosLeft` of it says how many photos did not fit.
// outbox.takeOver(strings) → the same id: sent from both phones it is still one case.
//        progress(strings) → {all, read, whole} while they are being read.
// outbox.run(): sends what is due, one after the other; in one tab at a time.
// outbox.wipe(): nothing is left. Also by itself when the server says that the phone was revoked.
// Events: "change" whenever the list may differ; "wiped".
//
// "sent" is said after the server's answer, with the number of the case, lies on the disk; never
// before. Moves of one case go in the order in which they were entered.
import { cut, fromBase64, join, MOST_BYTES, pack, progress, toBase64, WrongParts } from "./parts.js";
import { sha256 } from "./seal.js";
import { openStore } from "./store.js";

export { progress, WrongParts };

export const CHUNK_BYTES = 256 * 1024;
export const KEPT_SENT_MS = 72 * 3600e3;
export const CODES = [
  "offline", "away", "sign_in", "wait", "other_post", "refused", "before", "stale", "photo_large",
  "broken", "earlier", "photos_missing", "photos_left",
];
const FIRST_WAIT_MS = 2000;
const LONGEST_WAIT_MS = 600e3;
// Without a net it costs little to ask again soon.
const OFFLINE_WAIT_MS = 15e3;
const MOST_ROUNDS = 4;
const MOST_RESTARTS = 5;
const SMALLER_BYTES = 400 * 1024;

const inBrowser = () => globalThis.performance?.now() ?? 0;

export async function openOutbox(options) {
  // A browser that is short of room asks before it removes what lies here.
  if (!options.storage) globalThis.navigator?.storage?.persist?.().catch(() => {});
  const store = await openStore({
    storage: options.storage ?? globalThis.indexedDB,
    name: options.name,
    key: options.key ?? null,
  });
  return new Outbox(store, options);
}

class Outbox extends EventTarget {
  #store;
  #name;
  #send;
  #words;
  #now;
  #tick;
  #random;
  #shrink;
  #locks;
  #wake;
  #channel;
  #drawId;
  #chunk;
  #running = null;
  #sending = null;
  #waits = new Map();
  #got = new Map();
  #wiped = false;

  constructor(store, options) {
    super();
    this.#store = store;
    this.#name = options.name;
    this.#send = options.send;
    this.#words = options.words ?? {};
    this.#now = options.now ?? Date.now;
    this.#tick = options.tick ?? inBrowser;
    this.#random = options.random ?? Math.random;
    this.#shrink = options.shrink ?? (async () => null);
    this.#locks = options.locks ?? globalThis.navigator?.locks ?? null;
    this.#wake = options.wake === undefined ? (work, ms) => setTimeout(work, ms) : options.wake;
    this.#drawId = options.drawId ?? (() => crypto.randomUUID());
    this.#chunk = options.chunkBytes ?? CHUNK_BYTES;
    this.#channel =
      options.channel === undefined && globalThis.BroadcastChannel && globalThis.document
        ? new BroadcastChannel(`maplebridge-outbox-${options.name}`)
        : (options.channel ?? null);
    if (this.#channel) this.#channel.onmessage = () => this.dispatchEvent(new Event("change"));
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
    this.#channel?.postMessage("change");
  }

  // -- what the reader does ------------------------------------------------------------------

  async put({ kind, caseId = null, move = null, fields = {}, photos = [], id = this.#drawId() }) {
    if (kind !== "report" && !(kind === "move" && caseId && move)) throw new TypeError(`no such entry: ${kind}`);
    const told = [];
    const bytes = [];
    for (const photo of photos) {
      const content = await photo.arrayBuffer();
      const sum = await sha256(content);
      if (told.some((other) => other.sha256 === sum)) continue;
      told.push({ sha256: sum, name: photo.name ?? "", type: photo.type ?? "", size: content.byteLength });
      bytes.push(content);
    }
    await this.#store.add(fresh({ id, kind, caseId, move, fields, photos: told, at: this.#now() }), bytes);
    this.#changed();
    return id;
  }

  async list() {
    if (this.#wiped) return [];
    const items = await this.#store.all();
    const before = waiting(items);
    return items.map((item) => {
      const shown = this.#shown(item);
      return before.has(item.id) && !shown.reason
        ? { ...shown, code: "before", reason: this.#sentence("before") }
        : shown;
    });
  }

  #shown(item) {
    if (item.broken) return { ...fresh(item), at: 0, state: "failed", code: "broken", reason: this.#sentence("broken"), share: 0, nextTryAt: null };
    const isSent = item.state === "sent";
    const isSending = this.#sending === item.id && item.state === "queued";
    const photos = item.photos.map(({ name, type, size, sha256: sum }) => ({
      name, type, size, sentBytes: isSent ? size : Math.min(size, this.#got.get(sum) ?? 0),
    }));
    const total = photos.reduce((sum, photo) => sum + photo.size, 0);
    const sent = photos.reduce((sum, photo) => sum + photo.sentBytes, 0);
    const { id, kind, caseId, move, fields, at, tries, code, problems, theirs, number } = item;
    return {
      id, kind, caseId, move, fields, photos, at, tries, code, problems, theirs, number,
      case: item.case,
      share: total ? sent / total : Number(isSent),
      state: isSending ? "sending" : item.state,
      reason: item.said || this.#sentence(code, item.values),
      nextTryAt:
        item.state === "queued" ? this.#now() + Math.max(0, (this.#waits.get(id) ?? 0) - this.#tick()) : null,
    };
  }

  #sentence(code, values = {}) {
    if (!code) return "";
    return (this.#words[code] ?? code).replace(/\{(\w+)\}/g, (_, blank) => values[blank] ?? "");
  }

  async photo(id, number) {
    const found = await this.#store.read(id);
    const bytes = found?.item.photos[number] && (await this.#store.photo(id, number));
    return bytes ? new Blob([bytes], { type: found.item.photos[number].type }) : null;
  }

  async edit(id, fields) {
    const item = await this.#store.change(id, (was) => {
      if (was.state === "sent") throw new TypeError("it was sent already");
      // What was sent without an answer may have arrived: the server will say.
      return { ...again(was), fields, revision: was.revision + 1, edited: was.edited || was.uncertain };
    });
    this.#waits.delete(id);
    this.#changed();
    if (item) this.#later(0);
    return Boolean(item);
  }

  async retry(id) {
    const item = await this.#store.change(id, (was) => {
      if (was.state === "sent") return null;
      const seen = was.theirs?.sequence;
      const fields = seen === undefined ? was.fields : { ...was.fields, expected_sequence: String(seen) };
      return { ...again(was), fields };
    });
    this.#waits.delete(id);
    this.#changed();
    if (item) this.#later(0);
    return Boolean(item);
  }

  async remove(id) {
    if (this.#sending === id) return false;
    const done = await this.#store.remove(id, () => true);
    this.#changed();
    return done;
  }

  // -- to a file, to another phone -----------------------------------------------------------

  async #whole(id) {
    const found = await this.#store.read(id);
    if (!found) throw new TypeError("no such entry");
    const { item } = found;
    const photos = [];
    for (const [number, told] of item.photos.entries()) {
      const bytes = await this.#store.photo(id, number);
      if (bytes) photos.push({ name: told.name, type: told.type, bytes });
    }
    return { item, photos };
  }

  async exportItem(id) {
    const { item, photos } = await this.#whole(id);
    const { kind, caseId, move, fields, at, number } = item;
    const told = photos.map(({ name, type, bytes }) => ({ name, type, base64: toBase64(bytes) }));
    return JSON.stringify({ id, kind, caseId, move, fields, at: new Date(at).toISOString(), number, photos: told }, null, 1);
  }

  async handOver(id) {
    const { item, photos } = await this.#whole(id);
    const { kind, caseId, move, fields, at } = item;
    const base = { id, kind, caseId, move, fields, at };
    const room = MOST_BYTES - (await pack(JSON.stringify({ ...base, photos: [], left: photos.length }))).length - 200;
    const taken = [];
    let used = 0;
    for (const [place, photo] of photos.entries()) {
      // Base64 packs back to nearly the bytes themselves.
      const share = Math.floor((room - used) / (photos.length - place) / 1.05) - 60;
      let bytes = photo.bytes;
      if (bytes.byteLength > share) {
        const small = await this.#shrink(new Blob([bytes], { type: photo.type }), share).catch(() => null);
        if (!small || small.size > share) continue;
        bytes = await small.arrayBuffer();
      }
      used += bytes.byteLength * 1.05 + 60;
      taken.push({ name: photo.name, type: photo.type, base64: toBase64(bytes) });
    }
    for (;;) {
      const left = item.photos.length - taken.length;
      const packed = await pack(JSON.stringify({ ...base, photos: taken, left }));
      if (packed.length <= MOST_BYTES || !taken.length) {
        return Object.assign(await cut(packed), { photosLeft: left });
      }
      taken.pop();
    }
  }

  async takeOver(strings) {
    const text = await join(strings);
    let said;
    try {
      said = JSON.parse(text);
    } catch {
      throw new WrongParts("not an entry");
    }
    const { id, kind, caseId = null, move = null, fields = {}, at, photos = [], left = 0 } = said;
    if (!Number.isFinite(at) || !/^[0-9a-f-]{36}$/.test(id) || !["report", "move"].includes(kind)) throw new WrongParts("not an entry");
    const told = [];
    const bytes = [];
    for (const { name, type, base64 } of photos) {
      const content = fromBase64(base64).buffer;
      told.push({ sha256: await sha256(content), name, type, size: content.byteLength });
      bytes.push(content);
    }
    const item = fresh({ id, kind, caseId, move, fields, photos: told, at });
    if (left) Object.assign(item, { code: "photos_left", values: { n: left } });
    await this.#store.add(item, bytes);
    this.#changed();
    this.#later(0);
    return id;
  }

  // -- sending -------------------------------------------------------------------------------

  run() {
    if (this.#wiped) return Promise.resolve();
    const name = `maplebridge-outbox-${this.#name}`;
    const alone = (work) =>
      this.#locks ? this.#locks.request(name, { ifAvailable: true }, work) : work(true);
    this.#running ??= Promise.resolve(
      // Another tab is at it; look again later whether it took everything along.
      alone((lock) => (lock ? this.#pass() : this.#later(FIRST_WAIT_MS))),
    ).finally(() => {
      this.#running = null;
    });
    return this.#running;
  }

  #later(ms) {
    this.#wake?.(() => this.run().catch(() => {}), ms);
  }

  async #pass() {
    await this.#forgetSent();
    const tried = new Set();
    for (;;) {
      const items = await this.#store.all();
      const item = this.#due(items).find((each) => !tried.has(each.id));
      if (!item) return this.#wakeFor(items);
      tried.add(item.id);
      const goesOn = await this.#sendOne(item);
      if (this.#wiped) return undefined;
      if (!goesOn) return this.#wakeFor(await this.#store.all());
    }
  }

  // What may go now; what was tried least often first, so that no entry stands in the way of others.
  #due(items) {
    const before = waiting(items);
    return items
      .filter(
        (item) =>
          item.state === "queued" && !before.has(item.id) && (this.#waits.get(item.id) ?? 0) <= this.#tick(),
      )
      .sort((one, other) => one.tries - other.tries);
  }

  #wakeFor(items) {
    const waits = items
      .filter((item) => item.state === "queued" && this.#waits.has(item.id))
      .map((item) => this.#waits.get(item.id) - this.#tick());
    if (waits.length) this.#later(Math.max(100, Math.min(...waits)));
  }

  async #forgetSent() {
    const old = (item) => item.state === "sent" && this.#now() - item.sentAt > KEPT_SENT_MS;
    for (const item of (await this.#store.all()).filter(old)) await this.#store.remove(item.id, old);
  }

  // Tries one entry; says whether the next one is worth a try.
  async #sendOne(item) {
    const before = item.uncertain;
    this.#sending = item.id;
    try {
      // Said before anything leaves the phone: from here on it may have arrived.
      const noted = await this.#store.change(item.id, (was) =>
        was.state === "queued" ? { ...was, tries: was.tries + 1, uncertain: true } : null,
      );
      if (!noted || noted.state !== "queued") return true;
      this.#changed();
      let outcome;
      try {
        outcome = await this.#deliver(noted);
      } catch (fault) {
        if (fault?.name === "QuotaExceededError" || fault instanceof RangeError) throw fault;
        outcome = { code: "offline", stop: true };
      }
      return await this.#settle(noted, outcome, before);
    } finally {
      this.#sending = null;
      if (!this.#wiped) this.#changed();
    }
  }

  async #settle(tried, outcome, before) {
    const { id, revision } = tried;
    if (outcome.wipe) {
      await this.wipe();
      return false;
    }
    if (outcome.done) {
      const { number, case: caseId, photos, fresh: isFresh, same } = outcome.done;
      let lacks = false;
      await this.#store.change(id, (was) => {
        const known = { ...was, number, case: caseId, uncertain: false, problems: {}, said: "", sentAt: this.#now() };
        const changed = was.revision !== revision || (was.edited && isFresh === false && same !== true);
        const missing = typeof photos === "number" ? was.photos.length - photos : 0;
        lacks = changed || missing > 0;
        if (changed) return { ...known, state: "failed", code: "earlier", values: { number } };
        if (missing > 0) return { ...known, state: "failed", code: "photos_missing", values: { number, n: missing } };
        return { ...known, state: "sent", code: "", values: {} };
      });
      // Only then the photos: killed in between they lie here a while longer, and nothing is lost.
      if (!lacks) await this.#store.change(id, (was) => (was.state === "sent" ? { ...was } : null), null);
      return true;
    }
    const { code = "", values = {}, said = "", problems = {}, theirs = null } = outcome;
    await this.#store.change(id, (was) => {
      if (was.state !== "queued") return null;
      // Nothing came of it: what was entered meanwhile is as certain as before.
      const uncertain = outcome.failed ? false : outcome.unheard ? before : true;
      if (was.revision !== revision) return { ...was, uncertain };
      const known = { ...was, uncertain, code, values, said, problems, theirs };
      return outcome.failed ? { ...known, state: "failed", edited: false } : known;
    });
    if (!outcome.failed) this.#waitFor(id, tried.tries, outcome);
    return !outcome.stop;
  }

  #waitFor(id, tries, { code, wait = 0 }) {
    const longest = code === "offline" ? OFFLINE_WAIT_MS : LONGEST_WAIT_MS;
    const ms = Math.min(longest, FIRST_WAIT_MS * 2 ** Math.min(tries - 1, 12)) * (0.5 + this.#random());
    this.#waits.set(id, this.#tick() + Math.max(ms, wait * 1000));
  }

  async #deliver(item) {
    for (let round = 0; round < MOST_ROUNDS; round += 1) {
      const { id, kind, fields, at } = item;
      const answer = await this.#send({
        method: "POST",
        path: "outbox/",
        json: {
          id, keeper: this.#name, kind, case: item.caseId, move: item.move, fields,
          photos: item.photos.map((photo) => photo.sha256),
          at: new Date(at).toISOString(),
        },
      });
      const { status, body } = answer;
      if (status === 200) {
        // Whatever else answers with 200 (a hotel's page) has not taken it.
        return body.id === id && body.number ? { done: body } : { code: "away" };
      }
      if (status === 202 && body.missing) {
        const outcome = await this.#upload(item, body.missing);
        if (outcome?.item) item = outcome.item;
        else if (outcome) return outcome;
        continue;
      }
      return read(answer);
    }
    return { code: "away" };
  }

  // Brings up what the server lacks. Returns an outcome that ends the try, {item} when a photo had
  // to be made smaller, or nothing.
  async #upload(item, missing) {
    for (const [number, told] of item.photos.entries()) {
      if (!(told.sha256 in missing)) continue;
      const bytes = await this.#store.photo(item.id, number).catch(() => null);
      if (!bytes || (await sha256(bytes)) !== told.sha256) return { failed: true, code: "broken" };
      const outcome = await this.#uploadOne(told, bytes, Number(missing[told.sha256]) || 0);
      if (outcome?.large) return this.#smaller(item, number, bytes, outcome);
      if (outcome) return outcome;
    }
    return null;
  }

  async #uploadOne(told, bytes, from) {
    let restarts = 0;
    while (from < bytes.byteLength || bytes.byteLength === 0) {
      const answer = await this.#send({
        method: "PUT",
        path: `parts/${told.sha256}/?from=${from}&of=${bytes.byteLength}`,
        bytes: bytes.slice(from, from + this.#chunk),
      });
      const { status, body } = answer;
      if (status === 413) return { large: true, said: body.detail };
      const received = Number.isInteger(body.received) ? body.received : null;
      if ((status === 200 || status === 409 || status === 422) && received !== null) {
        // Somebody was faster, or a part went astray: go on from where the server stands.
        if (status !== 200 || received <= from) restarts += 1;
        if (restarts > MOST_RESTARTS) return { code: "away" };
        from = received;
        this.#got.set(told.sha256, received);
        this.#changed();
      } else return read(answer);
    }
    return null;
  }

  async #smaller(item, number, bytes, { said }) {
    const told = item.photos[number];
    const small = await this.#shrink(new Blob([bytes], { type: told.type }), SMALLER_BYTES).catch(() => null);
    const tooLarge = { failed: true, code: "photo_large", values: { name: told.name }, said };
    if (!small || small.size >= bytes.byteLength) return tooLarge;
    const content = await small.arrayBuffer();
    const photo = { ...told, sha256: await sha256(content), type: small.type, size: content.byteLength };
    const changed = await this.#store.change(
      item.id,
      (was) => ({ ...was, photos: was.photos.map((each, n) => (n === number ? photo : each)) }),
      new Map([[number, content]]),
    );
    return changed ? { item: { ...item, photos: changed.photos } } : tooLarge;
  }

  // -- the end -------------------------------------------------------------------------------

  async wipe() {
    this.#wiped = true;
    await this.#store.wipe();
    this.#channel?.postMessage("change");
    this.dispatchEvent(new Event("change"));
    this.dispatchEvent(new Event("wiped"));
  }

  close() {
    this.#channel?.close();
    this.#store.close();
  }
}

const fresh = (said) => ({
  fields: {}, photos: [], problems: {}, theirs: null, number: "", case: null, state: "queued", tries: 0,
  revision: 0, edited: false, uncertain: false, code: "", values: {}, said: "", sentAt: 0, ...said,
});

// The names of queued moves that wait for an earlier one of the same case; what bears a number has
// arrived, whatever else is to be said of it.
function waiting(items) {
  const cases = new Set();
  const found = new Set();
  for (const { id, caseId, state, number } of items) {
    if (!caseId || state === "sent" || number) continue;
    if (cases.has(caseId) && state === "queued") found.add(id);
    cases.add(caseId);
  }
  return found;
}

const again = (was) => ({
  ...was, state: "queued", tries: 0, code: "", values: {}, said: "", problems: {}, theirs: null,
});

// What an answer other than "taken" means. unheard: it was turned away before anything of it was
// looked at. failed: the reader has to do something.
function read({ status, body, wait }) {
  const said = typeof body.detail === "string" ? body.detail : "";
  if (status === 401) return { code: "sign_in", stop: true, unheard: true };
  if (status === 403 && body.wipe) return { wipe: true };
  if (status === 403) return { code: "refused", said, unheard: true };
  if (status === 409 && body.keeper === false) return { code: "other_post", stop: true, unheard: true };
  if (status === 429) return { code: "wait", said, wait, unheard: true };
  if (status === 409) return { failed: true, code: "stale", said, theirs: body.theirs ?? null };
  if (status === 413) return { failed: true, code: "photo_large", said };
  if (status === 422 || status === 404 || status === 400 || status === 410) {
    const problems = body.problems ?? {};
    return { failed: true, code: "refused", said: said || Object.values(problems).join(" "), problems };
  }
  return { code: "away", wait };
}
