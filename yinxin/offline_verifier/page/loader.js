// Unpacks what this file carries and starts it: the texts and style of the page, the page's script, and the verifier for its worker.
//
// Everything comes out of this very file; nothing is ever fetched. How to read the source of what is packed stands on the page.
const packed = document.getElementById("packed").textContent.trim();
const bytes = Uint8Array.from(atob(packed), (each) => each.charCodeAt(0));
try {
  const unpacked = new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate")));
  const { given, page, style, verifier } = JSON.parse(await unpacked.text());
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(style);
  document.adoptedStyleSheets = [sheet];
  document.getElementById("given").textContent = given;
  globalThis.yinxinVerifier = URL.createObjectURL(new Blob([verifier], { type: "text/javascript" }));
  await import(URL.createObjectURL(new Blob([page], { type: "text/javascript" })));
  document.getElementById("too-old").hidden = true;
} catch (error) {
  document.getElementById("too-old").hidden = false;
  document.getElementById("too-old-reason").textContent = `${error?.name ?? ""} ${error?.message ?? ""}`;
}
