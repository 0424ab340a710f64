// What was typed and not sent, on this phone alone, for a day. Never a name, a telephone number
// or whom a complaint is about: whoever opens the phone next shall not read these.

const KEPT = ["text", "place", "lon", "lat", "accuracy_metres", "at", "key"];
const KEPT_MS = 24 * 3600 * 1000;

const field = (form, name) => form.querySelector(`[name=${name}]`);

export function forget(name) {
  try {
    localStorage.removeItem(name);
  } catch {
    // A browser without storage has kept nothing.
  }
}

/** Keeps what is typed; false when the phone has no room for it. */
export function keep(form, name) {
  const said = { at_ms: Date.now(), tried: form.dataset.tried ?? null };
  for (const each of KEPT) said[each] = field(form, each)?.value ?? "";
  if (!said.text.trim() && !said.place.trim()) {
    forget(name);
    return true;
  }
  try {
    localStorage.setItem(name, JSON.stringify(said));
    return true;
  } catch {
    return false;
  }
}

/** Puts a kept report back into an empty form; true when there was one. */
export function putBack(form, name) {
  let said;
  try {
    said = JSON.parse(localStorage.getItem(name) ?? "null");
  } catch {
    return false;
  }
  if (!said || Date.now() - said.at_ms > KEPT_MS) {
    forget(name);
    return false;
  }
  if (field(form, "text").value.trim()) return false;
  const plate = field(form, "at");
  for (const each of KEPT) {
    const place = field(form, each);
    // A plate that was just scanned says the place; what was typed before it does not.
    if (!place || (plate && ["place", "lon", "lat", "accuracy_metres", "at"].includes(each))) continue;
    place.value = said[each] ?? "";
  }
  if (said.tried !== null) form.dataset.tried = said.tried;
  const box = form.querySelector("[data-place]");
  if (field(form, "lon").value) {
    box.querySelector("[data-place-words]").textContent = box.dataset.chosen;
    box.querySelector("[data-place-clear]").hidden = false;
  }
  return true;
}
