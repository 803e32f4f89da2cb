import { useRef } from "preact/hooks";
import { VIEWS, type View } from "../model/route.js";

const NAMES: Record<View, string> = {
  overview: "Overview",
  gateways: "Gateways",
  channel: "Channel",
  user: "User",
  operations: "Operations",
};

export const tabId = (view: View) => `tab-${view}`;
export const panelId = (view: View) => `panel-${view}`;

/** Tabs as the ARIA authoring practices have them: one stop for the Tab key, arrows go between them. */
export function Tabs({ current, onChoose }: { current: View; onChoose(view: View): void }) {
  const list = useRef<HTMLDivElement>(null);
  const onKeyDown = (event: KeyboardEvent) => {
    const next = nextOf(current, event.key);
    if (next === undefined) return;
    event.preventDefault();
    onChoose(next);
    list.current?.querySelector<HTMLElement>(`#${tabId(next)}`)?.focus();
  };
  return (
    <div class="tabs" role="tablist" aria-label="Views" ref={list} onKeyDown={onKeyDown}>
      {VIEWS.map((view) => (
        <button
          key={view}
          id={tabId(view)}
          data-testid={tabId(view)}
          type="button"
          role="tab"
          aria-selected={view === current}
          aria-controls={view === current ? panelId(view) : undefined}
          tabIndex={view === current ? 0 : -1}
          onClick={() => onChoose(view)}
        >
          {NAMES[view]}
        </button>
      ))}
    </div>
  );
}

function nextOf(current: View, key: string): View | undefined {
  const at = VIEWS.indexOf(current);
  const count = VIEWS.length;
  if (key === "ArrowRight") return VIEWS[(at + 1) % count];
  if (key === "ArrowLeft") return VIEWS[(at + count - 1) % count];
  if (key === "Home") return VIEWS[0];
  return key === "End" ? VIEWS[count - 1] : undefined;
}
