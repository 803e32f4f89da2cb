/** What a browser knows about the network and the page, and Node does not. */

interface Target {
  addEventListener(type: string, listener: () => void): void;
  removeEventListener(type: string, listener: () => void): void;
}

/** Calls `wake` when the network or the page comes back, or goes; returns what ends that. Nothing in Node. */
export function onWake(wake: () => void): () => void {
  const page = globalThis as Partial<Target> & { document?: Target & { visibilityState: string } };
  const { document } = page;
  if (document === undefined || page.addEventListener === undefined) return () => undefined;
  const global = page as Target;
  const shown = () => {
    if (document.visibilityState === "visible") wake();
  };
  // `offline` too: the socket will not say so for minutes. `pageshow`: back from the back-forward cache.
  const events = ["online", "offline", "pageshow"];
  for (const event of events) global.addEventListener(event, wake);
  document.addEventListener("visibilitychange", shown);
  return () => {
    for (const event of events) global.removeEventListener(event, wake);
    document.removeEventListener("visibilitychange", shown);
  };
}
