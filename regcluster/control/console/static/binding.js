// One binding on the page.

import { button, make, trouble, write } from "./dom.js";
import { duration, instant, nextHop, owner, shown } from "./text.js";

/** A lifetime with less than this share left stands out. */
const SHORT = 0.1;

/** Shows `contact`, as the API tells it, and calls `remove` when that is wished for. */
export class Binding {
  element = make("li", { class: "binding" });
  contact;
  isBusy = false;
  #uri = make("h3", { class: "uri" });
  #remove;
  #meter = make("span");
  #left = make("p", { class: "left" });
  #facts = make("dl", { class: "facts" });
  #all = make("dl", { class: "all" });
  #error = make("div");
  #told = "";

  constructor(contact, remove) {
    this.#remove = button("Remove", remove, { class: "quiet-danger" });
    const meter = make("div", { class: "meter", "aria-hidden": "true" }, this.#meter);
    this.element.append(
      make("div", { class: "head" }, this.#uri, this.#remove),
      make("div", { class: "life" }, meter, this.#left),
      this.#error,
      this.#facts,
      make("details", {}, make("summary", {}, "All that is kept of it"), this.#all),
    );
    this.update(contact);
  }

  /** Show it as it is by now. */
  update(contact) {
    this.contact = contact;
    const { expires_in, ...lasting } = contact;
    const told = JSON.stringify(lasting);
    if (told === this.#told) return;
    this.#told = told;
    write(this.#uri, shown(contact.contact));
    this.#remove.setAttribute("aria-label", `Remove ${shown(contact.contact)}`);
    fill(this.#facts, facts(contact));
    fill(this.#all, all(contact));
  }

  /** Tell its times, at the instant `now` by the store's clock. */
  tell(now) {
    const { expires_at, created_at, modified_at } = this.contact;
    const left = expires_at - now;
    const share = Math.min(1, Math.max(0, left / Math.max(1, expires_at - modified_at)));
    write(this.#left, left > 0 ? `${duration(left)} left` : "expired");
    this.#meter.style.setProperty("transform", `scaleX(${share.toFixed(3)})`);
    this.element.dataset.life = left <= 0 ? "over" : share < SHORT ? "short" : "long";
    tellTime(this.#facts, "age", duration(now - created_at));
    tellTime(this.#facts, "refreshed", `${duration(now - modified_at)} ago`);
  }

  /** Whether its removal is under way. */
  busy(is) {
    // Disabled, it would lose the focus.
    this.#remove.setAttribute("aria-disabled", String(is));
    this.isBusy = is;
    if (is) this.#error.replaceChildren();
  }

  /** It could not be removed. */
  fail(problem) {
    this.#error.replaceChildren(trouble("Not removed", problem));
    this.#remove.focus();
  }
}

function tellTime(list, name, text) {
  write(list.querySelector(`[data-time=${name}]`), text);
}

function facts(contact) {
  const { hop, why } = nextHop(contact);
  const held = owner(contact.connection);
  return [
    ["Next hop", make("span", { class: "uri" }, shown(hop)), why],
    held
      ? ["Owner", shown(held.node), `worker ${shown(held.worker)} holds the connection`]
      : ["Owner", "any node", "no connection to hold"],
    ["Age", make("span", { "data-time": "age" }), null],
    ["Refreshed", make("span", { "data-time": "refreshed" }), null],
    ["Preference", contact.q === null ? "not said" : `q=${contact.q}`, null],
    ["User-Agent", shown(contact.user_agent) || "not said", null],
  ];
}

function all(contact) {
  const xavp = Object.entries(contact.xavp ?? {}).map(([name, value]) => `${name}=${value}`);
  const rows = {
    "Call-ID": contact.call_id,
    CSeq: String(contact.cseq),
    "Came in on": contact.socket,
    "Came from": contact.received,
    Path: contact.path,
    Connection: contact.connection,
    Instance: contact.instance,
    "reg-id": contact.reg_id && String(contact.reg_id),
    Methods: contact.methods && (contact.methods.join(", ") || "none"),
    Parameters: contact.params,
    Flags: contact.cflags ? String(contact.cflags) : "",
    XAVP: xavp.join(", "),
    "Record id": contact.ruid,
    Bound: instant(contact.created_at),
    Refreshed: instant(contact.modified_at),
    Expires: instant(contact.expires_at),
  };
  const kept = Object.entries(rows).filter(([, value]) => value);
  return kept.map(([name, value]) => [name, make("span", { class: "uri" }, shown(value)), null]);
}

function fill(list, rows) {
  list.replaceChildren(
    ...rows.map(([name, value, note]) =>
      make(
        "div",
        {},
        make("dt", {}, name),
        make("dd", {}, value, ...(note ? [make("small", {}, note)] : [])),
      ),
    ),
  );
}
