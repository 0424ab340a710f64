// Seals what the outbox keeps: AES-GCM under a key that can be used in this browser and not read.
//
// What is sealed is bound to its place by `about`, so that nothing can be moved to another entry.

const words = new TextEncoder();
const letters = new TextDecoder();

export const drawKey = () =>
  crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]);

export async function seal(key, about, bytes) {
  const iv = crypto.getRandomValues(new Uint8Array(12));
  const sealed = await crypto.subtle.encrypt(
    { name: "AES-GCM", iv, additionalData: words.encode(about) }, key, bytes,
  );
  return { iv, sealed };
}

export const unseal = (key, about, { iv, sealed }) =>
  crypto.subtle.decrypt({ name: "AES-GCM", iv, additionalData: words.encode(about) }, key, sealed);

export const sealJson = (key, about, value) => seal(key, about, words.encode(JSON.stringify(value)));

export const unsealJson = async (key, about, row) =>
  JSON.parse(letters.decode(await unseal(key, about, row)));

export async function sha256(bytes) {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
