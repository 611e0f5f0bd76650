// The page's own means: elements made, found and shown, and what is said to screen readers.

/** The element with that id. */
export function find(id) {
  return document.getElementById(id);
}

/** A new element; `attributes` that are null are left out, children may be text. */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children);
  return element;
}

/** Set a text, unless it is there already: a screen reader would repeat it. */
export function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** A word in a colour; the word alone has to do. */
export function pill(text, tone) {
  return make("span", { class: "pill", "data-tone": tone }, text);
}

/** Have screen readers say it when they are done with what they say. */
export function say(text) {
  find("said").textContent = text;
}

/** Something that went wrong, where it did; `actions` are buttons. */
export function trouble(title, text, ...actions) {
  return make(
    "div",
    { class: "trouble", role: "alert" },
    make("strong", {}, title),
    make("p", {}, text),
    ...actions,
  );
}

/** Nothing to show, and what could be done. */
export function emptiness(title, ...lines) {
  return make("div", { class: "empty" }, make("strong", {}, title), ...lines);
}

/** A button. */
export function button(text, press, attributes = {}) {
  const made = make("button", { type: "button", ...attributes }, text);
  made.addEventListener("click", press);
  return made;
}
