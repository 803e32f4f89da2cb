import { Breaker, type Logger } from "@plexus/runtime";
import * as metrics from "./metrics.js";

/** A breaker for something this worker depends on; whether it is open is measured and logged. */
export function breakerFor(dependency: string, log: Logger): Breaker {
  const show = (isOpen: boolean) => metrics.breakerOpen.set({ dependency }, isOpen ? 1 : 0);
  show(false);
  return new Breaker({
    onChange: (isOpen) => {
      show(isOpen);
      log.warn({ dependency }, isOpen ? "does not answer, is asked less often" : "answers again");
    },
  });
}
