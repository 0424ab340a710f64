// From phone to phone without a net: a sequence of codes on one screen, the camera of the other.
import jsQR from "jsqr";
import qrcode from "qrcode-generator";
import { fill, words } from "./said.js";

const TURN_MS = 900;
const EDGE = 4;

function draw(canvas, text) {
  const code = qrcode(0, "L");
  code.addData(text);
  code.make();
  const count = code.getModuleCount();
  const side = Math.floor(canvas.width / (count + 2 * EDGE));
  const start = Math.floor((canvas.width - side * count) / 2);
  const pen = canvas.getContext("2d");
  pen.fillStyle = "#fff";
  pen.fillRect(0, 0, canvas.width, canvas.height);
  pen.fillStyle = "#000";
  for (let row = 0; row < count; row += 1) {
    for (let column = 0; column < count; column += 1) {
      if (code.isDark(row, column)) pen.fillRect(start + column * side, start + row * side, side, side);
    }
  }
}

// Shows the parts one after the other until the reader is done.
export function showParts(box, parts) {
  let part = 0;
  let turning = !matchMedia("(prefers-reduced-motion: reduce)").matches;
  const canvas = box.querySelector("[data-code]");
  const show = (to) => {
    part = (to + parts.length) % parts.length;
    draw(canvas, parts[part]);
    box.querySelector("[data-part]").textContent = fill("parts", { n: part + 1, all: parts.length });
  };
  const timer = setInterval(() => turning && parts.length > 1 && show(part + 1), TURN_MS);
  const acts = {
    back: () => ((turning = false), show(part - 1)),
    next: () => ((turning = false), show(part + 1)),
    pause: () => (turning = !turning),
    done: () => {
      clearInterval(timer);
      box.hidden = true;
      box.onclick = null;
    },
  };
  box.querySelector("#hand-text").value = parts.join("\n");
  box.onclick = (event) => acts[event.target.closest("[data-do]")?.dataset.do]?.();
  box.hidden = false;
  show(0);
  box.querySelector("h2").focus();
}

// Reads codes until `take` has all of them; resolves when it says so. take: string → {read, all}.
async function scan(view, take) {
  const stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
  view.srcObject = stream;
  view.hidden = false;
  await view.play();
  const canvas = document.createElement("canvas");
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  try {
    for (;;) {
      await new Promise((done) => requestAnimationFrame(done));
      if (!view.videoWidth || !stream.active) continue;
      canvas.width = view.videoWidth;
      canvas.height = view.videoHeight;
      pen.drawImage(view, 0, 0);
      const { data, width, height } = pen.getImageData(0, 0, canvas.width, canvas.height);
      const found = jsQR(data, width, height, { inversionAttempts: "dontInvert" });
      if (found?.data && take(found.data)) return;
    }
  } finally {
    for (const track of stream.getTracks()) track.stop();
    view.srcObject = null;
    view.hidden = true;
  }
}

export function startTaking(root, outbox, complete) {
  const box = root.querySelector("[data-take]");
  if (!box || box.dataset.watched) return;
  box.dataset.watched = "yes";
  const said = box.querySelector("[data-take-said]");
  const take = async (strings) => {
    try {
      await outbox.takeOver(strings);
      said.textContent = words.taken_over;
      box.querySelector("#take-text").value = "";
    } catch (fault) {
      said.textContent = fault?.name === "QuotaExceededError" ? words.full : words.not_taken;
    }
  };
  box.querySelector("[data-do=paste]").addEventListener("click", () => {
    const strings = box.querySelector("#take-text").value.split(/\s+/).filter(Boolean);
    if (strings.length) take(strings);
  });
  box.querySelector("[data-do=scan]").addEventListener("click", async () => {
    const read = new Set();
    try {
      await scan(box.querySelector("[data-view]"), (text) => {
        read.add(text);
        const { all, whole } = complete([...read]);
        said.textContent = fill("read_parts", { n: read.size, all });
        return whole;
      });
    } catch {
      said.textContent = words.no_camera;
      box.querySelector("#take-text").focus();
      return;
    }
    take([...read]);
  });
}
