// Clocks of a kept page go on while there is no net: how long is left, or how long it is overdue.
import { fill } from "./said.js";

const SOON_MS = 4 * 3600e3;
const TONES = ["tone-jade", "tone-amber", "tone-crimson"];

function spell(ms) {
  const minutes = Math.floor(ms / 60e3);
  if (minutes < 60) return fill("minutes", { n: minutes });
  if (minutes < 48 * 60) return fill("hours", { n: Math.floor(minutes / 60) });
  return fill("days", { n: Math.floor(minutes / 1440) });
}

export function freshen(root, now = Date.now()) {
  for (const chip of root.querySelectorAll("time.chip[datetime]")) {
    if (!TONES.some((tone) => chip.classList.contains(tone))) continue;
    const left = Date.parse(chip.dateTime) - now;
    const tone = left < 0 ? "tone-crimson" : left < SOON_MS ? "tone-amber" : "tone-jade";
    chip.classList.remove(...TONES);
    chip.classList.add(tone);
    const icon = chip.querySelector("use");
    const sign = { "tone-crimson": "overdue", "tone-amber": "due", "tone-jade": "clock" }[tone];
    icon?.setAttribute("href", icon.getAttribute("href").replace(/#.*/, `#${sign}`));
    const said = left < 0 ? fill("overdue", { time: spell(-left) }) : fill("left", { time: spell(left) });
    chip.lastChild.textContent = said;
  }
}
