/** What this browser remembers: the name, the rooms, what was read. Nothing of it is needed. */

const PREFIX = "plexus.";

function read(storage, key, fallback) {
  try {
    const json = storage().getItem(PREFIX + key);
    return json === null ? fallback : JSON.parse(json);
  } catch (error) {
    // Storage is forbidden, or somebody else wrote there.
    console.debug("nothing remembered", key, error);
    return fallback;
  }
}

function write(storage, key, value) {
  try {
    if (value === null) storage().removeItem(PREFIX + key);
    else storage().setItem(PREFIX + key, JSON.stringify(value));
  } catch (error) {
    console.debug("not remembered", key, error);
  }
}

const kept = () => localStorage;
const forThisTab = () => sessionStorage;

export const settings = {
  /** The last name that was used here. */
  get name() {
    return read(kept, "name", "");
  },
  set name(name) {
    write(kept, "name", name);
  },
  /** Whether this tab is in the chat: a reload goes straight back. */
  get isJoined() {
    return read(forThisTab, "joined", false);
  },
  set isJoined(isJoined) {
    write(forThisTab, "joined", isJoined || null);
  },
  /** Rooms that were added. */
  get rooms() {
    const rooms = read(kept, "rooms", []);
    return Array.isArray(rooms) ? rooms.filter((room) => typeof room === "string") : [];
  },
  set rooms(rooms) {
    write(kept, "rooms", rooms);
  },
  get activeRoom() {
    return read(forThisTab, "room", null);
  },
  set activeRoom(room) {
    write(forThisTab, "room", room);
  },
  /** The position up to which `user` has read a room; null where that is not known. */
  lastRead(user, room) {
    return read(kept, `read.${user}.${room}`, null);
  },
  setLastRead(user, room, position) {
    write(kept, `read.${user}.${room}`, position);
  },
};
