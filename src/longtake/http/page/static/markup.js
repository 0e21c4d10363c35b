// SPDX-License-Identifier: Apache-2.0
// Elements from words, never from markup: what an answer holds cannot become part of the page.

export const words = JSON.parse(document.body.dataset.words);
export const chinese = document.documentElement.lang.startsWith("zh");

// The page may lie below a prefix, and be reached with or without the proxy that adds it: all lies beside the page.
const root = new URL(".", location.href);

/** A path of the API (`/v1/…`) as this page reaches it. */
export const reach = path => new URL(path.slice(1), root).href;

/** A signed link as this page reaches it: the same path and signature, whatever host the link names. */
export function reachLink(link) {
  const { pathname, search } = new URL(link, root);
  return reach(pathname.slice(Math.max(0, pathname.indexOf("/v1/"))) + search);
}

/** An element with properties (class, text, attributes, on… handlers) and children. */
export function make(name, properties = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key === "class") element.className = value;
    else if (key === "text") element.textContent = value;
    else if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (value === true) element.setAttribute(key, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(key, value);
  }
  element.append(...children.filter(child => child !== null && child !== undefined));
  return element;
}

const TOKENS = new RegExp(
  [
    String.raw`("(?:[^"\\\n]|\\.)*")(?=\s*:)`,
    String.raw`("(?:[^"\\\n]|\\.)*")`,
    String.raw`((?<=[\s\[,(])-?\d+(?:\.\d+)?(?=[\s,\])}]|$)|\b(?:true|false|null|True|False|None)\b)`,
    String.raw`((?<=^|[\s(.])(?:curl|fetch|import|const|await|async|print|open)(?=[\s(]))`,
  ].join("|"),
  "gm",
);

/** Show a program or JSON in a code element, its words, numbers and names in colours. */
export function showCode(element, text) {
  const pieces = [];
  let end = 0;
  for (const found of text.matchAll(TOKENS)) {
    pieces.push(text.slice(end, found.index));
    pieces.push(make("span", { class: found[1] || found[4] ? "k" : found[2] ? "s" : "n", text: found[0] }));
    end = found.index + found[0].length;
  }
  element.replaceChildren(...pieces, text.slice(end));
}
