// Texts as the server's verifier reads them: characters are code points, white space is Unicode's, names are compared without case.

const WHITE_SPACE = "\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000";
const AROUND = new RegExp(`^[${WHITE_SPACE}]+|[${WHITE_SPACE}]+$`, "g");
const BETWEEN = new RegExp(`[${WHITE_SPACE}]+`, "g");
const DIRECTIONS = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/;

/** The class of white space, to be put into patterns. */
export const WHITE_SPACE_CLASS = WHITE_SPACE;

/** The text without white space around it. */
export const stripped = (text) => text.replace(AROUND, "");

/** The words of a text. */
export const wordsOf = (text) => stripped(text).split(BETWEEN).filter(Boolean);

export const withoutWhiteSpace = (text) => text.replace(BETWEEN, "");

/** The characters of a text as numbers. */
export const codePoints = (text) => Array.from(text, (each) => each.codePointAt(0));

/** How many characters a text has. */
export function characterCount(text) {
  let count = text.length;
  for (let i = 0; i < text.length; i++) if ((text.charCodeAt(i) & 0xfc00) === 0xd800 && (text.charCodeAt(i + 1) & 0xfc00) === 0xdc00) count--;
  return count;
}

/** The first ones of them. */
export const firstCharacters = (text, count) => (text.length <= count ? text : Array.from(text.slice(0, 2 * count)).slice(0, count).join(""));

function decoded(label, bytes) {
  try {
    return new TextDecoder(label, { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null;
  }
}

/** Text in UTF-8, null where it is none. */
export const readUtf8 = (bytes) => decoded("utf-8", bytes);

export const readUtf16 = (bytes, isBig) => decoded(isBig ? "utf-16be" : "utf-16le", bytes);

/** Text in GB 18030, null where it is none. Browsers read a lone 0x80 as the euro sign, the standard does not know it. */
export function readGb18030(bytes) {
  for (let at = 0; at < bytes.length; at++) {
    if (bytes[at] === 0x80) return null;
    if (bytes[at] > 0x80) at += bytes[at + 1] >= 0x30 && bytes[at + 1] <= 0x39 ? 3 : 1;
  }
  return decoded("gb18030", bytes);
}

/** A name without the differences of case and Unicode form. */
export function foldedName(name) {
  const composed = name.normalize("NFC");
  if (/^[\x00-\x7f]*$/.test(composed)) return composed.toLowerCase();
  return foldedCase(composed);
}

/** Without case, character by character: no language's own rules, and a sigma is a sigma wherever it stands. */
export function foldedCase(text) {
  const fold = (each) => Array.from(each.toLowerCase().toUpperCase(), (one) => one.toLowerCase()).join("");
  return Array.from(text, (each) => (each === "ı" ? each : fold(each))).join("");
}

/** Whether a text is one line that is read as it is written (UAX #9, #44); joiners and selectors, which Mongolian needs, are allowed. */
export const isPlainText = (text) => !DIRECTIONS.test(text) && !/[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]/u.test(text);

const MONGOLIAN = "[\\u180b-\\u180d\\u180f\\u1820-\\u1878\\u1880-\\u18aa]"; // letters of the traditional script and their selectors
const JOINTS = new RegExp(`(?<=${MONGOLIAN})[\\u180e\\u202f](?=${MONGOLIAN})`, "g");

/**
 * Whether every character can be seen, the blank among them. What parts a last vowel from its Mongolian word (U+180E) and joins a suffix to it (U+202F)
 * belongs to how they are written, and is a control or a space anywhere else.
 */
export const isPrintable = (text) => !/[\p{C}\p{Zl}\p{Zp}]|(?! )\p{Zs}/u.test(text.replace(JOINTS, ""));

export const turnsDirection = (text) => DIRECTIONS.test(text);

/** ASCII with the spelling of bytes that are not, for messages. */
export const isAscii = (text) => /^[\x00-\x7f]*$/.test(text);
