// SPDX-License-Identifier: Apache-2.0
// What an operation's form says, as a request.

import { words } from "./markup.js";

const controls = article => article.querySelectorAll("[data-place]");

/** The request as it stands. `problems` holds pairs of a control and what is wrong with it. */
export function readForm(article) {
  const shape = article.dataset;
  const request = {
    method: shape.method, path: shape.path, keyed: shape.keyed === "1", saves: shape.saves, streams: shape.streams === "1", fileField: shape.file,
    pathValues: {}, query: {}, headers: {}, body: shape.json === "1" ? {} : null, file: null, more: {}, problems: [],
  };
  const places = { path: request.pathValues, query: request.query, header: request.headers };
  for (const control of controls(article)) {
    const { name, place, kind } = control.dataset;
    if (control.type === "file") {
      request.file = control.files[0] ?? null;
      if (control.dataset.required === "1" && !request.file) request.problems.push([control, words.missing]);
      continue;
    }
    const text = control.value.trim();
    if (!text) {
      if (control.dataset.required === "1" && place !== "header") request.problems.push([control, words.missing]);
      continue;
    }
    if (place !== "body") places[place][name] = text;
    else if (request.body === null) request.more[name] = text;
    else {
      try {
        request.body[name] = valueOf(kind, text);
      } catch {
        request.problems.push([control, words.badJson]);
      }
    }
  }
  return request;
}

function valueOf(kind, text) {
  if (kind === "boolean") return text === "true";
  if (kind === "integer" || kind === "number") return Number(text);
  if (kind === "object" || (kind === "array" && text.startsWith("["))) return JSON.parse(text);
  return text;
}

/** Mark the controls that are wrong; go to the first one. */
export function showProblems(article, problems) {
  for (const control of controls(article)) control.removeAttribute("aria-invalid");
  for (const [control] of problems) control.setAttribute("aria-invalid", "true");
  const first = problems[0]?.[0];
  if (first) {
    first.closest("details")?.setAttribute("open", "");
    first.focus();
  }
}

/** The control of a field that an error names; null if the form has none. */
export function controlOf(article, name) {
  return [...controls(article)].find(control => control.dataset.name === name) ?? null;
}
