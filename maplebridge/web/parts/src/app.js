// Starts on every page: htmx with its doors shut, and the small islands that need no map.
import htmx from "htmx.org";
import { startCounts } from "./counts.js";
import { startLive } from "./live.js";
import { startPasskeys } from "./passkey.js";
import { startPhotos } from "./photo.js";
import { startPlaces } from "./place.js";
import { startSends } from "./send.js";

Object.assign(htmx.config, {
  allowEval: false,
  allowScriptTags: false,
  includeIndicatorStyles: false,
  selfRequestsOnly: true,
  historyCacheSize: 0,
  refreshOnHistoryMiss: true,
});

function start(root) {
  startCounts(root);
  startLive(root, start);
  startPasskeys(root);
  startPhotos(root);
  startPlaces(root);
  startSends(root);
}

document.documentElement.dataset.script = "on";
document.addEventListener("DOMContentLoaded", () => {
  start(document);
  document.body.addEventListener("htmx:load", (event) => {
    if (event.detail.elt !== document.body) start(event.detail.elt);
  });
  // An answer that says "wrong" (422) or "someone was faster" (409) is a page part, not a failure.
  document.body.addEventListener("htmx:beforeSwap", (event) => {
    if ([403, 409, 422, 503].includes(event.detail.xhr.status)) {
      event.detail.shouldSwap = true;
      event.detail.isError = false;
    }
  });
  // Where the answer has a part to be read first, the reader's place moves there.
  document.body.addEventListener("htmx:afterSettle", (event) => {
    const first = event.detail.elt.querySelector?.("[data-read-first]");
    if (first) first.focus();
  });
});

// A sheet in the head or below it closes when the reader goes elsewhere.
const SHEETS = "details.who[open], details.nav-more[open]";
document.addEventListener("click", (event) => {
  for (const open of document.querySelectorAll(SHEETS)) {
    if (!open.contains(event.target)) open.open = false;
  }
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const open of document.querySelectorAll(SHEETS)) {
    open.open = false;
    open.querySelector("summary").focus();
  }
});
