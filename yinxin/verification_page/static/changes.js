// What was changed after sealing, with pictures: drawn by the server, so the file is sent there; only when somebody asks for it.

import { button, given, make, saved, t } from "./elements.js";

const MARGIN = 0.04; // around what differs, as a share of the page's width
const SHAPE = 3; // the closer look is at most so many times as wide as high

const source = (picture) => `data:image/png;base64,${picture}`;

function picture(page, kind) {
  const image = make("img", "");
  image.src = source(page[kind]);
  image.alt = `${t("changes_page", { page: page.page })} · ${t(`changes_${kind}`)}`;
  return make("figure", "", image, make("figcaption", "", t(`changes_${kind}`)));
}

async function loaded(picture) {
  const image = new Image();
  image.src = source(picture);
  await image.decode();
  return image;
}

// Where the pages differ: the marked points of the mask; null where it marks nothing
function markedBox(mask) {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [mask.naturalWidth, mask.naturalHeight];
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(mask, 0, 0);
  const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
  let [left, top, right, bottom] = [Infinity, Infinity, -1, -1];
  for (let at = 0; at < data.length; at += 4) {
    if (data[at + 3] === 0 || (data[at] > 240 && data[at + 1] > 240 && data[at + 2] > 240)) continue;
    const [x, y] = [(at / 4) % canvas.width, Math.floor(at / 4 / canvas.width)];
    [left, top, right, bottom] = [Math.min(left, x), Math.min(top, y), Math.max(right, x), Math.max(bottom, y)];
  }
  if (right < 0) return null;
  const margin = MARGIN * canvas.width;
  const width = Math.max(right - left + 2 * margin, canvas.width / 4);
  const height = Math.max(bottom - top + 2 * margin, width / SHAPE);
  const [middle, centre] = [(left + right) / 2, (top + bottom) / 2];
  return { x: middle - width / 2, y: centre - height / 2, width, height };
}

function closer(image, box, label) {
  const canvas = document.createElement("canvas");
  const scale = Math.max(1, 720 / box.width);
  [canvas.width, canvas.height] = [Math.round(box.width * scale), Math.round(box.height * scale)];
  const context = canvas.getContext("2d");
  context.fillStyle = "#fff";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(image, box.x, box.y, box.width, box.height, 0, 0, canvas.width, canvas.height);
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", label);
  return make("figure", "", canvas, make("figcaption", "", label));
}

async function closerLook(page) {
  const [before, after, mask] = await Promise.all([loaded(page.before), loaded(page.after), loaded(page.mask)]);
  const box = markedBox(mask);
  if (box === null) return null;
  return make("div", "closer", closer(before, box, t("changes_before_closer")), closer(after, box, t("changes_after_closer")));
}

async function changedPage(page) {
  const title = make("h4", "", `${t("changes_page", { page: page.page })} · ${t(`changes_${page.kind}`)}`);
  if (!page.before) return make("section", "changed-page", title);
  const whole = make("details", "more", make("summary", "", t("changes_whole")), make("div", "pictures", ["before", "after", "mask"].map((kind) => picture(page, kind))));
  const look = await closerLook(page).catch(() => null);
  whole.open = look === null;
  return make("section", "changed-page", title, look, whole);
}

// The version as it was sealed, cut out of the file by the server
function sealedVersion(signature, bytes) {
  const fetchIt = async () => {
    const form = new FormData();
    form.append("document", new Blob([bytes]), "document.pdf");
    form.append("field", signature);
    const answer = await fetch("/v1/verifications/sealed-revision", { method: "POST", body: form }).catch(() => null);
    if (answer?.ok) saved("as-sealed.pdf", await answer.arrayBuffer(), "application/pdf");
  };
  return make("div", "actions", button(t("changes_sealed"), "plain", fetchIt));
}

export async function showChanges(box, name, bytes) {
  const working = make("p", "working", t("working"));
  box.querySelector("button")?.remove();
  box.append(working);
  const form = new FormData();
  form.append("document", new Blob([bytes]), name || "document.pdf");
  try {
    const answer = await fetch("/v1/verifications/changes", { method: "POST", body: form, headers: { "accept-language": given.language } });
    const said = await answer.json();
    if (!answer.ok) throw new Error(said.title);
    const counts = { before: said.pages_before, after: said.pages_after, compared: said.compared };
    const pages = said.pages.length ? await Promise.all(said.pages.map(changedPage)) : [make("p", "", t("changes_none"))];
    working.replaceWith(make("p", "", t("changes_counts", counts)), ...pages, sealedVersion(said.name, bytes));
  } catch (error) {
    working.replaceWith(make("p", "", t("changes_failed"), error.message ? ` · ${error.message}` : ""));
  }
}
