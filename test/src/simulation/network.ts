/** What carries everything from one process to another: late, never, twice, or in another order. */
import type { Life, Schedule } from "./schedule.js";

/** How badly things go, as probabilities; drawn anew for every history, so that each is bad in its own way. */
export interface Weather {
  lost: number;
  twice: number;
  /** Takes seconds. */
  slow: number;
  /** The log says no, for good. */
  refused: number;
  /** A worker dies, at any step. */
  crash: number;
}

export const FAIR: Weather = { lost: 0, twice: 0, slow: 0, refused: 0, crash: 0 };

const JITTER_MS = 5;
/** Longer than any deadline of the product for one try. */
const SLOW_MS = 4_000;

export class Network {
  readonly schedule: Schedule;
  weather: Weather;

  constructor(schedule: Schedule, weather: Weather) {
    this.schedule = schedule;
    this.weather = weather;
  }

  /** `to`: whose process has to live for it to arrive; null: whoever is there then. Returns how often it will. */
  send(to: Life | null, what: string, arrive: () => void): number {
    const { schedule, weather } = this;
    if (schedule.chance(weather.lost)) {
      schedule.note(() => `lost: ${what}`);
      return 0;
    }
    schedule.after(this.delayMs(), to, arrive);
    if (!schedule.chance(weather.twice)) return 1;
    schedule.note(() => `twice: ${what}`);
    schedule.after(this.delayMs(), to, arrive);
    return 2;
  }

  delayMs(): number {
    const { schedule, weather } = this;
    return schedule.random.next() * (schedule.chance(weather.slow) ? SLOW_MS : JITTER_MS);
  }
}
