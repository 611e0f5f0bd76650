// One address-of-record: its bindings, how long each will last, and its removal.
//
// What is shown already is changed in place, so that nobody loses a focus or an opened detail.

import { ask, Refusal } from "./api.js";
import { Binding } from "./binding.js";
import { confirmRemoval } from "./dialogs.js";
import { emptiness, make, say, trouble, write } from "./dom.js";
import { counted, decoded, encoded, sentence, shown } from "./text.js";

/** Many events at once are one reason to look. */
const SETTLE_MS = 300;

/** The bindings of one address. */
export class RecordView {
  element = make("div", { class: "record" });
  #part;
  #path;
  #query;
  #links;
  #withToken;
  #aor = "";
  #title = make("h2", { class: "uri", tabindex: "-1" });
  #summary = make("p", { class: "about" });
  #error = make("div");
  #list = make("ol", { class: "bindings" });
  #bindings = new Map();
  #signal = null;
  #skew = 0;
  #settling = 0;

  /** `part` is the AOR as the API's paths have it; `withToken` does what may need another token. */
  constructor(part, table, links, withToken) {
    this.#part = part;
    this.#path = `aors/${part}`;
    this.#query = table ? `table=${encodeURIComponent(table)}` : "";
    this.#links = links;
    this.#withToken = withToken;
  }

  /** Ask for the first time. Throws a `Refusal`. */
  async load(signal) {
    this.#signal = signal;
    await this.#ask();
    const size = this.#bindings.size;
    say(size ? `${counted(size, "binding")} of ${shown(this.#aor)}` : "No bindings");
  }

  /** Ask again; what was shown stays if there is no answer. */
  async refresh() {
    try {
      await this.#ask();
    } catch (error) {
      if (this.#signal.aborted) return;
      this.#error.replaceChildren(trouble("These may be out of date", sentence(error.message)));
    }
  }

  /** Something has happened to a binding. */
  noticed({ aor, kind }) {
    if (aor !== this.#aor && kind !== "gap") return;
    clearTimeout(this.#settling);
    this.#settling = setTimeout(() => this.#signal.aborted || this.refresh(), SETTLE_MS);
  }

  /** A second has gone by. */
  tick() {
    const now = Date.now() - this.#skew;
    for (const binding of this.#bindings.values()) binding.tell(now);
  }

  async #ask() {
    let record;
    try {
      record = await ask(`${this.#path}?${this.#query}`, { signal: this.#signal });
    } catch (error) {
      if (!(error instanceof Refusal) || error.status !== 404) throw error;
      this.#showNone();
      return;
    }
    this.#skew = Date.now() - record.now;
    this.#aor = record.aor;
    this.#show(record);
  }

  #show({ aor, contacts }) {
    write(this.#title, shown(aor));
    write(this.#summary, counted(contacts.length, "binding"));
    this.#error.replaceChildren();
    const kept = new Set(contacts.map(({ ruid }) => ruid));
    for (const [ruid, binding] of this.#bindings) if (!kept.has(ruid)) this.#drop(ruid, binding);
    contacts.forEach((contact, place) => {
      if (!this.#bindings.has(contact.ruid)) {
        const made = new Binding(contact, () => this.#remove(contact.ruid));
        this.#bindings.set(contact.ruid, made);
      }
      const binding = this.#bindings.get(contact.ruid);
      binding.update(contact);
      const there = this.#list.children[place];
      if (there !== binding.element) this.#list.insertBefore(binding.element, there ?? null);
    });
    this.tick();
    if (!this.#list.isConnected) {
      const head = make("div", { class: "title" }, this.#title, this.#summary, this.#back());
      this.element.replaceChildren(head, this.#error, this.#list);
    }
  }

  #showNone() {
    for (const [ruid, binding] of this.#bindings) this.#drop(ruid, binding);
    const text = this.#aor || decoded(this.#part);
    this.#aor = text.replace(/^sip:/i, "");
    const nothing = emptiness(`Nothing is bound to ${shown(this.#aor)}`, ...this.#nearby());
    this.element.replaceChildren(make("div", { class: "title" }, this.#back()), nothing);
  }

  #nearby() {
    const [user, domain] = this.#aor.split("@");
    if (!domain) return [];
    const link = (sought) => make("a", { href: this.#links.find(sought) }, shown(sought));
    return [make("p", {}, "Look for ", link(`${user}*`), " or ", link(`@${domain}`), ".")];
  }

  #back() {
    return make("a", { class: "back", href: this.#links.all() }, "All addresses");
  }

  #drop(ruid, binding) {
    const hadFocus = binding.element.contains(document.activeElement);
    const next = binding.element.nextElementSibling ?? binding.element.previousElementSibling;
    binding.element.remove();
    this.#bindings.delete(ruid);
    if (hadFocus) (next?.querySelector("button") ?? this.#title).focus();
  }

  async #remove(ruid) {
    const binding = this.#bindings.get(ruid);
    const contact = binding.contact.contact;
    if (binding.isBusy || !(await confirmRemoval(shown(contact), shown(this.#aor)))) return;
    const query = [`ruid=${encoded(ruid)}`, this.#query].filter(Boolean).join("&");
    binding.busy(true);
    try {
      await this.#withToken(() => ask(`${this.#path}/contacts?${query}`, { method: "DELETE" }));
    } catch (error) {
      if (error.status !== 404) {
        binding.fail(sentence(error.message));
        return;
      }
    } finally {
      binding.busy(false);
    }
    await this.refresh();
    say(`Removed ${shown(contact)}`);
  }
}
