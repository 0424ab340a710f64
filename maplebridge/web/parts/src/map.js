// Maps of our own layers only: no outside tiles, no outside letters.
// Modes: "pick" sets a place, "point" shows one, "cases" shows open cases in groups, "rows" shows
// the rows of the page's own tables that have a place.
import gcoord from "gcoord";
import maplibregl from "maplibre-gl/dist/maplibre-gl-csp.js";
import { Protocol } from "pmtiles";

const FONT = '"PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", sans-serif';
// Chinese letters are drawn by the browser; others are asked from here, which answers with none.
const GLYPHS = "glyphs://{fontstack}/{range}";
maplibregl.addProtocol("glyphs", async () => ({ data: new ArrayBuffer(0) }));
// Where the base map is drawn in GCJ-02, everything is laid onto it in GCJ-02, and what is picked
// is told in WGS-84 again.
let shifted = false;
const onto = (lon, lat) => (shifted ? gcoord.transform([lon, lat], gcoord.WGS84, gcoord.GCJ02) : [lon, lat]);
const off = (lon, lat) => (shifted ? gcoord.transform([lon, lat], gcoord.GCJ02, gcoord.WGS84) : [lon, lat]);
const laid = (features) => (shifted ? gcoord.transform(features, gcoord.WGS84, gcoord.GCJ02) : features);
const SETTLED_MS = 150;
const DEEPEST = 18;
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
  for (const { geometry, properties } of features) {
    if (geometry) walk(geometry.coordinates);
    // A group stands in the middle of what it stands for.
    if (properties.frame) {
      const [west, south, east, north] = properties.frame;
      bounds.extend(onto(west, south)).extend(onto(east, north));
    }
  }
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
  // lon, lat: as the form holds them, in WGS-84.
  const put = (lon, lat) => {
    const at = onto(lon, lat);
    if (marker) marker.setLngLat(at);
    else {
      marker = pin(map, ...at, { draggable: true });
      marker.on("dragend", () => chosen(marker.getLngLat()));
    }
  };
  const chosen = ({ lng, lat: drawn }) => {
    const [lon, lat] = off(lng, drawn);
    put(lon, lat);
    form.dispatchEvent(new CustomEvent("place:set", { detail: { lon, lat } }));
  };
  const kept = () => {
    const lon = Number.parseFloat(form.querySelector("[name=lon]").value);
    const lat = Number.parseFloat(form.querySelector("[name=lat]").value);
    if (Number.isNaN(lon) || Number.isNaN(lat)) return;
    put(lon, lat);
    map.jumpTo({ center: onto(lon, lat), zoom: Math.max(map.getZoom(), 14) });
  };
  map.on("click", ({ lngLat }) => chosen(lngLat));
  form.addEventListener("place:found", kept);
  form.addEventListener("place:cleared", () => {
    marker?.remove();
    marker = undefined;
  });
  // By keyboard: the arrows move the map, the button puts the pin in its middle.
  form.querySelector("[data-map-middle]")?.addEventListener("click", () => chosen(map.getCenter()));
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

// The server groups, so that the numbers on the map always add up to what the list holds.
function showCases(map, box, first) {
  for (const status of Object.keys(SHAPES)) map.addImage(status, sign(status), { pixelRatio: 2 });
  map.addSource("cases", { type: "geojson", data: first });
  map.addLayer({
    id: "cases",
    type: "symbol",
    source: "cases",
    filter: ["==", ["get", "count"], 1],
    layout: { "icon-image": ["get", "status"], "icon-allow-overlap": true },
  });
  // Groups are buttons, so that they can be reached and read without a mouse.
  let groups = [];
  const show = (cases) => {
    map.getSource("cases").setData(cases);
    for (const group of groups) group.remove();
    groups = cases.features
      .filter((feature) => feature.properties.count > 1)
      .map((feature) => grouped(map, box, feature).addTo(map));
    box.dataset.shown = String(
      cases.features.reduce((sum, feature) => sum + feature.properties.count, 0),
    );
  };
  let asked = 0;
  const ask = async () => {
    const mine = ++asked;
    try {
      const cases = laid(await fetched(framed(map, box)));
      if (mine === asked) show(cases);
    } catch {
      // What is drawn stays; the next movement asks again.
    }
  };
  let waiting;
  map.on("moveend", () => {
    clearTimeout(waiting);
    waiting = setTimeout(ask, SETTLED_MS);
  });
  map.on("click", "cases", ({ features }) => {
    new maplibregl.Popup({ offset: 14 })
      .setLngLat(features[0].geometry.coordinates)
      .setDOMContent(words(features[0]))
      .addTo(map);
  });
  map.on("mouseenter", "cases", () => (map.getCanvas().style.cursor = "pointer"));
  map.on("mouseleave", "cases", () => (map.getCanvas().style.cursor = ""));
  show(first);
}

// The tables say the same in words, so the map adds nothing that a reader without it would miss.
function showRows(map, box) {
  const features = [...document.querySelectorAll("tr[data-lon][data-lat]")].map((row) => ({
    type: "Feature",
    properties: { status: row.dataset.status, name: row.querySelector("th").textContent.trim() },
    geometry: { type: "Point", coordinates: onto(Number(row.dataset.lon), Number(row.dataset.lat)) },
  }));
  for (const status of Object.keys(SHAPES)) map.addImage(status, sign(status), { pixelRatio: 2 });
  map.addSource("rows", { type: "geojson", data: { type: "FeatureCollection", features } });
  map.addLayer({
    id: "rows",
    type: "symbol",
    source: "rows",
    layout: {
      "icon-image": ["get", "status"],
      "icon-allow-overlap": true,
      "text-field": ["get", "name"],
      "text-size": 12,
      "text-font": ["sans-serif"],
      "text-variable-anchor": ["left", "right", "top", "bottom"],
      "text-radial-offset": 1.2,
      "text-optional": true,
    },
    paint: { "text-color": "#3d342c", "text-halo-color": "#fbf8f1", "text-halo-width": 1.5 },
  });
  box.dataset.shown = String(features.length);
  return features;
}

function framed(map, box) {
  const bounds = map.getBounds();
  const edges = [
    ...off(bounds.getWest(), bounds.getSouth()),
    ...off(bounds.getEast(), bounds.getNorth()),
  ].map((edge) => edge.toFixed(6));
  return `${box.dataset.cases}&zoom=${Math.round(map.getZoom())}&frame=${edges}`;
}

function grouped(map, box, group) {
  const { count, frame } = group.properties;
  const element = document.createElement("button");
  element.type = "button";
  element.className = "map-cluster";
  element.textContent = count;
  element.setAttribute("aria-label", box.dataset.group.replace("{count}", count));
  const at = group.geometry.coordinates;
  element.addEventListener("click", (event) => {
    event.stopPropagation();
    const [west, south, east, north] = frame;
    const wide = Math.max(east - west, north - south);
    if (map.getZoom() < DEEPEST && wide > 0.00005) {
      map.fitBounds([onto(west, south), onto(east, north)], { padding: 80, maxZoom: DEEPEST });
      return;
    }
    // They lie on one spot: no map can part them, a list can.
    const link = document.createElement("a");
    const edge = 0.000001;
    link.href = `${box.dataset.list}&frame=${[west - edge, south - edge, east + edge, north + edge]}`;
    link.textContent = box.dataset.here.replace("{count}", count);
    new maplibregl.Popup({ offset: 20 }).setLngLat(at).setDOMContent(link).addTo(map);
  });
  return new maplibregl.Marker({ element }).setLngLat(at);
}

// Areas one level below the shown one, each with the number that a table beside the map holds.
function showAreas(map, box, areas) {
  const top = box.dataset.area;
  const table = () => document.querySelector("[data-areas-table]");
  const inside = areas.features.filter(({ properties }) => properties.code.startsWith(top));
  const levels = inside.map(({ properties }) => properties.level).filter((l) => l > top.length);
  const next = Math.min(...levels);
  const drawn = inside.filter(({ properties }) => properties.level === next);
  const own = inside.filter(({ properties }) => properties.code === top);
  const dark = document.documentElement.dataset.theme === "dark";
  map.addSource("board", { type: "geojson", data: { type: "FeatureCollection", features: [] } });
  const shade = dark
    ? ["interpolate", ["linear"], ["get", "share"], 0, "#26302c", 1, "#8c4a33"]
    : ["interpolate", ["linear"], ["get", "share"], 0, "#fbf8f1", 1, "#e0a48c"];
  map.addLayer({ id: "board", type: "fill", source: "board", paint: { "fill-color": shade } }, "line-15");
  map.addLayer({
    id: "board-edge", type: "line", source: "board",
    paint: { "line-color": dark ? "#8a7d6d" : "#a08a6c", "line-width": 1.4 },
  });
  if (dark) {
    map.setPaintProperty("ground", "background-color", "#1d211f");
    map.setPaintProperty("fill", "fill-opacity", 0);
    for (const size of [6, 9, 12]) {
      map.setPaintProperty(`name-${size}`, "text-color", "#c3b9ac");
      map.setPaintProperty(`name-${size}`, "text-halo-color", "#171513");
    }
  }
  let signs = [];
  const tell = () => {
    const told = new Map();
    for (const row of table()?.querySelectorAll("tr[data-code]") ?? []) {
      told.set(row.dataset.code, [Number(row.dataset.count), Number(row.dataset.overdue)]);
    }
    const most = Math.max(1, ...[...told.values()].map(([count]) => count));
    for (const sign of signs) sign.remove();
    signs = [];
    const features = drawn.map((area) => {
      const [count, late] = told.get(area.properties.code) ?? [0, 0];
      if (area.properties.lon !== null && (count || drawn.length <= 12)) {
        signs.push(numbered(map, box, area, count, late));
      }
      return { ...area, properties: { ...area.properties, share: count / most } };
    });
    map.getSource("board").setData({ type: "FeatureCollection", features });
    box.dataset.shown = String([...told.values()].reduce((sum, [count]) => sum + count, 0));
  };
  box.addEventListener("areas:told", tell);
  tell();
  const around = boundsOf(own.length && own[0].geometry ? own : drawn.length ? drawn : areas.features);
  if (!around.isEmpty()) map.fitBounds(around, { padding: 28, animate: false });
}

function numbered(map, box, area, count, late) {
  const { code, name, lon, lat } = area.properties;
  const link = document.createElement("a");
  link.className = `map-count${count ? "" : " none"}${late ? " late" : ""}`;
  link.href = `${box.dataset.drill}${code}`;
  link.textContent = count;
  link.setAttribute(
    "aria-label",
    box.dataset.open.replace("{name}", name).replace("{count}", count),
  );
  // A region's name is read with its number; MapLibre would call it a marker.
  return new maplibregl.Marker({ element: link }).setLngLat(onto(lon, lat)).addTo(map);
}

function baseSource(base) {
  const tiles = { type: "raster", tileSize: 256, maxzoom: base.most_zoom, attribution: base.words };
  if (base.tiles !== "pmtiles") return { ...tiles, tiles: [base.address] };
  maplibregl.addProtocol("pmtiles", new Protocol().tile);
  return { ...tiles, url: `pmtiles://${new URL(base.address, location.href)}` };
}

async function draw(box) {
  box.dataset.drawn = "yes";
  const note = box.querySelector(".map-words");
  maplibregl.setWorkerUrl(box.dataset.worker);
  const lon = Number.parseFloat(box.dataset.lon);
  const lat = Number.parseFloat(box.dataset.lat);
  const base = box.dataset.base ? JSON.parse(box.dataset.base) : undefined;
  shifted = base?.datum === "GCJ02";
  const known = !(Number.isNaN(lon) || Number.isNaN(lat));
  const place = known ? onto(lon, lat) : undefined;
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
      attributionControl: base?.words ? { compact: true } : false,
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
      fetched(box.dataset.areas).then(laid).catch(empty),
      box.dataset.cases ? fetched(`${box.dataset.cases}&zoom=8`).then(laid) : empty(),
      new Promise((done) => map.once("load", done)),
    ]);
    const madeUp = box.parentElement.querySelector("[data-made-up]");
    if (madeUp) madeUp.hidden = !areas.features.some((area) => area.properties.synthetic);
    map.addSource("areas", { type: "geojson", data: areas });
    map.addSource("names", { type: "geojson", data: innerPoints(areas) });
    for (const layer of layers().slice(1)) map.addLayer(layer);
    if (base) {
      map.addSource("base", baseSource(base));
      map.addLayer({ id: "base", type: "raster", source: "base" }, "fill");
      map.setPaintProperty("fill", "fill-opacity", 0);
    }
    note.hidden = true;
    if (box.dataset.mode === "areas") {
      showAreas(map, box, areas);
    } else if (box.dataset.mode === "rows") {
      const rows = showRows(map, box);
      const around = boundsOf(rows.length ? rows : areas.features);
      if (!around.isEmpty()) map.fitBounds(around, { padding: 64, maxZoom: 14, animate: false });
    } else if (box.dataset.mode === "cases") {
      showCases(map, box, cases);
      const around = boundsOf(cases.features.length ? cases.features : areas.features);
      if (!around.isEmpty()) map.fitBounds(around, { padding: 48, maxZoom: 14, animate: false });
    } else {
      if (box.dataset.mode === "pick") pick(map, box, known ? [lon, lat] : undefined);
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
