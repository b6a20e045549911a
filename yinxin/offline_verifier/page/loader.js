// Unpacks what this file carries and starts it: the texts and style of the page, the page's script, and the verifier for its worker.
//
// Everything comes out of this very file; nothing is ever fetched. How to read the source of what is packed stands on the page.
const packed = document.getElementById("packed").textContent.trim();
// Base 85, which is shorter than base 64: five digits for four bytes, the first digit counts most
const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~";
const count = Math.ceil(packed.length / 5);
const whole = packed.padEnd(count * 5, "~");
const words = new DataView(new ArrayBuffer(count * 4));
for (let i = 0; i < count; i++) words.setUint32(i * 4, [...whole.slice(i * 5, i * 5 + 5)].reduce((word, each) => word * 85 + digits.indexOf(each), 0));
const bytes = words.buffer.slice(0, Math.floor((packed.length * 4) / 5));
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
