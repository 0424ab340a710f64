// A voice note: recorded in the page, at most two minutes, and laid into the form's own file field.
// Whatever the device refuses is said in a sentence, and the file field stays as the other way.

const TYPES = ["audio/webm;codecs=opus", "audio/mp4", "audio/ogg;codecs=opus"];
const ENDINGS = { "audio/webm": "webm", "audio/mp4": "m4a", "audio/ogg": "ogg" };
const BITS_PER_SECOND = 32000;
const TICK_MS = 250;

const clock = (seconds) => `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;

class Voice {
  constructor(box) {
    this.box = box;
    this.input = box.querySelector("input[type=file]");
    this.button = box.querySelector("[data-voice-record]");
    this.most = Number(box.dataset.most);
    this.input.addEventListener("change", () => this.chosen());
    box.querySelector("[data-voice-drop]").addEventListener("click", () => this.drop());
    this.type = window.MediaRecorder && TYPES.find((type) => MediaRecorder.isTypeSupported(type));
    if (!this.type || !navigator.mediaDevices?.getUserMedia) return;
    this.button.hidden = false;
    this.button.addEventListener("click", () => (this.recorder ? this.stop() : this.record()));
    this.fileField(false);
  }

  fileField(there) {
    this.input.hidden = !there;
    this.box.querySelector("[data-voice-label]").hidden = !there;
  }

  say(name, words = {}) {
    let said = this.box.dataset[name] ?? "";
    for (const [key, value] of Object.entries(words)) said = said.replace(`{${key}}`, value);
    this.box.querySelector("[data-voice-said]").textContent = said;
  }

  async record() {
    this.button.setAttribute("aria-busy", "true");
    let stream;
    try {
      stream = await navigator.mediaDevices.getUserMedia({ audio: true });
    } catch (fault) {
      this.say(["NotFoundError", "NotReadableError"].includes(fault.name) ? "missing" : "refused");
      this.fileField(true);
      return;
    } finally {
      this.button.removeAttribute("aria-busy");
    }
    this.drop(true);
    const pieces = [];
    const recorder = new MediaRecorder(stream, {
      mimeType: this.type,
      audioBitsPerSecond: BITS_PER_SECOND,
    });
    this.recorder = recorder;
    this.begun = Date.now();
    recorder.addEventListener("dataavailable", ({ data }) => data.size && pieces.push(data));
    this.ended = new Promise((done) => {
      recorder.addEventListener("stop", () => {
        for (const track of stream.getTracks()) track.stop();
        this.taken(new Blob(pieces, { type: this.type }));
        done();
      });
    });
    recorder.start(1000);
    this.show(true);
    this.say("on");
    this.ticking = setInterval(() => this.tick(), TICK_MS);
    this.tick();
  }

  tick() {
    const seconds = Math.floor((Date.now() - this.begun) / 1000);
    this.box.querySelector("[data-voice-time]").textContent = `${clock(seconds)} / ${clock(this.most)}`;
    if (seconds >= this.most) this.stop(true);
  }

  /** Ends a recording that runs; the promise is kept when its file lies in the form. */
  async stop(full = false) {
    if (!this.recorder) return;
    const { recorder } = this;
    this.recorder = null;
    this.full = full;
    this.seconds = Math.min(this.most, Math.max(1, Math.round((Date.now() - this.begun) / 1000)));
    clearInterval(this.ticking);
    recorder.stop();
    await this.ended;
  }

  taken(blob) {
    this.show(false);
    const type = this.type.split(";")[0];
    const file = new File([blob], `${this.box.dataset.name}.${ENDINGS[type]}`, { type });
    const holder = new DataTransfer();
    holder.items.add(file);
    this.input.files = holder.files;
    this.heard(file);
    this.say(this.full ? "full" : "done", { seconds: this.seconds });
  }

  show(on) {
    this.button.setAttribute("aria-pressed", String(on));
    this.box.querySelector("[data-voice-on]").hidden = !on;
    this.box.querySelector("[data-voice-off]").hidden = on;
    this.box.querySelector("[data-voice-time]").hidden = !on;
  }

  heard(file) {
    const player = this.box.querySelector("[data-voice-heard]");
    if (player.src) URL.revokeObjectURL(player.src);
    player.src = URL.createObjectURL(file);
    this.box.querySelector("[data-voice-box]").hidden = false;
    return player;
  }

  chosen() {
    const [file] = this.input.files;
    if (!file) return this.drop();
    const player = this.heard(file);
    this.say("");
    player.addEventListener(
      "loadedmetadata",
      () => {
        if (!Number.isFinite(player.duration) || player.duration <= this.most + 1) return;
        this.drop();
        this.say("long");
      },
      { once: true },
    );
  }

  drop(quiet = false) {
    const player = this.box.querySelector("[data-voice-heard]");
    if (player.src) URL.revokeObjectURL(player.src);
    player.removeAttribute("src");
    this.input.value = "";
    this.box.querySelector("[data-voice-box]").hidden = true;
    this.say(quiet ? "" : "gone");
    if (!quiet) (this.button.hidden ? this.input : this.button).focus();
  }
}

export function startVoices(root) {
  for (const box of root.querySelectorAll("[data-voice]")) box.voice ??= new Voice(box);
}
