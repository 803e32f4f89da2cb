/** Drawings, all of them decoration: what they mean stands beside them in words. */
import type { ComponentChildren } from "preact";
import type { Choice } from "../session/theme.js";

function Icon({ children, size = 16 }: { children: ComponentChildren; size?: number }) {
  return (
    <svg class="icon" viewBox="0 0 16 16" width={size} height={size} aria-hidden="true" focusable="false">
      {children}
    </svg>
  );
}

export function Mark() {
  return (
    <svg class="mark" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d="M5 7.5 12 4l7 3.5M5 7.5v9M5 7.5l7 4.5M19 7.5v9M19 7.5 12 12M5 16.5 12 20l7-3.5M12 12v8" />
      <g class="nodes">
        <circle cx="12" cy="4" r="1.9" />
        <circle cx="5" cy="7.5" r="1.9" />
        <circle cx="19" cy="7.5" r="1.9" />
        <circle cx="12" cy="12" r="2.3" />
        <circle cx="5" cy="16.5" r="1.9" />
        <circle cx="19" cy="16.5" r="1.9" />
        <circle cx="12" cy="20" r="1.9" />
      </g>
    </svg>
  );
}

/** A shape for each state, so that none is told by its colour alone. */
const SHAPES: Record<string, ComponentChildren> = {
  active: <circle class="filled" cx="8" cy="8" r="5" />,
  joining: (
    <>
      <circle cx="8" cy="8" r="5" />
      <path class="filled" d="M8 3a5 5 0 0 0 0 10z" />
    </>
  ),
  draining: <path d="M8 2.5v8M4.5 7.5 8 11l3.5-3.5M3.5 13.5h9" />,
  drained: <circle cx="8" cy="8" r="5" />,
  down: <path d="m4 4 8 8M12 4l-8 8" />,
  running: <path d="M13 8a5 5 0 1 1-3-4.6" />,
  parked: <path d="M5.5 4v8M10.5 4v8" />,
  done: <path d="m3 8.6 3.3 3.3L13 5" />,
  failed: <path d="m4 4 8 8M12 4l-8 8" />,
  superseded: <path d="M3 5.5h8.5a2 2 0 0 1 0 5H6M8 8l-2.5 2.5L8 13" />,
  good: <path d="m3 8.6 3.3 3.3L13 5" />,
  watch: <path d="M8 2.5 14.5 13.5h-13zM8 7v3M8 11.8v.1" />,
  bad: <path d="M5.3 2.5h5.4l2.8 2.8v5.4l-2.8 2.8H5.3l-2.8-2.8V5.3zM8 5v3.5M8 10.8v.1" />,
  serving: <circle class="filled" cx="8" cy="8" r="5" />,
};

/** A state in its shape and in words. */
export function State({ state, children }: { state: string; children?: ComponentChildren }) {
  return (
    <span class="state" data-state={state}>
      <Icon>{SHAPES[state]}</Icon>
      <span>{children ?? state}</span>
    </span>
  );
}

export function ThemeIcon({ choice }: { choice: Choice }) {
  if (choice === "light")
    return (
      <Icon size={18}>
        <circle cx="8" cy="8" r="3" />
        <path d="M8 1.2v1.6M8 13.2v1.6M1.2 8h1.6M13.2 8h1.6M3.2 3.2l1.1 1.1M11.7 11.7l1.1 1.1M12.8 3.2l-1.1 1.1M4.3 11.7l-1.1 1.1" />
      </Icon>
    );
  if (choice === "dark")
    return (
      <Icon size={18}>
        <path d="M13.5 9.6A6 6 0 0 1 6.4 2.5a6 6 0 1 0 7.1 7.1z" />
      </Icon>
    );
  return (
    <Icon size={18}>
      <circle cx="8" cy="8" r="6" />
      <path class="filled" d="M8 2a6 6 0 0 1 0 12z" />
    </Icon>
  );
}

export function LeaveIcon() {
  return (
    <Icon size={18}>
      <path d="M6.5 2.5h-3v11h3M10.5 5l3 3-3 3M13.2 8H6.5" />
    </Icon>
  );
}

export function CloseIcon() {
  return (
    <Icon>
      <path d="m4 4 8 8M12 4l-8 8" />
    </Icon>
  );
}
