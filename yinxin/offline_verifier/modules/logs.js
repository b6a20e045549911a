// Public logs: signed notes, checkpoints, inclusion proofs, cosignatures of witnesses (C2SP; RFC 9162 2.1), as crypto/checkpoints.py,
// cosignatures.py and merkle.py.

import { MalformedError, TrustError, fromBase64, isoTime, joinBytes, sameBytes, toBase64, toBinary, toHex, utf8 } from "./bytes.js";
import { ed25519Verifies } from "./ed25519.js";
import { digestOf } from "./hashes.js";
import { Outcome, failed, notChecked, passed, warned } from "./report.js";
import { sha256 } from "./sha256.js";
import { sm2VerifyRaw } from "./sm2.js";
import { characterCount, readUtf8 } from "./texts.js";

const NOTE = "C2SP signed-note";
const CHECKPOINT = "C2SP tlog-checkpoint";
const TREE = "RFC 9162 2.1.3.2";
const COSIGNATURE = "C2SP tlog-cosignature";
const NOTE_BYTES = 256 * 1024;
const NOTE_SIGNATURES = 48;
const PROOF_BYTES = NOTE_BYTES + 128 * 1024;
const PROOF_HASHES = 63;
const ORIGIN_CHARACTERS = 255;
const CHECKPOINT_EXTENSIONS = 16;
const TREE_LIMIT = 2n ** 63n - 1n;
const WITNESS_AHEAD_SECONDS = 300; // how far the clock of a witness may be ahead of ours
// C2SP reserves ff, followed by a longer identifier, for types it has not assigned: ours are SM2 with SM3
const LOG_KINDS = [["\x01", 32], ["\xffyinxin/sm2-sm3/v1\n", 65]];
const WITNESS_KINDS = [["\x04", 32], ["\xffyinxin/sm2-sm3-cosignature/v1\n", 65]];

const isCoded = (error) => {
  if (!(error instanceof TrustError)) throw error;
  return error;
};

// -- signed notes

function checkKeyName(name) {
  const count = characterCount(name);
  if (count < 1 || count > 255 || /[+\s\x1c-\x1f\x85]|[\p{Cc}\p{Cs}]/u.test(name.replace(/\ufeff/g, ""))) throw new MalformedError("NOTE_KEY_NAME");
}

/** Standard base64 with padding in its one canonical spelling. */
function readCanonicalBase64(text, code) {
  let bytes;
  try {
    bytes = fromBase64(text);
  } catch (error) {
    isCoded(error);
    throw new MalformedError(code);
  }
  if (toBase64(bytes) !== text) throw new MalformedError(code);
  return bytes;
}

/** A note: { text, signatures: [{ name, keyId, signature }] }. It means nothing before a signature of a known key has been verified. */
export function readNote(data) {
  if (data.length > NOTE_BYTES) throw new MalformedError("NOTE_TOO_LARGE");
  const whole = readUtf8(data);
  if (whole === null) throw new MalformedError("NOTE_NOT_TEXT");
  const end = whole.lastIndexOf("\n\n");
  const lines = whole.slice(end + 2);
  const text = whole.slice(0, end + 1);
  if (end < 0 || !lines.endsWith("\n") || /[\x00-\x09\x0b-\x1f]/.test(text)) throw new MalformedError("NOTE_FORM");
  const listed = lines.slice(0, -1).split("\n");
  if (listed.length > NOTE_SIGNATURES) throw new MalformedError("NOTE_SIGNATURE_COUNT");
  return { text, signatures: listed.map(readNoteSignature) };
}

function readNoteSignature(line) {
  const match = /^— ((?:\S|\ufeff)+) ((?:\S|\ufeff)+)$/.exec(line); // a byte order mark is no space (Unicode White_Space)
  if (!match || line.includes("\n")) throw new MalformedError("NOTE_FORM");
  checkKeyName(match[1]);
  const data = readCanonicalBase64(match[2], "NOTE_SIGNATURE");
  if (data.length <= 4) throw new MalformedError("NOTE_SIGNATURE");
  return { name: match[1], keyId: toHex(data.subarray(0, 4)), signature: data.subarray(4) };
}

/** A key `name+id+base64` of one of these kinds. Throws NOTE_VERIFIER_KEY, also where the id does not belong to the key. */
function readNoteKey(text, kinds) {
  const [name, keyId, ...rest] = text.split("+"); // base64 may hold a plus, the name and the id cannot
  if (!rest.length || !/^[0-9a-f]{8}$/.test(keyId)) throw new MalformedError("NOTE_VERIFIER_KEY");
  checkKeyName(name);
  const data = readCanonicalBase64(rest.join("+"), "NOTE_VERIFIER_KEY");
  const start = toBinary(data.subarray(0, 64));
  const kind = kinds.find(([type, size]) => start.startsWith(type) && data.length === type.length + size);
  const hash = sha256(joinBytes(utf8(`${name}\n`), data));
  if (!kind || toHex(hash.subarray(0, 4)) !== keyId) throw new MalformedError("NOTE_VERIFIER_KEY");
  return { name, keyId, key: data.subarray(kind[0].length), isSm2: kind[1] === 65 };
}

/** A log's key, and a witness's, as the trust list names them. */
export const readLogKey = (text) => readNoteKey(text, LOG_KINDS);
export const readWitnessKey = (text) => readNoteKey(text, WITNESS_KINDS);

const noteKeyVerifies = ({ key, isSm2 }, signature, message) => (isSm2 ? sm2VerifyRaw : ed25519Verifies)(key, signature, message);

// -- checkpoints

/** The text of a note as a checkpoint: { origin, size (BigInt), root }. */
export function readCheckpoint(text) {
  const malformed = new MalformedError("CHECKPOINT_FORM");
  const lines = text.split("\n");
  if (lines.length < 4 || lines.pop() !== "" || lines.length > 3 + CHECKPOINT_EXTENSIONS) throw malformed;
  if (!lines.every((line) => /^[^\x00-\x1f]+$/.test(line)) || characterCount(lines[0]) > ORIGIN_CHARACTERS) throw malformed;
  if (!/^(?:0|[1-9][0-9]{0,18})$/.test(lines[1])) throw malformed;
  const root = readCanonicalBase64(lines[2], "CHECKPOINT_FORM");
  const size = BigInt(lines[1]);
  if (root.length !== 32 || size > TREE_LIMIT) throw malformed;
  return { origin: lines[0], size, root };
}

/** Verify a signed checkpoint of `log`: { checkpoint, steps }. Every signature of a known key must be right, and there must be one. */
async function verifyCheckpoint(note, log) {
  let read, checkpoint;
  try {
    read = readNote(note);
    checkpoint = readCheckpoint(read.text);
  } catch (error) {
    return { checkpoint: null, steps: [failed("LOG_CHECKPOINT_MALFORMED", CHECKPOINT, { rule: isCoded(error).code })] };
  }
  const steps = [];
  if (checkpoint.origin !== log.origin) steps.push(failed("LOG_ORIGIN_OTHER", CHECKPOINT, { expected: log.origin, found: checkpoint.origin }));
  const keys = log.keys.map(readLogKey);
  let known = 0;
  for (const { name, keyId, signature } of read.signatures) {
    for (const key of keys) {
      if (key.name !== name || key.keyId !== keyId) continue;
      known++;
      if (noteKeyVerifies(key, signature, utf8(read.text))) steps.push(passed("LOG_CHECKPOINT_SIGNED", NOTE, { key: name }));
      else steps.push(failed("LOG_CHECKPOINT_SIGNATURE_BAD", NOTE, { key: name }));
    }
  }
  if (!known) steps.push(notChecked("LOG_CHECKPOINT_KEY_UNKNOWN", NOTE));
  return { checkpoint, steps };
}

/** Whether a leaf of this hash stands at `index` of the tree of `size` leaves with this root (RFC 9162 2.1.3.2). */
async function isIncluded(digest, leaf, index, size, proof, root) {
  if (index < 0n || index >= size || size > TREE_LIMIT) return false;
  let [node, last, computed] = [index, size - 1n, leaf];
  for (const each of proof) {
    if (last === 0n || each.length !== 32) return false;
    if (node & 1n || node === last) {
      computed = await digestOf(digest, Uint8Array.of(1), each, computed);
      while (!(node & 1n) && node) {
        node >>= 1n;
        last >>= 1n;
      }
    } else computed = await digestOf(digest, Uint8Array.of(1), computed, each);
    node >>= 1n;
    last >>= 1n;
  }
  return last === 0n && sameBytes(computed, root);
}

/** A C2SP tlog-proof: { index, hashes, checkpoint (the signed note) }. */
export function readLogProof(data) {
  const malformed = new MalformedError("LOG_PROOF_FORM");
  if (data.length > PROOF_BYTES) throw malformed;
  const end = data.findIndex((each, i) => each === 10 && data[i + 1] === 10);
  const head = data.subarray(0, Math.max(0, end));
  if (end < 0 || head.some((each) => each > 0x7f)) throw malformed;
  const lines = toBinary(head).split("\n");
  if (lines.shift() !== "c2sp.org/tlog-proof@v1" || !lines.length) throw malformed;
  if (lines[0].startsWith("extra ")) readCanonicalBase64(lines.shift().slice(6), "LOG_PROOF_FORM");
  const match = lines.length ? /^index (0|[1-9][0-9]{0,18})$/.exec(lines[0]) : null;
  if (!match || lines.length > 1 + PROOF_HASHES) throw malformed;
  const hashes = lines.slice(1).map((line) => readCanonicalBase64(line, "LOG_PROOF_FORM"));
  if (hashes.some((each) => each.length !== 32)) throw malformed;
  return { index: BigInt(match[1]), hashes, checkpoint: data.subarray(end + 2) };
}

/** Verify that `entry` is in the log, by nothing but its proof and what is known of the log. */
export async function verifyLogReceipt(entry, proof, log) {
  const { checkpoint, steps } = await verifyCheckpoint(proof.checkpoint, log);
  if (checkpoint === null) return steps;
  const leaf = await digestOf(log.digest, Uint8Array.of(0), entry);
  const isIn = await isIncluded(log.digest, leaf, proof.index, checkpoint.size, proof.hashes, checkpoint.root);
  const facts = { index: Number(proof.index), size: Number(checkpoint.size) };
  return [...steps, isIn ? passed("LOG_ENTRY_INCLUDED", TREE, facts) : failed("LOG_ENTRY_NOT_INCLUDED", TREE, facts)];
}

/**
 * The same for a log of the trust list. Under none but withdrawn keys a receipt counts, with a warning, if others than the log show it (`shownAt`,
 * null where nobody does) to be older than the withdrawal; else nothing is known by it.
 */
export async function checkLogReceipt(entry, proof, log, shownAt) {
  const withdrawnAt = (i) => (log.periods.length ? log.periods[i].withdrawn : null);
  const good = log.keys.filter((_, i) => withdrawnAt(i) === null);
  if (good.length === log.keys.length || isSignedBy(proof, good)) return verifyLogReceipt(entry, proof, { ...log, keys: good });
  const steps = await verifyLogReceipt(entry, proof, log);
  let since = null;
  for (const [i, key] of log.keys.entries()) {
    const at = withdrawnAt(i);
    if (at !== null && (since === null || at < since) && isSignedBy(proof, [key])) since = at;
  }
  if (since === null) return steps;
  const facts = { withdrawn_at: isoTime(since) };
  const isOlder = shownAt !== null && shownAt < since;
  return [...steps, isOlder ? warned("LOG_KEY_WITHDRAWN_LATER", NOTE, facts) : notChecked("LOG_KEY_WITHDRAWN", NOTE, facts)];
}

/** Whether one of these keys is named under the checkpoint; whether it signed it is found out elsewhere. */
function isSignedBy(proof, texts) {
  let read;
  try {
    read = readNote(proof.checkpoint);
  } catch (error) {
    isCoded(error);
    return false;
  }
  const keys = texts.map(readLogKey);
  return keys.some((key) => read.signatures.some((each) => each.name === key.name && each.keyId === key.keyId));
}

/** The cosignatures of the log's witnesses under a checkpoint, as of `at`: as many must be right as its quorum asks for, and none wrong. */
export async function verifyCosignatures(note, log, at) {
  let read;
  try {
    read = readNote(note);
  } catch (error) {
    return [failed("LOG_CHECKPOINT_MALFORMED", COSIGNATURE, { rule: isCoded(error).code })];
  }
  const witnesses = log.witnesses.map(readWitnessKey);
  const steps = [];
  let found = []; // witnesses, each by its names and keys: those that share either are one
  for (const { name, keyId, signature } of read.signatures) {
    for (const witness of witnesses) {
      if (witness.name !== name || witness.keyId !== keyId) continue;
      const isGood = isCosigned(witness, signature, read.text, at);
      if (isGood) found = withWitness(found, [`name ${name}`, `key ${toHex(witness.key)}`]);
      steps.push((isGood ? passed : failed)(isGood ? "LOG_COSIGNED" : "LOG_COSIGNATURE_BAD", COSIGNATURE, { key: name }));
    }
  }
  const expected = Math.max(1, log.quorum);
  if (found.length < expected && !steps.some((step) => step.outcome === Outcome.FAIL)) {
    steps.push(notChecked("LOG_WITNESSES_TOO_FEW", COSIGNATURE, { found: found.length, expected }));
  }
  return steps;
}

/** The witnesses with one more, which is whoever shares a name or a key with it. */
function withWitness(witnesses, marks) {
  const isShared = (one) => marks.some((mark) => one.has(mark));
  return [...witnesses.filter((one) => !isShared(one)), new Set([...marks, ...witnesses.filter(isShared).flatMap((one) => [...one])])];
}

/** Whether this witness has cosigned the text, and not later than his clock may say. */
function isCosigned(witness, value, text, at) {
  if (value.length !== 72 || value[0] & 0x80) return false;
  const when = BigInt(`0x${toHex(value.subarray(0, 8))}`);
  const isGood = noteKeyVerifies(witness, value.subarray(8), utf8(`cosignature/v1\ntime ${when}\n${text}`));
  return isGood && Number(when) <= at / 1000 + WITNESS_AHEAD_SECONDS;
}
