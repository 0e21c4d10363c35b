// SPDX-License-Identifier: Apache-2.0
// What came back: status, progress, the video, warnings or what was wrong, and the answer itself.

import { film } from "./film.js";
import { cancel, follow, isUnfinished } from "./follow.js";
import { controlOf } from "./form.js";
import { chinese, make, reachLink, showCode, words } from "./markup.js";

const MOST_SHOWN_BYTES = 256 << 20;

/** Show an answer in an article, and what becomes of its task. `note` tells the one line that is read out. */
export async function showAnswer(article, answer, tookMs, note, extend, signal) {
  const box = article.querySelector(".result");
  const line = statusLine(answer, tookMs);
  box.replaceChildren(line);
  box.hidden = false;
  const kind = answer.headers.get("content-type") ?? "";
  if (kind.includes("event-stream")) return showEvents(box, answer, note);
  if (!kind.includes("json")) return showBytes(box, answer, note);
  const body = await answer.json();
  const shown = make("div", { class: "result" });
  box.append(shown);
  showBody(article, shown, body, extend);
  note(answer.ok ? "" : words.failed, !answer.ok);
  if (!answer.ok || !isUnfinished(body)) return undefined;
  const ended = await watch(shown, body, note, signal);
  showBody(article, shown, ended, extend);
  const good = ended.status === "completed";
  note(good ? words.done : words.failed, !good);
  return undefined;
}

function statusLine(answer, tookMs) {
  const good = answer.ok ? "good" : "bad";
  const id = answer.headers.get("x-request-id");
  return make("p", { class: "line" },
    make("b", { class: `status ${good}`, text: `${answer.status} ${answer.statusText}`.trim() }),
    make("span", { text: `${Math.round(tookMs)} ms` }),
    id ? make("code", { text: id }) : null,
  );
}

async function watch(shown, task, note, signal) {
  const bar = make("progress", { max: 100, value: 0, "aria-label": words.working });
  const percent = make("span");
  const stop = make("button", { type: "button", class: "quiet", text: words.cancel });
  stop.addEventListener("click", () => {
    stop.disabled = true;
    cancel(task.id);
  });
  shown.prepend(make("div", { class: "progress" }, bar, make("div", {}, percent, stop)));
  let said = "";
  return follow(task.id, now => {
    const word = now.status === "pending" ? words.waiting : words.working;
    bar.value = now.progress ?? 0;
    percent.textContent = `${word} · ${now.progress ?? 0} %`;
    if (word !== said) note(word);
    said = word;
  }, signal);
}

function showBody(article, shown, body, extend) {
  const parts = [];
  const playable = body.status === "completed" ? body.video_url : body.object === "file" && body.duration ? body.url : "";
  if (playable) parts.push(film(body, extend));
  else if (body.object === "file" && body.url) parts.push(picture(body));
  if (body.error) parts.push(problem(article, body.error));
  const warnings = body.warnings ?? [];
  if (warnings.length) {
    parts.push(make("ul", { class: "warnings" }, ...warnings.map(text => make("li", { text }))));
  }
  parts.push(jsonCard(body, !playable));
  shown.replaceChildren(...parts);
  // Beside a long form the column scrolls by itself: bring the news to its top.
  const column = shown.closest(".work");
  shown.querySelector("video")?.addEventListener("loadedmetadata", () => {
    column.scrollTop += shown.parentElement.getBoundingClientRect().top - column.getBoundingClientRect().top;
  }, { once: true });
}

function picture(body) {
  return make("img", { src: reachLink(body.url), alt: body.filename ?? "" });
}

function problem(article, error) {
  controlOf(article, error.param)?.setAttribute("aria-invalid", "true");
  const text = (chinese && error.message_zh) || error.message;
  const detail = text === error.message ? null : make("p", { class: "fine", text: error.message });
  return make("div", { class: "problem", role: "alert" }, make("p", { text }), detail);
}

function jsonCard(body, open) {
  const code = make("code");
  showCode(code, JSON.stringify(body, null, 2));
  return make("details", { class: "fold", open }, make("summary", { text: words.json }),
    make("pre", { class: "card", tabindex: 0 }, code));
}

async function showEvents(box, answer, note) {
  const code = make("code");
  box.append(make("pre", { class: "card", tabindex: 0 }, code));
  note(words.listening);
  const pieces = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  for (let piece = await pieces.read(); !piece.done; piece = await pieces.read()) code.append(piece.value);
  note(words.done);
}

async function showBytes(box, answer, note) {
  note("");
  if (Number(answer.headers.get("content-length")) > MOST_SHOWN_BYTES) {
    await answer.body?.cancel();
    box.append(make("p", { class: "soft", text: words.tooLarge }));
    return undefined;
  }
  const blob = await answer.blob();
  const url = URL.createObjectURL(blob);
  const [kind] = blob.type.split("/");
  if (kind === "video") {
    box.append(make("div", { class: "film" }, make("video", { src: url, controls: true, playsinline: true, "aria-label": words.video })));
  } else if (kind === "image") {
    box.append(make("img", { src: url, alt: "" }));
  }
  box.append(make("p", { class: "line", text: `${blob.type} · ${blob.size.toLocaleString()} bytes` }));
  return undefined;
}
