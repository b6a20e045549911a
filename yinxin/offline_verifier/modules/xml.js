// Safe XML for the parts of OFD (XML 1.0 with namespaces): no document type, no entities but the five, no inclusion, bounded size and depth.
//
// Elements are found by local name in any namespace: the standard's is http://www.ofdspec.org/2016, older writers have others or none, and
// what one reader skips for its namespace another reads. The same refusals as standards/gbt33190_ofd/xml_parts.py.

import { MalformedError } from "./bytes.js";
import { WHITE_SPACE_CLASS, readGb18030, readUtf16, readUtf8, stripped } from "./texts.js";

export const OFD_NAMESPACE = "http://www.ofdspec.org/2016";
export const XML_REFUSED = new Set(["OFD_XML_DOCTYPE", "OFD_XML_XINCLUDE"]); // what no honest part has

const XML_BYTES = 16 * 1024 * 1024;
const XML_TAGS = 1000000;
const XML_ATTRIBUTES = 1000000;
const XML_DEPTH = 256;
const DECLARATION_BYTES = 256; // honest ones have under 60
const XML_URI = "http://www.w3.org/XML/1998/namespace";
const XMLNS_URI = "http://www.w3.org/2000/xmlns/";
const XINCLUDE_URI = "http://www.w3.org/2001/XInclude";
const XML_CODECS = { "UTF-8": readUtf8, UTF8: readUtf8, GB18030: readGb18030, GBK: readGb18030, GB2312: readGb18030 };
const FIVE = { lt: "<", gt: ">", amp: "&", quot: '"', apos: "'" };
const START =
  "A-Z_a-z\\xc0-\\xd6\\xd8-\\xf6\\xf8-\\u02ff\\u0370-\\u037d\\u037f-\\u1fff\\u200c\\u200d\\u2070-\\u218f\\u2c00-\\u2fef\\u3001-\\ud7ff\\uf900-\\ufdcf\\ufdf0-\\ufffd\\u{10000}-\\u{effff}";
const PLAIN_NAME = `[${START}][${START}\\-.0-9\\xb7\\u0300-\\u036f\\u203f\\u2040]*`;
const QUALIFIED = new RegExp(`(?:(${PLAIN_NAME}):)?(${PLAIN_NAME})(?!:)`, "uy");
const TARGET = new RegExp(`(${PLAIN_NAME})(?=[ \\t\\r\\n]|\\?>)`, "uy");
const BLANKS = /[ \t\r\n]*/y;
const NO_CHARACTER = /[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/;
const DECLARATION = new RegExp(`^<\\?xml[${WHITE_SPACE_CLASS}][^<>]*\\?>`);
const STRICT_DECLARATION =
  /^<\?xml[ \t\r\n]+version[ \t\r\n]*=[ \t\r\n]*(["'])1\.[0-9]+\1(?:[ \t\r\n]+encoding[ \t\r\n]*=[ \t\r\n]*(["'])[A-Za-z][\w.-]*\2)?(?:[ \t\r\n]+standalone[ \t\r\n]*=[ \t\r\n]*(["'])(?:yes|no)\3)?[ \t\r\n]*\?>/;
const PCHAR = "(?:[A-Za-z0-9\\-._~!$&'()*+,;=:@]|%[0-9A-Fa-f]{2})";
const NAMESPACE_NAME = new RegExp(
  `^(?:[A-Za-z][A-Za-z0-9+.-]*:|(?![^/?#]*:))(?://(?:${PCHAR}*@)?(?:\\[[0-9A-Fa-f:.]+\\]|(?:(?!:)${PCHAR})*)(?::[0-9]{1,9})?(?=[/?#]|$)|(?!//))(?:${PCHAR}|/)*(?:\\?(?:${PCHAR}|[/?])*)?(?:#(?:${PCHAR}|[/?])*)?$`,
);

const NONE_PREFIXED = []; // of all elements without such attributes: most have none
const xmlMalformed = (reason, facts = {}) => new MalformedError("OFD_XML_MALFORMED", { reason, ...facts });

/** One element of a part. `inside`: how many elements, comments and instructions it holds; `first`: the text in front of them. */
export class XmlNode {
  constructor(name, namespace, attributes, prefixed) {
    this.prefixed = prefixed;
    this.name = name;
    this.namespace = namespace;
    this.attributes = attributes;
    this.elements = [];
    this.inside = 0;
    this.first = "";
  }

  /** An attribute without namespace, without white space around its value; null where it is not there. */
  get(name) {
    const value = this.attributes && this.attributes.get(name);
    return value === undefined || value === null ? null : stripped(value);
  }

  /** The values of the attributes of one local name, without namespace first: readers differ in which they take. */
  readings(name) {
    const plain = this.get(name);
    const found = this.prefixed.filter(([, local]) => local === name).map(([, , value]) => stripped(value));
    return plain === null ? found : [plain, ...found];
  }

  /** The text of an element that holds nothing else; throws mixed-content where it does, since readers then disagree about it. */
  get text() {
    if (this.inside) throw xmlMalformed("mixed-content", { element: this.name });
    return stripped(this.first);
  }

  children(name = null) {
    return name === null ? this.elements : this.elements.filter((each) => each.name === name);
  }

  /** The one element of this name directly inside, or null; several are malformed. */
  child(name) {
    const found = this.children(name);
    if (found.length > 1) throw xmlMalformed("repeated", { element: name });
    return found[0] ?? null;
  }

  /** The elements of one local name anywhere inside, this one included, in the order of the document. */
  descendants(name) {
    const found = [];
    const waiting = [this];
    while (waiting.length) {
      const node = waiting.pop();
      if (node.name === name) found.push(node);
      for (let i = node.elements.length - 1; i >= 0; i--) waiting.push(node.elements[i]);
    }
    return found;
  }
}

/** The encoding that the declaration states, null where it states none. */
function statedEncoding(data) {
  const start = String.fromCharCode(...data.subarray(0, DECLARATION_BYTES));
  const stated = /^<\?xml[ \t\n\r\f\v][^<>]*?\bencoding[ \t\n\r\f\v]*=[ \t\n\r\f\v]*["']([A-Za-z][\w.-]{0,39})["']/.exec(start);
  return stated ? stated[1].toUpperCase() : null;
}

function decodeXml(data) {
  let text = null;
  if (data[0] === 0xef && data[1] === 0xbb && data[2] === 0xbf) {
    const content = data.subarray(3);
    // One reader follows the mark, another the declaration: with other characters than ASCII they read two texts
    const isOpen = ![null, "UTF-8", "UTF8"].includes(statedEncoding(content)) && content.some((each) => each > 0x7f);
    text = isOpen ? null : readUtf8(content);
  }
  else if (data[0] === 0xff && data[1] === 0xfe) text = readUtf16(data.subarray(2), false);
  else if (data[0] === 0xfe && data[1] === 0xff) text = readUtf16(data.subarray(2), true);
  else {
    const name = statedEncoding(data) ?? "UTF-8";
    if (name === "US-ASCII") text = data.every((each) => each < 0x80) ? readUtf8(data) : null;
    else if (Object.hasOwn(XML_CODECS, name)) text = XML_CODECS[name](data);
  }
  if (text === null) throw xmlMalformed("encoding");
  return text;
}

/** Whether a part that was read is the same text to those who take every part for UTF-8, whatever it says: many readers do. */
export function isReadAlike(data) {
  if (data.every((each) => each < 0x80) || (data[0] === 0xef && data[1] === 0xbb && data[2] === 0xbf)) return true;
  if ((data[0] === 0xff && data[1] === 0xfe) || (data[0] === 0xfe && data[1] === 0xff)) return false;
  return [null, "UTF-8", "UTF8"].includes(statedEncoding(data));
}

/** It states one encoding or none, and where that was looked for: another reader, who finds one elsewhere, would read another text. */
function checkDeclaration(text) {
  const said = new TextEncoder().encode(text);
  const words = text.toLowerCase().split("encoding").length - 1;
  if (said.length > DECLARATION_BYTES || words !== (statedEncoding(said) === null ? 0 : 1)) throw xmlMalformed("encoding");
}

/** A document type can stand only in front of the root element; anything that looks like one there is refused. */
function checkProlog(text) {
  const blank = new RegExp(`[${WHITE_SPACE_CLASS}\ufeff]*`, "y");
  let at = 0;
  for (;;) {
    blank.lastIndex = at;
    at += blank.exec(text)[0].length;
    const mark = text.startsWith("<!--", at) ? "-->" : text.startsWith("<?", at) ? "?>" : null;
    const end = mark ? text.indexOf(mark, at + (mark === "-->" ? 4 : 2)) : -1;
    if (end < 0) break;
    at = end + mark.length;
  }
  if (text.slice(at, at + 9).toUpperCase() === "<!DOCTYPE") throw new MalformedError("OFD_XML_DOCTYPE");
}

function countOf(text, mark) {
  let count = 0;
  for (let at = text.indexOf(mark); at >= 0; at = text.indexOf(mark, at + 1)) count++;
  return count;
}

/** The root element of a part. Throws OFD_XML_DOCTYPE, OFD_XML_XINCLUDE, else OFD_XML_MALFORMED with `reason`. */
export function readXml(data) {
  if (data.length > XML_BYTES) throw xmlMalformed("too-large");
  let text = decodeXml(data);
  const declaration = DECLARATION.exec(text);
  if (declaration) {
    checkDeclaration(declaration[0]);
    text = text.slice(declaration[0].length);
  }
  checkProlog(text);
  if (countOf(text, "<") > XML_TAGS) throw xmlMalformed("too-many-elements");
  if (countOf(text, "=") > XML_ATTRIBUTES) throw xmlMalformed("too-many-attributes");
  const reader = new XmlReader(text);
  const root = reader.document();
  if (reader.includes) throw new MalformedError("OFD_XML_XINCLUDE");
  return root;
}

class XmlReader {
  constructor(text) {
    this.text = text;
    this.at = 0;
    this.includes = false;
  }

  fail() {
    throw xmlMalformed("syntax");
  }

  skipBlanks() {
    BLANKS.lastIndex = this.at;
    const found = BLANKS.exec(this.text)[0].length;
    this.at += found;
    return found > 0;
  }

  expect(mark) {
    if (!this.text.startsWith(mark, this.at)) this.fail();
    this.at += mark.length;
  }

  /** Up to a mark, which is passed. */
  until(mark) {
    const end = this.text.indexOf(mark, this.at);
    if (end < 0) this.fail();
    const found = this.text.slice(this.at, end);
    this.at = end + mark.length;
    return found;
  }

  qualified() {
    QUALIFIED.lastIndex = this.at;
    const match = QUALIFIED.exec(this.text);
    if (!match) this.fail();
    this.at += match[0].length;
    return { whole: match[0], prefix: match[1] ?? "", local: match[2] };
  }

  document() {
    const text = this.text;
    if (NO_CHARACTER.test(text)) this.fail();
    if (text.startsWith("\ufeff")) this.at = 1;
    const again = STRICT_DECLARATION.exec(text.slice(this.at, this.at + 1024));
    if (again) this.at += again[0].length;
    this.besides();
    if (text[this.at] !== "<") this.fail();
    const root = this.tree();
    this.besides();
    if (this.at !== text.length) this.fail();
    return root;
  }

  /** White space, comments and instructions around the root. */
  besides() {
    for (;;) {
      this.skipBlanks();
      if (!this.comment() && !this.instruction()) return;
    }
  }

  comment() {
    if (!this.text.startsWith("<!--", this.at)) return false;
    this.at += 4;
    const content = this.until("-->");
    if (content.includes("--") || content.endsWith("-")) this.fail();
    return true;
  }

  instruction() {
    if (!this.text.startsWith("<?", this.at)) return false;
    this.at += 2;
    TARGET.lastIndex = this.at;
    const match = TARGET.exec(this.text);
    if (!match || match[1].toLowerCase() === "xml") this.fail();
    this.at += match[1].length;
    this.until("?>");
    return true;
  }

  /** The root and everything inside, without recursion. */
  tree() {
    const text = this.text;
    const open = [];
    let root = null;
    for (;;) {
      const top = open[open.length - 1];
      if (text[this.at] === "<") {
        if (text[this.at + 1] === "/") {
          this.at += 2;
          if (!top || this.qualified().whole !== top.whole) this.fail();
          this.skipBlanks();
          this.expect(">");
          open.pop();
          if (!open.length) return root;
        } else if (top && text.startsWith("<![CDATA[", this.at)) {
          this.at += 9;
          const content = this.until("]]>");
          if (!top.node.inside) top.node.first += content.replace(/\r\n?/g, "\n");
        } else if (top && (this.comment() || this.instruction())) {
          top.node.inside++;
        } else {
          const { node, whole, scope, isClosed } = this.element(top ? top.scope : Object.assign(Object.create(null), { xml: XML_URI }));
          if (top) {
            top.node.inside++;
            top.node.elements.push(node);
          } else root = node;
          if (open.length >= XML_DEPTH) this.fail();
          if (!isClosed) open.push({ node, whole, scope });
          else if (!top) return root;
        }
        continue;
      }
      const end = text.indexOf("<", this.at);
      if (end < 0) this.fail();
      const content = text.slice(this.at, end);
      if (content.includes("]]>")) this.fail();
      const read = this.references(content.replace(/\r\n?/g, "\n"));
      if (!top.node.inside) top.node.first += read;
      this.at = end;
    }
  }

  references(content) {
    if (!content.includes("&")) return content;
    return content.replace(/&(?:#([0-9]+)|#x([0-9A-Fa-f]+)|([^;&]*))?(;?)/g, (_, decimal, hex, name, stop) => {
      if (!stop) this.fail();
      if (name !== undefined) return Object.hasOwn(FIVE, name) ? FIVE[name] : this.fail();
      const digits = (decimal ?? hex ?? "").replace(/^0+/, "");
      const point = digits && digits.length < 9 ? parseInt(digits, decimal === undefined ? 16 : 10) : 0;
      if (!point || point > 0x10ffff || NO_CHARACTER.test(String.fromCodePoint(point))) this.fail();
      return String.fromCodePoint(point);
    });
  }

  /** A start tag: the element, its name as written, and the namespaces in force inside. */
  element(outer) {
    this.expect("<");
    const name = this.qualified();
    const plain = new Map();
    const prefixed = [];
    let scope = outer;
    for (;;) {
      const hasBlank = this.skipBlanks();
      const next = this.text[this.at];
      if (next === "/" || next === ">") break;
      if (!hasBlank) this.fail();
      const { prefix, local } = this.qualified();
      const value = this.attributeValue();
      if (prefix === "xmlns" || (!prefix && local === "xmlns")) {
        if (scope === outer) scope = Object.create(outer);
        this.bind(scope, prefix ? local : "", value);
      } else if (prefix) prefixed.push([prefix, local, value]);
      else if (plain.has(local)) this.fail();
      else plain.set(local, value);
    }
    const isClosed = this.text[this.at] === "/";
    this.expect(isClosed ? "/>" : ">");
    const namespace = name.prefix ? scope[name.prefix] : scope[""] ?? "";
    if (namespace === undefined || name.prefix === "xmlns") this.fail();
    if (namespace === XINCLUDE_URI) this.includes = true;
    if (prefixed.length) this.checkPrefixed(prefixed, scope);
    return { node: new XmlNode(name.local, namespace, plain.size ? plain : null, prefixed.length ? prefixed : NONE_PREFIXED), whole: name.whole, scope, isClosed };
  }

  attributeValue() {
    this.skipBlanks();
    this.expect("=");
    this.skipBlanks();
    const quote = this.text[this.at];
    if (quote !== '"' && quote !== "'") this.fail();
    this.at++;
    const raw = this.until(quote);
    if (raw.includes("<")) this.fail();
    return this.references(/[\t\n\r]/.test(raw) ? raw.replace(/\r\n|[\t\n\r]/g, " ") : raw);
  }

  /** A declaration of a namespace; each may stand once in a tag. */
  bind(scope, bound, value) {
    if (bound === "xml" && value === XML_URI && !Object.hasOwn(scope, "xml")) {
      scope.xml = value;
      return;
    }
    if (bound === "xml" || bound === "xmlns" || value === XML_URI || value === XMLNS_URI || (bound && !value)) this.fail();
    if ((value && !NAMESPACE_NAME.test(value)) || Object.hasOwn(scope, bound)) this.fail();
    scope[bound] = value;
  }

  /** No two attributes may be the same one, by whatever prefix. */
  checkPrefixed(prefixed, scope) {
    const found = new Set();
    for (const [prefix, local] of prefixed) {
      const namespace = scope[prefix];
      const key = `${namespace} ${local}`;
      if (namespace === undefined || found.has(key)) this.fail();
      found.add(key);
    }
  }
}
