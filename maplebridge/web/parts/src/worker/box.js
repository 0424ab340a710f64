// The page of the outbox: each entry with its state, and what can be done with it.
import { showParts } from "./hand.js";
import { clockTime, fill, say, words } from "./said.js";

const FREE = ["text", "place", "note", "result", "reason"];

const titleOf = (item) => (item.kind === "move" ? words[`move_${item.move}`] ?? item.move : words.report);
const wordsOf = (item) => FREE.map((name) => item.fields?.[name]).filter(Boolean).join("\n");

function download(name, text) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60e3);
}

// The pictures of an entry, while their bytes still lie on the phone.
async function drawPhotos(outbox, place, item) {
  const wanted = item.state === "sent" ? 0 : item.photos.length;
  if (place.dataset.count === String(wanted)) return;
  place.dataset.count = wanted;
  const found = await Promise.all(
    item.photos.slice(0, wanted).map((_, number) => outbox.photo(item.id, number).catch(() => null)),
  );
  for (const old of place.querySelectorAll("img")) URL.revokeObjectURL(old.src);
  place.replaceChildren(
    ...found.filter(Boolean).map((photo, number) => {
      const image = document.createElement("img");
      image.src = URL.createObjectURL(photo);
      image.alt = `${words.photo} ${number + 1}`;
      image.width = 96;
      image.height = 72;
      return image;
    }),
  );
}

function openEdit(row, item) {
  const form = row.querySelector("[data-edit]");
  const names = FREE.filter((name) => item.fields?.[name] !== undefined);
  form.querySelector("[data-edit-fields]").replaceChildren(
    ...names.map((name) => {
      const field = document.createElement("div");
      field.className = "field";
      const label = document.createElement("label");
      label.htmlFor = `edit-${item.id}-${name}`;
      label.textContent = words[`field_${name}`];
      const area = document.createElement("textarea");
      area.className = "low";
      area.id = label.htmlFor;
      area.name = name;
      area.value = item.fields[name];
      field.append(label, area);
      return field;
    }),
  );
  form.hidden = false;
  form.querySelector("textarea")?.focus();
}

export function startBox(root, outbox) {
  const page = root.querySelector("[data-outbox-page]");
  if (!page || page.dataset.watched) return;
  page.dataset.watched = "yes";
  const list = page.querySelector("[data-items]");
  const pattern = page.querySelector("#outbox-item");
  const rows = new Map();

  const acts = {
    retry: (item) => outbox.retry(item.id),
    edit: (item, row) => openEdit(row, item),
    cancel: (_item, row) => {
      row.querySelector("[data-edit]").hidden = true;
    },
    export: async (item) => download(`${item.id}.json`, await outbox.exportItem(item.id)),
    hand: async (item) => {
      const parts = await outbox.handOver(item.id);
      showParts(page.querySelector("[data-hand]"), parts);
      if (parts.photosLeft) say(fill("photos_left", { n: parts.photosLeft }), "amber");
    },
    remove: (item) =>
      item.state === "sent" || confirm(words.sure_remove) ? outbox.remove(item.id) : undefined,
  };

  function make(item) {
    const row = pattern.content.firstElementChild.cloneNode(true);
    row.dataset.item = item.id;
    row.addEventListener("click", async (event) => {
      const act = event.target.closest("[data-do]")?.dataset.do;
      if (act) await Promise.resolve(acts[act]?.(row.item, row)).catch(() => say(words.unkept, "crimson"));
    });
    row.querySelector("[data-edit]").addEventListener("submit", async (event) => {
      event.preventDefault();
      const fresh = { ...row.item.fields, ...Object.fromEntries(new FormData(event.target)) };
      try {
        await outbox.edit(row.item.id, fresh);
        row.querySelector("[data-edit]").hidden = true;
      } catch (fault) {
        say(fault?.name === "QuotaExceededError" ? words.full : words.unkept, "crimson");
      }
    });
    return row;
  }

  function fillIn(row, item) {
    row.item = item;
    row.dataset.state = item.state;
    for (const sign of row.querySelectorAll("[data-is]")) sign.hidden = sign.dataset.is !== item.state;
    row.querySelector("[data-at]").textContent = clockTime(item.at);
    row.querySelector("[data-title]").textContent = titleOf(item);
    row.querySelector("[data-number]").textContent = item.number;
    row.querySelector("[data-words]").textContent = wordsOf(item);
    drawPhotos(outbox, row.querySelector("[data-photos]"), item);
    const why = row.querySelector("[data-why]");
    why.hidden = !item.reason || item.state === "sent" || item.state === "sending";
    why.classList.toggle("tone-crimson", item.state === "failed");
    why.classList.toggle("tone-stone", item.state !== "failed");
    why.querySelector("[data-reason]").textContent = item.reason ?? "";
    const theirs = row.querySelector("[data-theirs]");
    theirs.hidden = !item.theirs;
    row.querySelector("[data-their-state]").textContent = item.theirs?.state_label ?? "";
    if (item.caseId) row.querySelector("[data-look]").href = `../task/${item.caseId}/`;
    const share = Math.round(100 * item.share);
    const going = row.querySelector("[data-progress]");
    going.hidden = item.state !== "sending" || !item.photos.length;
    going.querySelector("progress").value = share;
    going.querySelector("[data-percent]").textContent = `${share} %`;
    const still = item.state === "queued" || item.state === "failed";
    for (const name of ["retry", "edit", "export", "hand"]) {
      row.querySelector(`[data-do=${name}]`).hidden = !still;
    }
    row.querySelector("[data-do=remove]").hidden = item.state === "sending";
  }

  async function draw() {
    const items = await outbox.list();
    const ids = new Set(items.map((item) => item.id));
    for (const [id, row] of rows) {
      if (!ids.has(id)) {
        row.remove();
        rows.delete(id);
      }
    }
    for (const item of [...items].reverse()) {
      let row = rows.get(item.id);
      if (!row) {
        row = make(item);
        rows.set(item.id, row);
        list.append(row);
      }
      fillIn(row, item);
    }
    page.querySelector("[data-none]").hidden = items.length > 0;
  }

  outbox.addEventListener("change", draw);
  draw();
}

export async function unsent(outbox) {
  return (await outbox.list()).filter((item) => item.state !== "sent").length;
}

export async function badge(outbox) {
  const count = await unsent(outbox);
  for (const place of document.querySelectorAll("[data-unsent]")) {
    place.hidden = count === 0;
    place.textContent = String(count);
  }
}

