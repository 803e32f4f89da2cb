import type { ComponentChildren } from "preact";
import { useId, useLayoutEffect, useRef, useState } from "preact/hooks";
import { messageOf } from "../session/api.js";
import { Input } from "./input.js";

/** Something to fill in or to tick; the browser holds it to its bounds. */
export interface Field {
  readonly name: string;
  readonly label: string;
  readonly type: "number" | "checkbox";
  readonly value?: number;
  readonly min?: number;
  readonly max?: number;
  readonly step?: number | "any";
  readonly placeholder?: string;
  readonly required?: boolean;
}

export interface Order {
  readonly title: string;
  readonly explanation: ComponentChildren;
  /** What the button says. */
  readonly verb: string;
  readonly fields?: readonly Field[];
  /** Has to be typed before it can be done. */
  readonly typed?: string;
  readonly isDangerous?: boolean;
  /** @param given the fields by their names, as they were filled in */
  run(given: FormData): Promise<void>;
}

/** An order that is to be confirmed: what shows it, and what asks for it. */
export function useOrder(): [dialog: ComponentChildren, ask: (order: Order) => void] {
  const [order, setOrder] = useState<Order | null>(null);
  return [order !== null && <Confirm order={order} onClose={() => setOrder(null)} />, setOrder];
}

/** Asks before something is done. The browser's own modal dialog: it keeps the focus, and Escape leaves it. */
function Confirm({ order, onClose }: { order: Order; onClose(): void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  const [typed, setTyped] = useState("");
  const [problem, setProblem] = useState("");
  const [isBusy, setIsBusy] = useState(false);
  useLayoutEffect(() => dialog.current?.showModal(), []);
  const close = () => dialog.current?.close();
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    const given = new FormData(event.currentTarget as HTMLFormElement);
    setIsBusy(true);
    setProblem("");
    try {
      await order.run(given);
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
        {order.fields?.map((field) => (
          <FieldOf key={field.name} {...field} />
        ))}
        {order.typed !== undefined && (
          <Input
            label={
              <>
                Type <strong>{order.typed}</strong> to confirm
              </>
            }
            data-testid="confirm-name"
            value={typed}
            onInput={({ currentTarget }) => setTyped(currentTarget.value)}
          />
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

function FieldOf({ label, type, value, ...rest }: Field) {
  const testId = `field-${rest.name}`;
  // Where it begins: a `value` would be put back in place of what was typed with each look at the cells.
  if (type === "number")
    return <Input label={label} type={type} data-testid={testId} defaultValue={value} {...rest} />;
  return (
    <label class="tick">
      <input type={type} data-testid={testId} name={rest.name} required={rest.required} />
      <span>{label}</span>
    </label>
  );
}
