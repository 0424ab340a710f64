// Asks the browser, once the reader taps, to show news of this report; works without being loaded.

const KEPT = "push-receipts";

function bytes(text) {
  const plain = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
  return Uint8Array.from(plain, (letter) => letter.charCodeAt(0));
}

function text(buffer) {
  const plain = String.fromCharCode(...new Uint8Array(buffer));
  return btoa(plain).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}

// The number leads to its receipt on this device only: the query code never travels with a push.
async function keep(box, wanted) {
  const shelf = await caches.open(KEPT);
  const place = `/push-receipts/${box.dataset.pushNumber}`;
  if (wanted) await shelf.put(place, new Response(box.dataset.pushReceipt));
  else await shelf.delete(place);
}

async function isOn(box) {
  return Boolean(await (await caches.open(KEPT)).match(`/push-receipts/${box.dataset.pushNumber}`));
}

async function post(box, fields) {
  const form = new FormData(box.querySelector("form"));
  for (const [name, value] of Object.entries(fields)) form.set(name, value);
  const answer = await fetch(box.dataset.pushAddress, { method: "POST", body: form });
  if (!answer.ok) throw new Error(answer.status);
}

async function on(box) {
  if ((await Notification.requestPermission()) !== "granted") return "refused";
  const registration = await navigator.serviceWorker.register(box.dataset.pushScript, {
    scope: "/r/",
  });
  await ready(registration);
  const made =
    (await registration.pushManager.getSubscription()) ??
    (await registration.pushManager.subscribe({
      userVisibleOnly: true,
      applicationServerKey: bytes(box.dataset.push),
    }));
  await post(box, {
    wish: "on",
    endpoint: made.endpoint,
    p256dh: text(made.getKey("p256dh")),
    auth: text(made.getKey("auth")),
  });
  await keep(box, true);
  return "on";
}

// A subscription needs a script that is at work, not one that is just being installed.
function ready(registration) {
  const coming = registration.installing ?? registration.waiting;
  if (registration.active || !coming) return null;
  return new Promise((done) => {
    coming.addEventListener("statechange", () => coming.state === "activated" && done());
  });
}

async function off(box) {
  const registration = await navigator.serviceWorker.getRegistration("/r/");
  const made = await registration?.pushManager.getSubscription();
  if (made) await post(box, { wish: "off", endpoint: made.endpoint });
  await keep(box, false);
  return "off";
}

function show(box, wanted) {
  for (const button of box.querySelectorAll("[data-push-wish]")) {
    button.hidden = (button.dataset.pushWish === "on") === wanted;
  }
}

async function tapped(box, button) {
  const said = box.querySelector("[data-push-said]");
  button.setAttribute("aria-busy", "true");
  let outcome;
  try {
    outcome = await (button.dataset.pushWish === "on" ? on(box) : off(box));
  } catch {
    outcome = "failed";
  }
  button.removeAttribute("aria-busy");
  const wanted = await isOn(box);
  show(box, wanted);
  said.textContent = box.dataset[`push${outcome[0].toUpperCase()}${outcome.slice(1)}`];
  box.querySelector("[data-push-wish]:not([hidden])").focus();
}

async function start(box) {
  const can = "serviceWorker" in navigator && "PushManager" in window && "Notification" in window;
  if (!can || !("caches" in window)) return;
  show(box, (await isOn(box)) && Notification.permission === "granted");
  box.hidden = false;
  for (const button of box.querySelectorAll("[data-push-wish]")) {
    button.addEventListener("click", () => tapped(box, button));
  }
}

for (const box of document.querySelectorAll("[data-push]")) start(box);
