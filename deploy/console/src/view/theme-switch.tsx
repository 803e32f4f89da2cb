import { useStore } from "../session/store.js";
import { CHOICES, choose, theme } from "../session/theme.js";
import { ThemeIcon } from "./icons.js";

const NAMES = { auto: "as the system", light: "light", dark: "dark" };

/** One button that goes round: as the system, light, dark. */
export function ThemeSwitch() {
  const { choice } = useStore(theme);
  const next = CHOICES[(CHOICES.indexOf(choice) + 1) % CHOICES.length]!;
  const label = `Colours: ${NAMES[choice]}. Change to ${NAMES[next]}`;
  return (
    <button
      class="icon-button"
      type="button"
      data-testid="theme"
      data-choice={choice}
      aria-label={label}
      title={label}
      onClick={() => choose(next)}
    >
      <ThemeIcon choice={choice} />
    </button>
  );
}
