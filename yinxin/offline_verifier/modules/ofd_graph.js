// The graph of an OFD document (GB/T 33190-2016 7 to 20): every file that can be reached from OFD.xml, and who refers to it.
//
// A reader shows what this walk reaches; what a signature does not cover here can be changed at will. So the walk takes the wider reading
// wherever readers differ, exactly as standards/gbt33190_ofd/graph.py and locations.py do. Each part is read once, so cycles end.

import { MalformedError } from "./bytes.js";
import { characterCount, firstCharacters, stripped, wordsOf } from "./texts.js";
import { OFD_NAMESPACE, XML_REFUSED, readXml } from "./xml.js";

export const OFD_XML_BYTES = 16 * 1024 * 1024;
const OFD_XML_TOTAL_BYTES = 256 * 1024 * 1024;
const OFD_BODIES = 64;
const OFD_VERSIONS = 64;
const OFD_REFERRERS = 16;
const OFD_TROUBLES = 1000; // kept of one kind
const LOCATION_CHARACTERS = 1024;
const OFD_ENTRY = "OFD.xml";

// What a file is to the document; nothing follows from a file of content, and nobody shows one for being listed by a version
const PAGE_RULES = [["PageRes", null, "resources"]];
const LOCATION_RULES = {
  version: [["File", null, "listed"], ["DocRoot", null, "document"]],
  document: [
    ["PublicRes", null, "resources"],
    ["DocumentRes", null, "resources"],
    ["TemplatePage", "BaseLoc", "template"],
    ["Page", "BaseLoc", "page"],
    ["Annotations", null, "annotations"],
    ["Attachments", null, "attachments"],
    ["CustomTags", null, "custom-tags"],
    ["Extensions", null, "extensions"],
  ],
  resources: [["FontFile", null, "content", true], ["MediaFile", null, "content", true], ["ColorSpace", "Profile", "content", true]],
  template: PAGE_RULES,
  page: PAGE_RULES,
  annotations: [["FileLoc", null, "content"]],
  attachments: [["FileLoc", null, "content"]],
  "custom-tags": [["FileLoc", null, "content"], ["SchemaLoc", null, "content"]],
  extensions: [["ExtendData", null, "content"]],
};

const badLocation = (reason) => new MalformedError("OFD_LOCATION_BAD", { reason });

/** The folder of a file, empty at the root. */
export const folderOf = (path) => path.slice(0, Math.max(0, path.lastIndexOf("/")));

/** The name a location (ST_Loc, 7.3) means from `folder`, without a leading slash. Throws OFD_LOCATION_BAD with `reason`. */
export function resolveLocation(folder, stated) {
  const location = stripped(stated);
  if (!location || characterCount(location) > LOCATION_CHARACTERS) throw badLocation("length");
  if (location.includes("\\")) throw badLocation("backslash");
  if (/[:\x00-\x1f\x7f]/.test(location)) throw badLocation("not-in-package");
  const steps = location.startsWith("/") || !folder ? [] : folder.split("/");
  for (const step of location.split("/")) {
    if (step === "..") {
      if (!steps.length) throw badLocation("parent-folder");
      steps.pop();
    } else if (step && step !== ".") steps.push(step);
  }
  if (!steps.length) throw badLocation("folder");
  return steps.join("/");
}

/**
 * What a location leads to from `folder`; failing that, from each of `otherFolders`; exactly, then by case: { wanted, path, variant, others },
 * where `others` are members that another habit of reading would lead to instead.
 */
export function findLocation(container, location, folder, otherFolders = []) {
  const wanted = resolveLocation(folder, location);
  const names = [wanted];
  const steps = stripped(location).replace(/^\/+/, ""); // some readers start at the folder of the document whatever the location begins with
  for (const other of otherFolders) {
    try {
      const name = resolveLocation(other, steps);
      if (!names.includes(name)) names.push(name);
    } catch (error) {
      if (!(error instanceof MalformedError)) throw error;
    }
  }
  const hits = new Map();
  for (const name of names) {
    const like = container.has(name) ? name : container.nameLike(name);
    if (like !== null && !hits.has(like)) hits.set(like, like !== name ? "case" : name !== wanted ? "folder" : null);
  }
  if (!hits.size) return { wanted, path: null, variant: null, others: [] };
  const [path, ...others] = hits.keys();
  return { wanted, path, variant: hits.get(path), others };
}

/** A number as people write one in XML: what Python's float takes, too. */
function readDecimal(text) {
  if (!/^[+-]?(?:[0-9](?:_?[0-9])*\.?(?:[0-9](?:_?[0-9])*)?|\.[0-9](?:_?[0-9])*)(?:[eE][+-]?[0-9](?:_?[0-9])*)?$/.test(text)) return NaN;
  return Number(text.replaceAll("_", ""));
}

/** ST_Box (7.3): x, y, width, height in millimetres, width and height above zero. */
export function readBox(text) {
  const values = wordsOf(text.replaceAll(",", " ")).map(readDecimal);
  if (values.length !== 4 || !values.every((value) => Math.abs(value) < 1e6) || values[2] <= 0 || values[3] <= 0) throw badLocation("box");
  return values;
}

/** The box of a page or of the document's default page area; null where none can be read. */
function boxOfPart(root) {
  for (const area of [...root.descendants("PageArea"), ...root.descendants("Area")]) {
    for (const node of area.children("PhysicalBox")) {
      try {
        return readBox(node.text);
      } catch (error) {
        if (!(error instanceof MalformedError)) throw error;
        return null;
      }
    }
  }
  return null;
}

/** Whether some reader takes this version for the current one: all that is stated counts, unless it says no. */
const mayBeCurrent = (version) => version.readings("Current").some((stated) => !["", "false", "0", "no"].includes(stated.toLowerCase()));

const leadsSomewhere = (version) => version.readings("BaseLoc").length > 0;

/** What chooses the document and stands in OFD.xml elsewhere than it should: who looks for it by its name alone finds it there. */
function misplacedNames(root, bodies) {
  const under = (name) => bodies.flatMap((body) => body.children(name));
  const placed = {
    DocBody: bodies,
    DocRoot: under("DocRoot"),
    Signatures: under("Signatures"),
    Version: under("Versions").flatMap((holder) => holder.children("Version")).filter(leadsSomewhere), // the word is a common one
  };
  const found = (name) => root.descendants(name).filter((node) => name !== "Version" || leadsSomewhere(node));
  return Object.keys(placed).filter((name) => found(name).length > placed[name].length);
}

/** One document of the file. `reached` and `older`: name -> { path, role, by }; `pages`: identifier -> part, `unclearPages`: identifiers that two pages have; `boxes`: part -> box. */
export class OfdBody {
  constructor(index) {
    this.index = index;
    this.reached = new Map();
    this.older = new Map();
    this.pages = new Map();
    this.unclearPages = new Set();
    this.pageNodes = new Map(); // by the part that lists them, then by identifier
    this.boxes = new Map();
    this.defaultBox = null;
    this.signatures = [];
  }
}

/** The document graph of a package; `failure` says why where OFD.xml cannot be read. */
export class OfdGraph {
  constructor(container) {
    this.container = container;
    this.bodies = [];
    this.kinds = new Map();
    this.parts = new Map();
    this.readBytes = 0;
    this.failure = null;
    const like = container.has(OFD_ENTRY) ? OFD_ENTRY : container.nameLike(OFD_ENTRY);
    this.entry = like || OFD_ENTRY;
    try {
      if (like === null) throw new MalformedError("OFD_ENTRY_MISSING");
      this.readEntry(readXml(container.read(like, OFD_XML_BYTES)));
    } catch (error) {
      if (!(error instanceof MalformedError)) throw error;
      this.failure = error;
    }
  }

  readEntry(root) {
    if (this.entry !== OFD_ENTRY) this.note("OFD_LOCATION_VARIANT", this.entry, "", "case");
    if (root.name !== "OFD") throw new MalformedError("OFD_XML_MALFORMED", { reason: "root" });
    if (root.namespace !== OFD_NAMESPACE) this.note("OFD_NAMESPACE_VARIANT", this.entry, "", firstCharacters(root.namespace, 80));
    const bodies = root.children("DocBody");
    for (const name of misplacedNames(root, bodies)) this.note("OFD_PART_UNREADABLE", this.entry, "", `misplaced ${name}`);
    if (bodies.length > OFD_BODIES) this.note("OFD_TOO_MANY_PARTS", this.entry, "", "DocBody");
    bodies.slice(0, OFD_BODIES).forEach((node, index) => this.bodies.push(this.walkBody(index, node)));
  }

  /** Keep a trouble once, up to the limit of its kind: missing pictures, however many, leave room for a page that is missing. */
  note(code, path, by, reason) {
    const kind = code === "OFD_PART_MISSING" ? `${code} ${reason}` : code;
    if (!this.kinds.has(kind)) this.kinds.set(kind, new Map());
    const kept = this.kinds.get(kind);
    const key = [path, by, reason].join("\0");
    if (kept.size < OFD_TROUBLES && !kept.has(key)) kept.set(key, { code, path, by, reason });
  }

  /** What was wrong, by its kind, each in the order met. */
  get troubles() {
    return [...this.kinds.values()].flatMap((kept) => [...kept.values()]);
  }

  /** The member a location in the part `by` leads to; null, with a trouble, where it leads out of the package. */
  lookUp(location, by, folders = [], base = null) {
    let found;
    try {
      found = findLocation(this.container, location, base === null ? folderOf(by) : base, folders);
    } catch (error) {
      if (!(error instanceof MalformedError)) throw error;
      this.note("BAD_PATH", firstCharacters(stripped(location), 80), by, String(error.facts.reason));
      return null;
    }
    if (found.variant && found.path !== null) this.note("OFD_LOCATION_VARIANT", found.path, by, found.variant);
    return found;
  }

  /** The root element of a part, read once; null, with a trouble, where it cannot be read. */
  part(path, by) {
    if (!this.parts.has(path)) {
      this.parts.set(path, null);
      try {
        this.readBytes += this.container.size(path);
        if (this.readBytes > OFD_XML_TOTAL_BYTES) throw new MalformedError("OFD_XML_MALFORMED", { reason: "total-too-large" });
        this.parts.set(path, readXml(this.container.read(path, OFD_XML_BYTES)));
      } catch (error) {
        if (!(error instanceof MalformedError)) throw error;
        this.note(XML_REFUSED.has(error.code) ? "OFD_PART_REFUSED" : "OFD_PART_UNREADABLE", path, by, `${error.code} ${error.facts.reason ?? ""}`.trim());
      }
    }
    return this.parts.get(path);
  }

  walkBody(index, node) {
    const body = new OfdBody(index);
    const entry = this.entry;
    const starts = this.texts(node, "DocRoot", entry).map((location) => [location, "document"]);
    for (const info of node.children("DocInfo")) for (const location of this.texts(info, "Cover", entry)) starts.push([location, "content"]);
    const versions = node.children("Versions").flatMap((holder) => holder.children("Version"));
    if (versions.length > OFD_VERSIONS) this.note("OFD_TOO_MANY_PARTS", entry, "", "Version");
    const marked = versions.filter(mayBeCurrent);
    const current = marked.length ? marked : versions;
    const started = (version) => (leadsSomewhere(version) ? version.readings("BaseLoc") : [""]).map((location) => [location, "version"]);
    starts.push(...current.slice(0, OFD_VERSIONS).flatMap(started));
    const isCurrent = new Set(current);
    const older = versions.slice(0, OFD_VERSIONS).filter((version) => !isCurrent.has(version)).flatMap(started);
    this.walk(body, starts, body.reached);
    this.walk(body, older, body.older);
    for (const location of this.texts(node, "Signatures", entry)) {
      const roots = [...body.reached.values()].filter(({ role }) => role === "document");
      const found = this.lookUp(location, entry, roots.map(({ path }) => folderOf(path)));
      if (found && found.path === null) this.note("OFD_PART_MISSING", found.wanted, entry, "signatures");
      else if (found) for (const path of [found.path, ...found.others]) if (!body.signatures.includes(path)) body.signatures.push(path);
    }
    return body;
  }

  /** The texts of the elements of one name directly inside; several where one is allowed are a trouble, and all are followed. */
  texts(node, name, by) {
    const found = node.children(name);
    if (found.length > 1) this.note("OFD_PART_UNREADABLE", by, "", `repeated ${name}`);
    return found.map((each) => this.text(each, by)).filter(Boolean);
  }

  text(node, by) {
    try {
      return node.text;
    } catch (error) {
      if (!(error instanceof MalformedError)) throw error;
      this.note("OFD_PART_UNREADABLE", by, "", `${error.facts.reason} ${node.name}`);
      return "";
    }
  }

  walk(body, starts, reached) {
    const waiting = [];
    const done = new Set();
    let folders = [""];
    const reach = (location, role, by, base = null, more = []) => {
      const found = this.lookUp(location, by, [...more, ...folders], base);
      if (!found) return;
      if (found.path === null) {
        this.note("OFD_PART_MISSING", found.wanted, by, role);
        return;
      }
      for (const path of [found.path, ...found.others]) {
        if (reached !== body.reached && body.reached.has(path)) continue;
        if (!reached.has(path)) reached.set(path, { path, role, by: [] });
        const place = reached.get(path);
        if (place.role === "listed") place.role = role;
        if (!place.by.includes(by) && place.by.length < OFD_REFERRERS) place.by.push(by);
        if (role in LOCATION_RULES && !done.has(`${role}\0${path}`)) {
          done.add(`${role}\0${path}`);
          waiting.push([path, role]);
        }
      }
    };
    for (const [location, role] of starts) reach(location, role, this.entry);
    for (let next = 0; next < waiting.length; next++) {
      const [path, role] = waiting[next];
      const root = this.part(path, reached.get(path).by[0]);
      if (!root) continue;
      if (role === "document") {
        if (!folders.includes(folderOf(path))) folders = [...folders, folderOf(path)];
        body.defaultBox = body.defaultBox || boxOfPart(root);
      } else if (role === "page") {
        const box = boxOfPart(root);
        if (box) body.boxes.set(path, box);
      }
      const bases = role === "resources" ? this.bases(root, path, folders) : [];
      for (const [element, attribute, to, isBased] of LOCATION_RULES[role]) {
        for (const node of root.descendants(element)) {
          for (const location of attribute === null ? [this.text(node, path)] : node.readings(attribute)) {
            if (!location) continue;
            if (isBased && bases.length) reach(location, to, path, bases[0], [...bases.slice(1), folderOf(path)]);
            else reach(location, to, path);
            if (to === "page") this.notePage(body, node, location, path);
          }
        }
      }
    }
  }

  /** The folder that a part of resources states for its files: by the rules, then by the habit of starting elsewhere. */
  bases(root, path, folders) {
    const location = root.get("BaseLoc");
    if (!location || /^[./]*$/.test(location)) return [];
    const found = this.lookUp(location, path);
    if (!found) return [];
    const bases = [found.wanted];
    for (const folder of folders) {
      try {
        bases.push(resolveLocation(folder, location));
      } catch (error) {
        if (!(error instanceof MalformedError)) throw error;
      }
    }
    return bases;
  }

  notePage(body, node, location, by) {
    const found = this.lookUp(location, by);
    const identifier = node.get("ID");
    if (!body.pageNodes.has(by)) body.pageNodes.set(by, new Map());
    const known = body.pageNodes.get(by);
    if (identifier && !known.has(identifier)) known.set(identifier, node);
    if (identifier && known.get(identifier) !== node) body.unclearPages.add(identifier);
    if (identifier && found && found.path !== null && !body.pages.has(identifier)) body.pages.set(identifier, found.path);
  }
}
