// The part of the form that asks whether it is held by who is there. What is typed goes to the verifier and nowhere else: to no address, no
// storage, no report.

import { given, t } from "./elements.js";

const FIELDS = ["holder_name", "holder_code"];
const BLANK = /^[\p{White_Space}\x1c-\x1f]*$/u; // as the server's `strip`

const field = (name) => document.getElementById(name);

// Characters are code points, as the server counts them. A longer text is refused and not cut: what is left of it might be somebody's
const isUnfit = (name) => BLANK.test(field(name).value) || Array.from(field(name).value).length > given.holder[name];

function say(name, isWrong) {
  const told = field(`${name}_wrong`);
  told.textContent = t("holder_wrong", { most: given.holder[name] });
  told.hidden = !isWrong;
  field(name).setAttribute("aria-describedby", `${isWrong ? `${name}_wrong ` : ""}holder-help`);
  if (isWrong) field(name).setAttribute("aria-invalid", "true");
  else field(name).removeAttribute("aria-invalid");
}

// { name, code } of whom is asked about, exactly as typed; null where both fields are empty: then nobody is. undefined where they are against the
// rule of the API, which is then said beside them: whoever asks must not be answered as if he had not
export function holderAsked() {
  const isAsked = isAnybodyTyped();
  const unfit = FIELDS.filter((name) => isAsked && isUnfit(name));
  for (const name of FIELDS) say(name, unfit.includes(name));
  if (!isAsked) return null;
  if (unfit.length) {
    field("holder").open = true;
    field(unfit[0]).focus();
    return undefined;
  }
  const [name, code] = FIELDS.map((each) => field(each).value);
  return { name, code };
}

// Whether it is still he whose name and number stand in the fields; nobody is always still asked about
export const isStillAsked = (holder) => holder === null || (field("holder_name").value === holder.name && field("holder_code").value === holder.code);

// Whether anything is typed at all
export const isAnybodyTyped = () => FIELDS.some((name) => field(name).value !== "");

// Calls back with every change of what is typed
export function onHolderTyped(act) {
  for (const name of FIELDS) field(name).addEventListener("input", act);
}

// Empty and folded, as the page began
export function forgetHolder() {
  for (const name of FIELDS) {
    field(name).value = "";
    say(name, false);
  }
  field("holder").open = false;
}
