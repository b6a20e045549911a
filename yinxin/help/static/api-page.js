// Begins the API page. The document is ours, and so is every address in it: calls go to the host that served this page.
"use strict";

window.addEventListener("load", async () => {
  const answer = await fetch("/openapi.json", { credentials: "omit" });
  const spec = await answer.json();
  spec.servers = [{ url: window.location.origin }];
  for (const flow of Object.values(spec.components.securitySchemes.oauth2.flows)) {
    flow.tokenUrl = new URL(new URL(flow.tokenUrl, window.location.origin).pathname, window.location.origin).href;
  }
  window.SwaggerUIBundle({
    spec,
    dom_id: "#operations",
    deepLinking: true,
    docExpansion: "none",
    defaultModelsExpandDepth: -1,
    filter: true,
    tryItOutEnabled: true,
    persistAuthorization: false,
    validatorUrl: null,
    syntaxHighlight: { activated: false },
  });
});
