/** Small helpers for building the page. Text only ever enters through textContent. */

import { hueOf, initials } from "./format.js";

/** An element with attributes and children; `text` becomes its textContent. */
export function element(tag, { text, ...attributes } = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) setAttribute(node, name, value);
  if (text !== undefined) node.textContent = text;
  node.append(...children);
  return node;
}

/** Sets an attribute; `undefined`, `null` and `false` take it away. */
export function setAttribute(node, name, value) {
  if (value === undefined || value === null || value === false) node.removeAttribute(name);
  else node.setAttribute(name, value === true ? "" : String(value));
}

export function byId(id) {
  return document.getElementById(id);
}

const SVG = "http://www.w3.org/2000/svg";

/** One of the icons in the page's sprite. */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `#icon-${name}`);
  svg.append(use);
  return svg;
}

/** A round picture of a name: its initials in its colour. Decoration, since the name stands beside it. */
export function avatar(name) {
  const node = element("span", { class: "avatar", "aria-hidden": "true", text: initials(name) });
  node.style.setProperty("--hue", hueOf(name));
  return node;
}

/** What only screen readers are told. */
export function hiddenText(text) {
  return element("span", { class: "visually-hidden", text });
}
