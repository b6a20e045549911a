// Distinguished names and general names (RFC 5280, 4.1.2.4, 4.2.1.6, 7.1), and their text (RFC 4514); as standards/rfc5280_names.py.
import { MalformedError, sameBytes, toBinary, toHex, utf8 } from "./bytes.js";
import { TEXT_TAGS, Tag, readDer, tagText } from "./der.js";
import { Oid } from "./oids.js";
import { foldedCase, wordsOf } from "./texts.js";

const MAX_NAME_BYTES = 8192;
const MAX_NAME_ATTRIBUTES = 64;
const MAX_GENERAL_NAMES = 1000;

export const NameKind = { OTHER_NAME: 0, RFC822_NAME: 1, DNS_NAME: 2, DIRECTORY_NAME: 4, URI: 6, IP_ADDRESS: 7 };
const GENERAL_NAME_TAGS = { 0xa0: 0, 0x81: 1, 0x82: 2, 0xa3: 3, 0xa4: 4, 0xa5: 5, 0x86: 6, 0x87: 7, 0x88: 8 };

const NAME_KEYWORDS = {
  [Oid.COMMON_NAME]: "CN", [Oid.SERIAL_NUMBER]: "serialNumber", [Oid.COUNTRY]: "C", [Oid.LOCALITY]: "L", [Oid.STATE]: "ST",
  [Oid.ORGANISATION]: "O", [Oid.ORGANISATIONAL_UNIT]: "OU", "2.5.4.9": "STREET", "2.5.4.4": "SN", "2.5.4.12": "title", "2.5.4.42": "GN",
  "2.5.4.97": "organizationIdentifier", "0.9.2342.19200300.100.1.1": "UID", "0.9.2342.19200300.100.1.25": "DC", [Oid.EMAIL_ADDRESS]: "emailAddress",
};
const FOLDED_TAGS = new Set([Tag.UTF8_STRING, Tag.PRINTABLE_STRING, Tag.BMP_STRING, Tag.IA5_STRING]);
const UNSAFE_TO_FOLD = /[\p{Cc}\p{Cf}\p{Cn}\p{Co}\p{Cs}]/u; // control, invisible, unassigned, private
const INVISIBLE = /^[\p{Cc}\p{Cf}\p{Cn}\p{Co}\p{Cs}\p{Zl}\p{Zp}]$/u;

// [[{ oid, text (null where it is no character string), value (DER), tag }]], most general first
export function readName(name) {
  if (name.length > MAX_NAME_BYTES) throw new MalformedError("NAME_TOO_LARGE", { limit: MAX_NAME_BYTES, found: name.length });
  let count = 0;
  return readDer(name).children(Tag.SEQUENCE).map((rdn) => {
    const attributes = rdn.children(Tag.SET).map((node) => {
      const parts = node.children(Tag.SEQUENCE);
      count += 1;
      if (parts.length !== 2 || count > MAX_NAME_ATTRIBUTES) throw new MalformedError("NAME_MALFORMED", { elements: parts.length, attributes: count });
      const value = parts[1];
      return { oid: parts[0].oid(), text: TEXT_TAGS.has(value.tag) ? value.text() : null, value: value.raw, tag: value.tag };
    });
    if (!attributes.length) throw new MalformedError("NAME_MALFORMED", { attributes: 0 });
    return attributes;
  });
}

// As RFC 4514 writes it, most specific first. Control and invisible characters are spelled out, so that a name cannot disguise itself.
export function nameText(name) {
  return readName(name).reverse().map((rdn) => rdn.map(nameAttributeText).join("+")).join(",");
}

function nameAttributeText(attribute) {
  const keyword = NAME_KEYWORDS[attribute.oid];
  if (keyword === undefined || attribute.text === null) return `${keyword ?? attribute.oid}=#${toHex(attribute.value)}`;
  const characters = Array.from(attribute.text);
  const last = characters.length - 1;
  return `${keyword}=` + characters.map((each, i) => escapeCharacter(each, i === 0, i === last)).join("");
}

function escapeCharacter(each, isFirst, isLast) {
  if ('"+,;<>\\'.includes(each) || (each === "#" && isFirst) || (each === " " && (isFirst || isLast))) return "\\" + each;
  if (INVISIBLE.test(each)) return Array.from(utf8(each), (octet) => "\\" + toHex([octet]).toUpperCase()).join("");
  return each;
}

// The text of the last (most specific) attribute of this type, or null
export function nameAttribute(name, oid) {
  const found = readName(name).flat().filter((attribute) => attribute.oid === oid);
  return found.length ? found[found.length - 1].text : null;
}

const normalisedNames = new Map(); // bounded; what is remembered depends on the bytes alone
const MAX_NORMALISED_NAMES = 4096;

// The form for comparison (RFC 5280, 7.1): one string for each relative name, in order
export function normalisedParts(name) {
  const key = toBinary(name);
  let found = normalisedNames.get(key);
  if (found === undefined) {
    found = readName(name).map((rdn) => [...new Set(rdn.map((attribute) => `${attribute.oid}=${foldAttribute(attribute)}`))].sort().join("\u0000"));
    if (normalisedNames.size >= MAX_NORMALISED_NAMES) normalisedNames.clear();
    normalisedNames.set(key, found);
  }
  return found;
}

export const normalisedName = (name) => normalisedParts(name).join("\u0001");

// Folded text, or the bytes themselves: what must not be folded equals nothing but itself
function foldAttribute({ text, tag, value }) {
  if (text === null || !FOLDED_TAGS.has(tag) || UNSAFE_TO_FOLD.test(text)) return "#" + toHex(value);
  return "'" + wordsOf(foldedCase(text.normalize("NFKC")).normalize("NFKC")).join(" ");
}

export const isSameName = (one, other) => sameBytes(one, other) || normalisedName(one) === normalisedName(other);

// Whether a name lies in the subtree that begins at base (RFC 5280, 4.2.1.10, directoryName)
export function isWithinName(name, base) {
  const [parts, top] = [normalisedParts(name), normalisedParts(base)];
  return top.every((each, i) => each === parts[i]);
}

// Whether it could lie there if values that are compared byte for byte, because folding is not safe, meant the same text
export function mayBeWithinName(name, base) {
  const [parts, top] = [normalisedParts(name), normalisedParts(base)];
  return parts.length >= top.length && top.every((each, i) => each === parts[i] || mayBeSamePart(each, parts[i]));
}

function mayBeSamePart(one, other) {
  const [ours, theirs] = [one.split("\u0000"), other.split("\u0000")];
  const kinds = (values) => [...new Set(values.map((each) => each.split("=", 1)[0]))].sort().join();
  const differing = [...ours.filter((each) => !theirs.includes(each)), ...theirs.filter((each) => !ours.includes(each))];
  return kinds(ours) === kinds(theirs) && differing.some((each) => each[each.indexOf("=") + 1] === "#");
}

// { kind, text (string kinds), name (directory name), raw }
export function readGeneralName(node) {
  const kind = GENERAL_NAME_TAGS[node.tag];
  if (kind === undefined) throw new MalformedError("GENERAL_NAME_MALFORMED", { tag: tagText(node.tag) });
  let [text, name] = [null, null];
  if (kind === NameKind.DIRECTORY_NAME) {
    name = node.onlyChild().raw;
    readName(name);
  } else if (kind === NameKind.RFC822_NAME || kind === NameKind.DNS_NAME || kind === NameKind.URI) {
    text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(node.value); // real ones carry characters beyond ASCII
  }
  return { kind, text, name, raw: node.raw };
}

export function readGeneralNames(nodes) {
  if (nodes.length > MAX_GENERAL_NAMES) throw new MalformedError("GENERAL_NAMES_TOO_MANY", { limit: MAX_GENERAL_NAMES, found: nodes.length });
  return nodes.map(readGeneralName);
}
