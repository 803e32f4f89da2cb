/** Bugs put in on purpose, to see that they are found: modules loaded into workers before their own code. */
export const BUGS = {
  "skip-fence": { module: "skip-fence.js", doc: "workers append to the log whatever its newest record is" },
  "forget-window": { module: "forget-window.js", doc: "a channel that is loaded knows no message ids" },
  "early-ack": { module: "early-ack.js", doc: "what became of an append is not asked: it counts as stored" },
} as const;

export type BugName = keyof typeof BUGS;
