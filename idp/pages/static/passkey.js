/* Passkeys: asks the browser for what the form describes, and sends its answer as the form. Without this script the form stays hidden. */
"use strict";
(() => {
  const form = document.querySelector("form[data-passkey]");
  if (!form || !window.PublicKeyCredential) return;
  const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (each) => each.charCodeAt(0));
  const words = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  const described = (each) => ({ ...each, id: bytes(each.id) });
  const ask = async () => {
    const options = JSON.parse(form.dataset.options);
    options.challenge = bytes(options.challenge);
    if (form.dataset.passkey === "create") {
      options.user.id = bytes(options.user.id);
      options.excludeCredentials = (options.excludeCredentials || []).map(described);
      const made = await navigator.credentials.create({ publicKey: options });
      return [made, { clientDataJSON: words(made.response.clientDataJSON), attestationObject: words(made.response.attestationObject) }];
    }
    options.allowCredentials = (options.allowCredentials || []).map(described);
    const shown = await navigator.credentials.get({ publicKey: options });
    const handle = shown.response.userHandle;
    return [shown, {
      clientDataJSON: words(shown.response.clientDataJSON), authenticatorData: words(shown.response.authenticatorData),
      signature: words(shown.response.signature), ...(handle ? { userHandle: words(handle) } : {}),
    }];
  };
  form.hidden = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const failed = form.querySelector("[role=alert]");
    failed.hidden = true;
    try {
      const [key, response] = await ask();
      form.elements.answer.value = JSON.stringify({ id: key.id, rawId: words(key.rawId), type: key.type, response });
      form.submit();
    } catch (error) {
      failed.hidden = false;
    }
  });
})();
