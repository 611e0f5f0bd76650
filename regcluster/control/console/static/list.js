// Addresses-of-record that have bindings: all of them, those that begin so, or those of a domain.

import { ask, Refusal } from "./api.js";
import { button, emptiness, make, say, write } from "./dom.js";
import { counted, encoded, shown } from "./text.js";

/** The node itself gives up after 20 seconds. */
const PATIENCE_MS = 25_000;

/** A page of addresses, and more when asked for. */
export class ListView {
  element = make("div", { class: "list" });
  #query;
  #address;
  #sought;
  #rows = make("ul", { class: "rows aors" });
  #summary = make("p", { class: "about" });
  #more = button("Show more", () => this.#showMore(), { class: "more" });
  #cursor = null;
  #signal = null;
  #redo;

  /** `sought` is `alice*`, `@example.com` or nothing; `address` is where an AOR is looked at. */
  constructor(sought, table, limit, address, redo) {
    this.#sought = sought;
    this.#address = address;
    this.#redo = redo;
    this.#query = { limit, ...(table && { table }) };
    if (/^@./.test(sought)) this.#query.domain = sought.slice(1);
    else if (sought) this.#query.prefix = sought.replace(/\*$/, "");
  }

  /** Ask for the first page. Throws a `Refusal`. */
  async load(signal) {
    this.#signal = signal;
    const { aors, cursor } = await this.#ask();
    if (aors.length === 0 && cursor === null) this.element.replaceChildren(this.#nothing());
    else {
      const title = make("h2", { tabindex: "-1" }, shown(this.#sought) || "Addresses");
      const head = make("div", { class: "title" }, title, this.#summary);
      this.element.replaceChildren(head, this.#rows, this.#more);
      this.#add(aors, cursor);
    }
    say(this.#said());
  }

  /** Something has happened to a binding: who saw none may want to look again. */
  noticed({ kind }) {
    if (kind === "added" && !this.#sought && !this.#rows.isConnected) this.#redo();
  }

  /** A second has gone by. */
  tick() {}

  #ask() {
    const asked = this.#cursor === null ? this.#query : { ...this.#query, cursor: this.#cursor };
    const query = Object.entries(asked).map(([name, value]) => `${name}=${encoded(String(value))}`);
    return ask(`aors?${query.join("&")}`, { signal: this.#signal, patience: PATIENCE_MS });
  }

  #add(aors, cursor) {
    this.#cursor = cursor;
    this.#rows.append(...aors.map((row) => this.#row(row)));
    this.#more.hidden = cursor === null;
    const here = this.#rows.children.length;
    const part = `first ${here}, in the order of the store`;
    write(this.#summary, cursor === null ? counted(here, "address", "addresses") : part);
  }

  async #showMore() {
    this.#more.disabled = true;
    const before = this.#rows.children.length;
    try {
      const { aors, cursor } = await this.#ask();
      this.#add(aors, cursor);
      this.#rows.children[before]?.querySelector("a").focus();
      say(this.#said());
    } catch (error) {
      if (!(error instanceof Refusal)) return;
      write(this.#summary, error.message);
      say(error.message);
    } finally {
      this.#more.disabled = false;
    }
  }

  #row({ aor, contacts, href }) {
    // As the node spells it: what no text can say would be lost in ours.
    const part = href.slice(href.lastIndexOf("/") + 1);
    const name = make("span", { class: "uri" }, shown(aor));
    const size = make("span", { class: "about" }, counted(contacts, "binding"));
    return make("li", {}, make("a", { href: this.#address(part) }, name, " ", size));
  }

  #nothing() {
    const { prefix, domain } = this.#query;
    if (domain) return emptiness(`No address of the domain ${shown(domain)}`);
    if (prefix) {
      const hint = make("p", {}, "Upper and lower case are not the same here.");
      return emptiness(`No address begins with ${shown(prefix)}`, hint);
    }
    const line = "As soon as the first phone registers, it stands here.";
    return emptiness("Nothing is bound", make("p", {}, line));
  }

  #said() {
    const here = this.#rows.children.length;
    return here ? `${counted(here, "address", "addresses")} listed` : "No address found";
  }
}
