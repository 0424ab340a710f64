// The residents' pages: voice notes, a report that outlives a lost network, pages read aloud.
import { startAloud } from "./resident/aloud.js";
import { startCopies } from "./resident/copy.js";
import { startReports } from "./resident/report.js";
import { startVoices } from "./resident/record.js";

function start(root) {
  startVoices(root);
  startReports(root);
}

startAloud();
startCopies();
document.addEventListener("DOMContentLoaded", () => {
  start(document);
  document.body.addEventListener("htmx:load", ({ detail }) => {
    if (detail.elt !== document.body) start(detail.elt);
  });
});
