// The page: takes a file, a code or a number, has it verified here, shows the result, and verifies again when something published changes.

import { chinaTime, plain, viewOf } from "./answers.js";
import { showChanges } from "./changes.js";
import { button, given, icon, make, saved, t, told } from "./elements.js";
import { forgetHolder, holderAsked, onHolderTyped } from "./holder.js";
import { Live } from "./live.js";
import { isNumberHere, prepare, verifyCodeHere, verifyHere } from "./local_verifier.js";
import { answerList, claimsCard, details, inMongolian, saidClaims, sentence, shownClaims } from "./result_view.js";
import { offerScan } from "./scan.js";
import { verifyThere } from "./server_verifier.js";

const byId = (id) => document.getElementById(id);
const place = byId("place");
const ROOT = "1.2.156.3005.2.";
const CREDENTIAL = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+~/;
const SEAL_CODE = /^[0-9]{14}$/;

// What is being looked at: {name, check(): Promise<{report, claims?, knownAt?}|{line...}>, where, isSent, bytes?, holder?}
let subject = null;
let handed = null; // the last file or credential that was given: {name, bytes}, to be asked another question
let newest = 0;
let shownBefore = "";

const live = new Live({ changed: () => statusChanged(), connected: (isOn) => showConnection(isOn) });

// -- showing

function showConnection(isOn) {
  byId("offline-now").hidden = isOn;
  const mark = byId("live");
  if (mark === null) return;
  mark.classList.toggle("is-off", !isOn);
  mark.textContent = t(isOn ? "live_on" : "live_off");
}

function liveMark() {
  const mark = make("p", "live", t("live_on"));
  mark.id = "live";
  return mark;
}

function whereNote() {
  const known = subject.knownAt ? ` ${t("knowledge_at", { at: chinaTime(subject.knownAt) })}` : "";
  const isSent = subject.isSent || subject.where === "uploaded_to_draw";
  return make("p", `where${isSent ? " is-sent" : ""}`, icon(isSent ? "warn" : "ok"), make("span", "", t(subject.where) + known));
}

function result(...content) {
  const title = [t("report_title"), plain(subject?.name ?? "")].filter(Boolean).join(" · ");
  const node = make("section", "result", make("p", "report-title", title), ...content);
  node.setAttribute("aria-labelledby", "headline");
  node.tabIndex = -1;
  place.replaceChildren(node);
  tell(node.querySelector("#headline")?.textContent ?? "");
  byId("private").hidden = subject?.isSent === true || subject?.where === "uploaded_to_draw";
  return node;
}

function actions(report) {
  const row = make("div", "actions", button(t("print"), "plain", printReport));
  if (report) {
    const text = () => JSON.stringify({ files: [report], verified_at: new Date().toISOString(), sm3: subject.digest || null, known_at: subject.knownAt || null }, null, 2);
    row.append(button(t("json"), "plain", () => saved("yinxin-report.json", text(), "application/json")));
  }
  row.append(button(t("another"), "plain", another));
  return row;
}

function printReport() {
  for (const each of place.querySelectorAll(".result > details")) each.open = true;
  window.print();
}

// Nothing is looked at any more
function leave(...left) {
  newest++;
  subject = null;
  shownBefore = "";
  live.stop();
  place.replaceChildren(...left);
}

function another() {
  leave();
  handed = null;
  tell(t("title"));
  byId("private").hidden = false;
  byId("file-form").reset();
  byId("code-form").reset();
  forgetHolder();
  if (window.location.hash) history.replaceState(null, "", window.location.pathname);
  byId("file").focus();
}

function madeNote(further = "") {
  return make("p", "made hint", t("report_made", { at: chinaTime(new Date().toISOString()) }), " · ", t("report_note"), " ", further);
}

// The sentence for who hears the page, and for the title of its window
function tell(said) {
  byId("said").textContent = said;
  document.title = [said, given.texts.service].filter(Boolean).join(" · ");
}

function showReport(found, isAgain) {
  const view = viewOf(found.report, given.rules);
  const same = JSON.stringify(view);
  if (isAgain && same === shownBefore) return;
  const isNews = isAgain && shownBefore !== "";
  shownBefore = same;
  const meaning = view.headline === "valid" && found.claims ? "m_valid_code" : `m_${view.headline}`;
  const reason = view.reason ? make("p", "reason", told(view.reason)) : null;
  const said = sentence(view.tone, t(`h_${view.headline}`), make("p", "", t(meaning)), reason);
  const content = [inMongolian(said, given.mongolian[view.headline])];
  if (isNews) content.unshift(newsNote());
  content.push(liveMark(), whereNote(), answerList(view));
  const claims = found.claims ?? saidClaims(found.report);
  if (claims) content.push(claimsCard(claims, Boolean(found.claims)));
  if (view.answers[0].tone === "bad" && subject.bytes && isPdf(subject.bytes)) content.push(changesOffer());
  content.push(details(found.report, subject.name, found.digest), madeNote(t("mongolian_note")), actions(found.report));
  const node = result(...content);
  if (!isAgain) node.focus();
}

function newsNote(key = "live_changed") {
  const note = make("div", "alert warn news", icon("warn"), make("p", "", t(key)));
  note.id = "live-news";
  return note;
}

const isPdf = (bytes) => new TextDecoder("latin1").decode(bytes.slice(0, 1024)).includes("%PDF-");

function changesOffer() {
  const box = make("section", "card", make("h3", "", t("changes_title")), make("p", "hint", t("changes_ask")));
  box.append(
    button(t("changes_upload"), "", () => {
      subject.where = "uploaded_to_draw";
      place.querySelector(".where")?.replaceWith(whereNote());
      byId("private").hidden = true;
      showChanges(box, subject.name, subject.bytes);
    }),
  );
  return box;
}

function showLine(found) {
  const lines = [found.since ? make("p", "", t("seal_since", { at: chinaTime(found.since) })) : null, found.since ? make("p", "reason", t("seal_only")) : null];
  const said = found.code ? `${t("seal_title", { code: found.code })} · ${t(found.line)}` : t(found.line);
  const same = said + found.since;
  if (shownBefore === same) return;
  const isNews = shownBefore !== "";
  shownBefore = same;
  const told = found.since ? [liveMark(), madeNote(), actions(null)] : [make("div", "actions", button(t("another"), "plain", another))];
  const node = result(isNews ? newsNote() : null, sentence(found.tone, said, ...lines), ...told);
  if (!isNews) node.focus();
}

// -- verifying

async function run(isAgain = false) {
  const turn = ++newest;
  const looked = subject;
  if (!isAgain) {
    shownBefore = "";
    place.replaceChildren(make("p", "card working", t("working")));
  }
  let found;
  try {
    if (!isAgain) await live.begin();
    found = await looked.check();
  } catch (error) {
    if (turn !== newest) return;
    if (isAgain) {
      live.forget();
      askAgain(); // what stands there may be over
    } else showFailure(error);
    return;
  }
  if (turn !== newest) return;
  looked.knownAt = found.knownAt ?? "";
  looked.digest = found.digest ?? "";
  if (found.report) showReport(found, isAgain);
  else showLine(found);
  if (!isAgain) live.start();
}

function showFailure(error) {
  const said = error instanceof UploadNeeded ? uploadOffer() : [sentence("unknown", t("failed"), make("p", "", error.shown ?? t("failed_text"))), actions(null)];
  result(...said).focus();
}

function statusChanged() {
  if (subject === null) return;
  if (!subject.isSent) {
    run(true);
    return;
  }
  askAgain(); // a file is never sent again without being asked
}

function askAgain() {
  byId("live-news")?.remove();
  const note = newsNote("live_again");
  note.append(button(t("verify"), "plain small", () => run()));
  place.querySelector(".result")?.prepend(note);
}

class UploadNeeded extends Error {}

function uploadOffer() {
  const { name, bytes, holder } = subject;
  const there = { name, bytes, holder, where: "uploaded", isSent: true, check: () => verifyThere(name, bytes, holder) };
  const go = button(t("upload_verify"), "", () => look(there));
  const row = make("div", "actions", go, button(t("another"), "plain", another));
  const further = holder === null ? null : make("p", "", t("holder_sent"));
  return [sentence("unknown", t("upload_title"), make("p", "", t("upload_text")), further), row];
}

async function verifyFileHere(name, bytes, holder) {
  try {
    return await verifyHere(bytes, name, holder);
  } catch {
    throw new UploadNeeded();
  }
}

function look(wanted) {
  live.stop();
  subject = wanted;
  run();
}

function lookAtBytes(name, bytes) {
  handed = { name, bytes };
  const holder = holderAsked();
  if (holder === undefined) {
    leave(name ? make("p", "card", t("file_chosen", { name: plain(name) })) : ""); // what stood there was said of something else
    tell(t("title"));
    return;
  }
  look({ name, bytes, holder, where: "on_device", isSent: false, check: () => verifyFileHere(name, bytes, holder) });
}

// What was said of one person must not stand beside the name of another
function holderTyped() {
  if (!subject?.holder) return;
  leave(make("p", "card", t("holder_changed")));
  tell(t("holder_changed"));
}

async function lookAtFile(file) {
  handed = null;
  const limit = given.limit / 1024 / 1024;
  if (file.size > given.limit) {
    result(sentence("unknown", t("file_too_large", { limit })), actions(null)).focus();
    return;
  }
  let bytes;
  try {
    bytes = new Uint8Array(await file.arrayBuffer());
  } catch {
    result(sentence("unknown", t("file_unreadable")), actions(null)).focus();
    return;
  }
  lookAtBytes(file.name, bytes);
}

async function checkCode(link) {
  const { report, claims, knownAt } = await verifyCodeHere(link);
  return { report, claims: shownClaims(claims), knownAt };
}

function lookAtCode(link) {
  look({ name: "", where: "code_on_device", isSent: false, check: () => checkCode(link) });
}

async function askSeal(code) {
  const answer = await fetch(`/v1/seal-status/${code}`, { cache: "no-cache" });
  if (answer.status === 404) return { line: "seal_unknown", tone: "unknown", code, since: "" };
  if (!answer.ok) throw new Error(`${answer.status}`);
  const said = await answer.json();
  return { line: `seal_status_${said.status}`, tone: said.status === 0 ? "ok" : "bad", code, since: said.since };
}

const line = (key, tone = "unknown") => ({ line: key, tone, code: "", since: "" });

// A word about what was typed, which there is nothing to verify by
function sayOnly(found) {
  newest++;
  subject = null;
  live.stop();
  showLine(found);
}

async function sayOfNumber(text) {
  const turn = ++newest;
  let said;
  try {
    said = (await isNumberHere(text)) ? line("number_only") : line("number_wrong", "bad");
  } catch {
    said = line("code_unclear");
  }
  if (turn === newest) sayOnly(said);
}

function lookAtText(text) {
  if (text.includes("#")) {
    history.replaceState(null, "", `${window.location.pathname}#${text.slice(text.indexOf("#") + 1)}`);
    lookAtCode(text);
  } else if (SEAL_CODE.test(text)) {
    look({ name: "", where: "code_on_device", isSent: false, check: () => askSeal(text) });
  } else if (CREDENTIAL.test(text)) {
    lookAtBytes("", new TextEncoder().encode(text));
  } else if (given.holdersCodes.some((each) => text.startsWith(each))) {
    sayOnly(line("code_shown"));
  } else if (text.startsWith(ROOT)) {
    sayOfNumber(text);
  } else {
    sayOnly(line(text === "" ? "code_empty" : "code_unclear"));
  }
}

function lookAtAddress() {
  const sample = [...document.querySelectorAll("[data-sample]")].find((each) => window.location.hash === `#sample-${each.dataset.sample}`);
  if (sample) sample.click();
  else if (window.location.hash.length > 1) lookAtCode(window.location.href);
}

// -- the forms

function takeForms() {
  const drop = byId("drop");
  const file = byId("file");
  file.addEventListener("change", () => {
    const [chosen] = file.files;
    if (!chosen) return;
    file.value = ""; // so that the same may be chosen again, with other questions
    lookAtFile(chosen);
  });
  for (const kind of ["dragenter", "dragover"]) {
    document.addEventListener(kind, (event) => {
      event.preventDefault();
      drop.classList.add("is-over");
    });
  }
  document.addEventListener("dragleave", (event) => event.relatedTarget === null && drop.classList.remove("is-over"));
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("is-over");
    const [dropped] = event.dataTransfer.files;
    if (dropped) lookAtFile(dropped);
  });
  byId("file-form").noValidate = true; // the file is in hand already, or it is said that there is none
  byId("file-form").addEventListener("submit", (event) => {
    event.preventDefault();
    if (handed !== null) lookAtBytes(handed.name, handed.bytes);
    else if (holderAsked() !== undefined) {
      shownBefore = "";
      sayOnly(line("holder_first"));
    }
  });
  byId("holder").append(make("div", "actions", button(t("verify"), "plain", () => byId("file-form").requestSubmit())));
  onHolderTyped(holderTyped);
  byId("code-form").addEventListener("submit", (event) => {
    event.preventDefault();
    shownBefore = "";
    lookAtText(byId("code").value.trim());
  });
  for (const link of document.querySelectorAll("[data-sample]")) {
    link.addEventListener("click", async (event) => {
      event.preventDefault();
      const name = link.dataset.sample;
      const answer = await fetch(link.href).catch(() => null);
      if (answer?.ok) lookAtBytes(name, new Uint8Array(await answer.arrayBuffer()));
    });
  }
  // What the code says goes along to the page in another language or size, and still to no server
  for (const link of document.querySelectorAll(".tools a")) {
    link.addEventListener("click", () => {
      link.hash = window.location.hash;
    });
  }
}

document.documentElement.classList.add("scripted");
byId("private").hidden = false;
takeForms();
offerScan(lookAtText);
window.addEventListener("hashchange", lookAtAddress);
window.addEventListener("offline", () => showConnection(false));
window.addEventListener("beforeprint", () => {
  for (const each of place.querySelectorAll(".result > details")) each.open = true;
});
lookAtAddress();
// Most who come without a code bring a file: the verifier is fetched while they look for it
if (window.location.hash.length < 2) (window.requestIdleCallback ?? setTimeout)(prepare);
