/* Move the seal over the picture of its page: by pointer and by keys, in tenths of a millimetre. The fields say the same, and work without this. */
"use strict";
(() => {
  const stage = document.getElementById("stage");
  const form = document.getElementById("order");
  const field = (name) => form.elements.namedItem(name);
  const modes = form.querySelectorAll("[data-mode]");
  const showMode = () => {
    const chosen = form.querySelector("input[name=mode]:checked").value;
    modes.forEach((part) => { part.hidden = part.dataset.mode !== chosen; });
    if (mark) { mark.style.display = chosen === "place" ? "" : "none"; }
  };
  const mark = document.getElementById("mark");
  form.querySelectorAll("input[name=mode]").forEach((each) => each.addEventListener("change", showMode));
  showMode();
  if (!mark) { return; }

  const page = { width: Number(stage.dataset.width), height: Number(stage.dataset.height) };
  const seal = { width: Number(mark.dataset.width), height: Number(mark.dataset.height) };
  const tenth = (value) => Math.round(value * 10) / 10;
  const within = (value, half, whole) => Math.min(Math.max(value, half), Math.max(half, whole - half));
  let at = { x: Number(field("x_mm").value), y: Number(field("y_mm").value) };

  mark.setAttribute("tabindex", "0");
  mark.setAttribute("role", "slider");
  mark.setAttribute("aria-label", mark.dataset.label);
  mark.setAttribute("aria-valuemin", "0");
  mark.setAttribute("aria-valuemax", String(page.width));

  const put = (x, y, isTyped) => {
    at = { x: tenth(within(x, seal.width / 2, page.width)), y: tenth(within(y, seal.height / 2, page.height)) };
    mark.setAttribute("transform", `translate(${at.x - seal.width / 2} ${page.height - at.y - seal.height / 2})`);
    mark.setAttribute("aria-valuenow", String(at.x));
    mark.setAttribute("aria-valuetext", mark.dataset.text.replace("[x]", at.x.toFixed(1)).replace("[y]", at.y.toFixed(1)));
    if (!isTyped) {
      field("x_mm").value = at.x.toFixed(1);
      field("y_mm").value = at.y.toFixed(1);
      if (Number(field("page").value) !== -1) { field("page").value = stage.dataset.page; }
    }
  };
  const pointOf = (event) => {
    const point = new DOMPoint(event.clientX, event.clientY).matrixTransform(stage.getScreenCTM().inverse());
    return { x: point.x, y: page.height - point.y };
  };

  let held = null;
  mark.addEventListener("pointerdown", (event) => {
    const point = pointOf(event);
    held = { x: point.x - at.x, y: point.y - at.y };
    mark.setPointerCapture(event.pointerId);
    mark.classList.add("held");
    mark.focus();
    event.preventDefault();
  });
  mark.addEventListener("pointermove", (event) => {
    if (held) { const point = pointOf(event); put(point.x - held.x, point.y - held.y); }
  });
  const letGo = () => { held = null; mark.classList.remove("held"); };
  mark.addEventListener("pointerup", letGo);
  mark.addEventListener("pointercancel", letGo);

  const ways = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
  mark.addEventListener("keydown", (event) => {
    const way = ways[event.key];
    if (!way) { return; }
    const step = event.shiftKey ? 0.1 : event.ctrlKey || event.altKey ? 10 : 1;
    put(at.x + way[0] * step, at.y + way[1] * step);
    event.preventDefault();
  });
  for (const name of ["x_mm", "y_mm"]) {
    field(name).addEventListener("input", () => put(Number(field("x_mm").value), Number(field("y_mm").value), true));
  }
  put(at.x, at.y, true);
})();
