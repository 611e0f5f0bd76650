// The page as a whole: what it looks at, by its address, and when it asks again.
//
// Addresses are `#/`, `#/aors/<address>` and `#/find/<text>`, with `?table=` behind them.

import { Refusal, token } from "./api.js";
import { showCounts, showNode, showNodes, showSilent } from "./cluster.js";
import { askForToken } from "./dialogs.js";
import { button, find, make, trouble, write } from "./dom.js";
import { Feed } from "./feed.js";
import { ListView } from "./list.js";
import { RecordView } from "./record.js";
import { decoded, encoded, sentence, shown } from "./text.js";

const NODE_MS = 3000;
const NODES_MS = 5000;
const RECORD_MS = 10_000;
const COUNTS_MS = 15_000;

/** A page that nobody sees lets its stream go: a node has few of them. */
const UNSEEN_MS = 30_000;

/** Rows of a list at once; on a phone what follows the list should not be far. */
const MANY = 50;
const FEW = 10;

const results = find("results");
const query = find("query");
const tables = find("table");
const narrow = matchMedia("(max-width: 60rem)");

let table = "";
let view = null;
let looking = new AbortController();
let isFirst = true;

const links = {
  all: () => address(""),
  aor: (part) => address(`aors/${part}`),
  find: (sought) => address(`find/${encoded(sought)}`),
};

const feed = new Feed(links.aor, (event) => view?.noticed(event));

function address(path) {
  return `#/${path}${table ? `?table=${encodeURIComponent(table)}` : ""}`;
}

/** Look at what the address says. */
async function look() {
  choose(parameterTable());
  const [kind, ...rest] = location.hash.slice(2).split("?")[0].split("/");
  const part = rest.join("/");
  query.value = kind ? decoded(part) : "";
  looking.abort();
  looking = new AbortController();
  view = null;
  const { signal } = looking;
  const isTyping = find("search").contains(document.activeElement);
  results.setAttribute("aria-busy", "true");
  const patience = setTimeout(() => results.replaceChildren(skeleton()), 150);
  const next = viewOf(kind, part);
  try {
    await next.load(signal);
    view = next;
    show(next.element, signal);
    // Whoever came by a link goes on from what it led to.
    if (!isTyping && !isFirst) results.querySelector("h2")?.focus();
  } catch (error) {
    if (signal.aborted) return;
    if (kind === "aors" && isBeginning(error, part)) {
      location.replace(links.find(`${query.value}*`));
      return;
    }
    show(failure(error), signal);
  } finally {
    clearTimeout(patience);
    isFirst = false;
  }
  document.title = [query.value && shown(query.value), "regcluster"].filter(Boolean).join(" – ");
}

function parameterTable() {
  return new URLSearchParams(location.hash.split("?")[1]).get("table") ?? "";
}

function viewOf(kind, part) {
  if (kind === "aors") return new RecordView(part, table, links, withToken);
  const limit = narrow.matches ? FEW : MANY;
  return new ListView(kind === "find" ? decoded(part) : "", table, limit, links.aor, look);
}

/** Whether an address that was typed without its domain may be the beginning of others. */
function isBeginning(error, part) {
  const isNone = error instanceof Refusal && error.status === 400;
  return isNone && /^[^@:*]+$/.test(decoded(part));
}

function show(element, signal) {
  if (signal.aborted) return;
  results.replaceChildren(element);
  results.setAttribute("aria-busy", "false");
}

function failure(error) {
  if (error.asksForToken) {
    const why = sentence(error.message);
    const enter = button("Enter a token", () => changeToken(why));
    const asked = trouble("This node asks for a token", why, enter);
    asked.classList.add("asks");
    return asked;
  }
  const again = button("Try again", look);
  // It begins with what was typed.
  if (error.status === 400) return trouble("That cannot be looked for", error.message, again);
  return trouble("There is no answer", sentence(error.message), again);
}

function skeleton() {
  const bars = Array.from({ length: 5 }, () => make("li"));
  return make("ul", { class: "skeleton", "aria-hidden": "true" }, ...bars);
}

/** Look at another table, if it is another. */
function choose(name) {
  if (name === table) return;
  table = name;
  tables.value = name || (tables.options[0]?.value ?? "");
  feed.follow(table);
  counts.now();
}

function offer(names) {
  const isKnown = names.length === tables.options.length;
  tables.hidden = names.length < 2;
  if (isKnown && names.every((name, at) => tables.options[at].value === name)) return;
  tables.replaceChildren(...names.map((name) => make("option", { value: name }, name)));
  tables.value = table || names[0];
}

/** Do it; and once more with another token, if that is what it takes. */
async function withToken(act) {
  try {
    return await act();
  } catch (error) {
    if (!error.asksForToken) throw error;
    if (!(await changeToken(sentence(error.message), false))) throw error;
    return act();
  }
}

/** Ask for a token; with another one, everything may be answered otherwise. */
async function changeToken(why, isToLook = true) {
  if (!(await askForToken(why))) return false;
  tellToken();
  feed.again();
  for (const each of polls) each.now();
  if (isToLook) look();
  return true;
}

function tellToken() {
  write(find("access"), token() ? "Token in use" : "Token");
}

const troubles = new Map();

function tellTroubles() {
  const notice = find("notice");
  // Whoever does not answer cannot be asked for the rest either.
  const silent = troubles.get("node");
  const texts = silent ? [silent] : [...new Set(troubles.values())];
  notice.hidden = texts.length === 0;
  write(notice, texts.join(" "));
  document.body.classList.toggle("stale", troubles.has("node"));
}

/** Ask again and again while somebody looks; `name` is whose trouble it is. */
function poll(name, ms, act) {
  let alarm = 0;
  let asking = false;
  async function now() {
    clearTimeout(alarm);
    if (asking) return;
    asking = true;
    try {
      if (!document.hidden) await act();
      troubles.delete(name);
    } catch (error) {
      // Who has no token sees so where the bindings would be.
      const isLocked = error.asksForToken || error.status === 403;
      if (name === "node") showSilent(isLocked);
      if (isLocked) troubles.delete(name);
      else troubles.set(name, described(name, error));
    } finally {
      asking = false;
      alarm = setTimeout(now, ms);
    }
    tellTroubles();
  }
  now();
  return { now };
}

function described(name, error) {
  if (!(error instanceof Refusal)) return `This page failed: ${error.message}`;
  const who = name === "node" ? "This node does not answer." : "Figures are out of date.";
  return `${who} ${sentence(error.message)}`;
}

async function attend() {
  const { name, problems } = await showNode();
  const text = `${shown(name)} gets no traffic: ${problems.map(shown).join("; ")}.`;
  if (problems.length) troubles.set("health", text);
  else troubles.delete("health");
}

async function count() {
  offer(await showCounts(table));
}

find("search").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = query.value.trim();
  const isSearch = text.endsWith("*") || text.startsWith("@");
  const wanted = !text ? links.all() : isSearch ? links.find(text) : links.aor(encoded(text));
  if (wanted === (location.hash || "#/")) look();
  else location.hash = wanted;
});

tables.addEventListener("change", () => {
  const [path] = (location.hash || "#/").split("?");
  const isFirst = tables.selectedIndex === 0;
  location.hash = isFirst ? path : `${path}?table=${encodeURIComponent(tables.value)}`;
});

find("access").addEventListener("click", () => {
  changeToken("What changes anything needs a token that writes; some nodes want one for all.");
});

find("skip").addEventListener("click", (event) => {
  event.preventDefault();
  results.focus();
});

addEventListener("keydown", (event) => {
  if (event.key.toLowerCase() !== "k" || !(event.ctrlKey || event.metaKey)) return;
  event.preventDefault();
  query.focus();
  query.select();
});

addEventListener("hashchange", () => {
  if (location.hash === "" || location.hash.startsWith("#/")) look();
});

let unseen = 0;
document.addEventListener("visibilitychange", () => {
  clearTimeout(unseen);
  if (document.hidden) {
    unseen = setTimeout(() => feed.stop(), UNSEEN_MS);
    return;
  }
  feed.resume();
  for (const each of polls) each.now();
});

setInterval(() => document.hidden || view?.tick(), 1000);

tellToken();
table = parameterTable();
feed.follow(table);
const counts = poll("counts", COUNTS_MS, count);
const polls = [
  counts,
  poll("node", NODE_MS, attend),
  poll("nodes", NODES_MS, showNodes),
  poll("record", RECORD_MS, async () => view?.refresh?.()),
];
look();
