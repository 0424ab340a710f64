// The live board: charts beside their tables, numbers on the map, the slider of past hours, and on
// the big screen a clock and panels that take turns.
import { drawTrend } from "./chart.js";

const TURN_MS = 15000;
const CLOCK_MS = 1000;
const REPLAY_MS = 600;

function drawCharts() {
  for (const box of document.querySelectorAll("[data-chart=trend]")) {
    const table = box.parentElement.querySelector("[data-trend]");
    if (table) drawTrend(box, table);
  }
}

function tellMap() {
  document.querySelector("[data-map][data-mode=areas]")?.dispatchEvent(new CustomEvent("areas:told"));
}

function startReplay() {
  const form = document.querySelector("[data-replay]");
  if (!form) return;
  const slider = form.querySelector("input[type=range]");
  const words = form.querySelector("output");
  let waiting;
  const say = () => {
    const hours = slider.value;
    words.textContent = hours === "0"
      ? words.dataset.nowWords
      : words.dataset.replayWords.replace("{hours}", hours);
  };
  slider.addEventListener("input", () => {
    say();
    clearTimeout(waiting);
    waiting = setTimeout(() => form.requestSubmit(), REPLAY_MS);
  });
  say();
}

// Panels of one place take turns where there is no room for all, and nobody to scroll.
function startScreen() {
  if (!document.querySelector("[data-screen]")) return;
  let turn = 0;
  // As the style sheet has it: from here on nothing scrolls.
  const wall = window.matchMedia("(min-width: 100rem) and (min-height: 56rem)");
  wall.addEventListener("change", () => show());
  const show = () => {
    const panels = [...document.querySelectorAll("[data-rotate=left]")];
    const place = panels[0]?.parentElement;
    for (const panel of panels) panel.hidden = wall.matches;
    if (!wall.matches) return;
    // As many as there is room for, one at least.
    for (let at = 0; at < panels.length; at += 1) {
      const panel = panels[(turn + at) % panels.length];
      panel.hidden = false;
      if (at && place.scrollHeight > place.clientHeight + 1) {
        panel.hidden = true;
        break;
      }
    }
  };
  setInterval(() => {
    turn += 1;
    show();
  }, TURN_MS);
  document.addEventListener("live:drawn", show);
  show();
  const clock = document.querySelector("[data-clock]");
  setInterval(() => {
    clock.textContent = new Date().toLocaleTimeString("zh-CN", {
      hour: "2-digit", minute: "2-digit", hour12: false, timeZone: "Asia/Shanghai",
    });
  }, CLOCK_MS);
}

// The head of the page is not drawn anew; its sign of the response level is.
function tellLevel() {
  const fresh = document.querySelector("[data-level]");
  const there = document.querySelector("[data-level-shown]");
  if (fresh && there) there.replaceChildren(...fresh.cloneNode(true).childNodes);
}

document.addEventListener("DOMContentLoaded", () => {
  drawCharts();
  startReplay();
  startScreen();
  document.addEventListener("live:drawn", () => {
    tellLevel();
    drawCharts();
    tellMap();
  });
});
