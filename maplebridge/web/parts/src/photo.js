// Makes photos small before they travel (long side at most 1,920 px, JPEG) and shows them.
// What the browser cannot read is sent as it is: the server says what is wrong with it.

const LONG_SIDE = 1920;
const SMALL_ENOUGH_BYTES = 600 * 1024;

export function fitted(width, height, side = LONG_SIDE) {
  const share = Math.min(1, side / Math.max(width, height));
  return [Math.max(1, Math.round(width * share)), Math.max(1, Math.round(height * share))];
}

async function smaller(file) {
  if (!file.type.startsWith("image/")) return file;
  let picture;
  try {
    picture = await createImageBitmap(file, { imageOrientation: "from-image" });
  } catch {
    return file;
  }
  const [width, height] = fitted(picture.width, picture.height);
  if (width === picture.width && file.type === "image/jpeg" && file.size < SMALL_ENOUGH_BYTES) {
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
  const blob = await new Promise((done) => canvas.toBlob(done, "image/jpeg", 0.85));
  if (!blob) return file;
  const name = file.name.replace(/\.[^.]*$/, "") + ".jpg";
  return new File([blob], name, { type: "image/jpeg", lastModified: file.lastModified });
}

function held(input, files) {
  const holder = new DataTransfer();
  for (const file of files) holder.items.add(file);
  input.files = holder.files;
}

function drawn(input, shelf) {
  for (const old of shelf.querySelectorAll("img")) URL.revokeObjectURL(old.src);
  shelf.replaceChildren();
  const files = [...input.files];
  files.forEach((file, place) => {
    const item = document.createElement("figure");
    if (file.type.startsWith("image/")) {
      const image = document.createElement("img");
      image.src = URL.createObjectURL(file);
      image.alt = file.name;
      item.append(image);
    }
    const words = document.createElement("figcaption");
    words.textContent = `${file.name} · ${Math.max(1, Math.round(file.size / 1024))} KB`;
    const button = document.createElement("button");
    button.type = "button";
    button.className = "button quiet small";
    button.textContent = input.dataset.remove;
    button.setAttribute("aria-label", `${input.dataset.remove} ${file.name}`);
    button.addEventListener("click", () => {
      held(input, files.filter((_, other) => other !== place));
      drawn(input, shelf);
      input.focus();
    });
    item.append(words, button);
    shelf.append(item);
  });
}

export function startPhotos(root) {
  for (const input of root.querySelectorAll("input[type=file][data-photos]")) {
    if (input.dataset.watched) continue;
    input.dataset.watched = "yes";
    const shelf = document.createElement("div");
    shelf.className = "photos";
    shelf.setAttribute("aria-live", "polite");
    const said = document.createElement("p");
    said.className = "small";
    said.setAttribute("role", "status");
    (input.closest(".snap") ?? input).after(shelf, said);
    // Chosen nothing, or the phone did not open its camera: the browser tells both the same way.
    input.addEventListener("cancel", () => {
      said.textContent = input.files.length ? "" : (input.dataset.none ?? "");
    });
    input.addEventListener("change", async () => {
      said.textContent = "";
      input.setAttribute("aria-busy", "true");
      held(input, await Promise.all([...input.files].map(smaller)));
      input.removeAttribute("aria-busy");
      drawn(input, shelf);
    });
  }
}
