// SPDX-License-Identifier: Apache-2.0
// The filmstrip: the source's small pictures with one handle on them. The handle is a real range input, so that it has a
// name, a focus and keys; this element draws beneath it, and tells of every move by the event "place".

const SECOND_US = 1_000_000;
const MOST_TILES_SHOWN = 24;

/** A place on a whole frame, in microseconds; the two ends are places too. */
export function onFrame(timeUs, frameUs, durationUs) {
  const nearEnd = durationUs - timeUs < frameUs / 2;
  const frame = Math.round(timeUs / frameUs);
  return nearEnd ? durationUs : Math.min(durationUs, Math.max(0, Math.round(frame * frameUs)));
}

class Filmstrip extends HTMLElement {
  connectedCallback() {
    this.handle = this.querySelector("input[type=range]");
    this.handle.hidden = false;
    this.durationUs = Number(this.dataset.durationUs);
    const [rate, unit] = this.dataset.fps.split("/").map(Number);
    this.frameUs = (SECOND_US * unit) / rate;
    this.newUs = 0;
    this.pictures = this.append_("div", "pictures");
    this.gone = this.append_("div", "gone");
    this.made = this.append_("div", "made");
    this.pin = this.append_("div", "pin");
    this.drawPictures();
    this.handle.addEventListener("input", () => this.moveTo(Number(this.handle.value) * SECOND_US));
    this.handle.addEventListener("keydown", (event) => this.onKey(event));
    new ResizeObserver(() => this.drawPictures()).observe(this);
    this.place(Number(this.handle.value) * SECOND_US, false);
  }

  append_(tag, name) {
    const element = document.createElement(tag);
    element.className = name;
    element.setAttribute("aria-hidden", "true");
    this.append(element);
    return element;
  }

  onKey(event) {
    const steps = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -10, PageUp: 10 };
    const step = steps[event.key];
    if (step === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    const byUs = event.shiftKey ? SECOND_US : this.frameUs;
    this.moveTo(this.startUs + step * byUs);
  }

  /** Move the handle, and tell. */
  moveTo(timeUs) {
    this.place(timeUs, true);
  }

  place(timeUs, tell) {
    this.startUs = onFrame(Math.min(this.durationUs, Math.max(0, timeUs)), this.frameUs, this.durationUs);
    this.handle.value = String(this.startUs / SECOND_US);
    this.drawParts();
    if (tell) this.dispatchEvent(new CustomEvent("place", { bubbles: true }));
  }

  /** Show how long the new part will be. */
  showNew(newUs) {
    this.newUs = newUs;
    this.drawParts();
  }

  drawParts() {
    // The strip is as long as the longer of source and result, so that what is bought is seen in true proportion.
    const wholeUs = Math.max(this.durationUs, this.startUs + this.newUs);
    const share = (timeUs) => `${(100 * timeUs) / wholeUs}%`;
    this.pictures.style.width = share(this.durationUs);
    this.handle.style.width = share(this.durationUs);
    this.pin.style.left = share(this.startUs);
    this.gone.style.left = share(this.startUs);
    this.gone.style.width = share(this.durationUs - this.startUs);
    this.made.style.left = share(this.startUs);
    this.made.style.width = share(this.newUs);
  }

  drawPictures() {
    const { sheet, columns, rows, count, intervalUs, width, height } = this.dataset;
    if (!sheet) return;
    const tileWidth = (this.pictures.clientHeight * Number(width)) / Number(height) || 1;
    const shown = Math.max(1, Math.min(MOST_TILES_SHOWN, Math.ceil(this.pictures.clientWidth / tileWidth)));
    if (shown === this.pictures.childElementCount) return;
    this.pictures.replaceChildren();
    for (let number = 0; number < shown; number += 1) {
      const tile = document.createElement("div");
      const atUs = ((number + 0.5) / shown) * this.durationUs;
      const index = Math.min(Number(count) - 1, Math.floor(atUs / Number(intervalUs)));
      const [column, row] = [index % Number(columns), Math.floor(index / Number(columns))];
      tile.style.backgroundImage = `url("${sheet}")`;
      tile.style.backgroundSize = `${100 * Number(columns)}% ${100 * Number(rows)}%`;
      const across = columns > 1 ? (100 * column) / (Number(columns) - 1) : 0;
      const down = rows > 1 ? (100 * row) / (Number(rows) - 1) : 0;
      tile.style.backgroundPosition = `${across}% ${down}%`;
      this.pictures.append(tile);
    }
  }
}

customElements.define("lt-filmstrip", Filmstrip);
