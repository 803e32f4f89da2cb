/** The field in which a message is written. It grows with the text, and each room has its own draft. */
import { byId } from "./dom.js";

const form = byId("composer-form");
const input = byId("composer-input");
const button = form.querySelector("button");
const MAX_HEIGHT_PX = 180;
/** Where people type with their thumbs, Enter makes a new line and the keyboard does not jump up by itself. */
const hasKeyboard = matchMedia("(hover: hover) and (pointer: fine)");

let room = null;

export function enableComposer() {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send();
  });
  input.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || !hasKeyboard.matches) return;
    event.preventDefault();
    send();
  });
  input.addEventListener("input", () => {
    fit();
    if (input.value.trim() === "") room?.notice.stop();
    else room?.notice.typed();
  });
  input.addEventListener("blur", () => room?.notice.stop());
}

/** Writes to this room from now on. */
export function composeFor(next) {
  if (room !== null) {
    room.draft = input.value;
    room.notice.stop();
  }
  room = next;
  if (room === null) return;
  input.value = room.draft;
  input.placeholder = `Message #${room.label}`;
  byId("composer-label").textContent = `Message to #${room.label}`;
  fit();
  focusComposer();
}

export function focusComposer() {
  if (hasKeyboard.matches) input.focus({ preventScroll: true });
}

function send() {
  const text = input.value.trim();
  if (text === "" || room === null) return;
  input.value = "";
  fit();
  room.send(text);
}

function fit() {
  button.disabled = input.value.trim() === "";
  input.style.height = "auto";
  input.style.height = `${Math.min(input.scrollHeight, MAX_HEIGHT_PX)}px`;
}
