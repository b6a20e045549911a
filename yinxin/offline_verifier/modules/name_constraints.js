// Which names an authority may give (RFC 5280, 4.2.1.10); as standards/rfc5280_name_constraints.py. A comparison answers true, false, or
// null for what cannot be told, which never passes.
import { findBytes, fromHex, toHex } from "./bytes.js";
import { readDer } from "./der.js";
import { NameKind, isWithinName, mayBeWithinName, readName } from "./names.js";
import { Oid } from "./oids.js";

const NOT_UNDERSTOOD = "name-constraint-not-understood";
const MAX_NAME_COMPARISONS = 2 ** 16;
const MAX_HOST_CHARACTERS = 253; // RFC 1035, 2.3.4
const SMTP_UTF8_MAILBOX = fromHex("06082b06010505070809"); // RFC 9598: a mail address beyond ASCII, to which constraints on mail apply as well
const HOST = /^[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?(?:\.[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?)*$/;
const NUMERIC_HOST = /^(?:.*\.)?(?:[0-9]+|0[xX][0-9A-Fa-f]*)$/; // what readers of URIs take for an IPv4 address
const LOCAL_PART = /^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*$/;
const AUTHORITY = /^[A-Za-z][A-Za-z0-9+.-]*:\/\/(?:[A-Za-z0-9._~!$&'()*+,;=:%-]*@)?([A-Za-z0-9._-]+)(?::[0-9]*)?(?:[/?#].*)?$/s;
const IPV4_IN_IPV6 = "00000000000000000000ffff";

// Why a certificate with these names is not one of the constrained authority's, or null
export function nameViolation({ permitted, excluded }, subject, alternative) {
  const names = [...subjectNames(subject), ...alternative];
  const subtrees = [...permitted, ...excluded];
  if (!subtrees.every((tree) => tree.isPlain) || names.length * subtrees.length > MAX_NAME_COMPARISONS) return NOT_UNDERSTOOD;
  for (const name of names) {
    const answersOf = (trees) => trees.filter((tree) => constraintApplies(tree.base, name)).map((tree) => nameWithin(name, tree.base));
    const [refused, allowed] = [answersOf(excluded), answersOf(permitted)];
    if (refused.includes(true)) return "name-excluded";
    if (refused.includes(null) || (allowed.includes(null) && !allowed.includes(true))) return NOT_UNDERSTOOD;
    if (allowed.length && !allowed.includes(true)) return "name-not-permitted";
  }
  return null;
}

// The subject, unless empty, and every mail address in it
function subjectNames(subject) {
  const addresses = readName(subject).flat().filter((attribute) => attribute.oid === Oid.EMAIL_ADDRESS);
  const mail = addresses.map(({ text, value }) => ({ kind: NameKind.RFC822_NAME, text, name: null, raw: value }));
  return subject.length === 2 ? mail : [{ kind: NameKind.DIRECTORY_NAME, text: null, name: subject, raw: subject }, ...mail];
}

function constraintApplies(base, name) {
  if (base.kind === name.kind) return true;
  return base.kind === NameKind.RFC822_NAME && name.kind === NameKind.OTHER_NAME && findBytes(name.raw, SMTP_UTF8_MAILBOX) >= 0;
}

function nameWithin(name, base) {
  if (name.kind === NameKind.DIRECTORY_NAME) return isWithinName(name.name, base.name) || (mayBeWithinName(name.name, base.name) ? null : false);
  if (name.kind === NameKind.IP_ADDRESS) return addressWithin(readDer(name.raw).value, readDer(base.raw).value);
  const compare = { [NameKind.RFC822_NAME]: mailboxWithin, [NameKind.DNS_NAME]: dnsNameWithin, [NameKind.URI]: uriWithin }[name.kind];
  return compare === undefined || name.text === null ? null : compare(name.text, base.text);
}

const isHost = (text) => text.length <= MAX_HOST_CHARACTERS && HOST.test(text);
const withoutDot = (text) => (text.startsWith(".") ? text.slice(1) : text);
const atLast = (text) => [text.slice(0, Math.max(text.lastIndexOf("@"), 0)), text.slice(text.lastIndexOf("@") + 1)];

// A mailbox, all of a host, or (with a dot before it) all hosts below a domain
function mailboxWithin(name, base) {
  const [local, host] = atLast(name);
  if (!LOCAL_PART.test(local) || !isHost(host)) return null;
  if (!base.includes("@")) return hostWithin(host, base);
  const [baseLocal, baseHost] = atLast(base);
  if (!LOCAL_PART.test(baseLocal) || !isHost(baseHost)) return null;
  if (host.toLowerCase() !== baseHost.toLowerCase() || local.toLowerCase() !== baseLocal.toLowerCase()) return false;
  return local === baseLocal ? true : null;
}

// By the host alone: one without a host that has a name is refused
function uriWithin(name, base) {
  const authority = AUTHORITY.exec(name);
  return authority === null || !isHost(authority[1]) || NUMERIC_HOST.test(authority[1]) ? null : hostWithin(authority[1], base);
}

function hostWithin(host, base) {
  const domain = withoutDot(base);
  if (!isHost(domain)) return null;
  return domain === base ? host.toLowerCase() === base.toLowerCase() : host.toLowerCase().endsWith(base.toLowerCase());
}

// The domain itself and whatever is below it. A dot before the domain is not foreseen: then the domain itself cannot be told.
function dnsNameWithin(name, base) {
  const [host, domain] = [name.startsWith("*.") ? name.slice(2) : name, withoutDot(base)];
  if (!isHost(host) || (base && !isHost(domain))) return null;
  const [isPattern, isBelow] = [host !== name, domain !== base];
  const [ours, theirs] = [host.toLowerCase(), domain.toLowerCase()];
  if (!base || ours.endsWith("." + theirs)) return true;
  if (ours === theirs) return isBelow && !isPattern ? null : true;
  return isPattern && theirs.endsWith("." + ours) ? null : false;
}

function addressWithin(address, subtree) {
  if (![4, 16].includes(address.length) || ![8, 32].includes(subtree.length)) return null;
  const half = subtree.length / 2;
  const mask = Array.from(subtree.slice(half));
  const bits = mask.map((octet) => octet.toString(2).padStart(8, "0")).join("");
  if (bits.includes("01") || (address.length === 16 && toHex(address).startsWith(IPV4_IN_IPV6))) return null;
  return address.length === half && mask.every((octet, i) => (address[i] & octet) === (subtree[i] & octet));
}
