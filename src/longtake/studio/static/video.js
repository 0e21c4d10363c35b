// SPDX-License-Identifier: Apache-2.0
// A task's page follows its task: progress by events, and the result as soon as it is there.

import { fetchPart } from "./part.js";
import "./renew.js";
import "./seam.js";

const ENDS = new Set(["completed", "failed", "cancelled", "expired"]);
const place = document.getElementById("result");

if (place.dataset.ended === "false") {
  const events = new EventSource(place.dataset.events);
  events.addEventListener("task", async (event) => {
    const task = JSON.parse(event.data);
    const bar = document.getElementById("progress");
    if (bar) bar.value = task.progress ?? 0;
    const words = document.getElementById("progress-words");
    if (words) words.textContent = place.dataset[task.status === "queued" ? "queued" : "running"];
    if (!ENDS.has(task.status)) return;
    events.close();
    document.getElementById("result").replaceWith(await fetchPart(location.pathname, "part_result"));
  });
}

document.addEventListener("click", (event) => {
  const link = event.target.closest?.("#recut");
  const video = document.querySelector("lt-seam video");
  if (!link || !video) return;
  const url = new URL(link.href);
  // Only what is left of the source can be cut anew; behind the seam it is this video's own.
  const seam = Number(document.querySelector("lt-seam").dataset.seamUs ?? 0) / 1_000_000;
  url.searchParams.set("at", String(Math.min(seam, video.currentTime).toFixed(3)));
  link.href = url.href;
});
