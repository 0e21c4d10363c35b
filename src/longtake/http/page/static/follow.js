// SPDX-License-Identifier: Apache-2.0
// A task from its submission to its end, asked about as often as the server wishes.

import { keyHeaders } from "./key.js";
import { reach } from "./markup.js";

const USUAL_PAUSE_MS = 1000;
const LEAST_PAUSE_MS = 250;
const MOST_FAILURES = 20;
const UNFINISHED = new Set(["pending", "processing", "queued", "in_progress"]);

/** Whether an answer is a task whose end is worth waiting for. */
export function isUnfinished(answer) {
  if (typeof answer?.id !== "string" || !["video", undefined].includes(answer.object)) return false;
  // Some formats say only that it is finished, not where the video is.
  return UNFINISHED.has(answer.status) || (answer.status === "completed" && !answer.video_url);
}

/** Ask until the task has ended; `tell` gets each answer. The last answer is the result. */
export async function follow(id, tell, signal) {
  const url = reach(`/v1/video/query?id=${encodeURIComponent(id)}`);
  for (let failures = 0; ;) {
    let wait = USUAL_PAUSE_MS;
    try {
      const answer = await fetch(url, { headers: keyHeaders(), signal });
      const task = await answer.json();
      if (answer.ok) tell(task);
      const passes = answer.status === 429 || answer.status >= 500;
      if (!passes && !UNFINISHED.has(task.status)) return task;
      wait = wished(answer.headers);
      failures = 0;
    } catch (error) {
      // A server that is started again answers a moment later; its tasks go on.
      failures += 1;
      if (signal.aborted || failures > MOST_FAILURES) throw error;
    }
    await pause(wait, signal);
  }
}

/** Call a task off. */
export async function cancel(id) {
  await fetch(reach(`/v1/tasks/${encodeURIComponent(id)}/cancel`), { method: "POST", headers: keyHeaders() });
}

function wished(headers) {
  const inMs = Number(headers.get("retry-after-ms") ?? headers.get("openai-poll-after-ms") ?? NaN);
  const inSeconds = Number(headers.get("retry-after") ?? NaN);
  const wish = Number.isFinite(inMs) ? inMs : Number.isFinite(inSeconds) ? inSeconds * 1000 : USUAL_PAUSE_MS;
  return Math.max(LEAST_PAUSE_MS, wish);
}

function pause(length, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, length);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(signal.reason);
    }, { once: true });
  });
}
