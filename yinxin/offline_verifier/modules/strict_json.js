// JSON (RFC 8259) read as the server reads it: whole numbers are told from others, duplicate members are seen, no half of a character passes.

export class JsonError extends Error {}

/** A number with a fraction or an exponent: where a whole number is asked for, it is none. */
export class JsonFloat {
  constructor(value) {
    this.value = value;
  }

  toJSON() {
    return this.value;
  }
}

const JSON_DEPTH = 900;
const STRICT_DEPTH = 64; // objects and arrays in each other, as in standards/rfc7493_i_json.py
const STRICT_DIGITS = 20;
const JSON_BLANKS = /[ \t\n\r]*/y;
const JSON_NUMBER = /(-?(?:0|[1-9][0-9]*))(\.[0-9]+)?([eE][-+]?[0-9]+)?/y;
const JSON_PLAIN = /[^"\\\x00-\x1f]*/y;
const JSON_ESCAPES = { '"': '"', "\\": "\\", "/": "/", b: "\b", f: "\f", n: "\n", r: "\r", t: "\t" };
const JSON_WORDS = [["true", true], ["false", false], ["null", null]];
const HALF = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/;

class JsonReader {
  constructor(text, isStrict, digits) {
    Object.assign(this, { text, isStrict, digits, at: 0, depth: isStrict ? STRICT_DEPTH - 1 : JSON_DEPTH });
  }

  fail(rule = "JSON") {
    throw new JsonError(rule);
  }

  blanks() {
    JSON_BLANKS.lastIndex = this.at;
    this.at += JSON_BLANKS.exec(this.text)[0].length;
  }

  take(mark) {
    if (this.text[this.at] !== mark) return false;
    this.at++;
    return true;
  }

  value(depth) {
    const next = this.text[this.at];
    if (depth > this.depth && (next === "{" || next === "[")) this.fail();
    if (next === "{") return this.object(depth);
    if (next === "[") return this.array(depth);
    if (next === '"') return this.string();
    for (const [word, value] of JSON_WORDS) {
      if (!this.text.startsWith(word, this.at)) continue;
      this.at += word.length;
      return value;
    }
    return this.number();
  }

  number() {
    JSON_NUMBER.lastIndex = this.at;
    const match = JSON_NUMBER.exec(this.text);
    if (!match) return this.constant();
    this.at += match[0].length;
    if (match[2] !== undefined || match[3] !== undefined) {
      const value = Number(match[0]);
      if (this.isStrict && !Number.isFinite(value)) this.fail("number too large");
      return new JsonFloat(value);
    }
    if (match[1].length > this.digits) this.fail(this.isStrict ? "number too large" : "JSON");
    const value = Number(match[1]);
    return Number.isSafeInteger(value) ? value : BigInt(match[1]);
  }

  constant() {
    for (const word of ["NaN", "Infinity", "-Infinity"]) {
      if (!this.text.startsWith(word, this.at)) continue;
      if (this.isStrict) this.fail("not a number");
      this.at += word.length;
      return new JsonFloat(Number(word));
    }
    return this.fail();
  }

  string() {
    this.at++;
    let out = "";
    for (;;) {
      JSON_PLAIN.lastIndex = this.at;
      const plain = JSON_PLAIN.exec(this.text)[0];
      out += plain;
      this.at += plain.length;
      if (this.take('"')) break;
      if (!this.take("\\")) this.fail();
      const escape = this.text[this.at++];
      if (escape === "u") {
        const hex = this.text.slice(this.at, this.at + 4);
        if (!/^[0-9a-fA-F]{4}$/.test(hex)) this.fail();
        out += String.fromCharCode(parseInt(hex, 16));
        this.at += 4;
      } else if (escape !== undefined && Object.hasOwn(JSON_ESCAPES, escape)) out += JSON_ESCAPES[escape];
      else this.fail();
    }
    if (this.isStrict && HALF.test(out)) this.fail();
    return out;
  }

  array(depth) {
    this.at++;
    const found = [];
    this.blanks();
    if (this.take("]")) return found;
    for (;;) {
      this.blanks();
      found.push(this.value(depth + 1));
      this.blanks();
      if (this.take("]")) return found;
      if (!this.take(",")) this.fail();
    }
  }

  object(depth) {
    this.at++;
    const found = Object.create(null);
    this.blanks();
    if (this.take("}")) return found;
    for (;;) {
      this.blanks();
      if (this.text[this.at] !== '"') this.fail();
      const name = this.string();
      this.blanks();
      if (!this.take(":")) this.fail();
      this.blanks();
      const value = this.value(depth + 1);
      if (this.isStrict && name in found) this.fail("duplicate member");
      found[name] = value;
      this.blanks();
      if (this.take("}")) return found;
      if (!this.take(",")) this.fail();
    }
  }
}

/**
 * The value of a JSON text. Objects have no prototype, whole numbers beyond 2^53 are BigInt. Throws JsonError, whose message is the rule.
 * `isStrict`: no duplicate members, no NaN or Infinity, no halves of surrogate pairs, no deep nesting; `digits`: of a whole number.
 */
export function readJson(text, { isStrict = false, digits = isStrict ? STRICT_DIGITS : 4300 } = {}) {
  if (text === null) throw new JsonError("JSON"); // no UTF-8
  const reader = new JsonReader(text, isStrict, digits);
  reader.blanks();
  const value = reader.value(0);
  reader.blanks();
  if (reader.at !== text.length) reader.fail();
  return value;
}

export const isJsonObject = (value) => value !== null && typeof value === "object" && !Array.isArray(value) && !(value instanceof JsonFloat);

/** Whether a value is a whole number within these bounds. */
export const isWhole = (value, least, most) => typeof value === "number" && value >= least && value <= most;

/** Whether an object has exactly these members. */
export function hasExactly(value, names, optional = []) {
  if (!isJsonObject(value)) return false;
  const found = Object.keys(value);
  return names.every((name) => name in value) && found.every((name) => names.includes(name) || optional.includes(name));
}

/** JSON in the one spelling of RFC 8785, for values whose keys are ASCII and whose numbers are whole and below 2^53. */
export function canonicalJson(value) {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  if (value !== null && typeof value === "object") {
    return `{${Object.keys(value).sort().map((name) => `${JSON.stringify(name)}:${canonicalJson(value[name])}`).join(",")}}`;
  }
  return typeof value === "number" || typeof value === "bigint" ? String(value) : JSON.stringify(value);
}
