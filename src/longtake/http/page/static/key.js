// SPDX-License-Identifier: Apache-2.0
// The reader's API key: kept in this tab's session, sent in a header to this server, and nowhere else.

import { make, reach, words } from "./markup.js";

const STORED = "longtake-api-key";
const input = document.getElementById("key");
const state = document.getElementById("key-state");

/** The key as typed; empty if there is none. */
export const apiKey = () => input.value.trim();

/** Headers that let a request in. */
export const keyHeaders = () => ({ Authorization: `Bearer ${apiKey()}` });

/** Point at the key's field. */
export function askForKey() {
  tell(words.needKey, "bad");
  input.focus();
}

function tell(text, kind = "") {
  state.textContent = text;
  state.className = kind;
}

async function check() {
  if (!apiKey()) return tell("");
  let answer;
  try {
    answer = await fetch(reach("/v1/models"), { headers: keyHeaders() });
  } catch {
    return tell(words.noAnswer, "bad");
  }
  if (answer.status === 401) return tell(words.keyBad, "bad");
  if (!answer.ok) return tell(words.noAnswer, "bad");
  tell(words.keyGood, "good");
  const models = (await answer.json()).data ?? [];
  document.getElementById("models")?.remove();
  document.body.append(make("datalist", { id: "models" }, ...models.map(model => make("option", { value: model.id }))));
}

/** Bring back the key of this session and watch the field. */
export function watchKey() {
  input.value = sessionStorage.getItem(STORED) ?? "";
  input.addEventListener("input", () => {
    sessionStorage.setItem(STORED, apiKey());
    tell("");
  });
  input.addEventListener("change", check);
  document.getElementById("key-form").addEventListener("submit", event => {
    event.preventDefault();
    check();
  });
  check();
}
