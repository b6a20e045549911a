// Draws a result: the sentence, the answers, the details. The same structure as templates/result.html.

import { chinaTime, nameOf, plain } from "./answers.js";
import { hasText, icon, make, t, told } from "./elements.js";
import { isAnybodyTyped } from "./holder.js";

const STEP_ICONS = { pass: "ok", fail: "bad", warn: "warn" };
const DETAILS_SHOWN = 4;
const beijing = (at) => t("beijing", { at: chinaTime(at) });

export function sentence(tone, headline, ...lines) {
  const title = make("h2", "", headline);
  title.id = "headline";
  return make("div", `sentence is-${tone}`, icon(tone), make("div", "", title, lines.filter(Boolean)));
}

// The same word in Mongolian beside the sentence, written in a column
export function inMongolian(node, word) {
  const column = make("span", "mongolian", word);
  column.lang = "mn-Mong";
  node.firstElementChild.after(column);
  return node;
}

function toneMark(tone) {
  return make("span", "tone", icon(tone), make("span", "visually-hidden", t(`t_${tone}`)));
}

function answerCard(answer, sealers) {
  const card = make("li", `card is-${answer.tone}`, make("h3", "", t(answer.question)), make("p", "said", toneMark(answer.tone), t(answer.key)));
  if (answer.question === "q_who") {
    card.append(...sealers.map((each) => make("p", "sealer", each.name || t("time_unknown"), each.code ? make("span", "mono", each.code) : null)));
  } else if (answer.question === "q_then") {
    card.append(...sealers.filter((each) => each.at).map((each) => make("p", "sealer", beijing(each.at), make("span", "", t(each.timeSource)))));
  }
  card.append(...answer.details.slice(0, DETAILS_SHOWN).map((each) => make("p", "hint", told(each))));
  return card;
}

export function answerList(view) {
  return make("ol", "answers", view.answers.map((each) => answerCard(each, view.sealers)));
}

export function facts(pairs) {
  return make("dl", "facts", pairs.flatMap(([name, value]) => [make("dt", "", name), make("dd", "", value)]));
}

// What a code says, in the order in which it is compared with the face of the licence
export function shownClaims(claims) {
  if (claims === null) return null;
  const { name, number, holders, issuer, issuedOn, validFrom, validTo, identifier } = claims;
  return { name, number, holders: holders.join("、"), issuer, issuedOn, validFrom, validTo: validTo ?? "", identifier };
}

// What a licence file or a credential says, where it is shown that its issuer says so; null else
export function saidClaims({ says }) {
  if (!says) return null;
  const claims = shownClaims({ ...says, holders: says.holders ?? [], issuedOn: says.issued_on, validFrom: says.valid_from, validTo: says.valid_to });
  if (!says.holders) delete claims.holders; // somebody was asked about, or they were kept back
  if (!("valid_to" in says)) delete claims.validTo; // kept back, which is not "no end"
  return Object.fromEntries(Object.entries(claims).filter(([, value]) => value !== undefined));
}

// isOfCode: nobody is asked about where a code is all there is
export function claimsCard(claims, isOfCode) {
  const rows = Object.entries(claims).map(([name, value]) => [t(`claim_${name}`), plain(value) || t("no_end")]);
  const unasked = isOfCode && isAnybodyTyped() ? make("div", "alert warn", icon("warn"), make("p", "", t("holder_not_of_code"))) : null;
  return make("section", "card claims", make("h3", "", t("claims_title")), unasked, facts(rows));
}

function stepRow(step) {
  const outcome = make("span", `tone is-${step.outcome}`, icon(STEP_ICONS[step.outcome] ?? "unknown"), t(`step_${step.outcome}`));
  const said = make("td", "", told(step.detail), make("br", ""), make("span", "hint mono", `${step.code} · ${step.clause}`));
  return make("tr", "", make("td", "nowrap", outcome), said);
}

function stepTable(title, label, steps) {
  const scroll = make("div", "scroll", make("table", "table steps-table", make("tbody", "", steps.map(stepRow))));
  scroll.tabIndex = 0;
  scroll.setAttribute("role", "region");
  scroll.setAttribute("aria-label", label);
  return [make("h4", "", title), scroll];
}

// digest: SM3 of the file, hexadecimal; "" where it is not known
export function details(report, name, digest = "") {
  const about = [...(name ? [[t("file"), plain(name)]] : []), ...(digest ? [[t("digest"), digest]] : [])];
  const parts = about.length ? [facts(about)] : [];
  report.signatures.forEach((each, index) => {
    const label = t("signature_n", { number: index + 1 });
    const { name: sealer, code } = nameOf(each.signer ?? "");
    parts.push(make("h3", "", label));
    parts.push(
      facts([
        [t("sealed_by"), sealer || t("time_unknown")],
        ...(code ? [[t("credit_code"), code]] : []),
        [t("kind"), hasText(`kind_${each.kind}`) ? t(`kind_${each.kind}`) : plain(each.kind)],
        [t("certificate"), plain(each.signer ?? t("time_unknown"))],
        [t("sealed_at"), each.signed_at ? beijing(each.signed_at) : t("time_unknown")],
      ]),
    );
    parts.push(...stepTable(`${label} · ${t("steps", { count: each.steps.length })}`, label, each.steps));
  });
  for (const each of report.questions ?? []) {
    const label = t(`licence_question_${each.name}`);
    parts.push(...stepTable(label, label, each.steps));
  }
  return make("details", "more card", make("summary", "", t("details")), parts);
}
