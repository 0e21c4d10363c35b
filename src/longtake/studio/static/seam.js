// SPDX-License-Identifier: Apache-2.0
// A video with a seam: it begins two seconds before, plays across, and loops around it.

const BEFORE_S = 2;
const AROUND_S = 1;

class Seam extends HTMLElement {
  connectedCallback() {
    if (this.dataset.seamUs === undefined) return;
    this.seamS = Number(this.dataset.seamUs) / 1_000_000;
    this.video = this.querySelector("video");
    const place = this.closest("section") ?? this;
    for (const hidden of place.querySelectorAll(".needs-script")) hidden.hidden = false;
    // A new part in several pieces has a join for each: what is played and looped is the one that was asked for last.
    for (const button of place.querySelectorAll("[data-join-us]")) {
      button.addEventListener("click", () => {
        this.seamS = Number(button.dataset.joinUs) / 1_000_000;
        this.play(BEFORE_S);
      });
    }
    this.querySelector("[data-do=play]").addEventListener("click", () => this.play(BEFORE_S));
    this.loop = this.querySelector("[data-do=loop]");
    this.loop.addEventListener("click", () => this.toggle());
    this.video.addEventListener("timeupdate", () => this.turn());
    this.video.addEventListener("ended", () => this.looping && this.play(AROUND_S));
    const ready = () => { this.video.currentTime = Math.max(0, this.seamS - BEFORE_S); };
    if (this.video.readyState > 0) ready();
    else this.video.addEventListener("loadedmetadata", ready, { once: true });
  }

  get looping() {
    return this.loop.getAttribute("aria-pressed") === "true";
  }

  play(beforeS) {
    this.video.currentTime = Math.max(0, this.seamS - beforeS);
    this.video.play().catch(() => {});
  }

  toggle() {
    this.loop.setAttribute("aria-pressed", String(!this.looping));
    if (this.looping) this.play(AROUND_S);
  }

  turn() {
    if (this.looping && this.video.currentTime > this.seamS + AROUND_S) this.play(AROUND_S);
  }
}

customElements.define("lt-seam", Seam);
