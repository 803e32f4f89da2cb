/** Bugs that can be put into the simulated log and the simulated shells on purpose: each has to be caught. */
interface Known {
  readonly what: string;
  /** How it shows, at the latest. */
  readonly shows: RegExp;
}

export const BUGS = {
  no_fence: {
    what: "the log takes an append whatever its fence says",
    shows: /stored msg .* a seq given twice/,
  },
  no_window: {
    what: "the ids of the window are forgotten when an actor is loaded",
    shows: /is stored at .* and once more/,
  },
  early_ack: {
    what: "a publish is acknowledged before the log has stored it",
    shows: /is acknowledged at .*, where nothing is stored/,
  },
  early_show: {
    what: "a record is shown to subscribers before the log has stored it",
    shows: /^s\d gets .*, where nothing is stored/,
  },
  no_comparison: {
    what: "a relay never compares its head with the actor's",
    shows: /^not right again .* s\d stands at/,
  },
  no_seal: {
    what: "a channel is handed over without a seal in the log",
    shows: /stored msg .* a seq given twice/,
  },
} as const satisfies Record<string, Known>;

export type Bug = keyof typeof BUGS;
