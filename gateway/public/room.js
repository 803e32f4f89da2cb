/**
 * One room: its channel, its messages, what was sent and is not stored yet, what is unread, who is typing.
 * No page here. Emits `append`, `prepend`, `update`, `settle`, `remove`, `trim`, `clear`, `loading`,
 * `unread`, `typing`, `members`, `state`.
 */
import { roomLabel } from "./format.js";
import { settings } from "./settings.js";
import { TypingNotice, TypingSet } from "./typing.js";

const PAGE = 40;
/** Messages kept of a room; older ones are loaded again on scrolling up. */
const MAX_KEPT = 400;

export class Room extends EventTarget {
  /** Stored messages in ascending seq, without a hole. */
  messages = [];
  /** Own messages that are not stored yet, or not seen to be, in the order of sending. */
  outbox = [];
  unread = 0;
  /** The first message that was new when the room was last opened. */
  firstUnreadSeq = null;
  hasMore = false;
  isLoading = false;
  loadError = null;
  draft = "";
  #client;
  #generation = 0;
  #oldestSeq = 0;

  constructor(client, name, user) {
    super();
    this.#client = client;
    this.name = name;
    this.user = user;
    this.label = roomLabel(name);
    this.channel = client.channel(name);
    this.typing = new TypingSet(() => this.#tell("typing"));
    this.notice = new TypingNotice((isTyping) => this.channel.signal({ typing: isTyping }));
    this.channel.on("message", (message) => this.#receive(message));
    this.channel.on("reset", ({ to }) => this.#restart(to));
    this.channel.on("signal", (signal) => this.#overhear(signal));
    this.channel.on("state", () => this.#tell("state"));
    this.channel.presence.on("change", () => this.#membersChanged());
  }

  /** Subscribes, then loads the newest page: what is older than the subscription's position. */
  async enter() {
    const { position } = await this.channel.subscribe({ presence: true });
    const read = settings.lastRead(this.user, this.name);
    if (read?.epoch === position.epoch && read.seq < position.seq) {
      this.firstUnreadSeq = read.seq + 1;
      this.#setUnread(this.unread + position.seq - read.seq);
    }
    this.#restart(position);
  }

  async leave() {
    this.typing.clear();
    await this.channel.unsubscribe();
  }

  /** Loads the page before the oldest message. */
  async loadOlder() {
    if (!this.hasMore || this.isLoading) return;
    const generation = this.#generation;
    this.isLoading = true;
    this.loadError = null;
    this.#tell("loading");
    try {
      const { epoch, messages, more } = await this.channel.history({ before: this.#oldestSeq, limit: PAGE });
      // Another life of the room: a reset is on its way, and loads again.
      if (generation !== this.#generation || epoch !== this.channel.position?.epoch) return;
      this.hasMore = more && messages.length > 0;
      this.#oldestSeq = messages[0]?.seq ?? this.#oldestSeq;
      const older = messages.map((message) => this.#toItem({ ...message, epoch }));
      this.messages.unshift(...older);
      this.isLoading = false;
      this.#tell("prepend", older);
    } catch (error) {
      if (generation !== this.#generation) return;
      this.isLoading = false;
      this.loadError = error;
    }
    this.#tell("loading");
  }

  send(text) {
    this.notice.stop();
    const item = { id: this.#client.makeId(), seq: null, user: this.user, ts: Date.now(), text, isOwn: true };
    this.outbox.push(item);
    this.#publish(item, "append");
  }

  /** Again, with the same id: should it be stored after all, it is stored once. */
  retry(item) {
    this.#publish(item, "update");
  }

  discard(item) {
    this.outbox = this.outbox.filter((other) => other !== item);
    this.#tell("remove", item);
  }

  /** The reader has seen everything. */
  markRead() {
    const position = this.channel.position;
    if (position !== null) settings.setLastRead(this.user, this.name, position);
    this.#setUnread(0);
  }

  /** Forgets the oldest messages where there are very many; the reader must be at the newest. */
  trim() {
    if (this.messages.length <= MAX_KEPT) return;
    const dropped = this.messages.splice(0, this.messages.length - MAX_KEPT / 2);
    this.#oldestSeq = this.messages[0].seq;
    this.hasMore = true;
    this.#tell("trim", dropped);
  }

  async #publish(item, event) {
    item.state = "sending";
    item.error = null;
    this.#tell(event, item);
    try {
      const { ts } = await this.channel.publish({ text: item.text }, { mid: item.id });
      item.ts = ts;
      item.state = "delivered";
    } catch (error) {
      // The stream may have shown it before: then it is stored, whatever became of the answer.
      if (item.seq !== null) return;
      item.state = "failed";
      item.error = error;
    }
    this.#tell("update", item);
  }

  #receive(message) {
    this.typing.stopped(message.user);
    const own = this.#ownOf(message);
    if (own !== undefined) {
      this.outbox = this.outbox.filter((item) => item !== own);
      Object.assign(own, { seq: message.seq, epoch: message.epoch, ts: message.ts, state: "delivered" });
      this.messages.push(own);
      return this.#tell("settle", own);
    }
    const item = this.#toItem(message);
    this.messages.push(item);
    if (!item.isOwn) {
      if (this.unread === 0) this.firstUnreadSeq = item.seq;
      this.#setUnread(this.unread + 1);
    }
    this.#tell("append", item);
  }

  #ownOf({ id, user }) {
    return user === this.user ? this.outbox.find((item) => item.id === id) : undefined;
  }

  /** Begins anew at a position: what was known before may have a hole. */
  #restart(position) {
    this.#generation += 1;
    // What the stream has brought since lies after the position, and stays.
    this.messages = this.messages.filter(({ epoch, seq }) => epoch === position.epoch && seq > position.seq);
    this.isLoading = false;
    this.hasMore = position.seq > 0;
    this.#oldestSeq = position.seq + 1;
    this.#tell("clear");
    this.loadOlder();
  }

  #overhear({ user, conn, data }) {
    if (user === this.user) return;
    if (data?.typing === true) this.typing.started(user, conn);
    else this.typing.stopped(user);
  }

  #membersChanged() {
    const users = this.channel.presence.users();
    this.typing.keepOnly((user) => users.has(user));
    this.#tell("members");
  }

  #setUnread(unread) {
    if (unread === this.unread) return;
    this.unread = unread;
    this.#tell("unread");
  }

  #toItem({ id, seq, epoch, user, ts, data }) {
    const text = typeof data?.text === "string" ? data.text : JSON.stringify(data, null, 1);
    return { id, seq, epoch, user, ts, text, isOwn: user === this.user, state: "delivered", error: null };
  }

  #tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
