// What the outbox says and does in each single trouble; run by node's own test runner.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Life, disk, drawn } from "./phone.mjs";

const source = new URL("../../maplebridge/web/parts/src/outbox/", import.meta.url);
const { CODES, openOutbox, progress, WrongParts } = await import(new URL("outbox.js", source));
const { overHttp } = await import(new URL("transport.js", source));
const { MOST_PARTS, PART_LETTERS } = await import(new URL("parts.js", source));

const clock = { wall: 1.8e12, tick: 0 };
const options = (factory, send, more = {}) => ({
  name: "keeper", storage: factory, send, locks: null, channel: null, wake: null,
  now: () => clock.wall, tick: () => clock.tick, random: () => 0.5, ...more,
});
const taken = ({ json }) => ({ status: 200, body: { id: json.id, number: "N-1", case: "c", photos: json.photos.length, fresh: true, same: true } });
const always = (status, body = {}, more = {}) => async () => ({ status, body, ...more });
const said = { kind: "report", fields: { text: "下水道堵了" } };

async function after(answer, entry = said, more = {}) {
  const outbox = await openOutbox(options(disk(), answer, more));
  const id = await outbox.put(entry);
  await outbox.run();
  const [item] = await outbox.list();
  return { outbox, id, item };
}

test("queued is never said to be sent", async () => {
  for (const answer of [
    always(200, {}), always(200, { id: "another", number: "N-1" }), always(200, { number: "N-1" }),
    always(204), always(302), always(500), always(502), async () => { throw new TypeError("gone"); },
  ]) {
    const { item } = await after(answer);
    assert.equal(item.state, "queued");
    assert.equal(item.number, "");
    assert.ok(item.nextTryAt > clock.wall);
  }
  const { item } = await after(async (request) => taken(request));
  assert.deepEqual([item.state, item.number, item.reason], ["sent", "N-1", ""]);
});

test("each refusal has its state and its sentence", async () => {
  const words = Object.fromEntries(CODES.map((code) => [code, `<${code}>`]));
  for (const [answer, state, code, reason] of [
    [always(401), "queued", "sign_in", "<sign_in>"],
    [always(409, { keeper: false }), "queued", "other_post", "<other_post>"],
    [always(429, { detail: "Later." }, { wait: 90 }), "queued", "wait", "Later."],
    [always(422, { detail: "Too long.", problems: { text: "Too long." } }), "failed", "refused", "Too long."],
    [always(404, { detail: "Not yours." }), "failed", "refused", "Not yours."],
    [always(413), "failed", "photo_large", "<photo_large>"],
    [always(503), "queued", "away", "<away>"],
  ]) {
    const { item } = await after(answer, said, { words });
    assert.deepEqual([item.state, item.code, item.reason], [state, code, reason]);
  }
});

test("when somebody was faster both versions are kept, and trying again says that theirs was seen", async () => {
  const theirs = { sequence: 7, state: "handling" };
  let asked;
  let answer = { status: 409, body: { detail: "Somebody was faster.", theirs } };
  const entry = { kind: "move", caseId: "c", move: "log", fields: { note: "看过了" } };
  const { outbox, id, item } = await after(async (request) => ((asked = request), answer), entry);
  assert.deepEqual([item.state, item.code, item.theirs, item.fields], ["failed", "stale", theirs, { note: "看过了" }]);
  answer = null;
  await outbox.retry(id);
  await outbox.run().catch(() => {});
  assert.equal(asked.json.fields.expected_sequence, "7");
});

test("one entry that always fails stands in nobody's way", async () => {
  const outbox = await openOutbox(options(disk(), async (request) => {
    if (request.json.fields.text === "poison") throw new TypeError("cut off");
    return taken(request);
  }));
  await outbox.put({ kind: "report", fields: { text: "poison" } });
  await outbox.put({ kind: "report", fields: { text: "sound" } });
  for (let n = 0; n < 3; n += 1) {
    await outbox.run();
    clock.tick += 60e3;
  }
  assert.deepEqual((await outbox.list()).map(({ state }) => state), ["queued", "sent"]);
});

test("waiting grows, is spread, and does not heed the wall clock", async () => {
  let asked = 0;
  const { outbox } = await after(async () => ((asked += 1), { status: 500, body: {} }));
  assert.equal(asked, 1);
  clock.wall += 1e9;
  await outbox.run();
  assert.equal(asked, 1);
  clock.tick += 2001;
  await outbox.run();
  assert.equal(asked, 2);
  clock.tick += 2001;
  await outbox.run();
  assert.equal(asked, 2);
});

test("nothing of an entry lies readable on the phone", async () => {
  const factory = disk();
  const outbox = await openOutbox(options(factory, always(500)));
  await outbox.put({ ...said, photos: [new Blob(["the photo itself"])] });
  const base = await new Promise((done) => {
    const opening = factory.open("maplebridge-outbox-keeper");
    opening.onsuccess = () => done(opening.result);
  });
  let rows = 0;
  for (const store of ["items", "photos"]) {
    const all = await new Promise((done) => {
      const asked = base.transaction(store).objectStore(store).getAll();
      asked.onsuccess = () => done(asked.result);
    });
    for (const row of all) {
      rows += 1;
      const text = new TextDecoder().decode(row.sealed);
      assert.ok(!text.includes("下水道") && !text.includes("the photo"));
      assert.deepEqual(Object.keys(row).sort(), store === "items" ? ["iv", "order", "sealed", "version"] : ["iv", "sealed"]);
    }
  }
  assert.equal(rows, 2);
  const key = await new Promise((done) => {
    const asked = base.transaction("keys").objectStore("keys").get("outbox");
    asked.onsuccess = () => done(asked.result);
  });
  await assert.rejects(crypto.subtle.exportKey("raw", key));
});

test("a phone that was signed off keeps nothing, not even the key", async () => {
  const factory = disk();
  const outbox = await openOutbox(options(factory, always(403, { wipe: true })));
  await outbox.put({ ...said, photos: [new Blob(["x"])] });
  let wiped = false;
  outbox.addEventListener("wiped", () => (wiped = true));
  await outbox.run();
  assert.ok(wiped);
  assert.deepEqual(await outbox.list(), []);
  await new Promise((done) => setTimeout(done, 20));
  assert.deepEqual(await factory.databases(), []);
});

test("a photo that the server finds too large is sent smaller, else it is said which", async () => {
  const pieces = [];
  const send = async (request) => {
    if (request.method === "PUT") {
      const [, from, of] = /from=(\d+)&of=(\d+)/.exec(request.path).map(Number);
      if (of > 50) return { status: 413, body: {} };
      pieces.push(request.path);
      return { status: 200, body: { received: from + request.bytes.byteLength } };
    }
    const [sum] = request.json.photos;
    return pieces.length ? taken(request) : { status: 202, body: { missing: { [sum]: 0 } } };
  };
  const photo = Object.assign(new Blob(["x".repeat(100)]), { name: "井盖.jpg" });
  const shrink = async (blob) => blob.slice(0, 40);
  const { item } = await after(send, { ...said, photos: [photo] }, { shrink });
  assert.deepEqual([item.state, item.photos[0].size, pieces.length], ["sent", 40, 1]);
  const words = { photo_large: "{name} too large" };
  pieces.length = 0;
  const other = await after(send, { ...said, photos: [photo] }, { words });
  assert.deepEqual([other.item.state, other.item.reason], ["failed", "井盖.jpg too large"]);
});

test("what was changed after it may have arrived is not said to be sent", async () => {
  let answer = async () => { throw new TypeError("gone"); };
  const { outbox, id } = await after((request) => answer(request));
  await outbox.edit(id, { text: "其实是路灯坏了" });
  answer = async ({ json }) => ({ status: 200, body: { id: json.id, number: "N-1", photos: 0, fresh: false, same: false } });
  await outbox.run();
  const [item] = await outbox.list();
  assert.deepEqual([item.state, item.code, item.number], ["failed", "earlier", "N-1"]);
  assert.equal(item.fields.text, "其实是路灯坏了");
});

test("sent entries are forgotten after 72 hours, and their photos at once", async () => {
  const { outbox, id, item } = await after(async (request) => taken(request), { ...said, photos: [new Blob(["x"])] });
  assert.equal(item.state, "sent");
  assert.equal(await outbox.photo(id, 0), null);
  clock.wall += 71.9 * 3600e3;
  await outbox.run();
  assert.equal((await outbox.list()).length, 1);
  clock.wall += 0.2 * 3600e3;
  await outbox.run();
  assert.equal((await outbox.list()).length, 0);
});

test("a full phone refuses all of an entry and keeps what was there", async () => {
  const factory = disk();
  const outbox = await openOutbox(options(factory, always(500)));
  await outbox.put(said);
  const life = new Life(factory, drawn(1));
  const full = await openOutbox(options(life.storage, always(500)));
  for (const base of life.bases) {
    const begin = base.transaction;
    base.transaction = (...asked) => {
      const transaction = begin(...asked);
      const shelf = transaction.objectStore("photos");
      shelf.put = () => { throw new DOMException("full", "QuotaExceededError"); };
      transaction.objectStore = ((inner) => (name) => (name === "photos" ? shelf : inner(name)))(transaction.objectStore.bind(transaction));
      return transaction;
    };
  }
  await assert.rejects(full.put({ ...said, photos: [new Blob(["x"])] }), { name: "QuotaExceededError" });
  assert.equal((await outbox.list()).length, 1);
});

test("an entry goes from phone to phone by codes and keeps its name", async () => {
  const photo = new Blob([Uint8Array.from({ length: 9000 }, (_, n) => (n * 7919) % 256)], { type: "image/jpeg" });
  const first = await openOutbox(options(disk(), always(500)));
  const second = await openOutbox(options(disk(), always(500)));
  const id = await first.put({ ...said, photos: [photo] });
  const parts = await first.handOver(id);
  assert.ok(parts.length > 1 && parts.length <= MOST_PARTS);
  assert.ok(parts.every((part) => part.length < PART_LETTERS + 60 && !/\s/.test(part)));
  assert.deepEqual(progress(parts.slice(1)), { all: parts.length, read: parts.length - 1, whole: false });
  await assert.rejects(second.takeOver(parts.slice(1)), WrongParts);
  const misread = parts.with?.(0, parts[0].slice(0, -1) + "_") ?? [parts[0].slice(0, -1) + "_", ...parts.slice(1)];
  await assert.rejects(second.takeOver(misread), WrongParts);
  assert.equal(await second.takeOver([...parts].reverse().concat(parts)), id);
  assert.equal(await second.takeOver(parts), id);
  const [item] = await second.list();
  assert.deepEqual([item.id, item.fields, item.photos[0].size], [id, said.fields, 9000]);
  const told = JSON.parse(await second.exportItem(id));
  assert.equal(Buffer.from(told.photos[0].base64, "base64").length, 9000);
});

test("photos that do not fit a code are made smaller, or it is said that they stay", async () => {
  const large = () => new Blob([crypto.getRandomValues(new Uint8Array(60000))], { type: "image/jpeg" });
  const entry = { ...said, photos: [large(), large()] };
  const plain = await openOutbox(options(disk(), always(500)));
  const parts = await plain.handOver(await plain.put(entry));
  assert.equal(parts.photosLeft, 2);
  const other = await openOutbox(options(disk(), async (request) => ({ ...taken(request), body: { ...taken(request).body, photos: 0, fresh: false } })));
  await other.takeOver(parts);
  assert.deepEqual((await other.list()).map(({ code, photos }) => [code, photos.length]), [["photos_left", 0]]);
  const able = await openOutbox(options(disk(), always(500), { shrink: async (blob, bytes) => blob.slice(0, Math.min(8000, bytes)) }));
  const small = await able.handOver(await able.put(entry));
  assert.equal(small.photosLeft, 0);
  assert.ok(small.length <= MOST_PARTS);
  // The first phone is not told "sent" when its photos did not come along.
  const { item } = await after(async ({ json }) => ({ status: 200, body: { id: json.id, number: "N-9", photos: 0, fresh: false, same: true } }), entry);
  assert.deepEqual([item.state, item.code], ["failed", "photos_missing"]);
});

test("the token is asked for once, anew when it is stale, and never for a signed-out phone", async () => {
  const asked = [];
  let token = "one";
  const json = (body, status = 200) => new Response(JSON.stringify(body), { status, headers: { "Content-Type": "application/json" } });
  const send = overHttp("/worker/", async (path, { method, headers }) => {
    asked.push(`${method} ${path}`);
    if (method === "GET") return token ? json({ ok: true, token }) : json({ ok: false }, 401);
    return headers["X-CSRFToken"] === "two" ? json({ done: true }) : new Response("<p>no", { status: 403 });
  });
  const post = { method: "POST", path: "outbox/", json: {} };
  assert.equal((await send(post)).status, 403);
  token = "two";
  assert.equal((await send(post)).status, 200);
  assert.equal((await send(post)).status, 200);
  assert.equal(asked.filter((each) => each.startsWith("GET")).length, 3);
  token = null;
  const out = overHttp("/worker/", async () => json({}, 401));
  assert.equal((await out(post)).status, 401);
});
