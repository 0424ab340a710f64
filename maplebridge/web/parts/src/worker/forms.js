// The forms of the worker's pages: whatever is entered goes into the outbox first, net or no net.
import { startCounts } from "../counts.js";
import { startCameras } from "./camera.js";
import { fill, sayLater, words } from "./said.js";

const TECHNICAL = new Set(["csrfmiddlewaretoken", "key", "kept", "what", "photos"]);
const POSITION = "worker-position";
const WAIT_MS = 9000;

function tell(part, text) {
  const form = part.closest("form");
  const place = form.querySelector("[data-form-error]");
  place.hidden = !text;
  place.textContent = text;
  if (text) place.scrollIntoView({ block: "center" });
}

function fieldsOf(form) {
  const fields = {};
  for (const [name, value] of new FormData(form)) {
    if (!TECHNICAL.has(name) && typeof value === "string" && value !== "") fields[name] = value;
  }
  return fields;
}

const photosOf = (form) => new FormData(form).getAll("photos").filter((file) => file.size > 0);

// The position of this moment: asked when the reader sends, and at no other time.
function position() {
  return new Promise((done) => {
    if (!navigator.geolocation) return done(null);
    const stop = setTimeout(() => done(null), WAIT_MS + 1000);
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => {
        clearTimeout(stop);
        done({
          lon: coords.longitude.toFixed(6),
          lat: coords.latitude.toFixed(6),
          accuracy_metres: String(Math.max(1, Math.round(coords.accuracy))),
        });
      },
      () => {
        clearTimeout(stop);
        done(null);
      },
      { enableHighAccuracy: true, timeout: WAIT_MS, maximumAge: 30000 },
    );
  });
}

async function send(form, outbox, boxAddress) {
  const asks = form.querySelector("[data-position]");
  const fields = fieldsOf(form);
  const isReport = form.dataset.outbox === "report";
  if (isReport && !fields.text?.trim()) {
    tell(form, words.few_words);
    form.querySelector("[name=text]").focus();
    return;
  }
  let said = words.kept;
  if (asks) {
    localStorage.setItem(POSITION, asks.checked ? "yes" : "no");
    if (asks.checked) {
      tell(form, "");
      const found = await position();
      if (found) Object.assign(fields, found);
      else said = `${words.no_place} ${said}`;
    }
  }
  try {
    await outbox.put({
      kind: form.dataset.outbox,
      caseId: form.dataset.case,
      move: form.dataset.move,
      fields,
      photos: photosOf(form),
    });
  } catch (fault) {
    tell(form, fault?.name === "QuotaExceededError" ? words.full : words.unkept);
    return;
  }
  sayLater(said);
  location.assign(boxAddress);
}

function startShortcuts(form) {
  const text = form.querySelector("[name=text]");
  const chosen = [...form.querySelectorAll("[name=what]")];
  // Words of a tile give way to those of another; what was typed stays.
  const take = (radio) => {
    if (!text.value.trim() || chosen.some((other) => other.dataset.words === text.value)) {
      text.value = radio.dataset.words;
      text.dispatchEvent(new Event("input"));
    }
  };
  for (const radio of chosen) radio.addEventListener("change", () => take(radio));
  const asked = new URLSearchParams(location.search).get("what");
  const first = chosen.find((radio) => radio.value === asked);
  if (first && !first.checked) {
    first.checked = true;
    take(first);
  }
}

export function startForms(root, outbox, boxAddress) {
  startCounts(root);
  startCameras(root, tell);
  for (const form of root.querySelectorAll("form[data-outbox]")) {
    if (form.dataset.watched) continue;
    form.dataset.watched = "yes";
    if (form.dataset.outbox === "report") startShortcuts(form);
    for (const button of form.querySelectorAll("[data-say]")) {
      button.addEventListener("click", () => {
        const area = form.querySelector("textarea");
        area.value = button.dataset.say;
        area.dispatchEvent(new Event("input"));
      });
    }
    const asks = form.querySelector("[data-position]");
    if (asks && outbox && navigator.geolocation) {
      asks.closest("[data-with-place]").hidden = false;
      asks.checked = localStorage.getItem(POSITION) !== "no";
    }
    if (!outbox) continue;
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      if (form.dataset.sending) return;
      form.dataset.sending = "yes";
      const button = event.submitter ?? form.querySelector("button.main");
      button?.setAttribute("aria-busy", "true");
      tell(form, "");
      await send(form, outbox, boxAddress).finally(() => {
        delete form.dataset.sending;
        button?.removeAttribute("aria-busy");
      });
    });
  }
}
