// Shows under a text how many characters it has, and says so aloud only when it is too long.

function shown(area, place) {
  const limit = Number(area.dataset.limit);
  const length = [...area.value.replace(/\r\n/g, "\n")].length;
  place.textContent = `${length} / ${limit}`;
  place.classList.toggle("over", length > limit);
  area.setAttribute("aria-invalid", String(length > limit));
}

export function startCounts(root) {
  for (const area of root.querySelectorAll("textarea[data-limit]")) {
    if (area.dataset.counted) continue;
    area.dataset.counted = "yes";
    const place = document.createElement("span");
    place.className = "count";
    place.setAttribute("aria-hidden", "true");
    area.after(place);
    area.addEventListener("input", () => shown(area, place));
    shown(area, place);
  }
}
