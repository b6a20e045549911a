// What a report becomes on the page: one sentence, four answers or five, who sealed and when. The same as answers.py, by the same rules
// (verdict_rules.py, handed over by the page). Good is only said where the report proves it.

const GOOD = "ok";
const BAD = "bad";
const UNKNOWN = "unknown";
const BADNESS = [GOOD, UNKNOWN, BAD];
const TONES = { valid: GOOD, invalid: BAD };
const DOCUMENT_STEPS = ["PDF_", "OFD_", "REF_", "DATA_", "CMS_DIGEST", "UNPROTECTED", "CREDENTIAL_DIGEST", "CREDENTIAL_DISCLOSURES"];
const CREDENTIAL = "dc+sd";

const begins = (text, beginnings) => beginnings.some((each) => text.startsWith(each));
const worst = (tones) => (tones.length ? tones.reduce((one, other) => (BADNESS.indexOf(other) > BADNESS.indexOf(one) ? other : one)) : UNKNOWN);
const toneOf = (question) => TONES[question.verdict] ?? UNKNOWN;
const questionOf = (report, name) => (report.questions ?? []).find((each) => each.name === name) ?? null;

function found(condition, steps) {
  const [code, outcome] = condition.split("/");
  return steps.some((step) => step.code === code && step.outcome === outcome);
}

function fits(condition, report, steps) {
  if (condition === "tampered") return report.tampered === true;
  if (condition === "unsealed") return !report.signatures.length && !(report.questions ?? []).length;
  if (condition === "forged") return report.signatures.some((each) => each.cryptographically_valid === false);
  if (condition === "seal-invalid") return report.signatures.some((each) => each.verdict === "invalid" && !each.kind.startsWith(CREDENTIAL));
  if (condition === "held-by-other") {
    const failed = steps.filter((step) => step.outcome === "fail"); // and nothing else speaks against it
    return failed.length > 0 && failed.every((step) => step.code === "LICENCE_HOLDER_OTHER");
  }
  return condition === "" || found(condition, steps);
}

function against(steps, tone) {
  const wanted = { [BAD]: ["fail"], [UNKNOWN]: ["not-checked", "warn"] }[tone] ?? ["warn"];
  return [...new Set(steps.filter((step) => wanted.includes(step.outcome)).map((step) => step.detail))];
}

function answer(question, key, tone, details = []) {
  return { question, key, tone, details };
}

const detailsOf = (steps, tone) => (tone === GOOD ? [] : against(steps, tone));

function changed(report, seals) {
  const code = questionOf(report, "code");
  if (code !== null) return answer("q_changed", `code_${toneOf(code)}`, toneOf(code), against(code.steps, toneOf(code)));
  const intact = seals.map((each) => each.document_intact);
  const isCredential = seals.length > 0 && seals.every((each) => each.kind.startsWith(CREDENTIAL));
  let tone = UNKNOWN;
  if (report.tampered === true || intact.includes(false)) tone = BAD;
  else if (intact.length && intact.every((each) => each === true) && (report.tampered === false || isCredential)) tone = GOOD;
  const steps = seals.flatMap((each) => each.steps).filter((step) => begins(step.code, DOCUMENT_STEPS));
  return answer("q_changed", `changed_${tone}`, tone, detailsOf(steps, tone));
}

function sealerTone(seal) {
  if (seal.cryptographically_valid === false || seal.trusted === false) return BAD;
  return seal.cryptographically_valid === true && seal.trusted === true ? GOOD : UNKNOWN;
}

function who(report, seals) {
  const code = questionOf(report, "code");
  if (code !== null) return answer("q_issuer", `who_code_${toneOf(code)}`, toneOf(code));
  let tone = worst(seals.map(sealerTone));
  const issuer = questionOf(report, "seal");
  if (issuer !== null) tone = worst([tone, toneOf(issuer)]);
  return answer("q_who", seals.length ? `who_${tone}` : "who_none", tone, detailsOf(issuer?.steps ?? [], tone));
}

function thenOf(seal, rules) {
  const about = seal.steps.filter((step) => begins(step.code, rules.thenPrefixes));
  if (about.some((step) => step.outcome === "fail")) return BAD;
  if (about.some((step) => step.outcome === "not-checked") || seal.steps.some((step) => rules.thenUnproven.includes(step.code))) return UNKNOWN;
  const proven = rules.thenProof.every(([kind, options]) => !seal.kind.includes(kind) || options.some((each) => found(each, seal.steps)));
  return proven && sealerTone(seal) === GOOD ? GOOD : UNKNOWN;
}

function then(report, seals, rules) {
  const number = questionOf(report, "number");
  if (questionOf(report, "code") !== null) {
    const tone = number === null ? UNKNOWN : toneOf(number);
    return answer("q_number", `number_${tone}`, tone, number === null ? [] : against(number.steps, tone));
  }
  const tone = worst(seals.map((each) => thenOf(each, rules)));
  const steps = seals.flatMap((each) => each.steps).filter((step) => begins(step.code, [...rules.thenPrefixes, "SIG_TIME"]));
  return answer("q_then", seals.length ? `then_${tone}` : "then_none", tone, detailsOf(steps, tone));
}

function now(report, steps, seals, rules) {
  const status = questionOf(report, "status");
  if (status !== null) {
    let tone = toneOf(status);
    const isClaimed = report.questions.some((each) => rules.genuine.includes(each.name) && each.verdict !== "valid");
    if (tone === GOOD && isClaimed) return answer("q_now", "now_claimed", UNKNOWN);
    if (tone === GOOD && found(rules.notAsked, status.steps)) tone = UNKNOWN;
    let key = tone === GOOD ? "now_ok" : "now_unknown";
    if (tone === BAD) key = (rules.licenceNow.find(([condition]) => found(condition, status.steps)) ?? [null, "now_bad"])[1];
    return answer("q_now", key, tone, detailsOf(status.steps, tone));
  }
  for (const [condition, key, tone] of rules.sealNow) {
    if (!found(condition, steps)) continue;
    const isClaimed = seals.some((each) => found(condition, each.steps) && sealerTone(each) !== GOOD);
    if (isClaimed && rules.sealNowProven.includes(tone)) return answer("q_seal_now", "seal_now_claimed", UNKNOWN);
    const [wanted] = condition.split("/");
    const details = tone === GOOD ? [] : [...new Set(steps.filter((step) => step.code === wanted).map((step) => step.detail))];
    return answer("q_seal_now", key, tone, details);
  }
  return answer("q_seal_now", "seal_now_unknown", UNKNOWN);
}

// Only where somebody was asked about. What a file says of its holder is worth what the file is worth
function held(report) {
  const holder = questionOf(report, "holder");
  if (holder === null) return [];
  const tone = toneOf(holder);
  if (tone === GOOD && report.verdict !== "valid") return [answer("q_holder", "holder_claimed", UNKNOWN)];
  return [answer("q_holder", `holder_${tone}`, tone, detailsOf(holder.steps, tone))];
}

const MONGOLIAN = "[\\u180b-\\u180d\\u180f\\u1820-\\u1878\\u1880-\\u18aa]"; // letters of the traditional script and their selectors
const JOINT = `(?<=${MONGOLIAN})\\u180e(?=${MONGOLIAN})`; // parts a last vowel from its word, and belongs to how it is written
const UNSHOWN = new RegExp(`(?!${JOINT})[\\p{Cc}\\p{Cf}\\p{Co}\\p{Cs}\\p{Zl}\\p{Zp}]`, "gu");

// Strangers' text without what would turn the reading direction or break the line
export function plain(text) {
  return text.replace(UNSHOWN, "\ufffd");
}

// Name and credit code out of a certificate's subject (RFC 4514): the code stands before the name
export function nameOf(signer) {
  const attributes = [...signer.matchAll(/(?:^|[,+])([A-Za-z0-9.]+)=((?:\\.|[^,+\\])*)/gu)]; // one after the other: a name may hold what looks like one
  const first = (wanted) => attributes.find(([, key]) => key === wanted)?.[2] ?? "";
  const organisation = first("O");
  const code = /^[0-9A-Z]{2}[0-9]{6}[0-9A-Z]{10}/.exec(organisation)?.[0] ?? "";
  const name = organisation.slice(code.length) || first("CN") || signer;
  return { name: plain(name.replace(/\\(.)/gu, "$1")), code };
}

function sealerOf(seal, rules) {
  const source = (rules.timeSources.find(([condition]) => found(condition, seal.steps)) ?? [null, "time_unknown"])[1];
  const at = seal.signed_at ?? "";
  return { ...nameOf(seal.signer ?? ""), at, timeSource: at ? source : "time_unknown", tone: sealerTone(seal) };
}

export function viewOf(report, rules) {
  const steps = [...(report.steps ?? []), ...[...report.signatures, ...(report.questions ?? [])].flatMap((each) => each.steps)];
  const seals = report.signatures.filter((each) => !rules.noSealKinds.includes(each.kind));
  const [, condition, headline, tone] = rules.headlines.find(([verdict, each]) => verdict === report.verdict && fits(each, report, steps));
  const [named, outcome] = condition.split("/");
  const wanted = outcome ?? (report.verdict === "invalid" ? "fail" : "not-checked");
  const telling = steps.filter((step) => step.outcome === wanted && (outcome === undefined || step.code === named));
  return {
    tone,
    headline,
    reason: telling.length && tone !== GOOD && !rules.toldBelow.includes(condition) ? telling[0].detail : "",
    answers: [changed(report, seals), who(report, seals), then(report, seals, rules), now(report, steps, seals, rules), ...held(report)],
    sealers: seals.map((each) => sealerOf(each, rules)),
  };
}

// RFC 3339 in UTC -> the clock of China, which has one: "2026-11-28 17:41:03"
export function chinaTime(at) {
  const moment = new Date(Date.parse(at) + 8 * 3600 * 1000);
  return Number.isNaN(moment.getTime()) ? at : moment.toISOString().slice(0, 19).replace("T", " ");
}
