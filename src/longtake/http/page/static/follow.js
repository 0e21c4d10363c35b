// SPDX-License-Identifier: Apache-2.0
// A task from its submission to its end, asked about as often as the server wishes.

import { keyHeaders } from "./key.js";

const USUAL_PAUSE_MS = 1000;
const LEAST_PAUSE_MS = 250;
const UNFINISHED = new Set(["pending", "processing", "queued", "in_progress"]);

/** Whether an answer is a task whose end is worth waiting for. */
export function isUnfinished(answer) {
  if (typeof answer?.id !== "string" || !["video", undefined].includes(answer.object)) return false;
  // Some formats say only that it is finished, not where the video is.
  return UNFINISHED.has(answer.status) || (answer.status === "completed" && !answer.video_url);
}

/** Ask until the task has ended; `tell` gets each answer. The last answer is the result. */
export async function follow(id, tell, signal) {
  const prefix = document.body.dataset.prefix;
  for (;;) {
    const answer = await fetch(`${prefix}/v1/video/query?id=${encodeURIComponent(id)}`, {
      headers: keyHeaders(), signal,
    });
    const task = await answer.json();
    if (answer.ok) tell(task);
    const passes = answer.status === 429 || answer.status >= 500;
    if (!passes && !UNFINISHED.has(task.status)) return task;
    await pause(wished(answer.headers), signal);
  }
}

/** Call a task off. */
export async function cancel(id) {
  const prefix = document.body.dataset.prefix;
  await fetch(`${prefix}/v1/tasks/${encodeURIComponent(id)}/cancel`, { method: "POST", headers: keyHeaders() });
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
