// SPDX-License-Identifier: Apache-2.0
// The Extend page: the handle, the second that is typed and the player say the same; what the request would come to is
// asked of the server as it is filled in.

import "./filmstrip.js";
import { say } from "./words.js";

const SECOND_US = 1_000_000;
const PAUSE_MS = 250;
const NOT_TYPED = "…";

const form = document.querySelector("form.extend");
const strip = document.querySelector("lt-filmstrip");
const player = document.getElementById("source");
const start = document.getElementById("start");
const length = document.getElementById("length");
const prompt = document.getElementById("prompt");
let offers = new Map();
let asked = 0;
let timer = 0;

const seconds = (timeUs) => `${(timeUs / SECOND_US).toFixed(2)} s`;
const chosen = () => offers.get(new FormData(form).get("model"));

function showPlace() {
  const frame = Math.round(strip.startUs / strip.frameUs);
  const text = (strip.startUs / SECOND_US).toFixed(2);
  strip.handle.setAttribute("aria-valuetext", say("place", { seconds: text, frame }));
  // The last picture that stays: half a frame before the cut.
  player.pause();
  player.currentTime = Math.max(0, (strip.startUs - strip.frameUs / 2) / SECOND_US);
  showTotal();
}

function showTotal() {
  const offer = chosen();
  const typed = Number(length.value) * SECOND_US;
  const newUs = typed > 0 ? typed : (offer?.new_us ?? (offer?.default_s ?? 0) * SECOND_US);
  strip.showNew(newUs);
  const total = { kept: seconds(strip.startUs), new: seconds(newUs), total: seconds(strip.startUs + newUs) };
  document.getElementById("total").textContent = say("total", total);
}

function showChoice() {
  const offer = chosen();
  const understood = document.getElementById("understood");
  const warnings = document.getElementById("warnings");
  understood.textContent = "";
  warnings.textContent = "";
  document.getElementById("submit").disabled = !offer?.makes;
  if (!offer) return;
  if (prompt.value.trim()) {
    understood.textContent = offer.understood
      ? say("understands", { model: offer.model, text: offer.understood })
      : say("reads_all", { model: offer.model });
  }
  const said = offer.makes ? [...(offer.warnings ?? [])] : [offer.why_not];
  if (offer.makes && offer.head_kept === false) said.unshift(say("reencoded"));
  warnings.textContent = said.join(" · ");
  showTotal();
}

function price(offer) {
  if (offer.price_known === false) return say("price_unknown");
  return offer.price_microusd ? `$${(offer.price_microusd / 1e6).toFixed(offer.price_microusd % 10_000 ? 4 : 2)}` : say("free");
}

function showOffers() {
  for (const label of document.querySelectorAll(".offer")) {
    const offer = offers.get(label.dataset.model);
    if (!offer) continue;
    const input = label.querySelector("input");
    // The one that is chosen stays choosable, so that its reason is read and the choice is not lost.
    input.disabled = !offer.makes && !input.checked;
    label.toggleAttribute("data-cannot", !offer.makes);
    if (offer.makes) {
      label.querySelector(".price").textContent = price(offer);
      const words = [say(`mode_${offer.mode}`)];
      if (offer.usual_wait_s !== undefined) words.push(say("wait", { seconds: offer.usual_wait_s.toFixed(1) }));
      label.querySelector(".why").textContent = words.join(" · ");
    } else {
      label.querySelector(".why").textContent = offer.why_not;
    }
  }
}

async function forecast() {
  asked += 1;
  const mine = asked;
  const fields = new FormData(form);
  fields.delete("takes");
  if (!prompt.value.trim()) fields.set("prompt", NOT_TYPED);
  const answer = await fetch("/extend/forecast", { method: "POST", body: fields, headers: { accept: "application/json" } });
  const said = await answer.json();
  if (mine !== asked) return;
  if (!answer.ok) {
    document.getElementById("warnings").textContent = answer.status === 401 ? say("signed_out") : (said.error?.message ?? "");
    return;
  }
  offers = new Map(said.offers.map((offer) => [offer.model, offer]));
  showOffers();
  showChoice();
}

function askSoon() {
  clearTimeout(timer);
  timer = setTimeout(() => forecast().catch(() => {}), PAUSE_MS);
}

strip.addEventListener("place", () => {
  start.value = String(strip.startUs / SECOND_US);
  showPlace();
  askSoon();
});
start.addEventListener("change", () => strip.moveTo(Number(start.value) * SECOND_US));
form.addEventListener("input", (event) => {
  if (event.target === strip.handle || event.target === start) return;
  showChoice();
  askSoon();
});

// After "back" or a reload the browser puts back what was typed, and only in the fields: the handle follows them.
function followTyped() {
  if (start.value !== "" && Math.round(Number(start.value) * SECOND_US) !== strip.startUs) {
    strip.moveTo(Number(start.value) * SECOND_US);
  }
}

showPlace();
followTyped();
addEventListener("pageshow", followTyped);
forecast().catch(() => {});
form.dataset.ready = "1";
