// SPDX-License-Identifier: Apache-2.0
// The words that scripts say; the server puts them into the page in the reader's language.

const words = JSON.parse(document.getElementById("words").textContent);

/** A sentence with its {holes} filled. */
export function say(name, holes = {}) {
  return words[name].replace(/\{(\w+)\}/g, (_, hole) => String(holes[hole] ?? ""));
}
