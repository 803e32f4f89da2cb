import type { ComponentChildren, TargetedInputEvent } from "preact";
import { useId } from "preact/hooks";

interface Props {
  label: ComponentChildren;
  /** Takes the room that is left. */
  wide?: boolean;
  type?: "text" | "number";
  name?: string;
  value?: string | number;
  /** What it holds until somebody types. */
  defaultValue?: number | undefined;
  class?: string;
  placeholder?: string;
  required?: boolean;
  autocomplete?: "off";
  min?: number;
  max?: number;
  step?: number | "any";
  "data-testid"?: string;
  onInput?(event: TargetedInputEvent<HTMLInputElement>): void;
}

/** A field with its label: for names and figures, which no browser should correct. */
export function Input({ label, wide, ...rest }: Props) {
  const id = useId();
  return (
    <div class={wide ? "filled-in wide" : "filled-in"}>
      <label class="field" for={id}>
        {label}
      </label>
      {/* A field of text is asked for its list of suggestions by its types; there is none. */}
      <input id={id} list={undefined} autocapitalize="off" spellcheck={false} {...rest} />
    </div>
  );
}
