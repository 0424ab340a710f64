// The server as its contract has it, in memory: maplebridge/web/worker/receiving.py in few lines.
import { createHash } from "node:crypto";

export const MOST_BYTES = 1000;
const hex = (bytes) => createHash("sha256").update(new Uint8Array(bytes)).digest("hex");

export class Server {
  cases = new Map();
  events = new Map();
  parts = new Map();
  kept = new Map();
  counted = 0;
  revoked = false;

  constructor(keeper) {
    this.keeper = keeper;
  }

  answer({ method, path, json, bytes }) {
    if (this.revoked) return { status: 403, body: { wipe: true }, isOurs: true };
    if (method === "PUT") return this.#piece(path, new Uint8Array(bytes));
    if (method === "POST") return this.#entry(json);
    return { status: 200, body: { ok: true } };
  }

  #piece(path, bytes) {
    const [, sha256, from, of] = /parts\/(\w+)\/\?from=(\d+)&of=(\d+)/.exec(path);
    const [begin, total] = [Number(from), Number(of)];
    if (total > MOST_BYTES) return { status: 413, body: { detail: "too large", received: 0 } };
    const here = this.parts.get(sha256) ?? { bytes: new Uint8Array(), whole: false };
    if (here.whole) return { status: 200, body: { received: total } };
    if (begin !== here.bytes.length || begin + bytes.length > total || !bytes.length) {
      return { status: 409, body: { received: here.bytes.length } };
    }
    here.bytes = Uint8Array.from([...here.bytes, ...bytes]);
    if (here.bytes.length === total) {
      if (hex(here.bytes) !== sha256) {
        this.parts.delete(sha256);
        return { status: 422, body: { received: 0 } };
      }
      here.whole = true;
    }
    this.parts.set(sha256, here);
    return { status: 200, body: { received: here.bytes.length } };
  }

  #entry(said) {
    const { id, keeper, kind, fields, photos, move } = said;
    if (keeper !== this.keeper) return { status: 409, body: { keeper: false } };
    const known = kind === "report" ? this.cases.get(id) : this.events.get(said.case)?.find((e) => e.id === id);
    if (known) {
      const same = kind === "report" ? known.text === fields.text : null;
      return this.#taken(id, known, { fresh: false, same });
    }
    const missing = {};
    for (const sha256 of photos) {
      if (!this.parts.get(sha256)?.whole) missing[sha256] = this.parts.get(sha256)?.bytes.length ?? 0;
    }
    if (Object.keys(missing).length) return { status: 202, body: { missing } };
    if (!fields.text || fields.text.includes("unfit")) {
      return { status: 422, body: { detail: "Say it otherwise.", problems: { text: "Say it otherwise." } } };
    }
    this.counted += 1;
    const taken = { id, text: fields.text, number: `N-${this.counted}`, photos: photos.map((sum) => [sum, this.parts.get(sum).bytes]) };
    if (kind === "report") this.cases.set(id, { ...taken, case: `case-of-${id}` });
    else {
      const events = this.events.get(said.case) ?? [];
      const expected = fields.expected_sequence;
      if (expected !== undefined && Number(expected) !== events.length) {
        const theirs = { sequence: events.length, state: "handling", state_label: "办理中" };
        return { status: 409, body: { detail: "Somebody was faster.", theirs } };
      }
      this.events.set(said.case, [...events, { ...taken, move, case: said.case }]);
    }
    for (const sum of photos) this.parts.delete(sum);
    return this.#taken(id, taken.case ? taken : { ...taken, case: said.case ?? `case-of-${id}` }, { fresh: true, same: true });
  }

  #taken(id, { number, case: caseId, photos }, more) {
    return { status: 200, body: { id, number, case: caseId, photos: photos.length, ...more } };
  }

  // Every entry that was taken, reports and moves.
  all() {
    return [...this.cases.values(), ...[...this.events.values()].flat()];
  }
}
