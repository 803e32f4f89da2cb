/** Typing: telling the others now and then, and forgetting those of whom nothing was heard for a while. */

/** How often the others are told while somebody types, milliseconds. */
const TELL_EVERY_MS = 2_500;
/** Somebody of whom nothing was heard for so long, milliseconds, has stopped: a bit over the interval. */
const FORGET_AFTER_MS = 4_000;
const MAX_TYPING = 50;

/** The sender's side. */
export class TypingNotice {
  #tell;
  #toldAt = 0;

  constructor(tell) {
    this.#tell = tell;
  }

  /** A key was pressed. */
  typed() {
    if (Date.now() - this.#toldAt < TELL_EVERY_MS) return;
    if (this.#tell(true)) this.#toldAt = Date.now();
  }

  /** The field was emptied or left, or the message was sent. */
  stop() {
    if (this.#toldAt === 0) return;
    this.#toldAt = 0;
    this.#tell(false);
  }
}

/** The readers' side: who types in a room. */
export class TypingSet {
  #timers = new Map();
  #changed;

  constructor(changed) {
    this.#changed = changed;
  }

  get users() {
    return [...this.#timers.keys()];
  }

  started(user) {
    if (!this.#timers.has(user) && this.#timers.size >= MAX_TYPING) return;
    const isNew = !this.#timers.has(user);
    clearTimeout(this.#timers.get(user));
    this.#timers.set(
      user,
      setTimeout(() => this.stopped(user), FORGET_AFTER_MS),
    );
    if (isNew) this.#changed();
  }

  stopped(user) {
    clearTimeout(this.#timers.get(user));
    if (this.#timers.delete(user)) this.#changed();
  }

  keepOnly(isHere) {
    for (const user of this.users) if (!isHere(user)) this.stopped(user);
  }

  clear() {
    this.keepOnly(() => false);
  }
}
