// SPDX-License-Identifier: Apache-2.0
// A task's page follows its task: progress by events, the result as soon as it is there.

import { fetchPart } from "./part.js";

const place = document.getElementById("result");
if (place && place.dataset.ended === "false") {
  const events = new EventSource(place.dataset.events);
  events.addEventListener("task", async (event) => {
    const task = JSON.parse(event.data);
    const bar = document.querySelector("#result progress");
    if (bar) bar.value = task.progress ?? 0;
    if (["completed", "failed", "cancelled", "expired"].includes(task.status)) {
      events.close();
      document.getElementById("result").replaceWith(await fetchPart(location.pathname, "part_result"));
    }
  });
}
