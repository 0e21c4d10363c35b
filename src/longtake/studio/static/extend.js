// SPDX-License-Identifier: Apache-2.0
// The Extend page: the handle, the second that is typed and the player say the same; what the request would come to is
// asked of the server as it is filled in, and what the chosen model cannot do is moved to where it can, and said.

import "./filmstrip.js";
import { clock, say } from "./words.js";

const SECOND_US = 1_000_000;
const PAUSE_MS = 250;
const NOT_TYPED = "…";
const MINUTES_FROM_S = 90;
const SAME_US = 500;

const form = document.querySelector("form.extend");
const strip = document.querySelector("lt-filmstrip");
const player = document.getElementById("source");
const start = document.getElementById("start");
const length = document.getElementById("length");
const prompt = document.getElementById("prompt");
const exact = document.getElementById("exact");
const moved = document.getElementById("moved");
const stay = document.getElementById("stay");
let offers = new Map();
let asked = 0;
let timer = 0;
let wishedUs = strip.startUs;

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
  const total = { kept: clock(strip.startUs), new: clock(newUs), total: clock(strip.startUs + newUs) };
  document.getElementById("total").textContent = say("total", total);
}

function showMoved(text, mayStay = false) {
  moved.textContent = text;
  stay.hidden = !mayStay;
  stay.textContent = say("stay", { wished: clock(wishedUs) });
}

/** Take over what the chosen model needs moved. A length that is still being typed is left alone. */
function snap(offer) {
  if (!offer?.makes) return;
  const isTyping = document.activeElement === length;
  const startUs = offer.start_us ?? 0;
  if (offer.moves_start && Math.abs(startUs - strip.startUs) > SAME_US) {
    strip.place(startUs, false);
    start.value = String(strip.startUs / SECOND_US);
    showPlace();
  }
  if (offer.moves_length && !isTyping) length.value = String(offer.new_us / SECOND_US);
  if (offer.moved?.length) showMoved(offer.moved.join(" "), offer.may_stay);
  showTotal();
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

function waited(wait) {
  if (!wait) return say("wait_unknown");
  const inMinutes = wait.seconds >= MINUTES_FROM_S;
  const count = inMinutes ? wait.seconds / 60 : wait.seconds;
  return say(`wait_${wait.basis}`, { wait: say(inMinutes ? "minutes" : "seconds", { count }) });
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
      label.querySelector(".why").textContent = [say(`mode_${offer.mode}`), waited(offer.usual_wait)].join(" · ");
    } else {
      label.querySelector(".price").textContent = say("cannot");
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
  snap(chosen());
  for (const code of document.querySelectorAll("[data-line]")) code.textContent = said.lines?.[code.dataset.line] ?? "";
}

function askSoon() {
  clearTimeout(timer);
  timer = setTimeout(() => forecast().catch(() => {}), PAUSE_MS);
}

/** The visitor chose a second: it counts, and what was said of another one is over. */
function placed() {
  wishedUs = strip.startUs;
  exact.checked = false;
  start.value = String(strip.startUs / SECOND_US);
  showMoved("");
  showPlace();
  askSoon();
}

strip.addEventListener("place", placed);
start.addEventListener("change", () => {
  const typed = start.value;
  const typedUs = Number(typed) * SECOND_US;
  strip.moveTo(typedUs);
  if (Math.abs(typedUs - strip.startUs) > SAME_US) {
    showMoved(say("moved_frame", { wished: `${typed} s`, at: clock(strip.startUs) }));
  }
});
length.addEventListener("change", () => snap(chosen()));
stay.addEventListener("click", () => {
  strip.moveTo(wishedUs);
  exact.checked = true;
  start.focus();
});
form.addEventListener("input", (event) => {
  if (event.target === strip.handle || event.target === start) return;
  if (event.target === length || event.target.name === "model") {
    showMoved("");
    // Another model may need nothing moved: the second goes back to where it was wished.
    if (event.target !== length && wishedUs !== strip.startUs) {
      strip.place(wishedUs, false);
      start.value = String(wishedUs / SECOND_US);
      showPlace();
    }
  }
  showChoice();
  askSoon();
});

// After "back" or a reload the browser puts back what was typed, and only in the fields: the handle follows them.
function followTyped() {
  if (start.value !== "" && Math.abs(Number(start.value) * SECOND_US - strip.startUs) > SAME_US) {
    strip.moveTo(Number(start.value) * SECOND_US);
  }
}

document.getElementById("keys").hidden = false;
showPlace();
followTyped();
addEventListener("pageshow", followTyped);
forecast().catch(() => {});
form.dataset.ready = "1";
