/** A room's messages on the page: in order, at the place where the reader is, older ones on scrolling up. */
import { element, icon } from "./dom.js";
import { plural } from "./format.js";
import { arrange, messageView, update } from "./message-view.js";

/** So near to the end, pixels, the reader follows what comes. */
const NEAR_END_PX = 90;
/** Older messages are asked for before the reader reaches the top, pixels. */
const AHEAD_PX = 700;

export class Timeline {
  #room;
  #views = new Map();
  #list = element("ol", { class: "messages", "aria-live": "polite", "aria-relevant": "additions" });
  #top = element("div", { class: "top" });
  #jump = element("button", { class: "jump", type: "button", "data-testid": "jump", hidden: true });
  #jumpLabel = element("span");
  #scroller;
  #isShown = false;
  #isAtEnd = true;
  #scrollTop = 0;
  #firstNewSeq = null;
  #read;

  /** `read` is called when the reader is at the newest message. */
  constructor(room, read) {
    this.#room = room;
    this.#read = read;
    this.#scroller = element(
      "div",
      { class: "scroller", tabindex: "0", role: "region", "aria-label": `Messages in ${room.label}` },
      this.#top,
      this.#list,
    );
    this.#jump.append(icon("down"), this.#jumpLabel);
    const attributes = { class: "timeline", "data-testid": "timeline", "data-room": room.name };
    this.node = element("div", attributes, this.#scroller, this.#jump);
    this.#jump.addEventListener("click", () => this.toEnd("smooth"));
    this.#scroller.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    new ResizeObserver(() => this.#resized()).observe(this.#scroller);
    room.addEventListener("append", ({ detail }) => this.#append(detail));
    room.addEventListener("settle", ({ detail }) => this.#settle(detail));
    room.addEventListener("update", ({ detail }) => this.#update(detail));
    room.addEventListener("remove", ({ detail }) => this.#remove([detail]));
    room.addEventListener("trim", ({ detail }) => this.#keepingEnd(() => this.#remove(detail)));
    room.addEventListener("prepend", ({ detail }) => this.#prepend(detail));
    room.addEventListener("clear", () => this.#restart());
    room.addEventListener("loading", () => this.#showTop());
    room.addEventListener("unread", () => this.#showJump());
    this.#showTop();
  }

  get isAtEnd() {
    return this.#isAtEnd;
  }

  /** Once it is in the page: back to where the reader was, or to what is new. */
  show() {
    this.#isShown = true;
    this.#markFirstNew(this.#room.unread > 0 ? this.#room.firstUnreadSeq : null);
    if (this.#isAtEnd) this.toEnd("instant");
    else this.#scroller.scrollTop = this.#scrollTop;
    this.#scrolled();
  }

  hide() {
    this.#isShown = false;
    this.#scrollTop = this.#scroller.scrollTop;
    if (this.#isAtEnd) this.#room.trim();
  }

  toEnd(behavior) {
    this.#isAtEnd = true;
    this.#scroller.scrollTo({ top: this.#scroller.scrollHeight, behavior });
  }

  #viewOf(item) {
    let view = this.#views.get(item);
    if (view === undefined) {
      view = messageView(item, {
        retry: (failed) => this.#room.retry(failed),
        discard: (failed) => this.#room.discard(failed),
      });
      this.#views.set(item, view);
    }
    return view;
  }

  /** All items in the order of the page. */
  #items() {
    return [...this.#room.messages, ...this.#room.outbox];
  }

  /** Arranges the items from `from` to `to` against their neighbours above. */
  #arrange(from, to) {
    const items = this.#items();
    for (let i = Math.max(0, from); i <= Math.min(to, items.length - 1); i++)
      arrange(
        this.#viewOf(items[i]),
        items[i - 1],
        items[i].seq !== null && items[i].seq === this.#firstNewSeq,
      );
  }

  #append(item) {
    const { node } = this.#viewOf(item);
    const waiting = item.seq === null ? undefined : this.#room.outbox[0];
    const before = waiting === undefined ? null : this.#viewOf(waiting).node;
    if (this.#isShown && !matchMedia("(prefers-reduced-motion: reduce)").matches)
      node.classList.add("arriving");
    this.#list.insertBefore(node, before);
    const at = this.#items().indexOf(item);
    this.#arrange(at, at + 1);
    this.#follow(item.isOwn && item.seq === null);
  }

  /** An own message got its place in the order: before all that still waits. */
  #settle(item) {
    const { node } = this.#viewOf(item);
    const waiting = this.#room.outbox[0];
    const before = waiting === undefined ? null : this.#viewOf(waiting).node;
    if (node.nextSibling !== before) this.#list.insertBefore(node, before);
    this.#update(item);
    const at = this.#items().indexOf(item);
    this.#arrange(at - 1, at + 1);
    if (this.#isAtEnd) this.#read();
  }

  #update(item) {
    const view = this.#views.get(item);
    if (view === undefined) return;
    this.#keepingEnd(() => update(view));
  }

  #remove(items) {
    for (const item of items) {
      this.#views.get(item)?.node.remove();
      this.#views.delete(item);
    }
    this.#arrange(0, this.#items().length - 1);
  }

  #prepend(older) {
    // Screen readers hear what is new, not what is old.
    this.#list.setAttribute("aria-busy", "true");
    this.#keepingPlace(() => {
      this.#list.prepend(...older.map((item) => this.#viewOf(item).node));
      this.#arrange(0, older.length);
      this.#showTop();
    });
    requestAnimationFrame(() => this.#list.removeAttribute("aria-busy"));
    if (this.#isAtEnd) this.toEnd("instant");
    this.#scrolled();
  }

  #restart() {
    this.#views.clear();
    this.#list.replaceChildren(...this.#items().map((item) => this.#viewOf(item).node));
    this.#arrange(0, this.#items().length - 1);
    this.#showTop();
    this.toEnd("instant");
  }

  #markFirstNew(seq) {
    if (seq === this.#firstNewSeq) return;
    this.#firstNewSeq = seq;
    this.#arrange(0, this.#items().length - 1);
  }

  /** The beginning of the room, a sign of loading, or why it failed. */
  #showTop() {
    const { hasMore, isLoading, loadError, label } = this.#room;
    this.#top.dataset.state = loadError ? "error" : hasMore || isLoading ? "loading" : "beginning";
    if (loadError) {
      const again = element("button", { class: "link", type: "button", text: "Try again" });
      again.addEventListener("click", () => this.#room.loadOlder());
      this.#top.replaceChildren(element("span", { text: "Earlier messages could not be loaded." }), again);
    } else if (hasMore || isLoading) {
      this.#top.replaceChildren(element("span", { class: "spinner", role: "img", "aria-label": "Loading" }));
    } else {
      const begins = element("p", { class: "begins", text: `#${label}` });
      this.#top.replaceChildren(begins, element("p", { text: "This is where the room begins. Say hello." }));
    }
  }

  #showJump() {
    const { unread } = this.#room;
    this.#jump.hidden = this.#isAtEnd;
    this.#jumpLabel.textContent = unread > 0 ? plural(unread, "new message", "new messages") : "Newest";
  }

  #follow(isMine) {
    // At once: the message itself comes in gently, and a smooth scroll would be overtaken by the next one.
    if (this.#isAtEnd || isMine) this.toEnd("instant");
    if (this.#isShown && this.#isAtEnd) this.#read();
    this.#showJump();
  }

  #scrolled() {
    if (!this.#isShown) return;
    const { scrollTop, scrollHeight, clientHeight } = this.#scroller;
    const wasAtEnd = this.#isAtEnd;
    this.#isAtEnd = scrollHeight - scrollTop - clientHeight < NEAR_END_PX;
    if (this.#isAtEnd && !wasAtEnd) this.#read();
    if (scrollTop < AHEAD_PX && this.#room.loadError === null) this.#room.loadOlder();
    this.#showJump();
  }

  #resized() {
    if (this.#isShown && this.#isAtEnd) this.toEnd("instant");
  }

  /** What is above changes its height; what the reader looks at stays. */
  #keepingPlace(change) {
    const fromEnd = this.#scroller.scrollHeight - this.#scroller.scrollTop;
    change();
    this.#scroller.scrollTop = this.#scroller.scrollHeight - fromEnd;
  }

  #keepingEnd(change) {
    change();
    if (this.#isShown && this.#isAtEnd) this.toEnd("instant");
  }
}
