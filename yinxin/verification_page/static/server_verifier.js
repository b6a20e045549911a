// The verifier of this server, for browsers that have none of their own: the file is sent there, when somebody wants it so.

import { given } from "./elements.js";

class Refused extends Error {
  constructor(shown) {
    super(shown);
    this.shown = shown;
  }
}

// {report}; holder: { name, code } of whom the asker has before him, or null. Throws what can be `shown` where the server refuses
export async function verifyThere(name, bytes, holder) {
  const form = new FormData();
  form.append("document", new Blob([bytes]), name || "document");
  if (holder !== null) {
    form.append("holder_name", holder.name);
    form.append("holder_code", holder.code);
  }
  const answer = await fetch("/v1/verifications", { method: "POST", body: form, headers: { "accept-language": given.language } });
  const said = await answer.json();
  if (!answer.ok) throw new Refused([said.title, said.remedy].filter(Boolean).join(" "));
  return { report: said };
}
