// One seeded run: a worker enters things, the phone dies, the net lies; at the end nothing may be
// lost and nothing doubled. The same seed is the same run, request by request.
import { Life, Locks, disk, drawn } from "./phone.mjs";
import { MOST_BYTES, Server } from "./server.mjs";

const KEEPER = "keeper";
const CHUNK = 64;
const FAULTS = [
  "none", "none", "none", "none", "none", "none", "drop before", "drop after", "500 before", "500 after", "429", "413",
  "page", "401", "twice", "late", "cut", "other tab",
];
const ROUNDS = 40;

class NetGone extends TypeError {}

export async function live({ openOutbox }, seed) {
  const random = drawn(seed);
  const pick = (list) => list[Math.floor(random() * list.length)];
  const below = (n) => Math.floor(random() * n);
  const server = new Server(KEEPER);
  const factory = disk();
  const locks = new Locks();
  const trace = [];
  // What the worker was told is kept: by id, the versions of its words, and its photos.
  const entered = new Map();
  const late = [];
  const clock = { wall: 1.8e12, tick: 0 };
  let troubled = true;
  let life;
  let outbox;
  let named = 0;

  const wrong = (said) => {
    throw new Error(`seed ${seed}: ${said}\n${trace.slice(-30).join("\n")}`);
  };

  const net = (self, depth) => async (request) => {
    self.step();
    const asked = request.method === "POST" ? `POST ${request.json.id}` : `PUT ${request.path.slice(6, 14)} ${request.path.split("?")[1]}`;
    const fault = troubled ? pick(FAULTS) : "none";
    if (late.length && random() < 0.3) server.answer(late.splice(below(late.length), 1)[0]);
    const answer = () => {
      const found = server.answer(request);
      trace.push(`  ${asked} ${fault} ${found.status}`);
      return found;
    };
    const done = (found) => {
      self.step();
      return found;
    };
    switch (fault) {
      case "drop before":
        trace.push(`  ${asked} ${fault}`);
        throw new NetGone("away");
      case "drop after":
        answer();
        throw new NetGone("away");
      case "500 before":
        return done({ status: 500, body: {} });
      case "500 after":
        answer();
        return done({ status: pick([500, 502, 504]), body: {} });
      case "429":
        return done({ status: 429, body: {}, wait: below(100) });
      case "413":
        // A proxy that takes no large requests.
        return done(request.bytes?.byteLength > 40 ? { status: 413, body: {} } : answer());
      case "page":
        return done({ status: 200, body: {} });
      case "401":
        return done({ status: 401, body: {} });
      case "twice":
        answer();
        return done(answer());
      case "late":
        late.push(structuredClone(request));
        throw new NetGone("away");
      case "cut":
        // Only the first bytes of a piece arrive.
        if (request.method !== "PUT") return done(answer());
        server.answer({ ...request, bytes: request.bytes.slice(0, 20) });
        throw new NetGone("away");
      case "other tab":
        if (depth === 0) {
          const other = await opened(self, depth + 1);
          if (other) await self.lives(other.run());
          other?.close();
        }
        return done(answer());
      default:
        return done(answer());
    }
  };

  async function opened(self, depth = 0) {
    const found = await self.lives(
      openOutbox({
        name: KEEPER,
        storage: self.storage,
        // A tab in a browser without Web Locks runs beside the other one.
        locks: depth && random() < 0.5 ? null : locks.of(self),
        send: net(self, depth),
        channel: null,
        wake: null,
        now: () => clock.wall,
        tick: () => clock.tick,
        random,
        chunkBytes: CHUNK,
        drawId: () => `00000000-0000-4000-8000-${String((named += 1)).padStart(12, "0")}`,
        shrink: async (photo) =>
          photo.size > 1500 ? null : new Blob([(await photo.arrayBuffer()).slice(0, 300)], { type: "image/jpeg" }),
      }),
    );
    return found?.value ?? null;
  }

  const photo = () => {
    // Most fit, some are too large and can be made smaller.
    const size = pick([30, 64, 100, 200, 500, 1200]);
    return new Blob([Uint8Array.from({ length: size }, () => below(256))], { type: "image/jpeg" });
  };

  async function put() {
    const text = `words ${seed}-${entered.size}${random() < 0.1 ? " unfit" : ""}`;
    const isMove = random() < 0.4;
    const photos = Array.from({ length: random() < 0.06 ? 5 : below(3) }, photo);
    const said = isMove
      ? { kind: "move", caseId: pick(["one", "two"]), move: "log", fields: { text }, photos }
      : { kind: "report", fields: { text }, photos };
    const known = { texts: [text], caseId: said.caseId ?? null, photos: photos.length, sure: false };
    // The id that this entry gets, whether or not anybody lives to hear of it.
    const id = `00000000-0000-4000-8000-${String(named + 1).padStart(12, "0")}`;
    entered.set(id, known);
    const done = await life.lives(outbox.put(said));
    known.sure = Boolean(done);
    trace.push(`put ${id} ${said.kind} ${done ? "kept" : "killed"}`);
  }

  async function list() {
    const items = (await life.lives(outbox.list()))?.value;
    if (!items) return [];
    for (const item of items) {
      const there = server.all().find((each) => each.id === item.id);
      if (item.state === "sent" && !there) wrong(`${item.id} is said to be sent, and is not`);
      if (item.state === "sent" && there.number !== item.number) wrong(`${item.id} bears a wrong number`);
    }
    return items;
  }

  async function edit() {
    const item = pick((await list()).filter((each) => each.state !== "sent"));
    if (!item || life.dead) return;
    const known = entered.get(item.id);
    const text = `${known.texts[0].replace(" unfit", "")} changed ${known.texts.length}`;
    known.texts.push(text);
    const done = await life.lives(outbox.edit(item.id, { text }).catch((fault) => {
      if (/sent already/.test(fault.message)) return false;
      throw fault;
    }));
    // Refused or killed: as if it had never been tried, or perhaps not.
    if (!done?.value) known.perhaps = true;
    trace.push(`edit ${item.id} ${done ? done.value : "killed"}`);
  }

  async function jump() {
    clock.wall += pick([-1, 1]) * below(200) * 3600e3;
    trace.push("clock jumps");
  }

  async function wait() {
    clock.tick += below(700e3);
    clock.wall += 1000;
  }

  const run = async () => {
    trace.push("run");
    await life.lives(outbox.run());
  };

  async function begin() {
    do {
      life = new Life(factory, random, troubled ? 5 + below(160) : Infinity);
      outbox = await opened(life);
    } while (!outbox);
    trace.push("begun");
  }

  await begin();
  const acts = [put, put, put, run, run, run, edit, jump, wait, wait, list];
  for (let n = 0; n < 24; n += 1) {
    await pick(acts)();
    if (life.dead) await begin();
  }

  // The net is well again and nothing dies; the worker mends what is said to be wrong.
  troubled = false;
  life.kill();
  await begin();
  for (let round = 0; ; round += 1) {
    if (round > ROUNDS) wrong("it does not come to rest");
    clock.tick += 700e3;
    await run();
    const left = (await list()).filter((item) => item.state !== "sent" && !["earlier", "photos_missing"].includes(item.code));
    if (!left.length) break;
    for (const item of left.filter((each) => each.state === "failed")) {
      if (item.code === "photo_large") await outbox.retry(item.id);
      else {
        const known = entered.get(item.id);
        known.texts.push(`${known.texts[0].replace(" unfit", "")} changed ${known.texts.length}`);
        await outbox.edit(item.id, { text: known.texts.at(-1) });
      }
    }
  }
  // What the net held back arrives at last.
  for (const request of late) server.answer(request);

  const items = new Map((await list()).map((item) => [item.id, item]));
  let taken = 0;
  for (const [id, known] of entered) {
    const there = server.all().filter((each) => each.id === id);
    if (there.length > 1) wrong(`${id} is there ${there.length} times`);
    if (!there.length) {
      if (known.sure) wrong(`${id} is lost`);
      continue;
    }
    taken += 1;
    const [{ text, photos }] = there;
    if (!known.texts.includes(text)) wrong(`${id} says something else`);
    const last = known.texts.at(-1);
    const shown = items.get(id);
    if (text !== last && !known.perhaps && !(shown?.code === "earlier" && shown.fields.text === last)) {
      wrong(`a change of ${id} is lost`);
    }
    if (photos.length !== known.photos) wrong(`${id} has ${photos.length} photos of ${known.photos}`);
    if (photos.some(([, bytes]) => bytes.length > MOST_BYTES)) wrong(`${id} has a photo beyond the limit`);
  }
  const texts = server.all().map(({ text }) => text.split(" changed")[0].replace(" unfit", ""));
  if (new Set(texts).size !== texts.length) wrong("something is there under two names");
  if (server.all().some(({ id }) => !entered.has(id))) wrong("something is there that nobody entered");
  // Moves of one case in the order in which they were entered.
  for (const events of server.events.values()) {
    const order = events.map(({ id }) => id);
    if (String(order) !== String([...order].sort())) wrong("moves out of order");
  }
  life.kill();
  return { taken, trace };
}
