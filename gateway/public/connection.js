/** How the connection is, in a few words, with the one thing that can be done about it. */
import { byId } from "./dom.js";

const box = byId("connection");
const label = byId("connection-label");
const spoken = byId("connection-status");
const action = byId("connection-action");

/** The countdown's step, milliseconds. */
const TICK_MS = 250;
/** Shorter waits are not worth counting down: the text would flicker. */
const WORTH_COUNTING_MS = 1_500;

/** Shows `client`'s state until the returned function is called. `leave` goes back to the first page. */
export function showConnection(client, leave) {
  const show = () => {
    const view = viewOf(client.state);
    box.dataset.state = view.state;
    box.dataset.gateway = view.gateway ?? "";
    box.title = view.title ?? "";
    label.textContent = view.text;
    // Said once per state, not once per second.
    if (spoken.textContent !== view.spoken) spoken.textContent = view.spoken;
    action.hidden = view.action === undefined;
    action.textContent = view.action ?? "";
  };
  const act = () => {
    if (client.state.name === "failed") leave();
    else client.wake();
  };
  const timer = setInterval(() => {
    if (client.state.name !== "connected") show();
  }, TICK_MS);
  const off = client.on("state", show);
  const events = ["online", "offline"];
  for (const event of events) addEventListener(event, show);
  action.addEventListener("click", act);
  show();
  return () => {
    clearInterval(timer);
    off();
    for (const event of events) removeEventListener(event, show);
    action.removeEventListener("click", act);
  };
}

function viewOf(state) {
  switch (state.name) {
    case "connected": {
      const title = `Connected to ${state.gateway} as ${state.user} (connection ${state.conn})`;
      return {
        ...{ state: "connected", gateway: state.gateway, title },
        ...{ text: `Connected · ${state.gateway}`, spoken: "Connected" },
      };
    }
    case "failed":
      return {
        ...{ state: "failed", text: "Signed out", spoken: "Signed out" },
        ...{ title: state.error.message, action: "Sign in again" },
      };
    case "connecting":
    case "reconnecting":
      return navigator.onLine ? waiting(state) : { state: "offline", text: "Offline", spoken: "Offline" };
    default:
      return { state: state.name, text: "", spoken: "" };
  }
}

function waiting({ name, retryAt, attempt }) {
  const word = name === "connecting" ? "Connecting" : "Reconnecting";
  const leftMs = retryAt === null ? 0 : retryAt - Date.now();
  // Nobody wants to hear of a blip: only after two attempts there is something to decide.
  if (leftMs < WORTH_COUNTING_MS && attempt < 2) return { state: name, text: `${word}…`, spoken: word };
  const text = leftMs > 0 ? `${word} in ${Math.ceil(leftMs / 1_000)} s` : `${word}…`;
  return { state: name, text, spoken: word, action: "Now" };
}
