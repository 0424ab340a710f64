// A telephone that can be killed: its disk outlives it, its program does not.
//
// Whatever a program does is a transaction on the disk or a request to the net; before and after
// each of them a countdown goes on, and at zero the program is dead: it can do nothing more, and
// what it had begun on the disk either happened or did not.
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const front = new URL("../../maplebridge/web/parts/", import.meta.url);
const { resolve } = createRequire(new URL("package.json", front));
const { IDBFactory } = await import(pathToFileURL(resolve("fake-indexeddb")));

// Numbers from 0 to 1 that a seed always gives (mulberry32).
export function drawn(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let value = Math.imul(state ^ (state >>> 15), 1 | state);
    value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value;
    return ((value ^ (value >>> 14)) >>> 0) / 2 ** 32;
  };
}

export const disk = () => new IDBFactory();

export class Killed extends Error {}

export class Life {
  dead = false;
  steps = 0;

  constructor(factory, random, untilDeath = Infinity) {
    this.factory = factory;
    this.random = random;
    this.left = untilDeath;
    this.open = new Set();
    this.bases = new Set();
    this.death = new Promise((die) => {
      this.die = die;
    });
  }

  // Goes on by one await point; throws when the program does not live to see it.
  step() {
    if (this.dead) throw new Killed();
    this.steps += 1;
    this.left -= 1;
    if (this.left > 0) return;
    this.kill();
    throw new Killed();
  }

  kill() {
    this.dead = true;
    for (const transaction of this.open) {
      if (this.random() < 0.5) continue;
      try {
        transaction.abort();
      } catch {
        // It has ended.
      }
    }
    for (const base of this.bases) base.close();
    this.die();
  }

  // What the outbox knows as `indexedDB`.
  get storage() {
    const life = this;
    return {
      open(...asked) {
        life.step();
        const request = life.factory.open(...asked);
        request.addEventListener("success", () => life.#watch(request.result));
        return request;
      },
      deleteDatabase: (...asked) => life.factory.deleteDatabase(...asked),
      databases: () => life.factory.databases(),
    };
  }

  #watch(base) {
    this.bases.add(base);
    const begin = base.transaction.bind(base);
    base.transaction = (stores, mode, options) => {
      this.step();
      if (mode === "readwrite" && options?.durability !== "strict") throw new Error("not on the disk");
      const transaction = begin(stores, mode, options);
      // Reading ends at some time or other, and nobody waits for it.
      if (mode !== "readwrite") return transaction;
      this.open.add(transaction);
      const ended = () => {
        this.open.delete(transaction);
        try {
          if (!this.dead) this.step();
        } catch {
          // Dead between the writing and the knowing of it.
        }
      };
      transaction.addEventListener("complete", ended);
      transaction.addEventListener("abort", () => this.open.delete(transaction));
      return transaction;
    };
  }

  // The result of some work, or nothing when the program died before it was known.
  async lives(work) {
    const result = await Promise.race([
      work.then((value) => ({ value })),
      this.death.then(() => null),
    ]).catch((fault) => {
      if (this.dead) return null;
      throw fault;
    });
    return this.dead ? null : result;
  }
}

// Web Locks of one browser: given while nobody alive holds them.
export class Locks {
  held = new Map();

  of(life) {
    return {
      request: async (name, _options, work) => {
        if (this.held.has(name) && !this.held.get(name).dead) return work(null);
        this.held.set(name, life);
        try {
          return await work({ name });
        } finally {
          if (this.held.get(name) === life) this.held.delete(name);
        }
      },
    };
  }
}
