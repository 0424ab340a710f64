// Maps of our own layers only: no outside tiles, no outside letters.
// Modes: "pick" sets a place, "point" shows one, "cases" shows open cases in groups.
import maplibregl from "maplibre-gl/dist/maplibre-gl-csp.js";

const FONT = '"PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", sans-serif';
// Chinese letters are drawn by the browser; others are asked from here, which answers with none.
const GLYPHS = "glyphs://{fontstack}/{range}";
maplibregl.addProtocol("glyphs", async () => ({ data: new ArrayBuffer(0) }));
const CITY = [[118.0, 28.2], [119.35, 29.55]];
const SHAPES = { ontime: "#225b80", due: "#855500", overdue: "#a3123f", paused: "#57534e" };

const PIN = `<svg viewBox="0 0 32 40" aria-hidden="true"><path fill="#b13f26" stroke="#fff"
 stroke-width="2" d="M16 1.5C8 1.5 2 7.6 2 15.2 2 25 16 38.5 16 38.5S30 25 30 15.2C30 7.6 24 1.5 16 1.5Z"/>
 <circle cx="16" cy="15" r="5" fill="#fff"/></svg>`;

// One sign a status, told apart by shape as well as colour.
function sign(status) {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 44;
  const pen = canvas.getContext("2d");
  pen.translate(22, 22);
  pen.beginPath();
  if (status === "overdue") {
    pen.moveTo(0, -17);
    pen.lineTo(17, 13);
    pen.lineTo(-17, 13);
  } else if (status === "due") {
    pen.moveTo(0, -17);
    pen.lineTo(17, 0);
    pen.lineTo(0, 17);
    pen.lineTo(-17, 0);
  } else if (status === "paused") {
    pen.rect(-12, -12, 24, 24);
  } else {
    pen.arc(0, 0, 14, 0, 7);
  }
  pen.closePath();
  pen.fillStyle = SHAPES[status];
  pen.fill();
  pen.lineWidth = 4;
  pen.lineJoin = "round";
  pen.strokeStyle = "#fffefb";
  pen.stroke();
  return pen.getImageData(0, 0, 44, 44);
}

const level = (length) => ["==", ["get", "level"], length];

function layers() {
  const width = { 4: 2.5, 6: 1.8, 9: 1.1, 12: 0.7, 15: 0.5 };
  const least = { 4: 0, 6: 0, 9: 8.2, 12: 10.5, 15: 13 };
  const drawn = [
    { id: "ground", type: "background", paint: { "background-color": "#edf1ec" } },
    {
      id: "fill",
      type: "fill",
      source: "areas",
      filter: ["any", level(6), level(12)],
      paint: {
        "fill-color": ["match", ["%", ["to-number", ["slice", ["get", "code"], -2]], 4],
          0, "#fbf8f1", 1, "#f8f3e8", 2, "#f5f4ea", "#faf5ee"],
        "fill-opacity": ["case", level(6), 1, 0.35],
      },
    },
  ];
  for (const length of [15, 12, 9, 6, 4]) {
    drawn.push({
      id: `line-${length}`,
      type: "line",
      source: "areas",
      filter: level(length),
      minzoom: least[length],
      paint: {
        "line-color": length > 9 ? "#cdbfa8" : "#b5a48c",
        "line-width": width[length],
        ...(length > 9 ? { "line-dasharray": [3, 2] } : {}),
      },
    });
  }
  for (const [length, from, to, size] of [[6, 0, 10, 15], [9, 9.3, 13, 13], [12, 11.6, 24, 12]]) {
    drawn.push({
      id: `name-${length}`,
      type: "symbol",
      source: "names",
      filter: level(length),
      minzoom: from,
      maxzoom: to,
      layout: {
        "text-field": ["get", "name"],
        "text-size": size,
        "text-font": ["sans-serif"],
        "text-max-width": 7,
        "text-padding": 6,
      },
      paint: { "text-color": "#6b6055", "text-halo-color": "#fbf8f1", "text-halo-width": 1.5 },
    });
  }
  return drawn;
}

const empty = () => ({ type: "FeatureCollection", features: [] });

async function fetched(address) {
  const answer = await fetch(address, { credentials: "same-origin" });
  if (!answer.ok) throw new Error(String(answer.status));
  return answer.json();
}

function innerPoints(areas) {
  const features = areas.features
    .filter(({ properties }) => properties.lon !== null)
    .map(({ properties }) => ({
      type: "Feature",
      properties,
      geometry: { type: "Point", coordinates: [properties.lon, properties.lat] },
    }));
  return { type: "FeatureCollection", features };
}

function boundsOf(features) {
  const bounds = new maplibregl.LngLatBounds();
  const walk = (part) =>
    typeof part[0] === "number" ? bounds.extend(part) : part.forEach(walk);
  for (const { geometry } of features) if (geometry) walk(geometry.coordinates);
  return bounds;
}

function pin(map, lon, lat, options = {}) {
  const element = document.createElement("div");
  element.className = "map-pin";
  element.innerHTML = PIN;
  return new maplibregl.Marker({ element, anchor: "bottom", ...options })
    .setLngLat([lon, lat])
    .addTo(map);
}

function pick(map, box, place) {
  const form = box.closest("[data-place]");
  let marker;
  const put = (lon, lat) => {
    if (marker) marker.setLngLat([lon, lat]);
    else {
      marker = pin(map, lon, lat, { draggable: true });
      marker.on("dragend", () => {
        const at = marker.getLngLat();
        chosen(at.lng, at.lat);
      });
    }
  };
  const chosen = (lon, lat) => {
    put(lon, lat);
    form.dispatchEvent(new CustomEvent("place:set", { detail: { lon, lat } }));
  };
  const kept = () => {
    const lon = Number.parseFloat(form.querySelector("[name=lon]").value);
    const lat = Number.parseFloat(form.querySelector("[name=lat]").value);
    if (Number.isNaN(lon) || Number.isNaN(lat)) return;
    put(lon, lat);
    map.jumpTo({ center: [lon, lat], zoom: Math.max(map.getZoom(), 14) });
  };
  map.on("click", ({ lngLat }) => chosen(lngLat.lng, lngLat.lat));
  form.addEventListener("place:found", kept);
  form.addEventListener("place:cleared", () => {
    marker?.remove();
    marker = undefined;
  });
  // By keyboard: the arrows move the map, the button puts the pin in its middle.
  form.querySelector("[data-map-middle]")?.addEventListener("click", () => {
    const middle = map.getCenter();
    chosen(middle.lng, middle.lat);
  });
  if (place) put(...place);
  kept();
}

function words(feature) {
  const box = document.createElement("div");
  const title = document.createElement("a");
  title.href = feature.properties.address;
  title.textContent = feature.properties.title;
  const under = document.createElement("div");
  under.textContent = [feature.properties.category, feature.properties.clock]
    .filter(Boolean)
    .join(" · ");
  box.append(title, under);
  return box;
}

function showCases(map, box, cases) {
  for (const status of Object.keys(SHAPES)) map.addImage(status, sign(status), { pixelRatio: 2 });
  map.addSource("cases", {
    type: "geojson",
    data: cases,
    cluster: true,
    clusterMaxZoom: 14,
    clusterRadius: 44,
  });
  map.addLayer({
    id: "cases",
    type: "symbol",
    source: "cases",
    filter: ["!", ["has", "point_count"]],
    layout: { "icon-image": ["get", "status"], "icon-allow-overlap": true },
  });
  // Groups are buttons, so that they can be reached and read without a mouse.
  map.addLayer({
    id: "groups",
    type: "circle",
    source: "cases",
    filter: ["has", "point_count"],
    paint: { "circle-radius": 22, "circle-opacity": 0 },
  });
  const shown = new Map();
  const redraw = () => {
    const now = new Map();
    for (const group of map.querySourceFeatures("cases", { filter: ["has", "point_count"] })) {
      const id = group.properties.cluster_id;
      if (now.has(id)) continue;
      const marker = shown.get(id) ?? grouped(map, box, group);
      now.set(id, marker);
      if (!shown.has(id)) marker.addTo(map);
    }
    for (const [id, marker] of shown) if (!now.has(id)) marker.remove();
    shown.clear();
    for (const [id, marker] of now) shown.set(id, marker);
  };
  map.on("render", () => map.isSourceLoaded("cases") && redraw());
  map.on("click", "cases", ({ features }) => {
    new maplibregl.Popup({ offset: 14 })
      .setLngLat(features[0].geometry.coordinates)
      .setDOMContent(words(features[0]))
      .addTo(map);
  });
  map.on("mouseenter", "cases", () => (map.getCanvas().style.cursor = "pointer"));
  map.on("mouseleave", "cases", () => (map.getCanvas().style.cursor = ""));
}

function grouped(map, box, group) {
  const element = document.createElement("button");
  element.type = "button";
  element.className = "map-cluster";
  element.textContent = group.properties.point_count;
  element.setAttribute(
    "aria-label",
    box.dataset.group.replace("{count}", group.properties.point_count),
  );
  const at = group.geometry.coordinates;
  element.addEventListener("click", async (event) => {
    event.stopPropagation();
    const zoom = await map.getSource("cases").getClusterExpansionZoom(group.properties.cluster_id);
    map.easeTo({ center: at, zoom: zoom + 0.3 });
  });
  return new maplibregl.Marker({ element }).setLngLat(at);
}

async function draw(box) {
  box.dataset.drawn = "yes";
  const note = box.querySelector(".map-words");
  maplibregl.setWorkerUrl(box.dataset.worker);
  const lon = Number.parseFloat(box.dataset.lon);
  const lat = Number.parseFloat(box.dataset.lat);
  const place = Number.isNaN(lon) || Number.isNaN(lat) ? undefined : [lon, lat];
  let map;
  try {
    map = new maplibregl.Map({
      container: box,
      style: { version: 8, glyphs: GLYPHS, sources: {}, layers: [layers()[0]] },
      bounds: place ? undefined : CITY,
      center: place,
      zoom: place ? 14 : undefined,
      minZoom: 6,
      maxZoom: 19,
      localIdeographFontFamily: FONT,
      attributionControl: false,
      dragRotate: false,
      pitchWithRotate: false,
      cooperativeGestures: box.dataset.mode === "point",
      locale: JSON.parse(box.dataset.locale || "{}"),
    });
  } catch {
    note.textContent = box.dataset.broken;
    return;
  }
  box.map = map;
  map.touchZoomRotate.disableRotation();
  map.keyboard.disableRotation();
  map.addControl(new maplibregl.NavigationControl({ showCompass: false }), "top-right");
  try {
    const [areas, cases] = await Promise.all([
      fetched(box.dataset.areas).catch(empty),
      box.dataset.cases ? fetched(box.dataset.cases) : empty(),
      new Promise((done) => map.once("load", done)),
    ]);
    const madeUp = box.parentElement.querySelector("[data-made-up]");
    if (madeUp) madeUp.hidden = !areas.features.some((area) => area.properties.synthetic);
    map.addSource("areas", { type: "geojson", data: areas });
    map.addSource("names", { type: "geojson", data: innerPoints(areas) });
    for (const layer of layers().slice(1)) map.addLayer(layer);
    note.hidden = true;
    if (box.dataset.mode === "cases") {
      showCases(map, box, cases);
      const around = boundsOf(cases.features.length ? cases.features : areas.features);
      if (!around.isEmpty()) map.fitBounds(around, { padding: 48, maxZoom: 14, animate: false });
    } else {
      if (box.dataset.mode === "pick") pick(map, box, place);
      else if (place) pin(map, ...place);
      if (!place && areas.features.length) {
        map.fitBounds(boundsOf(areas.features), { padding: 16, animate: false });
      }
    }
    box.dataset.ready = "yes";
  } catch {
    note.hidden = false;
    note.textContent = box.dataset.broken;
  }
}

function start(root) {
  for (const box of root.querySelectorAll("[data-map]:not([data-drawn])")) draw(box);
}

start(document);
document.addEventListener("htmx:load", (event) => start(event.target));
