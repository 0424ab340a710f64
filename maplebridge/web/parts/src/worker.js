// The grid worker's pages.
import { startWorker } from "./worker/start.js";

startWorker();
