// SPDX-License-Identifier: Apache-2.0
// Lists of tasks stay true while the page is open: as long as one of theirs goes on, the server is asked for them anew.

import { fetchPart } from "./part.js";
import { showMoments } from "./site.js";

const PAUSE_MS = 2000;
const GOING_ON = "[data-state=queued], [data-state=running]";

async function renew(list) {
  const fresh = await fetchPart(location.href, list.dataset.renew);
  const focused = list.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
  list.replaceWith(fresh);
  showMoments(fresh);
  if (focused !== null) {
    // Who stands in the list with the keyboard stays there.
    const same = [...fresh.querySelectorAll("a[href]:not([tabindex])")].find((link) => link.getAttribute("href") === focused);
    same?.focus({ preventScroll: true });
  }
}

async function renewAll() {
  const lists = [...document.querySelectorAll("[data-renew]")].filter((list) => list.querySelector(GOING_ON));
  if (!document.hidden) await Promise.all(lists.map((list) => renew(list).catch(() => {})));
  if (lists.length) setTimeout(renewAll, PAUSE_MS);
}

setTimeout(renewAll, PAUSE_MS);
