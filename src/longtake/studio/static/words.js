// SPDX-License-Identifier: Apache-2.0
// The words that scripts say; the server puts them into the page in the reader's language.

const words = JSON.parse(document.getElementById("words").textContent);

/** A sentence with its {holes} filled. */
export function say(name, holes = {}) {
  return words[name].replace(/\{(\w+)\}/g, (_, hole) => String(holes[hole] ?? ""));
}

const SECOND_US = 1_000_000;
const MINUTE_US = 60 * SECOND_US;

/** A length or a place in a video, as the server writes it: `3.00 s`, from a minute on `1:03.0`. */
export function clock(timeUs) {
  if (timeUs < MINUTE_US) return `${(timeUs / SECOND_US).toFixed(2)} s`;
  const rest = ((timeUs % MINUTE_US) / SECOND_US).toFixed(1);
  return `${Math.floor(timeUs / MINUTE_US)}:${rest.padStart(4, "0")}`;
}
