// SPDX-License-Identifier: Apache-2.0
// Two videos in step: the first one leads, the second follows it, side by side or under a wipe.

const APART_S = 0.05;

class Compare extends HTMLElement {
  connectedCallback() {
    [this.leader, this.follower] = this.querySelectorAll("video");
    for (const hidden of this.querySelectorAll(".needs-script:not([data-only])")) hidden.hidden = false;
    for (const video of [this.leader, this.follower]) video.controls = false;
    this.part("play").addEventListener("click", () => this.toggle());
    this.part("side").addEventListener("click", () => this.layOut("side"));
    this.part("wipe").addEventListener("click", () => this.layOut("wipe"));
    this.part("divide").addEventListener("input", () => this.divide());
    this.part("seek").addEventListener("input", () => this.seek(Number(this.part("seek").value)));
    this.leader.addEventListener("timeupdate", () => this.follow());
    this.stage = this.querySelector(".stage");
    for (const name of ["pointerdown", "pointermove"]) this.stage.addEventListener(name, (event) => this.drag(event));
    this.begin();
    for (const name of ["play", "pause", "ended"]) this.leader.addEventListener(name, () => this.say());
  }

  /** Begin where they have not parted yet. */
  begin() {
    const fromS = Number(this.dataset.fromUs) / 1_000_000;
    for (const video of [this.leader, this.follower]) {
      const set = () => { video.currentTime = fromS; };
      if (video.readyState > 0) set();
      else video.addEventListener("loadedmetadata", set, { once: true });
    }
    this.part("seek").value = String(fromS);
  }

  /** The wipe follows the pointer over the picture; the slider is for keys. */
  drag(event) {
    if (this.dataset.layout !== "wipe" || !(event.buttons & 1) || event.target.closest("a")) return;
    event.preventDefault();
    const { left, width } = this.stage.getBoundingClientRect();
    this.part("divide").value = String((100 * (event.clientX - left)) / width);
    this.divide();
  }

  part(name) {
    return this.querySelector(`[data-do=${name}]`);
  }

  toggle() {
    if (this.leader.paused) {
      if (this.leader.ended) this.seek(0);
      for (const video of [this.leader, this.follower]) video.play().catch(() => {});
    } else {
      for (const video of [this.leader, this.follower]) video.pause();
    }
  }

  say() {
    const button = this.part("play");
    button.textContent = this.leader.paused ? button.dataset.play : button.dataset.pause;
    if (this.leader.paused) this.follower.pause();
  }

  follow() {
    this.part("seek").value = String(this.leader.currentTime);
    if (Math.abs(this.follower.currentTime - this.leader.currentTime) > APART_S) {
      this.follower.currentTime = this.leader.currentTime;
    }
  }

  seek(timeS) {
    for (const video of [this.leader, this.follower]) video.currentTime = timeS;
  }

  layOut(layout) {
    this.dataset.layout = layout;
    for (const name of ["side", "wipe"]) this.part(name).setAttribute("aria-pressed", String(name === layout));
    this.querySelector("[data-only=wipe]").hidden = layout !== "wipe";
    this.divide();
  }

  divide() {
    const share = this.dataset.layout === "wipe" ? this.part("divide").value : 0;
    this.querySelector(".divider").style.left = `${share}%`;
    this.follower.style.clipPath = this.dataset.layout === "wipe" ? `inset(0 0 0 ${share}%)` : "none";
  }
}

customElements.define("lt-compare", Compare);
