// The cluster in figures: what is in the store, which nodes are up, what this node does.

import { ask } from "./api.js";
import { find, make, pill, write } from "./dom.js";
import { count, counted, duration, rate, shown } from "./text.js";

/** Three minutes, at a sample every three seconds. */
const SAMPLES = 60;
/** Fewer are no line yet. */
const FEWEST = 5;
const NARROWEST = 20;
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
  fill("workers");
  return node;
}

/** This node does not say how it is: to nobody, or to whom it does not know. */
export function showSilent(isLocked) {
  write(find("node-state"), isLocked ? "locked" : "no answer");
  find("node-state").dataset.tone = isLocked ? "warn" : "bad";
}

/** Every node that has left a trace in the store. */
export async function showNodes() {
  const { nodes } = await ask("nodes");
  const up = nodes.filter(({ state }) => state !== "gone").length;
  write(find("nodes-up"), up === nodes.length ? count(up) : `${up} of ${nodes.length}`);
  find("nodes").replaceChildren(...nodes.map(nodeRow));
  fill("nodes");
}

const filled = new Set();

/** One half of a panel is there. It is shown as a whole, so that neither pushes the other. */
function fill(name) {
  filled.add(name);
  find("members").hidden = filled.size < 2;
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
  const all = workers === null ? "unknown workers" : counted(workers, "worker");
  const lease = lease_ms ? `lease ${(lease_ms / 1000).toFixed(1)} s` : "no lease";
  return make(
    "li",
    {},
    make("strong", { class: "uri" }, shown(name)),
    pill(state, TONES[state] ?? "quiet"),
    make("span", { class: "about" }, `${leases} of ${all}`),
    make("span", { class: "about end" }, lease),
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
    make("span", { class: "about end" }, counted(restarts, "restart")),
    ...(store_problem ? [make("span", { class: "bad whole" }, shown(store_problem))] : []),
  );
}

/** A rate, and how it has been of late. */
class Tile {
  #name;
  #value;
  #drawing = document.createElementNS(SVG, "svg");
  #line = document.createElementNS(SVG, "polyline");
  #samples = [];

  constructor(element) {
    this.#name = element.dataset.rate;
    this.#value = element.querySelector("dd");
    this.#drawing.setAttribute("preserveAspectRatio", "none");
    this.#drawing.append(this.#line);
    element.append(make("dd", { class: "trend", "aria-hidden": "true" }, this.#drawing));
  }

  /** Take the next sample; null: there is none yet. */
  take(rates) {
    if (!rates) return;
    this.#samples.push(rates[this.#name]);
    if (this.#samples.length > SAMPLES) this.#samples.shift();
    write(this.#value, rate(rates[this.#name]));
    if (this.#samples.length < FEWEST) return;
    const peak = Math.max(1, ...this.#samples);
    const width = Math.max(NARROWEST, this.#samples.length);
    const first = width - this.#samples.length;
    this.#drawing.setAttribute("viewBox", `0 -1 ${width - 1} 22`);
    const height = (sample) => (20 - (20 * sample) / peak).toFixed(2);
    const points = this.#samples.map((sample, at) => `${first + at},${height(sample)}`);
    this.#line.setAttribute("points", points.join(" "));
  }
}

const tiles = [...document.querySelectorAll("[data-rate]")].map((element) => new Tile(element));
