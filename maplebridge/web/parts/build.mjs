// Builds the bundles of the pages into static/bundle/: app for every page, map where a map is.
import { build, context } from "esbuild";
import { copyFile, mkdir } from "node:fs/promises";

const options = {
  entryPoints: {
    app: "src/app.js",
    "app-style": "src/app.css",
    map: "src/map.js",
    "map-style": "src/map.css",
    // The live board, with its charts.
    board: "src/board.js",
    "board-style": "src/board.css",
    // The grid worker's pages, and what answers them without a network.
    worker: "src/worker.js",
    "worker-offline": "src/worker-offline.js",
    "worker-style": "src/worker.css",
    // A desk that is worked by keyboard.
    desk: "src/desk.js",
    // Two at one case, and drafts.
    case: "src/case.js",
    checklist: "src/checklist.js",
    hotline: "src/hotline.js",
    // Voice notes, reading aloud, news pushed to a phone.
    voice: "src/voice.js",
    push: "src/push.js",
    "push-offline": "src/push-offline.js",
  },
  outdir: "static/bundle",
  bundle: true,
  minify: true,
  format: "iife",
  target: ["chrome90", "firefox90", "safari14"],
  external: ["/static/*"],
  loader: { ".svg": "dataurl" },
  legalComments: "linked",
  logLevel: "info",
};

await mkdir("static/bundle", { recursive: true });
await copyFile(
  "node_modules/maplibre-gl/dist/maplibre-gl-csp-worker.js",
  "static/bundle/map-worker.js",
);

if (process.argv.includes("--watch")) {
  const watching = await context(options);
  await watching.watch();
} else {
  await build(options);
}
