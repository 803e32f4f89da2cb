import type { ComponentChildren } from "preact";
import { useId, useLayoutEffect, useRef, useState } from "preact/hooks";
import { messageOf } from "../session/api.js";

export interface Order {
  readonly title: string;
  readonly explanation: ComponentChildren;
  /** What the button says. */
  readonly verb: string;
  /** Has to be typed before it can be done. */
  readonly typed?: string;
  readonly isDangerous?: boolean;
  run(): Promise<void>;
}

/** Asks before something is done. The browser's own modal dialog: it keeps the focus, and Escape leaves it. */
export function Confirm({ order, onClose }: { order: Order; onClose(): void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  const [typed, setTyped] = useState("");
  const [problem, setProblem] = useState("");
  const [isBusy, setIsBusy] = useState(false);
  useLayoutEffect(() => dialog.current?.showModal(), []);
  const close = () => dialog.current?.close();
  const submit = async (event: Event) => {
    event.preventDefault();
    setIsBusy(true);
    setProblem("");
    try {
      await order.run();
      close();
    } catch (error) {
      setProblem(messageOf(error));
      setIsBusy(false);
    }
  };
  const isReady = order.typed === undefined || typed.trim() === order.typed;
  return (
    <dialog ref={dialog} aria-labelledby={`${id}-title`} data-testid="dialog" onClose={onClose}>
      <form onSubmit={submit} autocomplete="off">
        <h2 id={`${id}-title`}>{order.title}</h2>
        <div class="lead">{order.explanation}</div>
        {order.typed !== undefined && (
          <>
            <label class="field" for={`${id}-name`}>
              Type <strong>{order.typed}</strong> to confirm
            </label>
            <input
              id={`${id}-name`}
              data-testid="confirm-name"
              autocapitalize="off"
              spellcheck={false}
              value={typed}
              onInput={({ currentTarget }) => setTyped(currentTarget.value)}
            />
          </>
        )}
        <p class="problem" role="alert" data-testid="dialog-problem">
          {problem}
        </p>
        <div class="actions">
          <button type="button" data-testid="cancel" onClick={close}>
            Cancel
          </button>
          <button
            type="submit"
            class={order.isDangerous ? "danger" : "primary"}
            data-testid="confirm"
            disabled={!isReady || isBusy}
          >
            {order.verb}
          </button>
        </div>
      </form>
    </dialog>
  );
}
