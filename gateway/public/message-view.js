/** One message on the page, and how it looks beside the one before it. */
import { avatar, element, hiddenText, icon, setAttribute } from "./dom.js";
import { dayName, exactTime, hueOf, startOfDay, timeOfDay } from "./format.js";

/** Messages of one person within so many milliseconds belong together. */
const GROUP_MS = 5 * 60_000;

const STATES = {
  sending: { icon: "clock", label: "Sending" },
  delivered: { icon: "check", label: "Delivered" },
  failed: { icon: "alert", label: "Not sent" },
};

export function messageView(item, { retry, discard }) {
  const time = element("time");
  const status = element("span", { class: "status" });
  const text = element("p", { class: "text", text: item.text });
  const bubble = element(
    "div",
    { class: "bubble" },
    text,
    element("span", { class: "meta" }, time, ...(item.isOwn ? [status] : [])),
  );
  const body = element("div", { class: "body" }, bubble);
  if (!item.isOwn) body.prepend(element("span", { class: "author", text: item.user }));
  const node = element("li", {
    class: item.isOwn ? "message own" : "message",
    "data-testid": "message",
    "data-id": item.id,
    "data-user": item.user,
  });
  node.style.setProperty("--hue", hueOf(item.user));
  if (!item.isOwn) node.append(avatar(item.user));
  node.append(body);
  const view = {
    item,
    node,
    text,
    time,
    status,
    body,
    failure: null,
    day: null,
    shown: null,
    retry,
    discard,
  };
  update(view);
  return view;
}

/** Shows the item's state, which may have changed. */
export function update(view) {
  const { item, node, text, time, status } = view;
  setAttribute(node, "data-state", item.isOwn ? item.state : "received");
  setAttribute(node, "data-seq", item.seq ?? undefined);
  time.textContent = timeOfDay(item.ts);
  // The stylesheet keeps as much room free at the end of the text.
  text.dataset.time = time.textContent;
  time.dateTime = new Date(item.ts).toISOString();
  time.title = exactTime(item.ts);
  if (!item.isOwn) return;
  const { icon: name, label } = STATES[item.state];
  if (view.shown === item.state) return;
  view.shown = item.state;
  status.replaceChildren(icon(name), hiddenText(label));
  showFailure(view);
}

function showFailure(view) {
  const { item, body } = view;
  view.failure?.remove();
  view.failure = null;
  if (item.state !== "failed") return;
  const again = element("button", {
    class: "link",
    type: "button",
    "data-testid": "retry",
    text: "Try again",
  });
  const away = element("button", {
    class: "link",
    type: "button",
    "data-testid": "discard",
    text: "Discard",
  });
  again.addEventListener("click", () => view.retry(item));
  away.addEventListener("click", () => view.discard(item));
  view.failure = element(
    "p",
    { class: "failure", role: "alert" },
    element("span", { text: reasonFor(item.error) }),
    again,
    away,
  );
  body.append(view.failure);
}

function reasonFor(error) {
  switch (error?.code) {
    case "too_large":
      return "Too long to send.";
    case "forbidden":
      return "You may not write here.";
    case "limit_reached":
      return "Too many messages are waiting.";
    case "timeout":
      return "No answer; it may not have arrived.";
    default:
      return "Not sent.";
  }
}

/** What depends on the neighbour above: the day, and whether it goes on with the same person. */
export function arrange(view, before, isFirstNew) {
  const { item, node } = view;
  const newDay = before === undefined || startOfDay(before.ts) !== startOfDay(item.ts);
  const isGrouped =
    !newDay && !isFirstNew && before.user === item.user && Math.abs(item.ts - before.ts) < GROUP_MS;
  setAttribute(node, "data-grouped", isGrouped);
  setAttribute(node, "data-first-new", isFirstNew);
  const wanted = newDay ? dayName(item.ts) : null;
  if (wanted === null) {
    view.day?.remove();
    view.day = null;
  } else if (view.day === null) {
    view.day = element("div", { class: "day", "data-testid": "day" }, element("span", { text: wanted }));
    node.prepend(view.day);
  } else view.day.firstChild.textContent = wanted;
}
