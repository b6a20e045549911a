/* A button on every sample that copies it; without this, samples are selected and copied as any text. */
"use strict";
document.querySelectorAll("pre[data-copy]").forEach((sample) => {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "plain small";
  button.textContent = sample.dataset.copy;
  button.addEventListener("click", async () => {
    const text = sample.querySelector("code").textContent;
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      const range = document.createRange();
      range.selectNodeContents(sample.querySelector("code"));
      const chosen = window.getSelection();
      chosen.removeAllRanges();
      chosen.addRange(range);
      document.execCommand("copy");
    }
    button.textContent = sample.dataset.copied;
    setTimeout(() => { button.textContent = sample.dataset.copy; }, 2000);
  });
  sample.after(button);
});
