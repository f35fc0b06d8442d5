// Copyright 2026 The robomamba_jax authors; SPDX-License-Identifier: Apache-2.0
"use strict";
// A nicety: clips can be stopped. The page is whole without it.
const button = document.getElementById("still");
if (button) {
  const words = ["Show the clips as still images", "Let the clips play"];
  const clips = [...document.querySelectorAll("img.clip")];
  let moving = clips.map((clip) => clip.src);
  let still = false;
  button.hidden = false;
  button.addEventListener("click", () => {
    still = !still;
    clips.forEach((clip, place) => {
      if (!still) { clip.src = moving[place]; return; }
      const canvas = document.createElement("canvas");
      canvas.width = clip.naturalWidth;
      canvas.height = clip.naturalHeight;
      canvas.getContext("2d").drawImage(clip, 0, 0);
      clip.src = canvas.toDataURL();
    });
    button.textContent = words[still ? 1 : 0];
  });
}
