// node run.mjs FIRST LAST [MODULE]: the runs of these seeds; says each that fails, and how many.
// Of another MODULE than our own, one with a fault put in, the first that fails is enough.
import { createHash } from "node:crypto";
import { live } from "./lives.mjs";

const [first, last, module] = process.argv.slice(2);
const place = module ?? new URL("../../maplebridge/web/parts/src/outbox/outbox.js", import.meta.url).href;
const outbox = await import(place);
let taken = 0;
let requests = 0;
const wrong = [];
const marks = createHash("sha256");
for (let seed = Number(first); seed <= Number(last); seed += 1) {
  try {
    const run = await live(outbox, seed);
    taken += run.taken;
    requests += run.trace.length;
    marks.update(run.trace.join("\n"));
  } catch (fault) {
    wrong.push(seed);
    if (wrong.length <= 3) console.error(fault.stack);
    if (module) break;
  }
}
console.log(JSON.stringify({ wrong, taken, requests, mark: marks.digest("hex") }));
process.exit(wrong.length ? 1 : 0);
