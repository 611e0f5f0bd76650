// The node's HTTP API: one question, one answer, and the token that is shown with each.
//
// The token stays in this tab. Addresses are relative to the page, which may be behind a proxy.

const BASE = new URL("api/v1/", document.baseURI);
const KEY = "regcluster.token";
const PATIENCE_MS = 10_000;

/** A no, as the node says it; status 0: it said nothing. */
export class Refusal extends Error {
  constructor(status, detail, asksForToken = false) {
    super(detail);
    this.status = status;
    this.asksForToken = asksForToken;
  }
}

/** The token in use; empty: none. */
export function token() {
  return sessionStorage.getItem(KEY) ?? "";
}

/** Use another from now on; empty: none any more. */
export function useToken(text) {
  if (text) sessionStorage.setItem(KEY, text);
  else sessionStorage.removeItem(KEY);
}

/** The node's answer before its body was read. Throws a `Refusal`, or what ended `signal`. */
export async function open(path, { method = "GET", headers = {}, signal } = {}) {
  const shown = token() ? { Authorization: `Bearer ${token()}` } : {};
  let answer;
  try {
    const all = { ...headers, ...shown };
    answer = await fetch(new URL(path, BASE), { method, headers: all, signal, cache: "no-store" });
  } catch (error) {
    if (signal?.aborted && signal.reason?.name !== "TimeoutError") throw error;
    throw new Refusal(0, silence(error));
  }
  if (!answer.ok) throw await refusal(answer);
  return answer;
}

/** The JSON that the node answers with; null: it has no words for it. */
export async function ask(path, { method, signal, patience = PATIENCE_MS } = {}) {
  const limit = AbortSignal.timeout(patience);
  const ends = signal ? AbortSignal.any([signal, limit]) : limit;
  const answer = await open(path, { method, signal: ends });
  if (answer.status === 204) return null;
  try {
    return await answer.json();
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Refusal(0, silence(error));
  }
}

async function refusal(answer) {
  const asks = answer.headers.has("WWW-Authenticate");
  try {
    const { detail, title } = await answer.json();
    return new Refusal(answer.status, detail ?? title ?? "", asks);
  } catch {
    return new Refusal(answer.status, `it answered ${answer.status}`, asks);
  }
}

function silence(error) {
  return error.name === "TimeoutError" ? "It took too long to answer." : "It cannot be reached.";
}
