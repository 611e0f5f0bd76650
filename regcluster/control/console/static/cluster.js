// The cluster in figures: what is in the store, which nodes are up, what this node does.

import { ask } from "./api.js";
import { find, make, pill, write } from "./dom.js";
import { count, duration, rate, shown } from "./text.js";

/** Three minutes, at a sample every three seconds. */
const SAMPLES = 60;
const SVG = "http://www.w3.org/2000/svg";

const TONES = { up: "good", partly: "warn", gone: "bad" };

/** This node: its name, how it is, its workers and its rates. */
export async function showNode() {
  const node = await ask("node");
  const [tone, word] = node.draining
    ? ["warn", "draining"]
    : node.ready
      ? ["good", "ready"]
      : ["bad", "not ready"];
  write(find("node-name"), shown(node.name));
  write(find("node-state"), word);
  find("node-state").dataset.tone = tone;
  write(find("node-about"), `version ${node.version}, up ${duration(1000 * node.uptime_s)}`);
  for (const tile of tiles) tile.take(node.rates);
  find("workers").replaceChildren(...node.workers.map(workerRow));
  return node;
}

/** Every node that has left a trace in the store. */
export async function showNodes() {
  const { nodes } = await ask("nodes");
  const up = nodes.filter(({ state }) => state !== "gone").length;
  write(find("nodes-up"), up === nodes.length ? count(up) : `${up} of ${nodes.length}`);
  find("nodes").replaceChildren(...nodes.map(nodeRow));
}

/** How much there is, of a table or of all; the names of all tables. */
export async function showCounts(table) {
  const { bindings, tables } = await ask("counts");
  const chosen = table && tables[table];
  const aors = Object.values(tables).reduce((sum, each) => sum + each.aors, 0);
  write(find("bindings"), count(chosen ? chosen.bindings : bindings));
  write(find("aors"), count(chosen ? chosen.aors : aors));
  return Object.keys(tables);
}

function nodeRow({ name, state, workers, leases, addresses, lease_ms }) {
  return make(
    "li",
    {},
    make("strong", { class: "uri" }, shown(name)),
    pill(state, TONES[state] ?? "quiet"),
    make("span", { class: "about" }, `${leases} of ${workers ?? "?"} workers`),
    make("span", { class: "about end" }, lease_ms ? `lease ${(lease_ms / 1000).toFixed(1)} s` : "no lease"),
    make("span", { class: "uri about whole" }, addresses.map(shown).join("  ")),
  );
}

function workerRow({ number, pid, ready, restarts, store_problem }) {
  return make(
    "li",
    {},
    make("strong", {}, `worker ${number}`),
    ready ? pill("ready", "good") : pill(pid === null ? "down" : "not ready", "bad"),
    make("span", { class: "about" }, pid === null ? "no process" : `pid ${pid}`),
    make("span", { class: "about end" }, restarts === 1 ? "1 restart" : `${restarts} restarts`),
    ...(store_problem ? [make("span", { class: "bad whole" }, shown(store_problem))] : []),
  );
}

/** A rate, and how it has been of late. */
class Tile {
  #name;
  #value;
  #line = document.createElementNS(SVG, "polyline");
  #samples = [];

  constructor(element) {
    this.#name = element.dataset.rate;
    this.#value = element.querySelector("dd");
    const drawing = document.createElementNS(SVG, "svg");
    drawing.setAttribute("viewBox", `0 -1 ${SAMPLES - 1} 22`);
    drawing.setAttribute("preserveAspectRatio", "none");
    drawing.setAttribute("aria-hidden", "true");
    drawing.append(this.#line);
    element.append(make("dd", { class: "trend", "aria-hidden": "true" }, drawing));
  }

  /** Take the next sample; null: there is none yet. */
  take(rates) {
    if (!rates) return;
    this.#samples.push(rates[this.#name]);
    if (this.#samples.length > SAMPLES) this.#samples.shift();
    write(this.#value, rate(rates[this.#name]));
    const peak = Math.max(1, ...this.#samples);
    const first = SAMPLES - this.#samples.length;
    const points = this.#samples.map((each, at) => `${first + at},${(20 - (20 * each) / peak).toFixed(2)}`);
    this.#line.setAttribute("points", points.join(" "));
  }
}

const tiles = [...document.querySelectorAll("[data-rate]")].map((element) => new Tile(element));
