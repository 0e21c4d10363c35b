// SPDX-License-Identifier: Apache-2.0
// Renews a part of the page: the server renders the same block alone, the browser parses it as a document, and no
// string ever becomes markup here.

/** The element of a part as the server shows it now. Rejects where the server refuses. */
export function fetchPart(path, part) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const url = new URL(path, location.href);
    url.searchParams.set("part", part);
    request.open("GET", url);
    request.responseType = "document";
    request.addEventListener("load", () => {
      const element = request.response?.body?.firstElementChild;
      if (request.status === 200 && element) resolve(document.importNode(element, true));
      else reject(new Error(`${request.status}`));
    });
    request.addEventListener("error", () => reject(new Error("unreachable")));
    request.send();
  });
}
