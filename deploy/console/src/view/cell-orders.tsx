/** What can be done to a cell, and what an operator is asked before. */
import type { Cell } from "../api-types.js";
import { plural } from "../model/format.js";
import { path } from "../session/api.js";
import type { Session } from "../session/session.js";
import type { Order } from "./dialog.js";
import { carryOut } from "./under-way.js";

/** As the admin API has it; the least is one that a person may mean. */
const MAX_WEIGHT = 1_000;
const MIN_WEIGHT = 0.001;

export function drainOf({ id, channels }: Cell, session: Session): Order {
  return {
    title: `Drain ${id}?`,
    explanation: (
      <p>
        All of its {plural(channels, "channel")} move to the other active cells while clients stay connected.
        It holds none afterwards, until it is activated again.
      </p>
    ),
    verb: "Drain",
    typed: id,
    isDangerous: true,
    run: () => carryOut(session, path`/v1/cells/${id}/drain`),
  };
}

export function activationOf({ id, state }: Cell, session: Session): Order {
  const turnsAround = state === "draining" && "The drain that is under way is turned around. ";
  return {
    title: `Activate ${id}?`,
    explanation: (
      <p>
        {turnsAround}It takes its share of the channels from the other cells, while clients stay connected.
      </p>
    ),
    verb: "Activate",
    run: () => carryOut(session, path`/v1/cells/${id}/activate`),
  };
}

export function weightOf({ id, weight }: Cell, session: Session): Order {
  return {
    title: `Change the weight of ${id}?`,
    explanation: (
      <p>
        A cell of weight 2 gets twice as many channels as one of weight 1. Channels that have to move do so
        while clients stay connected.
      </p>
    ),
    fields: [
      {
        name: "weight",
        label: `Weight, now ${weight}`,
        type: "number",
        value: weight,
        min: MIN_WEIGHT,
        max: MAX_WEIGHT,
        step: "any",
        required: true,
      },
    ],
    verb: "Change",
    run: (given) => carryOut(session, path`/v1/cells/${id}/weight`, { weight: Number(given.get("weight")) }),
  };
}

/** Of all changes the one that may cost something: where it still works, it must be said that it is meant. */
export function givingUpOf({ id, workers, channels }: Cell, session: Session): Order {
  const answers = workers > 0;
  return {
    title: `Give up ${id}?`,
    explanation: (
      <>
        <p>
          For a cell that does not answer and will not soon. Its {plural(channels, "channel")} open in the
          other cells at once, without what can't be read from its log or a mirror of it; their subscribers
          are told where something may be missing.
        </p>
        {answers && (
          <p class="problem">
            {plural(workers, "worker")} of it {workers === 1 ? "answers" : "answer"}. To take out a cell that
            works, drain it: then nothing is missing.
          </p>
        )}
      </>
    ),
    ...(answers
      ? {
          fields: [
            { name: "meant", label: "Give it up although it answers", type: "checkbox", required: true },
          ] as const,
        }
      : {}),
    verb: "Give up",
    typed: id,
    isDangerous: true,
    run: () => carryOut(session, path`/v1/cells/${id}/down`),
  };
}
