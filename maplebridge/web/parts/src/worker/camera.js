// The photos of a form: taken or chosen, made small before they are kept, shown, and taken back.
import { fitted } from "../photo.js";
import { fill, words } from "./said.js";

const SMALL_ENOUGH_BYTES = 600 * 1024;

async function drawn(file, side, quality) {
  const picture = await createImageBitmap(file, { imageOrientation: "from-image" });
  const [width, height] = fitted(picture.width, picture.height, side);
  if (!side && width === picture.width && file.type === "image/jpeg" && file.size < SMALL_ENOUGH_BYTES) {
    picture.close();
    return file;
  }
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  const drawing = canvas.getContext("2d");
  drawing.fillStyle = "#fff";
  drawing.fillRect(0, 0, width, height);
  drawing.drawImage(picture, 0, 0, width, height);
  picture.close();
  return new Promise((done) => canvas.toBlob(done, "image/jpeg", quality));
}

async function smaller(file) {
  const blob = (await drawn(file, undefined, 0.85)) ?? file;
  if (blob === file) return file;
  return new File([blob], file.name.replace(/\.[^.]*$/, "") + ".jpg", { type: "image/jpeg" });
}

// A photo of at most so many bytes, for a server or another phone that takes no larger one.
export async function shrink(photo, bytes) {
  for (const side of [1280, 960, 640, 480, 320]) {
    const blob = await drawn(photo, side, 0.7);
    if (blob && blob.size <= bytes) return blob;
  }
  return null;
}

function shown(box, files, take) {
  const shelf = box.querySelector("[data-shelf]");
  for (const old of shelf.querySelectorAll("img")) URL.revokeObjectURL(old.src);
  shelf.replaceChildren(
    ...files.map((file, place) => {
      const item = document.createElement("figure");
      const image = document.createElement("img");
      image.src = URL.createObjectURL(file);
      image.alt = `${words.photo} ${place + 1}`;
      const button = document.createElement("button");
      button.type = "button";
      button.className = "button";
      button.textContent = words.remove;
      button.setAttribute("aria-label", `${words.remove} ${words.photo} ${place + 1}`);
      button.addEventListener("click", () => take(files.filter((_, other) => other !== place)));
      item.append(image, button);
      return item;
    }),
  );
}

export function startCameras(root, tell) {
  for (const box of root.querySelectorAll("[data-camera]")) {
    if (box.dataset.watched) continue;
    box.dataset.watched = "yes";
    const [camera, album] = box.querySelectorAll("input[type=file]");
    const most = Number(box.dataset.most) || 5;
    let files = [];
    // All files stand in the second input: a form without an outbox sends them as they are.
    const take = (left) => {
      files = left;
      const holder = new DataTransfer();
      for (const file of files) holder.items.add(file);
      album.files = holder.files;
      shown(box, files, take);
    };
    const add = async (input) => {
      const fresh = [...input.files].filter((file) => !files.includes(file));
      const before = files;
      box.setAttribute("aria-busy", "true");
      const read = await Promise.all(
        fresh.map((file) => smaller(file).catch(() => tell(box, fill("photo_large", { name: file.name })))),
      );
      box.removeAttribute("aria-busy");
      const all = [...before, ...read.filter(Boolean)];
      if (all.length > most) tell(box, fill("photos_most", { most }));
      if (input === camera) camera.value = "";
      take(all.slice(0, most));
    };
    camera.addEventListener("change", () => add(camera));
    album.addEventListener("change", () => add(album));
  }
}
