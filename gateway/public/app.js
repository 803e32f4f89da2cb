/** Puts the page together: first the name, then one connection with a room for each channel. */
import { Plexus, PlexusError } from "/plexus-client.js";
import { composeFor, enableComposer, focusComposer } from "./composer.js";
import { showConnection } from "./connection.js";
import { avatar, byId, element } from "./dom.js";
import { names } from "./format.js";
import { enablePeoplePanel, showPeople } from "./people.js";
import { addToRail, markCurrent, onAddRoom } from "./rail.js";
import { Room } from "./room.js";
import { settings } from "./settings.js";
import { Timeline } from "./timeline.js";

const FIXED_ROOMS = ["chat.lobby", "chat.random", "chat.help"];
const MAX_ROOMS = 20;

/** Name of the room → what belongs to it on the page. */
const rooms = new Map();
let client = null;
let user = "";
let current = null;
let stopShowingConnection = () => undefined;

/** The gateway hands out tokens for any name while it runs as a demo. */
async function fetchToken(name) {
  const response = await fetch(`/demo/token?user=${encodeURIComponent(name)}`);
  if (response.status === 404) throw new PlexusError("forbidden", "The demo is switched off on this server.");
  if (response.status === 400) throw new PlexusError("forbidden", "The server does not take this name.");
  if (!response.ok) throw new Error(`the server answered ${response.status}`);
  return response.json();
}

async function join(name) {
  const first = await fetchToken(name);
  user = first.user;
  settings.name = user;
  settings.isJoined = true;
  let token = first.token;
  const plexus = new Plexus({
    url: "/v1/connect",
    token: async () => {
      const next = token ?? (await fetchToken(user)).token;
      token = null;
      return next;
    },
  });
  client = plexus;
  enterChat();
  plexus.on("warning", (warning) => console.info(`plexus: ${warning.code}: ${warning.message}`));
  stopShowingConnection = showConnection(plexus, () => leave());
  plexus.connect().catch((error) => console.info("plexus: connecting ended", error));
}

function enterChat() {
  byId("welcome").hidden = true;
  byId("app").hidden = false;
  byId("my-name").textContent = user;
  byId("me").querySelector(".avatar").replaceWith(avatar(user));
  for (const name of [...FIXED_ROOMS, ...settings.rooms].slice(0, MAX_ROOMS)) addRoom(name);
  open(rooms.has(settings.activeRoom) ? settings.activeRoom : FIXED_ROOMS[0]);
}

/** Back to the first page. */
function leave() {
  settings.isJoined = false;
  composeFor(null);
  stopShowingConnection();
  client?.close();
  client = null;
  current = null;
  for (const name of [...rooms.keys()]) dropRoom(name);
  byId("stage").replaceChildren();
  byId("app").hidden = true;
  byId("welcome").hidden = false;
  byId("name").focus();
  document.title = "Plexus chat";
}

function addRoom(name) {
  if (rooms.has(name)) return;
  const room = new Room(client, name, user);
  const timeline = new Timeline(room, () => {
    if (document.visibilityState === "visible" && current === name) room.markRead();
  });
  const isFixed = FIXED_ROOMS.includes(name);
  const entry = addToRail(room, {
    open: () => open(name),
    close: isFixed ? undefined : () => closeRoom(name),
  });
  rooms.set(name, { room, timeline, ...entry });
  room.addEventListener("unread", showTitle);
  for (const event of ["members", "state"])
    room.addEventListener(event, () => {
      if (current === name) showPeople(room);
    });
  room.addEventListener("typing", () => {
    if (current === name) showTyping(room);
  });
  room.enter().then(
    () => showAway(room),
    (error) => console.info(`plexus: ${name} can't be entered`, error),
  );
}

function dropRoom(name) {
  rooms.get(name).remove();
  rooms.delete(name);
}

function closeRoom(name) {
  const { room } = rooms.get(name);
  room.leave().catch((error) => console.info(`plexus: ${name} was left without an answer`, error));
  dropRoom(name);
  client.release(name);
  settings.rooms = settings.rooms.filter((other) => other !== name);
  if (current === name) open(FIXED_ROOMS[0]);
}

function open(name) {
  if (current === name) return focusComposer();
  const { room, timeline } = rooms.get(name);
  rooms.get(current)?.timeline.hide();
  current = name;
  settings.activeRoom = name;
  byId("room").dataset.room = name;
  byId("room-title").textContent = `#${room.label}`;
  byId("stage").replaceChildren(timeline.node);
  markCurrent(rooms, name);
  showPeople(room);
  showTyping(room);
  composeFor(room);
  timeline.show();
  if (timeline.isAtEnd) room.markRead();
  showTitle();
}

function showTyping(room) {
  const typing = byId("typing");
  const { users } = room.typing;
  typing.dataset.users = users.join(" ");
  if (users.length === 0) return typing.replaceChildren();
  const dots = element(
    "span",
    { class: "dots", "aria-hidden": "true" },
    ...[1, 2, 3].map(() => element("i")),
  );
  const text = `${names(users)} ${users.length === 1 ? "is" : "are"} typing`;
  typing.replaceChildren(dots, element("span", { text }));
}

function showTitle() {
  const unread = [...rooms.values()].reduce((sum, { room }) => sum + room.unread, 0);
  const where = current === null ? "" : `#${rooms.get(current).room.label} · `;
  document.title = `${unread > 0 ? `(${unread}) ` : ""}${where}Plexus chat`;
}

/** The others see whether this window is looked at. */
function showAway(room) {
  const away = document.visibilityState === "hidden";
  room.channel.setState({ away }).catch((error) => console.info("plexus: state not set", error));
}

document.addEventListener("visibilitychange", () => {
  for (const { room } of rooms.values()) if (room.channel.state.name === "subscribed") showAway(room);
  const entry = rooms.get(current);
  if (document.visibilityState === "visible" && entry?.timeline.isAtEnd) entry.room.markRead();
});

document.addEventListener("keydown", (event) => {
  if (!event.altKey || !["ArrowUp", "ArrowDown"].includes(event.key) || current === null) return;
  event.preventDefault();
  const order = [...rooms.keys()];
  const step = event.key === "ArrowDown" ? 1 : order.length - 1;
  open(order[(order.indexOf(current) + step) % order.length]);
});

byId("join-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const name = byId("name").value.trim().replace(/\s+/g, " ");
  if (name !== "") tryToJoin(name);
});

function tryToJoin(name) {
  const button = byId("join-form").querySelector("button");
  const error = byId("join-error");
  error.textContent = "";
  button.disabled = true;
  join(name)
    .catch((cause) => {
      settings.isJoined = false;
      const isOurs = cause instanceof PlexusError;
      error.textContent = isOurs ? cause.message : "The server can't be reached. Try again in a moment.";
    })
    .finally(() => {
      button.disabled = false;
    });
}

onAddRoom((name) => {
  if (!rooms.has(name)) {
    if (rooms.size >= MAX_ROOMS) return `${MAX_ROOMS} rooms at most.`;
    settings.rooms = [...settings.rooms, name];
    addRoom(name);
  }
  open(name);
  return null;
});
byId("leave").addEventListener("click", leave);
enableComposer();
enablePeoplePanel();
byId("name").value = settings.name;
if (settings.isJoined && settings.name !== "") tryToJoin(settings.name);
