// The place of a report: asks the device once when the reader taps, and fetches the map when opened.

function told(box, words) {
  const place = box.querySelector("[data-place-words]");
  if (place) place.textContent = words;
}

export function setPlace(box, lon, lat, words) {
  box.querySelector("[name=lon]").value = lon.toFixed(6);
  box.querySelector("[name=lat]").value = lat.toFixed(6);
  told(box, words);
  const clear = box.querySelector("[data-place-clear]");
  if (clear) clear.hidden = false;
}

function clearPlace(box) {
  for (const name of ["lon", "lat", "accuracy_metres"]) {
    const input = box.querySelector(`[name=${name}]`);
    if (input) input.value = "";
  }
  told(box, "");
  box.querySelector("[data-place-clear]").hidden = true;
  box.dispatchEvent(new CustomEvent("place:cleared"));
}

function ask(box, button) {
  button.setAttribute("aria-busy", "true");
  navigator.geolocation.getCurrentPosition(
    ({ coords }) => {
      button.removeAttribute("aria-busy");
      const metres = Math.max(1, Math.round(coords.accuracy));
      const accuracy = box.querySelector("[name=accuracy_metres]");
      if (accuracy) accuracy.value = String(metres);
      setPlace(box, coords.longitude, coords.latitude, box.dataset.found.replace("{metres}", metres));
      box.dispatchEvent(new CustomEvent("place:found"));
    },
    ({ code, PERMISSION_DENIED }) => {
      button.removeAttribute("aria-busy");
      told(box, code === PERMISSION_DENIED ? box.dataset.refused : (box.dataset.late ?? box.dataset.refused));
    },
    { enableHighAccuracy: true, timeout: 12000, maximumAge: 30000 },
  );
}

let fetching;
export function fetchMap(source, style) {
  fetching ??= new Promise((done, failed) => {
    const sheet = document.createElement("link");
    sheet.rel = "stylesheet";
    sheet.href = style;
    const script = document.createElement("script");
    script.src = source;
    script.addEventListener("load", done);
    script.addEventListener("error", failed);
    document.head.append(sheet, script);
  });
  return fetching;
}

export function startPlaces(root) {
  for (const box of root.querySelectorAll("[data-place]")) {
    if (box.dataset.watched) continue;
    box.dataset.watched = "yes";
    const button = box.querySelector("[data-place-ask]");
    if (button && navigator.geolocation) {
      button.hidden = false;
      button.addEventListener("click", () => ask(box, button));
    }
    box.querySelector("[data-place-clear]")?.addEventListener("click", () => clearPlace(box));
    box.addEventListener("place:set", ({ detail }) => {
      const accuracy = box.querySelector("[name=accuracy_metres]");
      if (accuracy) accuracy.value = "";
      setPlace(box, detail.lon, detail.lat, box.dataset.chosen);
    });
    const opening = box.querySelector("details[data-map-opening]");
    if (opening) {
      opening.hidden = false;
      const open = () => fetchMap(opening.dataset.source, opening.dataset.sheet).catch(() => {});
      opening.addEventListener("toggle", () => opening.open && open());
      if (opening.open) open();
    }
  }
}
