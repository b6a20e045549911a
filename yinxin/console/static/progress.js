/* Keeps a progress bar up to date, and shows the page anew at its end. Without this, "look again" does the same. */
"use strict";
document.querySelectorAll("[data-progress]").forEach((part) => {
  const bar = part.querySelector("progress");
  const words = part.querySelector("label");
  let pause = 1000;
  const look = async () => {
    try {
      const answer = await fetch(part.dataset.progress, { headers: { accept: "application/json" } });
      if (answer.ok) {
        const told = await answer.json();
        bar.value = told.ready;
        words.textContent = told.words;
        if (told.ended) { window.location.reload(); return; }
      } else {
        pause = 10000;
      }
    } catch {
      pause = 10000;
    }
    setTimeout(look, pause);
    pause = Math.min(pause * 1.3, 10000);
  };
  setTimeout(look, pause);
});
