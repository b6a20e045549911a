"use strict";
// Small helps on top of forms that work without them: the designer draws while one types, a form is sent once.
(() => {
  if (document.getElementById("waits")) {
    // What the system does by itself is done in seconds: look again a few times, then leave it to the person
    const looked = Number(sessionStorage.getItem(location.pathname) || "0");
    if (looked < 5) setTimeout(() => { sessionStorage.setItem(location.pathname, String(looked + 1)); location.reload(); }, 1500);
  }
  const designer = document.getElementById("designer");
  const drawn = document.getElementById("drawn");
  const warnings = document.getElementById("warnings");
  if (designer && drawn && warnings) {
    let timer = 0;
    let turn = 0;
    const told = (text, source) => {
      const box = document.createElement("div");
      box.className = "alert warn";
      const inner = document.createElement("div");
      for (const [line, kind] of [[text, ""], [source, "hint"]]) {
        if (!line) continue;
        const paragraph = document.createElement("p");
        paragraph.className = kind;
        paragraph.textContent = line;
        inner.append(paragraph);
      }
      box.append(inner);
      return box;
    };
    const draw = async () => {
      const mine = ++turn;
      const answer = await fetch(designer.action, {
        method: "POST",
        headers: { accept: "application/json" },
        body: new URLSearchParams(new FormData(designer)),
      });
      if (!answer.ok || mine !== turn || !(answer.headers.get("content-type") || "").startsWith("application/json")) return;
      const told_by_server = await answer.json();
      if (mine !== turn) return;
      warnings.replaceChildren();
      if (told_by_server.problem) {
        warnings.append(told(told_by_server.problem, told_by_server.detail));
        return;
      }
      const picture = document.createElement("img");
      picture.src = told_by_server.url;
      picture.alt = designer.elements.namedItem("name").value;
      drawn.replaceChildren(picture);
      for (const warning of told_by_server.warnings) warnings.append(told(warning.text, warning.source));
      if (!told_by_server.warnings.length) {
        const fine = document.createElement("span");
        fine.className = "badge badge-ok";
        fine.textContent = "✓ " + told_by_server.fine;
        warnings.append(fine);
      }
    };
    designer.addEventListener("input", () => {
      clearTimeout(timer);
      if (designer.elements.namedItem("name").value.trim()) timer = setTimeout(() => draw().catch(() => {}), 250);
    });
  }
})();
