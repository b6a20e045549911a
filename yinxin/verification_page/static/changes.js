// What was changed after sealing, with pictures: drawn by the server, so the file is sent there; only when somebody asks for it.

import { given, make, t } from "./elements.js";

function picture(page, kind) {
  const label = `${t("changes_page", { page: page.page })} · ${t(`changes_${kind}`)}`;
  const image = make("img", "");
  image.src = `data:image/png;base64,${page[kind]}`;
  image.alt = label;
  return make("figure", "", image, make("figcaption", "", t(`changes_${kind}`)));
}

function changedPage(page) {
  const title = `${t("changes_page", { page: page.page })} · ${t(`changes_${page.kind}`)}`;
  const pictures = page.before ? make("div", "pictures", ["before", "after", "mask"].map((kind) => picture(page, kind))) : null;
  return make("section", "changed-page", make("h4", "", title), pictures);
}

export async function showChanges(box, name, bytes) {
  const working = make("p", "working", t("working"));
  box.querySelector("button")?.remove();
  box.append(working);
  const form = new FormData();
  form.append("document", new Blob([bytes]), name || "document.pdf");
  let said = null;
  try {
    const answer = await fetch("/v1/verifications/changes", { method: "POST", body: form, headers: { "accept-language": given.language } });
    said = await answer.json();
    if (!answer.ok) throw new Error(said.title);
  } catch (error) {
    working.replaceWith(make("p", "", t("changes_failed"), error.message ? ` · ${error.message}` : ""));
    return;
  }
  const counts = { before: said.pages_before, after: said.pages_after, compared: said.compared };
  const pages = said.pages.length ? said.pages.map(changedPage) : [make("p", "", t("changes_none"))];
  working.replaceWith(make("p", "", t("changes_counts", counts)), ...pages);
}
