// SPDX-License-Identifier: Apache-2.0
// Brings the page to life: samples follow the forms, forms send requests, answers are shown where they were asked for.

import { controlOf, readForm, showProblems } from "./form.js";
import { apiKey, askForKey, keyHeaders, watchKey } from "./key.js";
import { chinese, reach, showCode, words } from "./markup.js";
import { showAnswer } from "./result.js";
import { target, writers } from "./samples.js";

const page = document.body.dataset;
const articles = [...document.querySelectorAll("article.operation")];
const TAB = "longtake-sample";

function updateSamples(article) {
  const request = readForm(article);
  for (const panel of article.querySelectorAll("pre[data-sample]")) {
    showCode(panel.firstElementChild, writers[panel.dataset.sample](request));
  }
}

function chooseTab(name, focus = null) {
  sessionStorage.setItem(TAB, name);
  for (const article of articles) {
    for (const tab of article.querySelectorAll("[role=tab]")) {
      const chosen = tab.dataset.sample === name;
      tab.setAttribute("aria-selected", String(chosen));
      tab.tabIndex = chosen ? 0 : -1;
      if (chosen && focus === article) tab.focus();
    }
    for (const panel of article.querySelectorAll("pre[data-sample]")) panel.hidden = panel.dataset.sample !== name;
  }
}

function watchTabs(article) {
  const tabs = [...article.querySelectorAll("[role=tab]")];
  for (const [place, tab] of tabs.entries()) {
    tab.addEventListener("click", () => chooseTab(tab.dataset.sample));
    tab.addEventListener("keydown", event => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (step) chooseTab(tabs.at((place + step) % tabs.length).dataset.sample, article);
    });
  }
}

async function copySample(article) {
  const button = article.querySelector(".copy");
  const text = article.querySelector("pre[data-sample]:not([hidden])").textContent;
  const keyed = apiKey() && text.includes(page.keyWord);
  // A function, for a key may hold signs that a replacement text would read.
  const copied = await copy(keyed ? text.replaceAll(page.keyWord, () => apiKey()) : text);
  const before = button.dataset.word ??= button.textContent;
  button.textContent = !copied ? words.copyFailed : keyed ? words.copiedWithKey : words.copied;
  setTimeout(() => { button.textContent = before; }, 2000);
}

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Pages under plain http from another machine have no clipboard of their own.
    const area = document.createElement("textarea");
    area.value = text;
    document.body.append(area);
    area.select();
    const copied = document.execCommand("copy");
    area.remove();
    return copied;
  }
}

function options(request) {
  const headers = { ...(request.keyed ? keyHeaders() : {}), ...request.headers };
  if (request.fileField) {
    const form = new FormData();
    for (const [name, value] of Object.entries(request.more)) form.append(name, value);
    form.append(request.fileField, request.file);
    return { method: request.method, headers, body: form };
  }
  if (request.body === null) return { method: request.method, headers };
  headers["Content-Type"] = "application/json";
  return { method: request.method, headers, body: JSON.stringify(request.body) };
}

const running = new Map();

async function send(article) {
  const request = readForm(article);
  const output = article.querySelector(".note");
  const note = (text, bad = false) => {
    output.textContent = text;
    output.classList.toggle("bad", bad);
  };
  showProblems(article, request.problems);
  if (request.problems.length) {
    const [control, text] = request.problems[0];
    return note(`${text}: ${control.dataset.name}`, true);
  }
  if (request.keyed && !apiKey()) return askForKey();
  running.get(article)?.abort();
  const stopper = new AbortController();
  running.set(article, stopper);
  note(request.fileField ? words.uploading : words.sending);
  const work = article.querySelector(".send");
  const { top, bottom } = work.getBoundingClientRect();
  if (top < 0 || bottom > innerHeight) work.scrollIntoView({ block: "start" });
  const began = performance.now();
  try {
    const answer = await fetch(reach(target(request)), { ...options(request), signal: stopper.signal });
    await showAnswer(article, answer, performance.now() - began, note, goOn, stopper.signal);
  } catch (error) {
    if (!stopper.signal.aborted) note(words.noAnswer, true);
    if (!(error instanceof TypeError) && !stopper.signal.aborted) throw error;
  }
  return undefined;
}

/** Take a finished task or an upload as the source of the next extension. */
function goOn(task) {
  const article = articles[0];
  controlOf(article, "task_id").value = task.id;
  controlOf(article, "start_time").value = "";
  updateSamples(article);
  article.scrollIntoView();
  controlOf(article, "prompt").focus();
}

async function uploadOwn(input) {
  const article = input.closest("article");
  const [file] = input.files;
  const output = article.querySelector(".note");
  if (!file) return;
  if (!apiKey()) {
    askForKey();
    input.value = "";
    return;
  }
  const form = new FormData();
  form.append("file", file);
  output.classList.remove("bad");
  output.textContent = words.uploading;
  try {
    const answer = await fetch(reach("/v1/files"), { method: "POST", headers: keyHeaders(), body: form });
    const body = await answer.json();
    if (answer.ok) {
      const control = document.getElementById(input.dataset.own);
      control.value = control.dataset.kind === "object" ? JSON.stringify({ id: body.id }) : body.id;
      const start = controlOf(article, "start_time");
      if (start && body.duration && Number(start.value) > body.duration) start.value = "";
    }
    output.textContent = answer.ok ? file.name : (chinese && body.error?.message_zh) || body.error?.message;
    output.classList.toggle("bad", !answer.ok);
  } catch {
    output.textContent = words.noAnswer;
    output.classList.add("bad");
  }
  input.value = "";
  updateSamples(article);
}

function markPlace() {
  const links = new Map([...document.querySelectorAll(".side a")].map(link => [link.hash.slice(1), link]));
  const seen = new Set();
  const watcher = new IntersectionObserver(changes => {
    for (const { target: { id }, isIntersecting } of changes) isIntersecting ? seen.add(id) : seen.delete(id);
    const current = articles.find(article => seen.has(article.id));
    for (const [id, link] of links) {
      if (id && id === current?.id) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
  }, { rootMargin: "-20% 0px -60% 0px" });
  for (const article of articles) watcher.observe(article);
}

watchKey();
chooseTab(sessionStorage.getItem(TAB) ?? "curl");
for (const article of articles) {
  const form = article.querySelector("form.fields");
  form.addEventListener("input", () => updateSamples(article));
  form.addEventListener("submit", event => {
    event.preventDefault();
    send(article);
  });
  // After the browser has put the values back.
  form.addEventListener("reset", () => setTimeout(() => updateSamples(article)));
  article.querySelector(".copy").addEventListener("click", () => copySample(article));
  watchTabs(article);
  updateSamples(article);
}
for (const input of document.querySelectorAll("[data-own]")) input.addEventListener("change", () => uploadOwn(input));
const language = document.querySelector(".language");
language.addEventListener("click", () => { language.hash = location.hash; });
const menu = document.querySelector(".menu");
const narrow = matchMedia("(max-width: 55rem)");
const fold = () => { menu.open = !narrow.matches; };
narrow.addEventListener("change", fold);
fold();
menu.addEventListener("click", event => { if (narrow.matches && event.target.closest("a")) menu.open = false; });
markPlace();
document.body.dataset.ready = "1";
