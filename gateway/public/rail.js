/** The list of rooms, and the dialog that adds one. */
import { byId, element, hiddenText, setAttribute } from "./dom.js";
import { badge, plural } from "./format.js";

const list = byId("rooms");
const dialog = byId("room-dialog");
const form = byId("room-form");
const input = byId("room-name");
const error = byId("room-error");

const CHANNEL_TOKEN = /^[a-z0-9_-]{1,32}$/;

/** What people type becomes a name: lower case, hyphens for spaces. */
export function roomNameFrom(text) {
  const name = text.trim().toLowerCase().replace(/^#+/, "").replace(/\s+/g, "-");
  return CHANNEL_TOKEN.test(name) ? `chat.${name}` : null;
}

/** Shows a room in the list; `open` is called when it is chosen, `close` where it can be closed. */
export function addToRail(room, { open, close }) {
  const count = element("span", { class: "badge", "aria-hidden": "true", hidden: true });
  const spoken = hiddenText("");
  const button = element(
    "button",
    { class: "room-link", type: "button", "data-testid": `room-${room.name}`, "data-room": room.name },
    element("span", { class: "hash", "aria-hidden": "true", text: "#" }),
    element("span", { class: "name", text: room.label }),
    count,
    spoken,
  );
  button.addEventListener("click", open);
  const item = element("li", {}, button);
  if (close !== undefined) item.append(closeButton(room, close));
  list.append(item);

  const showUnread = () => {
    count.hidden = room.unread === 0;
    count.textContent = badge(room.unread);
    spoken.textContent = room.unread === 0 ? "" : `, ${plural(room.unread, "new message", "new messages")}`;
    button.dataset.unread = String(room.unread);
  };
  const showState = () => {
    button.dataset.state = room.channel.state.name;
  };
  room.addEventListener("unread", showUnread);
  room.addEventListener("state", showState);
  showUnread();
  showState();
  return { button, remove: () => item.remove() };
}

function closeButton(room, close) {
  const button = element("button", {
    class: "room-close",
    type: "button",
    "aria-label": `Close #${room.label}`,
    title: "Close",
    text: "×",
  });
  button.addEventListener("click", close);
  return button;
}

/** Marks the room that is open, and brings it into view where the list is a strip. */
export function markCurrent(entries, current) {
  for (const [name, { button }] of entries) {
    setAttribute(button, "aria-current", name === current ? "page" : null);
    if (name === current) button.scrollIntoView({ block: "nearest", inline: "center" });
  }
}

/** Lets `add` be called with the channel of a new room; what it returns is shown as the reason against it. */
export function onAddRoom(add) {
  byId("add-room").addEventListener("click", () => {
    form.reset();
    error.textContent = "";
    dialog.showModal();
  });
  byId("room-cancel").addEventListener("click", () => dialog.close());
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const name = roomNameFrom(input.value);
    const objection =
      name === null ? "Letters a to z, digits, - and _ only, 32 at most." : (add(name) ?? undefined);
    error.textContent = objection ?? "";
    if (objection === undefined) dialog.close();
  });
}
