// Elements of the page, made without markup from strings.

import { chinaTime, plain } from "./answers.js";

export const given = JSON.parse(document.getElementById("given").textContent);

export function t(key, facts = {}) {
  const said = given.texts[key];
  if (said === undefined) throw new Error(`no text ${key}`);
  return said.replace(/\{(\w+)\}/g, (whole, name) => (name in facts ? String(facts[name]) : whole));
}

// The sentence of a step: its times by the clock of China, its states in the reader's words
export function told(detail) {
  return plain(detail)
    .replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|\+00:00)/g, (at) => t("beijing", { at: chinaTime(at) }))
    .replace(/(状态(?:变)?为 )(valid|expired|frozen|cancelled)/g, (_, before, state) => before.trim() + t(`state_${state}`));
}

export const hasText = (key) => given.texts[key] !== undefined;

export function icon(name) {
  const found = document.getElementById("icons").content.querySelector(`[data-icon="${name}"] svg`);
  return found.cloneNode(true);
}

// A tag with class and content; content is text, nodes, or nothing
export function make(tag, className, ...content) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  node.append(...content.flat().filter((each) => each !== null && each !== ""));
  return node;
}

export function button(text, className, act) {
  const node = make("button", className, text);
  node.type = "button";
  node.addEventListener("click", act);
  return node;
}

export function saved(name, content, type) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([content], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
