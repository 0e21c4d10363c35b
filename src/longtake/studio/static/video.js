// SPDX-License-Identifier: Apache-2.0
// A task's page follows its task: progress by events, and the result as soon as it is there.

import { fetchPart } from "./part.js";
import "./renew.js";
import "./seam.js";

const ENDS = new Set(["completed", "failed", "cancelled", "expired"]);
const place = document.getElementById("result");

/** Show how it ended: in place of the progress, in the tree and takes, and to who listens. */
async function showEnd() {
  const [result, kin, end] = await Promise.all(
    ["part_result", "part_kin", "part_end"].map((part) => fetchPart(location.pathname, part)),
  );
  const stood = place.contains(document.activeElement);
  place.replaceWith(result);
  document.querySelector("[data-renew=part_kin]")?.replaceWith(kin);
  document.getElementById("end").replaceWith(end);
  document.getElementById("said").textContent = result.dataset.end;
  // Who stood at the button that is gone now goes on from what took its place.
  if (stood) result.querySelector("button, a.button")?.focus({ preventScroll: true });
}

if (place.dataset.ended === "false") {
  const events = new EventSource(place.dataset.events);
  events.addEventListener("task", (event) => {
    const task = JSON.parse(event.data);
    const isQueued = task.status === "queued";
    const bar = document.getElementById("progress");
    if (bar) bar.value = task.progress ?? 0;
    const words = document.getElementById("progress-words");
    if (words) words.textContent = place.dataset[isQueued ? "queued" : "running"];
    const percent = document.getElementById("percent");
    if (percent) percent.textContent = isQueued ? "" : `${task.progress ?? 0} %`;
    if (!ENDS.has(task.status)) return;
    events.close();
    showEnd().catch(() => location.reload());
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
