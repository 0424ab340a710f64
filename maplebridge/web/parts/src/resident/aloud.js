// Reads the page's own words aloud, part by part, so that it can be stopped and is never cut off.

const READ = "h1, h2, h3, p, li, dt, dd, label, legend, summary";
const CALM_RATE = 0.9;

function parts(main) {
  return [...main.querySelectorAll(READ)].filter((part) => {
    const inner = part.querySelector(READ);
    return !inner && part.getClientRects().length && !part.closest("[aria-hidden=true], .heard, audio");
  });
}

export function startAloud() {
  document.addEventListener("DOMContentLoaded", () => {
    const button = document.querySelector("[data-aloud]");
    const voice = window.speechSynthesis;
    if (!button || !voice) return;
    const words = button.querySelector("span");
    const start = words.textContent;
    const said = document.querySelector("[data-aloud-said]");
    let left = [];
    let reading = null;

    const mark = (part) => {
      reading?.classList.remove("being-read");
      reading = part;
      part?.classList.add("being-read");
    };
    const stop = () => {
      left = [];
      voice.cancel();
      mark(null);
      button.removeAttribute("aria-pressed");
      words.textContent = start;
    };
    const next = () => {
      const part = left.shift();
      if (!part) return stop();
      mark(part);
      const spoken = new SpeechSynthesisUtterance(part.innerText.trim());
      spoken.lang = document.documentElement.lang.startsWith("en") ? "en-GB" : "zh-CN";
      spoken.rate = CALM_RATE;
      spoken.addEventListener("end", () => reading === part && next());
      spoken.addEventListener("error", ({ error }) => {
        if (reading !== part) return;
        if (!["canceled", "interrupted"].includes(error)) said.textContent = button.dataset.aloudMute;
        stop();
      });
      voice.speak(spoken);
    };

    button.hidden = false;
    button.addEventListener("click", () => {
      if (button.hasAttribute("aria-pressed")) return stop();
      said.textContent = "";
      button.setAttribute("aria-pressed", "true");
      words.textContent = button.dataset.aloudStop;
      left = parts(document.getElementById("main"));
      next();
    });
    window.addEventListener("pagehide", () => voice.cancel());
  });
}
