import assert from "node:assert/strict";
import { test } from "node:test";
import { WallClock } from "./wall-clock.js";

/** Clocks that go on by 5 µs with each look, and as the test says. */
class Machine {
  #nowMs = 50;
  #looks = 0;
  /** What is to be found. */
  offsetMs = 1_000_000.4;
  /** By how long the process is interrupted after the nth look from now. */
  readonly pauses = new Map<number, number>();

  wall = () => Math.floor(this.#look() + this.offsetMs);
  monotonic = () => this.#look();

  pass(ms: number): void {
    this.#nowMs += ms;
  }

  pauseAfter(looks: number, ms: number): void {
    this.pauses.set(this.#looks + looks, ms);
  }

  #look(): number {
    const now = this.#nowMs;
    this.#nowMs += 0.005 + (this.pauses.get(++this.#looks) ?? 0);
    return now;
  }
}

const near = (clock: WallClock, offsetMs: number) => {
  const error = clock.at(0) - offsetMs;
  assert.ok(error <= 0 && error > -0.031, `wrong by ${error} ms`);
};

test("fractions that the wall clock does not tell are found, wherever in a millisecond the process begins", () => {
  for (let i = 0; i < 100; i++) {
    const machine = new Machine();
    machine.offsetMs += i / 100;
    near(new WallClock(machine), machine.offsetMs);
  }
});

test("a process that is interrupted between the two clocks does not run ahead for it, nor behind for long", () => {
  for (let look = 1; look < 100; look++) {
    const machine = new Machine();
    machine.pauseAfter(look, 2.7);
    near(new WallClock(machine), machine.offsetMs);
  }
});

test("a process that is interrupted again and again gives up after some looks, and finds it at the next checks", () => {
  const machine = new Machine();
  for (let look = 1; look < 1_000; look++) machine.pauseAfter(look, 0.3);
  const clock = new WallClock(machine);
  assert.ok(clock.at(0) <= machine.offsetMs && clock.at(0) > machine.offsetMs - 1.4);
  machine.pauses.clear();
  for (let i = 0; i < 200; i++) {
    machine.pass(1_000.013);
    clock.check();
  }
  near(clock, machine.offsetMs);
});

test("a wall clock that is set, forwards or backwards, counts from the next check", () => {
  const machine = new Machine();
  const clock = new WallClock(machine);
  for (const step of [3_600_000, -7_200_000.3, 1.5, -1.5, 40, -40]) {
    machine.pass(1_000.37);
    machine.offsetMs += step;
    clock.check();
    near(clock, machine.offsetMs);
  }
});

test("the real clocks: a time of today, between two looks at it", () => {
  const clock = new WallClock();
  const before = Date.now();
  const at = clock.at(performance.now());
  assert.ok(at >= before - 1 && at <= Date.now() + 1, `${at - before}`);
});
