// Reads a code with the camera, where the browser can. Pictures stay in the browser.

import { t } from "./elements.js";

const EVERY_MS = 200;
const byId = (id) => document.getElementById(id);

function say(key) {
  const state = byId("scan-state");
  state.hidden = key === "";
  state.textContent = key === "" ? "" : t(key);
}

async function detector() {
  if (!("BarcodeDetector" in window) || !navigator.mediaDevices?.getUserMedia) return null;
  const formats = await window.BarcodeDetector.getSupportedFormats();
  return formats.includes("qr_code") ? new window.BarcodeDetector({ formats: ["qr_code"] }) : null;
}

// found(text): the text of a code
export async function offerScan(found) {
  const codes = await detector().catch(() => null);
  if (codes === null) {
    say("scan_absent");
    return;
  }
  const video = byId("scan-video");
  let stream = null;
  let timer = 0;
  const stop = () => {
    clearTimeout(timer);
    for (const track of stream?.getTracks() ?? []) track.stop();
    stream = null;
    video.srcObject = null;
    byId("scan-view").hidden = true;
    byId("scan-start").hidden = false;
  };
  const look = async () => {
    if (stream === null) return;
    const seen = await codes.detect(video).catch(() => []);
    if (stream !== null && seen.length) {
      stop();
      say("scan_found");
      found(seen[0].rawValue);
      return;
    }
    timer = setTimeout(look, EVERY_MS);
  };
  byId("scan").hidden = false;
  byId("scan-stop").addEventListener("click", stop);
  byId("scan-start").addEventListener("click", async () => {
    say("");
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" }, audio: false });
    } catch (error) {
      say(error.name === "NotFoundError" || error.name === "OverconstrainedError" ? "scan_none" : "scan_denied");
      return;
    }
    byId("scan-view").hidden = false;
    byId("scan-start").hidden = true;
    video.srcObject = stream;
    await video.play().catch(stop);
    look();
  });
  document.addEventListener("visibilitychange", () => document.visibilityState === "hidden" && stop());
}
