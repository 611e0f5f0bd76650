// The change feed, followed: read, and taken up again where it was lost.
//
// EventSource cannot show a token, so the stream is read with fetch.

import { open } from "./api.js";

const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 30_000;
const REFUSED_MS = 8000;

/** The node says something every 15 seconds. */
const SILENCE_MS = 40_000;

/** What was missed for longer than that is too much to be told. */
const RESUME_MS = 120_000;

/** Behind an id, what happened to other addresses within ten seconds is told again. */
const REMEMBERED = 10_000;

/** Takes text as it comes, gives `{id, event, data}` to `take`. */
export function parser(take) {
  let rest = "";
  let found = {};
  return (text) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop();
    for (const line of lines) {
      const colon = line.indexOf(": ");
      if (line === "" && found.data !== undefined) take(found);
      if (line === "") found = {};
      else if (colon > 0) found[line.slice(0, colon)] = line.slice(colon + 2);
    }
  };
}

/** Follows the feed of one table, from now on. */
export class Follower {
  #take;
  #tell;
  #table;
  #stopped = null;
  #last = "";
  #heardAt = 0;
  #told = new Set();
  #firstAt = 0;
  #isResumed = false;

  /** `take` takes each event, `tell` what becomes of the stream. */
  constructor(table, take, tell) {
    this.#table = table;
    this.#take = take;
    this.#tell = tell;
  }

  /** Follow it, where it was left if that is not long ago. */
  async start() {
    if (this.#stopped) return;
    const { signal } = (this.#stopped = new AbortController());
    let pause = FIRST_PAUSE_MS;
    while (!signal.aborted) {
      let state = "lost";
      let problem = "The stream has ended.";
      try {
        await this.#read(signal, () => (pause = FIRST_PAUSE_MS));
      } catch (error) {
        problem = error.message;
        // An id that this store has never given: begin anew.
        if (error.status === 400) this.#last = "";
        // Until there is another token, or it is another's turn, the answer will be the same.
        if (error.status) pause = Math.max(pause, REFUSED_MS);
        if (error.asksForToken) state = "locked";
      }
      if (signal.aborted) return;
      this.#tell({ state, problem });
      await sleep(pause, signal);
      pause = Math.min(2 * pause, LONGEST_PAUSE_MS);
    }
  }

  /** Let go of the stream. */
  stop() {
    this.#stopped?.abort();
    this.#stopped = null;
  }

  async #read(stopped, begun) {
    const silent = new AbortController();
    let alarm = 0;
    const wind = () => {
      clearTimeout(alarm);
      alarm = setTimeout(() => silent.abort(new Error("The stream went silent.")), SILENCE_MS);
    };
    try {
      wind();
      const missed = this.#heardAt ? Date.now() - this.#heardAt : 0;
      const answer = await this.#open(missed, AbortSignal.any([stopped, silent.signal]));
      begun();
      this.#tell({ state: "live", missed: missed < RESUME_MS ? 0 : missed });
      const parse = parser((message) => this.#receive(message));
      const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      for (;;) {
        this.#heardAt = Date.now();
        const { done, value } = await reader.read();
        if (done) return;
        wind();
        parse(value);
      }
    } finally {
      clearTimeout(alarm);
    }
  }

  #open(missed, signal) {
    const query = new URLSearchParams(this.#table ? { table: this.#table } : {});
    const headers = {};
    if (0 < missed && missed < RESUME_MS) {
      this.#isResumed = true;
      if (this.#last) headers["Last-Event-ID"] = this.#last;
      else query.set("since", `${Math.ceil(missed / 1000)}s`);
    }
    return open(`events?${query}`, { headers, signal });
  }

  #receive({ id, event, data }) {
    if (event === "store") {
      this.#tell({ state: "store", problem: JSON.parse(data).problem });
      return;
    }
    const told = JSON.parse(data);
    this.#last = id;
    this.#firstAt ||= told.at;
    const isOlder = this.#isResumed && told.at < this.#firstAt;
    if (isOlder || this.#told.has(id)) return;
    this.#told.add(id);
    if (this.#told.size > REMEMBERED) this.#told.delete(this.#told.values().next().value);
    this.#take(told);
  }
}

function sleep(ms, signal) {
  return new Promise((resolve) => {
    const alarm = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => (clearTimeout(alarm), resolve()), { once: true });
  });
}
