// The live feed: what happens to bindings, newest first.
//
// A busy cluster tells of thousands a second, so rows are made a few times a second, and only as
// many as are kept. Screen readers are told a sum now and then instead of each.

import { find, make, pill, write } from "./dom.js";
import { clock, counted, duration, encoded, sentence, shown } from "./text.js";
import { Follower } from "./stream.js";

const ROWS = 100;
const PAINT_MS = 250;
const SUM_MS = 10_000;

const WORDS = { store: "no store", lost: "lost", locked: "locked" };

const TONES = { added: "good", changed: "warn", removed: "bad", expired: "quiet", gap: "bad" };

/** The panel with the feed; `noticed` takes each event. */
export class Feed {
  #list = find("events");
  #state = find("feed-state");
  #pause = find("pause");
  #address;
  #noticed;
  #follower = null;
  #waiting = [];
  #arrived = 0;
  #summed = null;
  #painting = 0;
  #summing = 0;
  #tone = "quiet";
  #word = "connecting";
  #isQuiet = true;

  constructor(address, noticed) {
    this.#address = address;
    this.#noticed = noticed;
    this.#pause.addEventListener("click", () => this.#turn());
  }

  /** Follow the feed of a table, from now on. */
  follow(table) {
    this.stop();
    clearTimeout(this.#painting);
    this.#painting = 0;
    this.#waiting = [];
    this.#isQuiet = true;
    this.#list.replaceChildren(make("li", { class: "about" }, "Connecting…"));
    const take = (event) => this.#take(event);
    this.#follower = new Follower(table, take, (news) => this.#tell(news));
    this.#follower.start();
  }

  /** Ask once more, and go on where it was. */
  again() {
    this.stop();
    this.resume();
  }

  /** Go on where it was stopped. */
  resume() {
    this.#follower?.start();
  }

  /** Let go of the stream. */
  stop() {
    this.#follower?.stop();
  }

  get #isPaused() {
    return this.#pause.getAttribute("aria-pressed") === "true";
  }

  #turn() {
    this.#pause.setAttribute("aria-pressed", String(!this.#isPaused));
    write(this.#pause, this.#isPaused ? "Go on" : "Pause");
    this.#paint();
  }

  #take(event) {
    this.#noticed(event);
    this.#queue({ event });
    this.#arrived += 1;
    this.#summed = event;
    this.#summing ||= setTimeout(() => this.#sum(), SUM_MS);
  }

  #queue(entry) {
    this.#waiting.push(entry);
    if (this.#waiting.length > ROWS) this.#waiting.shift();
    this.#painting ||= setTimeout(() => this.#paint(), PAINT_MS);
  }

  #tell({ state, problem, missed }) {
    if (state === "live") {
      const wasLost = this.#tone !== "good";
      this.#mark("good", "live");
      if (missed) this.#queue({ remark: `not followed for ${duration(missed)}` });
      else if (this.#isQuiet) this.#sayNothingYet();
      else if (wasLost) this.#queue({ remark: "followed again" });
    } else if (problem === null) {
      this.#mark("good", "live");
      this.#queue({ remark: "the store is back" });
    } else {
      const isNew = this.#word !== WORDS[state];
      this.#mark(state === "locked" ? "warn" : "bad", WORDS[state]);
      if (isNew) this.#queue({ remark: sentence(problem) });
    }
  }

  #sayNothingYet() {
    const text = `Nothing since ${clock(Date.now())}. What happens to bindings shows up here.`;
    this.#list.replaceChildren(make("li", { class: "about" }, text));
  }

  #mark(tone, word) {
    this.#tone = tone;
    this.#word = word;
    this.#showState();
  }

  #showState() {
    const isWaiting = this.#isPaused && this.#tone === "good";
    this.#state.dataset.tone = isWaiting ? "warn" : this.#tone;
    const most = this.#waiting.length === ROWS ? "+" : "";
    write(this.#state, isWaiting ? `paused, ${this.#waiting.length}${most} wait` : this.#word);
  }

  #paint() {
    this.#painting = 0;
    this.#showState();
    if (this.#isPaused || this.#waiting.length === 0) return;
    if (this.#isQuiet) this.#list.replaceChildren();
    this.#isQuiet = false;
    const rows = this.#waiting.reverse().map((entry) => this.#row(entry));
    this.#waiting = [];
    this.#list.prepend(...rows);
    while (this.#list.children.length > ROWS) this.#list.lastElementChild.remove();
    this.#showState();
  }

  #row({ event, remark }) {
    if (remark) {
      return make("li", {}, time(Date.now()), make("span", { class: "about remark" }, remark));
    }
    const { kind, aor, at, contact, reason } = event;
    const word = pill(kind, TONES[kind] ?? "quiet");
    if (kind === "gap") {
      const text = "events before this are lost; look anew at what is bound";
      return make("li", {}, time(at), word, make("span", { class: "about remark" }, text));
    }
    const name = make("a", { class: "uri", href: this.#address(encoded(aor)) }, shown(aor));
    const where = shown(contact?.contact ?? "");
    const why = reason === "owner" ? ", its connection is gone" : "";
    const detail = make("span", { class: "uri about detail", title: where }, `${where}${why}`);
    return make("li", {}, time(at), word, name, detail);
  }

  #sum() {
    this.#summing = 0;
    const { kind, aor } = this.#summed;
    const last = kind === "gap" ? "a gap" : `${kind} ${shown(aor)}`;
    write(find("feed-said"), `${counted(this.#arrived, "event")}, the last: ${last}`);
    this.#arrived = 0;
  }
}

function time(at) {
  const text = at ? clock(at) : "–";
  return make("time", at ? { datetime: new Date(at).toISOString() } : {}, text);
}
