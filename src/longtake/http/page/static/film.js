// SPDX-License-Identifier: Apache-2.0
// A finished video: played, with its source and its new part marked on a line of time.

import { make, reachLink, words } from "./markup.js";

const BEFORE_SEAM_S = 2;

/** The player for a task or an upload with a video; `extend` is called when its reader wants to go on from it. */
export function film(task, extend) {
  const url = reachLink(task.video_url ?? task.url);
  const about = task.metadata ?? {};
  const seam = about.head ? about.start_time : null;
  const video = make("video", {
    src: url, controls: true, playsinline: true, preload: "metadata", "aria-label": words.video,
    poster: task.thumbnail_url ? reachLink(task.thumbnail_url) : null,
  });
  const toSeam = () => {
    video.currentTime = Math.max(0, seam - BEFORE_SEAM_S);
    play(video);
  };
  const acts = make("div", { class: "acts" },
    seam ? make("button", { type: "button", class: "quiet", text: words.seam, onclick: toSeam }) : null,
    make("button", { type: "button", class: "quiet", text: words.extendAgain, onclick: () => extend(task) }),
    make("a", { class: "quiet", href: `${url}&download=1`, download: true, text: words.download }),
  );
  video.addEventListener("loadedmetadata", () => {
    video.dataset.ready = "1";
    if (seam && seam < video.duration) acts.before(timeLine(video, seam));
    if (seam && !matchMedia("(prefers-reduced-motion: reduce)").matches) toSeam();
  }, { once: true });
  return make("div", { class: "film" }, video, acts, facts(task, about));
}

async function play(video) {
  try {
    await video.play();
  } catch {
    // Browsers let a page that was not just clicked play only without sound.
    video.muted = true;
    video.play().catch(() => {});
  }
}

function timeLine(video, seam) {
  const old = make("span", { class: "old", text: `${words.head} ${short(seam)} ${words.seconds}` });
  const fresh = make("span", { class: "new", text: `${words.newPart} ${short(video.duration - seam)} ${words.seconds}` });
  const hand = make("i");
  const line = make("div", { class: "time", "aria-hidden": "true" }, old, fresh, hand);
  old.style.width = `${(100 * seam) / video.duration}%`;
  line.addEventListener("click", event => {
    const box = line.getBoundingClientRect();
    video.currentTime = ((event.clientX - box.left) / box.width) * video.duration;
  });
  const move = () => {
    hand.style.left = `${(100 * video.currentTime) / video.duration}%`;
    if (!video.paused) requestAnimationFrame(move);
  };
  video.addEventListener("timeupdate", move);
  video.addEventListener("play", move);
  return line;
}

function facts(task, about) {
  const rows = [
    [words.length, about.duration ?? task.duration, value => `${short(value)} ${words.seconds}`],
    [words.size, task.size, String],
    [words.maker, task.model_resolved && `${task.model_resolved}, ${about.mode}`, String],
    [words.copiedFrames, about.head?.frames ? `${about.head.copied} / ${about.head.frames}` : null, String],
    [words.seamStep, about.seam, value => `${short(value.luma_step)} (${words.usual} ${short(value.median_step)})`],
  ];
  const list = make("dl", { class: "facts" });
  for (const [name, value, show] of rows) {
    if (value) list.append(make("dt", { text: name }), make("dd", { text: show(value) }));
  }
  return list;
}

const short = number => String(Math.round(number * 100) / 100);
