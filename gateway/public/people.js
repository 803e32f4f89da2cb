/** Who is in the room: people, not connections. On small screens a panel that can be opened. */
import { avatar, byId, element, hiddenText, setAttribute } from "./dom.js";
import { plural } from "./format.js";

const list = byId("members");
const panel = byId("people");
const toggle = byId("people-toggle");
const scrim = byId("scrim");
const collator = new Intl.Collator(undefined, { sensitivity: "base", numeric: true });

/** Shows the members of `room`, oneself first. Rows stay where they are, so that nothing flickers. */
export function showPeople(room) {
  const users = [...room.channel.presence.users()];
  users.sort(([a], [b]) => Number(b === room.user) - Number(a === room.user) || collator.compare(a, b));
  const rows = new Map([...list.children].map((row) => [row.dataset.user, row]));
  const wanted = users.map(([user, connections]) => {
    const row = rows.get(user) ?? newRow(user, user === room.user);
    showMember(row, connections);
    return row;
  });
  for (const [i, row] of wanted.entries())
    if (list.children[i] !== row) list.insertBefore(row, list.children[i]);
  while (list.children.length > wanted.length) list.lastChild.remove();
  list.dataset.count = String(users.length);
  list.dataset.live = String(room.channel.presence.isLive);
  byId("people-count").textContent = String(users.length);
  byId("room-note").textContent =
    users.length === 0 ? "" : `${plural(users.length, "person", "people")} here`;
}

function newRow(user, isMe) {
  return element(
    "li",
    { class: "member", "data-testid": "member", "data-user": user },
    avatar(user),
    element("span", { class: "name", text: user }),
    ...(isMe ? [element("span", { class: "you", text: "you" })] : []),
    element("span", { class: "note" }),
  );
}

function showMember(row, connections) {
  // Away only where every window of theirs is.
  const isAway = connections.every(({ state }) => state?.away === true);
  setAttribute(row, "data-away", isAway);
  row.dataset.connections = String(connections.length);
  const note = row.querySelector(".note");
  const several = connections.length > 1 ? plural(connections.length, "window", "windows") : "";
  note.replaceChildren(several, ...(isAway ? [hiddenText(" away")] : []));
}

function isOpen() {
  return panel.dataset.open === "true";
}

function setOpen(open) {
  panel.dataset.open = String(open);
  scrim.dataset.open = String(open);
  toggle.setAttribute("aria-expanded", String(open));
  if (open) byId("people-close").focus();
}

export function enablePeoplePanel() {
  const close = () => {
    if (!isOpen()) return;
    setOpen(false);
    toggle.focus();
  };
  toggle.addEventListener("click", () => setOpen(!isOpen()));
  byId("people-close").addEventListener("click", close);
  scrim.addEventListener("click", close);
  document.addEventListener("keydown", ({ key }) => {
    if (key === "Escape") close();
  });
}
