// Copyright 2026 The robomamba_jax authors; SPDX-License-Identifier: Apache-2.0
"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const [text, group, main] = ["text", "group", "cards"].map((id) => document.getElementById(id));
const make = (name, className, content) => {
  const node = document.createElement(name);
  if (className) node.className = className;
  node.textContent = content;
  return node;
};
for (const kind of data.group_kinds) {
  const names = [...new Set(data.cards.map((card) => card.groups[kind]).filter(Boolean))].sort();
  for (const name of names) {
    const option = make("option", "", `${kind}: ${name}`);
    option.value = JSON.stringify([kind, name]);
    group.append(option);
  }
}
const nodes = data.cards.map((card) => {
  const node = document.createElement("article");
  if (card.image) {
    const image = document.createElement("img");
    image.src = card.image;
    image.loading = "lazy";
    image.alt = `image of question ${card.id}`;
    node.append(image);
  }
  node.append(make("div", "q", card.question));
  node.append(make("div", "prediction", `prediction: ${card.prediction || "(nothing)"}`));
  node.append(make("div", "reference", `reference: ${card.reference.join(", ")}`));
  const groups = Object.values(card.groups).join(" · ");
  node.append(make("small", "", `${card.id} · credit ${card.credit}${groups ? " · " + groups : ""}`));
  main.append(node);
  return node;
});
const show = () => {
  const words = text.value.toLowerCase();
  const [kind, name] = group.value ? JSON.parse(group.value) : [];
  let shown = 0;
  data.cards.forEach((card, place) => {
    const all = `${card.id} ${card.question} ${card.prediction} ${card.reference.join(" ")}`.toLowerCase();
    const fits = all.includes(words) && (!kind || card.groups[kind] === name);
    nodes[place].hidden = !fits;
    shown += fits ? 1 : 0;
  });
  document.getElementById("count").textContent = `${shown} shown`;
};
text.addEventListener("input", show);
group.addEventListener("change", show);
show();
