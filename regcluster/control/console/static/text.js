// Words for values: nothing here touches the page, a clock or the network.
//
// Phones choose most of what is shown, so whatever could hide, or turn other text around, is
// escaped. Octets that are no UTF-8 come as U+DC80 to U+DCFF, one each.

const UNSEEN = /[\p{C}\p{Zl}\p{Zp}]/gu;
const OCTETS = 0xdc00;

/** `text` with everything escaped that could not be seen. */
export function shown(text) {
  return text.replace(UNSEEN, (character) => {
    const code = character.codePointAt(0);
    const octet = isOctet(code) ? code - OCTETS : code;
    const digits = octet.toString(16);
    return octet < 0x100 ? `\\x${digits.padStart(2, "0")}` : `\\u{${digits}}`;
  });
}

/** What the node says, as a sentence; names of settings stay as they are spelled. */
export function sentence(text) {
  const begun = /^[a-z]+ /.test(text) ? text.charAt(0).toUpperCase() + text.slice(1) : text;
  return /[.!?]$/.test(begun) ? begun : `${begun}.`;
}

/** `text` as a part of a path or a query; octets that are no UTF-8 stay what they are. */
export function encoded(text) {
  const parts = Array.from(text, (character) => {
    const code = character.codePointAt(0);
    if (isOctet(code)) return `%${(code - OCTETS).toString(16).toUpperCase()}`;
    return encodeURIComponent(code >= 0xd800 && code <= 0xdfff ? "\ufffd" : character);
  });
  return parts.join("").replaceAll("%40", "@").replaceAll("%3A", ":");
}

function isOctet(code) {
  return code >= OCTETS + 0x80 && code <= OCTETS + 0xff;
}

/** A percent-encoded part for people: as typed, as far as it is text. */
export function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

const UNITS = [
  [86400, "d", 3600, "h"],
  [3600, "h", 60, "min"],
  [60, "min", 1, "s"],
];

/** A duration in its two largest units. */
export function duration(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  for (const [large, name, small, lesser] of UNITS) {
    if (seconds >= large) {
      const rest = Math.floor((seconds % large) / small);
      return `${Math.floor(seconds / large)} ${name} ${String(rest).padStart(2, "0")} ${lesser}`;
    }
  }
  return `${seconds} s`;
}

const WHOLE = new Intl.NumberFormat("en");
const CLOCK = new Intl.DateTimeFormat("en-GB", { timeStyle: "medium" });
const CALENDAR = new Intl.DateTimeFormat("en-CA", { dateStyle: "short" });

/** A count, its thousands apart. */
export function count(number) {
  return WHOLE.format(number);
}

/** `number` of things, in words. */
export function counted(number, one, many = `${one}s`) {
  return `${count(number)} ${number === 1 ? one : many}`;
}

/** So many per second, to about three digits. */
export function rate(number) {
  if (number === 0) return "0";
  if (number < 0.1) return "<0.1";
  return number < 10 ? number.toFixed(1) : count(Math.round(number));
}

/** An instant by the clock of whoever looks. */
export function clock(at) {
  return CLOCK.format(at);
}

/** The day as well. */
export function instant(at) {
  return `${CALENDAR.format(at)} ${CLOCK.format(at)}`;
}

/** Where a request for a binding goes first, and what says so. */
export function nextHop(contact) {
  const { path, received, connection } = contact;
  const [uri, source] = path
    ? [firstUri(path), "first hop of its Path"]
    : [received || contact.contact, received ? "where it came from" : "its Contact"];
  return { hop: hop(uri), why: connection && !path ? "over its open connection" : source };
}

/** The first URI of a Path. */
function firstUri(path) {
  const bracketed = /^\s*(?:"(?:[^"\\]|\\.)*"|[^<",]*)\s*<([^>]*)>/.exec(path);
  return bracketed ? bracketed[1] : path.split(/[,;]/, 1)[0].trim();
}

/** Host and port of a SIP URI, and its transport. Of any other URI: the whole of it. */
function hop(uri) {
  const found = /^(sips?):(?:[^@]*@)?([^;?]+)(.*)$/i.exec(uri);
  if (!found) return uri;
  const [, scheme, host, rest] = found;
  const secure = scheme.toLowerCase() === "sips" ? "tls" : "udp";
  const transport = /;transport=([^;?]+)/i.exec(rest)?.[1] ?? secure;
  return `${host} ${transport.toUpperCase()}`;
}

/** Which node, and which of its workers, holds the connection of a binding; null: it has none. */
export function owner(connection) {
  if (!connection) return null;
  const slash = connection.lastIndexOf("/");
  const worker = connection.slice(slash + 1).split(".", 1)[0];
  return { node: connection.slice(0, slash), worker };
}
