// SPDX-License-Identifier: Apache-2.0
// A task's way beside the list that it stands in: the same part of the same page, in a drawer. Without a script, and
// for who asks for a tab, the link leads to the page.

import { fetchPart } from "./part.js";
import "./renew.js";
import { showMoments } from "./site.js";

const drawer = document.getElementById("drawer");
const place = document.getElementById("drawer-task");

document.addEventListener("click", async (event) => {
  const link = event.target.closest?.("td a[href^='/console/tasks/']");
  if (!link || event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  try {
    const task = await fetchPart(link.href, "part_task");
    place.replaceChildren(task);
    showMoments(task);
    document.getElementById("drawer-page").href = link.href;
    drawer.showModal();
    drawer.scrollTop = 0;
  } catch {
    location.assign(link.href);
  }
});

document.getElementById("drawer-close").addEventListener("click", () => drawer.close());
drawer.addEventListener("click", (event) => {
  // The dialog itself is hit only beside what it holds.
  if (event.target === drawer) drawer.close();
});
