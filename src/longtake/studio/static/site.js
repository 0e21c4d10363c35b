// SPDX-License-Identifier: Apache-2.0
// What every page does: files that are dropped go up, moments are shown in the reader's own time.

import { say } from "./words.js";

const MOST_TITLE = 60;

function toast(text) {
  const place = document.getElementById("toast");
  if (!place) return;
  place.textContent = text;
  place.hidden = !text;
}

/** Send a file to the studio and go on to its Extend page. */
function send(file) {
  const form = new FormData();
  form.append("file", file, file.name);
  const request = new XMLHttpRequest();
  request.open("POST", "/upload");
  request.setRequestHeader("accept", "application/json");
  request.responseType = "json";
  request.upload.addEventListener("progress", (event) => {
    const percent = event.lengthComputable ? Math.floor((100 * event.loaded) / event.total) : 0;
    toast(say("uploading", { name: file.name.slice(0, MOST_TITLE), percent }));
  });
  request.addEventListener("load", () => {
    if (request.status < 300 && request.response?.location) location.assign(request.response.location);
    else toast(say("upload_failed", { message: request.response?.error?.message ?? request.statusText }));
  });
  request.addEventListener("error", () => toast(say("upload_failed", { message: "" })));
  request.send(form);
}

addEventListener("dragover", (event) => {
  if (!event.dataTransfer?.types.includes("Files")) return;
  event.preventDefault();
  toast(say("drop_here"));
});
addEventListener("dragleave", (event) => {
  if (event.relatedTarget === null) toast("");
});
addEventListener("drop", (event) => {
  const file = event.dataTransfer?.files[0];
  if (!file) return;
  event.preventDefault();
  send(file);
});

for (const form of document.querySelectorAll("form.upload")) {
  form.addEventListener("submit", (event) => {
    const file = form.elements.namedItem("file").files[0];
    if (!file) return;
    event.preventDefault();
    send(file);
  });
}

// What cannot be taken back is asked about first.
addEventListener("submit", (event) => {
  const question = event.target.dataset.confirm;
  if (question && !confirm(question)) event.preventDefault();
});

// Lines that are there to be taken along get a button that does it, where the browser allows that.
for (const pre of navigator.clipboard ? document.querySelectorAll(".lines pre, pre:has(#secret)") : []) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "small copy";
  button.textContent = say("copy");
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(pre.textContent).then(() => { button.textContent = say("copied"); }, () => {});
  });
  pre.before(button);
}

/** Show moments in the reader's own time. */
export function showMoments(place) {
  for (const time of place.querySelectorAll("time[datetime]")) {
    time.textContent = new Date(time.dateTime).toLocaleString(document.documentElement.lang);
  }
}

showMoments(document);
