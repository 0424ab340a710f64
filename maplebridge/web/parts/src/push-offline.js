// Shows what is pushed: the case number and its state. A tap opens the receipt this browser knows.

const KEPT = "push-receipts";

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("push", (event) => {
  let said = {};
  try {
    said = event.data.json();
  } catch {
    // Whatever came is no news of ours; a browser wants something shown all the same.
  }
  const number = String(said.number ?? "枫桥");
  event.waitUntil(
    self.registration.showNotification(number, {
      body: String(said.state ?? ""),
      // The same case again takes the place of its older news.
      tag: number,
      renotify: true,
      lang: "zh-Hans",
      data: { number },
    }),
  );
});

async function open(number) {
  const shelf = await caches.open(KEPT);
  const found = await shelf.match(`/push-receipts/${number}`);
  const address = found ? await found.text() : "/follow/";
  const shown = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  const here = shown.find((each) => new URL(each.url).pathname === address);
  if (here) await here.focus();
  else await self.clients.openWindow(address);
}

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(open(event.notification.data.number));
});
