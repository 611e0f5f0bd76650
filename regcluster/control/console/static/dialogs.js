// What is asked of whoever sits there: a token, and whether they mean it.

import { token, useToken } from "./api.js";
import { find, write } from "./dom.js";

/** What can stand in a header; a token has no spaces. */
const TOKEN = /^[\x21-\x7e]+$/;

const tokens = find("token-dialog");
const removal = find("remove-dialog");

/** Whether a binding is to be removed. */
export async function confirmRemoval(contact, aor) {
  write(find("remove-contact"), contact);
  write(find("remove-aor"), aor);
  return (await closed(removal)) === "remove";
}

/** Ask for a token; true: there is another one now, or none any more. */
export async function askForToken(why) {
  write(find("token-why"), why);
  write(find("token-wrong"), "");
  find("token").value = "";
  find("token-forget").hidden = token() === "";
  return (await closed(tokens)) !== "";
}

function closed(dialog) {
  return new Promise((resolve) => {
    dialog.returnValue = "";
    dialog.addEventListener("close", () => resolve(dialog.returnValue), { once: true });
    dialog.showModal();
  });
}

tokens.querySelector("form").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = find("token").value.trim();
  const wrong = text ? "A token has no spaces, and only ASCII." : "Enter a token, or cancel.";
  if (!TOKEN.test(text)) {
    write(find("token-wrong"), wrong);
    find("token").focus();
    return;
  }
  useToken(text);
  tokens.close("used");
});

find("token-cancel").addEventListener("click", () => tokens.close(""));

find("token-forget").addEventListener("click", () => {
  useToken("");
  tokens.close("forgotten");
});
