// Files that documents carry inside: the rules their names, number and size must follow before anybody relies on them; as
// seal_service/attached_files.py.

import { MalformedError } from "./bytes.js";
import { characterCount, foldedCase, stripped, turnsDirection } from "./texts.js";

const ATTACHED_FILES = 64;
const ATTACHED_FILE_BYTES = 16 * 1024 * 1024;
const ATTACHED_TOTAL_BYTES = 32 * 1024 * 1024;
const ATTACHED_NAME_CHARACTERS = 128;

/** What is attached is not read, and why. */
export const filesRefused = (reason) => new MalformedError("SEALED_FILES_REFUSED", { reason });

/** Files by name as they are found; every rule is checked as they are added. */
export class AttachedFiles {
  constructor() {
    this.files = new Map();
    this.folded = new Set();
    this.bytes = 0;
  }

  /** Throws for a name that is unsafe, that readers would show differently, or that is there already. */
  checkName(name) {
    const isBlank = stripped(name) !== name || /^\.*$/.test(name) || characterCount(name) > ATTACHED_NAME_CHARACTERS;
    if (isBlank || name.normalize("NFC") !== name) throw filesRefused("name");
    if (/[/\\:*?"<>|]/.test(name) || turnsDirection(name) || /[\p{C}\p{Zl}\p{Zp}]/u.test(name)) throw filesRefused("name");
    if (this.folded.has(foldedCase(name.normalize("NFKC")))) throw filesRefused("duplicate");
    if (this.files.size >= ATTACHED_FILES) throw filesRefused("too-many");
  }

  add(name, content) {
    this.checkName(name);
    this.bytes += content.length;
    if (content.length > ATTACHED_FILE_BYTES || this.bytes > ATTACHED_TOTAL_BYTES) throw filesRefused("too-large");
    this.folded.add(foldedCase(name.normalize("NFKC")));
    this.files.set(name, content);
  }
}
