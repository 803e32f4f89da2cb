/** Whether the connections to what a process depends on are up, and how often they were lost. */
import { Counter, Gauge } from "prom-client";

const up = new Gauge({
  name: "plexus_dependency_up",
  help: "1 while the connection is up: nats, redis",
  labelNames: ["dependency"],
});
const losses = new Counter({
  name: "plexus_dependency_losses_total",
  help: "Times that the connection was lost",
  labelNames: ["dependency"],
});

export class Dependency {
  readonly #name: "nats" | "redis";
  #isUp = false;

  constructor(name: "nats" | "redis") {
    this.#name = name;
    losses.inc({ dependency: name }, 0);
    up.set({ dependency: name }, 0);
  }

  up(): void {
    this.#isUp = true;
    up.set({ dependency: this.#name }, 1);
  }

  /** May be said more than once: it is lost once. */
  down(): void {
    if (this.#isUp) losses.inc({ dependency: this.#name });
    this.#isUp = false;
    up.set({ dependency: this.#name }, 0);
  }
}
