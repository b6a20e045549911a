// The page of the offline verifier: takes what is to be known and what is to be verified, and shows what was found.
import { chinaTime, plain, viewOf } from "./answers.js";
import { button, given, icon, make, saved, t, told } from "./elements.js";
import { forgetHolder, holderAsked, isStillAsked, onHolderTyped } from "./holder.js";
import { answerList, claimsCard, details, saidClaims, sentence, shownClaims } from "./result_view.js";
import { askVerifier } from "./verifier_door.js";

const byId = (id) => document.getElementById(id);
const DAY_MS = 24 * 3600 * 1000;
const OLD_DAYS = 2;
let known = null; // what the verifier said of the bundle
let shown = []; // what is shown or being verified: [{ name, at, bytes or text, report (undefined until it is there), claims, isOfHolder, place }]
let held = []; // files that wait for the fields of the holder to be set right

// -- language

function speak(language) {
  given.language = language;
  given.texts = given.languages[language];
  document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
  for (const node of document.querySelectorAll("[data-t]")) node.textContent = t(node.dataset.t);
  document.title = t("offline_page_title");
  showKnowledge();
}

// -- what is known

function showKnowledge(problem = "") {
  const box = byId("knowledge");
  box.replaceChildren(...(problem ? [note("bad", t("bundle_refused"), plain(problem))] : []));
  if (known === null) {
    box.append(note("warn", t("bundle_none"), t("bundle_none_means")));
    return;
  }
  const now = Date.now();
  const issuedAt = Date.parse(known.issuedAt);
  const days = Math.floor((now - issuedAt) / DAY_MS);
  let tone = "ok";
  let said = t("bundle_known", { name: plain(known.name) || t("bundle_unnamed") });
  if (known.expiresAt !== null && known.expiresAt < now) [tone, said] = ["bad", t("bundle_expired", { at: chinaTime(new Date(known.expiresAt).toISOString()) })];
  else if (Number.isNaN(issuedAt)) [tone, said] = ["warn", t("bundle_undated")];
  else if (issuedAt - now > 5 * 60 * 1000) [tone, said] = ["bad", t("bundle_future")];
  else if (days >= OLD_DAYS || !known.signers.length) tone = "warn";
  const age = Number.isNaN(issuedAt) ? "" : t("bundle_age", { at: chinaTime(known.issuedAt), days: Math.max(0, days) });
  box.append(note(tone, said, age));
  const facts = make("dl", "facts digests");
  if (known.expiresAt !== null) facts.append(make("dt", "", t("bundle_until")), make("dd", "", t("beijing", { at: chinaTime(new Date(known.expiresAt).toISOString()) })));
  for (const each of known.signers) facts.append(make("dt", "", t("bundle_key", { algorithm: each.algorithm })), make("dd", "mono", each.fingerprint));
  box.append(facts, make("p", "hint", known.signers.length ? t("bundle_compare") : t("bundle_unsigned")));
}

function note(tone, said, more) {
  const kind = { ok: "notice", warn: "alert warn", bad: "alert" }[tone];
  return make("div", kind, icon(tone), make("div", "", make("p", "", make("strong", "", said)), more ? make("p", "", more) : null));
}

async function takeBundle(bytes, among = {}) {
  const answer = await askVerifier({ kind: "trust", bytes, ...among });
  if (!answer.ok) {
    showKnowledge(answer.code === "TRUST_BUNDLE_AMONG_FILES" ? t("bundle_among_files") : `${answer.code} ${answer.facts.where ?? ""} ${answer.facts.reason ?? ""}`);
    return;
  }
  known = answer;
  showKnowledge();
  await verifyAgain();
}

// What is shown was said under other knowledge, or of somebody else: it is verified anew, or it would be taken for more than it is
async function verifyAgain() {
  const holder = holderAsked();
  if (holder === undefined) {
    takeBack(() => true);
    return;
  }
  const before = shown;
  clear();
  for (const each of before) await (each.bytes ? verifyOne(each.name, each.bytes, holder) : verifyText(each.text));
}

// What was said before counts no more; what it was said of is verified again when somebody asks for it
function takeBack(isConcerned) {
  shown = shown.map((each) => {
    if (!isConcerned(each)) return each;
    each.place.replaceChildren(make("p", "card", [each.name, t("holder_changed")].filter(Boolean).join(" · ")));
    return { ...each, report: undefined };
  });
  tellReports();
}

const tellReports = () => (globalThis.yinxinReports = shown.map((each) => each.report).filter((each) => each !== undefined));

// -- verifying

const looksLikeBundle = (bytes) => new TextDecoder().decode(bytes.subarray(0, 400)).includes("yinxin-trust-");

async function takeFiles(files) {
  const holder = holderAsked();
  held = holder === undefined ? files : [];
  byId("first")?.remove();
  if (held.length) {
    sayFirst(t("file_chosen", { name: held.map((each) => plain(each.name)).join("、") }));
    return;
  }
  for (const file of files) {
    let bytes;
    try {
      bytes = new Uint8Array(await file.arrayBuffer());
    } catch {
      byId("place").append(sentence("unknown", t("file_unreadable")));
      continue;
    }
    if (looksLikeBundle(bytes)) await takeBundle(bytes, { isAmongFiles: true, isAlone: files.length === 1 });
    else await verifyOne(file.name, bytes, holder);
  }
}

async function verifyOne(name, bytes, holder) {
  const found = begin({ name: plain(name), bytes, isOfHolder: holder !== null });
  if (!isStillAsked(holder)) {
    takeBack((each) => each === found); // others of them were verified meanwhile
    return;
  }
  const answer = await askVerifier({ kind: "file", bytes, at: found.at.getTime(), options: { name, language: given.language, holder } });
  show(found, answer.ok ? answer.report : null);
}

async function verifyText(text) {
  if (!text) return;
  const found = begin({ name: "", text, isOfHolder: false });
  const asked = { at: found.at.getTime(), options: { name: "", language: given.language } };
  const code = await askVerifier({ kind: "code", text, ...asked });
  if (code.ok && code.found !== null) {
    found.claims = shownClaims(code.found.claims);
    show(found, code.found.report);
    return;
  }
  const holder = holderAsked(); // of a code nobody asks it
  if (holder === undefined) {
    shown = shown.filter((each) => each !== found);
    found.place.remove();
    return;
  }
  found.isOfHolder = holder !== null;
  asked.options.holder = holder;
  const answer = await askVerifier({ kind: "file", bytes: new TextEncoder().encode(text), ...asked });
  show(found, answer.ok ? answer.report : null);
}

function begin(asked) {
  const place = make("section", "result", make("p", "working card", t("working")));
  const found = { ...asked, at: new Date(), claims: null, place };
  byId("first")?.remove();
  byId("place").prepend(place);
  shown.push(found);
  return found;
}

function show(found, report) {
  if (!shown.includes(found)) return; // said under other knowledge, or of somebody else: it is being verified anew
  const { place } = found;
  found.report = report;
  tellReports();
  if (report === null) {
    place.replaceChildren(sentence("unknown", t("failed"), make("p", "", t("failed_text"))));
    return;
  }
  const view = viewOf(found.report, given.rules);
  const isOld = known === null || found.report.steps?.some((step) => step.code.startsWith("TRUST_BUNDLE_"));
  const reason = view.reason || (isOld && known !== null ? found.report.steps.find((step) => step.code.startsWith("TRUST_BUNDLE_")).detail : "");
  const knowledge = known === null ? t("bundle_none_here") : t("knowledge_at", { at: known.issuedAt ? chinaTime(known.issuedAt) : t("time_unknown") });
  const claims = found.claims ?? saidClaims(found.report);
  const meaning = view.headline === "valid" && found.claims ? "m_valid_code" : `m_${view.headline}`;
  place.replaceChildren(
    make("p", "report-title", [t("report_title"), found.name].filter(Boolean).join(" · ")),
    found.name ? make("p", "hint mono", found.name) : "",
    sentence(view.tone, t(`h_${view.headline}`), make("p", "", t(meaning)), reason ? make("p", "reason", told(reason)) : null),
    make("p", `where${isOld ? " is-sent" : ""}`, icon(isOld ? "warn" : "ok"), make("span", "", `${t("on_device")} ${knowledge}`)),
    answerList(view),
    claims ? claimsCard(claims, found.claims !== null) : "",
    details(found.report, found.name),
    make("p", "made hint", t("report_made", { at: chinaTime(found.at.toISOString()) }), " · ", t("report_note")),
    actions(found),
  );
  place.tabIndex = -1;
  place.focus();
}

function actions(found) {
  const text = () => JSON.stringify({ files: [found.report], verified_at: found.at.toISOString(), known_at: known?.issuedAt || null }, null, 2);
  return make(
    "div",
    "actions",
    button(t("print"), "plain", () => window.print()),
    button(t("json"), "plain", () => saved("yinxin-report.json", text(), "application/json")),
    button(t("another"), "plain", () => {
      clear();
      byId("file-form").reset();
      forgetHolder();
      byId("file").focus();
    }),
  );
}

function clear() {
  shown = [];
  byId("place").replaceChildren();
}

// Before anything is verified: what is in hand, or that nothing is
function sayFirst(text) {
  const said = make("p", "card", text);
  said.id = "first";
  byId("place").prepend(said);
}

// -- the forms

function takeForms() {
  const drop = byId("drop");
  byId("file").addEventListener("change", ({ target }) => {
    const files = [...target.files];
    target.value = ""; // so that the same may be chosen again, with other questions
    takeFiles(files);
  });
  byId("bundle").addEventListener("change", async ({ target }) => {
    for (const file of target.files) await takeBundle(new Uint8Array(await file.arrayBuffer()));
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
    takeFiles([...event.dataTransfer.files]);
  });
  byId("file-form").addEventListener("submit", async (event) => {
    event.preventDefault();
    byId("first")?.remove();
    if (!held.length && !shown.length && holderAsked() !== undefined) sayFirst(t("holder_first"));
    if (shown.length) await verifyAgain();
    if (held.length) await takeFiles(held);
  });
  onHolderTyped(() => takeBack((each) => each.isOfHolder));
  byId("code-form").addEventListener("submit", (event) => {
    event.preventDefault();
    verifyText(byId("code").value.trim());
  });
  for (const each of ["zh", "en"]) {
    byId(`speak-${each}`).addEventListener("click", () => {
      speak(each);
      verifyAgain();
    });
  }
  byId("type").addEventListener("click", () => document.documentElement.classList.toggle("large"));
  window.addEventListener("beforeprint", () => {
    for (const each of document.querySelectorAll(".result > details")) each.open = true;
  });
}

document.documentElement.classList.add("scripted");
speak(navigator.language.startsWith("zh") ? "zh" : "en");
takeForms();
byId("content").hidden = false;
