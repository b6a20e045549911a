/* Keeps the code on the screen fresh, and shows at once when somebody scanned it or saw the licence. Without this script the page reloads itself. */
"use strict";
(() => {
  const box = document.querySelector("[data-showing]");
  if (!box) return;
  const LOOK_EVERY_SECONDS = 2;
  const picture = box.querySelector(".code img");
  const left = box.querySelector("[data-left]");
  const text = box.querySelector("[data-code]");
  let seconds = Number(box.dataset.seconds);
  let ticks = 0;
  let isAsking = false;
  const draw = () => {
    if (left) left.textContent = box.dataset.said.replace("{seconds}", String(Math.max(seconds, 0)));
  };
  const look = async () => {
    if (isAsking) return;
    isAsking = true;
    try {
      const answer = await fetch(`${box.dataset.showing}/state`, { headers: { accept: "application/json" }, cache: "no-store" });
      if (answer.redirected) {
        location.reload(); // signed out meanwhile: sign in again and come back
        return;
      }
      if (!answer.ok) return;
      const told = await answer.json();
      if (told.state !== box.dataset.state || told.is_over) {
        location.reload();
        return;
      }
      if (picture && told.code && told.code !== text.textContent) {
        text.textContent = told.code;
        picture.src = `${box.dataset.showing}/code.svg?n=${encodeURIComponent(told.code.slice(-8))}`;
      }
      seconds = told.code_seconds;
      draw();
    } catch (error) {
      // no network for a moment: the next look tells
    } finally {
      isAsking = false;
    }
  };
  const keepAwake = async () => {
    try {
      if (document.visibilityState === "visible") await navigator.wakeLock.request("screen");
    } catch (error) {
      // the screen may go dark; a touch brings it back
    }
  };
  setInterval(() => {
    seconds -= 1;
    ticks += 1;
    draw();
    if (document.visibilityState === "visible" && (ticks % LOOK_EVERY_SECONDS === 0 || seconds === 0)) look();
  }, 1000);
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") { look(); keepAwake(); }
  });
  draw();
  if (picture && navigator.wakeLock) keepAwake();
})();
