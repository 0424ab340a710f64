// An entry cut into short strings, each fit for a QR code: numbered, checksummed, put together again.
//
// A string is "MB1.NUMBER.ALL.SET.SUM.DATA": SET names the sequence, SUM is of this part. No space
// and no line break is in it; order and repetition do not matter when they are read.
import { sha256 } from "./seal.js";

const MARK = "MB1";
export const PART_LETTERS = 480;
export const MOST_PARTS = 60;
// What an entry may have after packing, in bytes: MOST_PARTS strings of base64.
export const MOST_BYTES = Math.floor((PART_LETTERS * MOST_PARTS * 3) / 4);

const letters = new TextEncoder();

export class WrongParts extends Error {}

export function toBase64(bytes) {
  let text = "";
  const view = new Uint8Array(bytes);
  for (let at = 0; at < view.length; at += 0x8000) {
    text += String.fromCharCode(...view.subarray(at, at + 0x8000));
  }
  return btoa(text);
}

export function fromBase64(text) {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}

const toUrl = (text) => text.replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
const fromUrl = (text) => text.replace(/-/g, "+").replace(/_/g, "/");

const through = async (bytes, stream) =>
  new Uint8Array(await new Response(new Blob([bytes]).stream().pipeThrough(stream)).arrayBuffer());

// Packed bytes begin with "d" when they were made smaller and with "p" when this browser cannot.
export async function pack(text) {
  const plain = letters.encode(text);
  const small = globalThis.CompressionStream
    ? await through(plain, new CompressionStream("deflate-raw"))
    : null;
  const body = small ?? plain;
  const packed = new Uint8Array(body.length + 1);
  packed[0] = (small ? "d" : "p").charCodeAt(0);
  packed.set(body, 1);
  return packed;
}

async function unpack(packed) {
  const body = packed.subarray(1);
  if (packed[0] === "d".charCodeAt(0)) {
    return new TextDecoder().decode(await through(body, new DecompressionStream("deflate-raw")));
  }
  return new TextDecoder().decode(body);
}

const sumOf = async (set, number, data) => (await sha256(letters.encode(`${set}.${number}.${data}`))).slice(0, 6);

export async function cut(packed) {
  const text = toUrl(toBase64(packed));
  const set = (await sha256(packed)).slice(0, 12);
  const all = Math.max(1, Math.ceil(text.length / PART_LETTERS));
  const parts = [];
  for (let number = 1; number <= all; number += 1) {
    const data = text.slice((number - 1) * PART_LETTERS, number * PART_LETTERS);
    parts.push([MARK, number, all, set, await sumOf(set, number, data), data].join("."));
  }
  return parts;
}

function read(string) {
  const [mark, number, all, set, sum, data, ...more] = String(string).trim().split(".");
  if (mark !== MARK || more.length || !data) return null;
  const part = { number: Number(number), all: Number(all), set, sum, data };
  return part.number >= 1 && part.number <= part.all && part.all <= 9999 ? part : null;
}

// How far a reading has come: how many parts there are, how many are read, whether it is whole.
// The sums are compared when they are joined.
export function progress(strings) {
  const parts = strings.map(read).filter(Boolean);
  const set = parts.at(-1)?.set;
  const of = parts.filter((part) => part.set === set);
  const all = of[0]?.all ?? 0;
  const got = new Set(of.map((part) => part.number)).size;
  return { all, read: got, whole: all > 0 && got === all };
}

// The text again. Throws WrongParts when one is missing, changed, or of another entry.
export async function join(strings) {
  const parts = new Map();
  let first = null;
  for (const part of strings.map(read)) {
    if (!part) continue;
    first ??= part;
    if (part.set !== first.set || part.all !== first.all) throw new WrongParts("of two entries");
    if ((await sumOf(part.set, part.number, part.data)) !== part.sum) throw new WrongParts("misread");
    parts.set(part.number, part.data);
  }
  if (!first || parts.size !== first.all) throw new WrongParts("not all parts");
  let text = "";
  for (let number = 1; number <= first.all; number += 1) text += parts.get(number);
  let packed;
  try {
    packed = fromBase64(fromUrl(text));
  } catch {
    throw new WrongParts("misread");
  }
  if ((await sha256(packed)).slice(0, 12) !== first.set) throw new WrongParts("misread");
  return unpack(packed);
}
