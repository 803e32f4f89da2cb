/** A described load: how it is written down, checked, and what it is at a multiple. Pure. */
import { z } from "zod";

/** What one process can open at most: it may be limited to 20,000 open files. */
export const MAX_CONNECTIONS = 18_000;
export const MAX_CHANNELS = 200_000;
const MAX_PUBLISHES_PER_SECOND = 1_000_000;
/** Frames of the load are 64 KiB at most. */
const MAX_BYTES = 60_000;
/** A mark with number and time stands in every message. */
const MIN_BYTES = 32;
const MAX_STEP_SECONDS = 3_600;
const MAX_STEPS = 20;

const share = z.number().min(0).max(1);
const size = z.number().int().min(MIN_BYTES).max(MAX_BYTES);
const sizes = z
  .array(z.strictObject({ bytes: size, share }))
  .min(1)
  .max(20)
  .refine(
    (all) => Math.abs(all.reduce((sum, one) => sum + one.share, 0) - 1) < 0.001,
    "shares must add up to 1",
  );

const shape = z.strictObject({
  name: z.string().min(1).max(100).default("load"),
  /** Connections that subscribe. */
  connections: z.number().int().min(1).max(MAX_CONNECTIONS),
  channels: z.number().int().min(1).max(MAX_CHANNELS),
  channelsPerConnection: z.number().int().min(1).max(10_000).default(1),
  publishesPerSecond: z.number().min(0).max(MAX_PUBLISHES_PER_SECOND),
  /** Connections that only publish; with 0 the subscribers publish to channels of their own. */
  sources: z.number().int().min(0).max(MAX_CONNECTIONS).default(0),
  /** Of `data`, as one number or as sizes with shares that add up to 1. */
  bytes: z.union([size, sizes]).default(128),
  /** Of the subscriptions, those that show who is present and hear of others. */
  presenceShare: share.default(0),
  /** Connections per second that leave, and come back as new ones. */
  churnPerSecond: z.number().min(0).max(10_000).default(0),
  /** Of publishing, in each step. */
  seconds: z.number().min(1).max(MAX_STEP_SECONDS).default(30),
  /** Whether a multiple has more channels (as more teams do), or more subscribers in the same ones (as an event has). */
  channelsGrow: z.boolean().default(true),
  /** Of the channels' names, so that it may have settings of its own. */
  namespace: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,64}$/, "a namespace is 1 to 64 of A-Z a-z 0-9 _ -")
    .default("load"),
});

export const workloadSchema = shape.refine(
  ({ channels, channelsPerConnection }) => channelsPerConnection <= channels,
  { error: "there are not so many channels", path: ["channelsPerConnection"] },
);
export type Workload = z.infer<typeof workloadSchema>;

/** What is wrong with a description, with the names of the fields; or the workload. */
export function readWorkload(value: unknown): { workload: Workload } | { problems: string[] } {
  const result = workloadSchema.safeParse(value);
  if (result.success) return { workload: result.data };
  return {
    problems: result.error.issues.map(({ path, message }) => `${path.join(".") || "workload"}: ${message}`),
  };
}

/** Reads `1,2,5,10`; undefined where that is no list of growing multiples. */
export function readSteps(text: string): number[] | undefined {
  const steps = text
    .split(",")
    .map((part) => (/^\d{1,4}(\.\d{1,3})?$/.test(part.trim()) ? Number(part) : Number.NaN));
  const growing = steps.every((step, i) => step > (steps[i - 1] ?? 0));
  return growing && steps.length <= MAX_STEPS ? steps : undefined;
}

/** The workload at a multiple of its peak. */
export function grown(workload: Workload, factor: number): Workload {
  const times = (count: number) => Math.round(count * factor);
  return {
    ...workload,
    connections: Math.max(1, times(workload.connections)),
    sources: times(workload.sources),
    channels: workload.channelsGrow
      ? Math.max(workload.channelsPerConnection, times(workload.channels))
      : workload.channels,
    publishesPerSecond: workload.publishesPerSecond * factor,
    churnPerSecond: workload.churnPerSecond * factor,
  };
}

/** Why the largest step can't be driven by one generator; undefined where it can. */
export function tooLarge(workload: Workload, steps: readonly number[]): string | undefined {
  const { connections, sources, channels } = grown(workload, Math.max(...steps));
  if (connections + sources > MAX_CONNECTIONS)
    return `the largest step has ${connections + sources} connections, one generator opens ${MAX_CONNECTIONS} at most`;
  if (channels > MAX_CHANNELS)
    return `the largest step has ${channels} channels, ${MAX_CHANNELS} are the most`;
  return undefined;
}

/** Connections of one step that came with it, and the channels that are theirs. */
export interface Block {
  readonly connections: number;
  readonly firstConnection: number;
  readonly channels: number;
  readonly firstChannel: number;
}

/** What a step adds to the one before, so that channels keep as many members as they have at the stated peak. */
export function blockBetween(before: Workload | undefined, now: Workload): Block {
  const firstConnection = before?.connections ?? 0;
  const moreChannels = now.channels - (before?.channels ?? 0);
  const own = moreChannels >= now.channelsPerConnection;
  return {
    connections: now.connections - firstConnection,
    firstConnection,
    channels: own ? moreChannels : now.channels,
    firstChannel: own ? now.channels - moreChannels : 0,
  };
}

/** The channels of the block's `i`-th connection: in turn, so that all have about as many members. */
export function channelsOf(block: Block, i: number, perConnection: number): number[] {
  const count = Math.min(perConnection, block.channels);
  return Array.from({ length: count }, (_, j) => block.firstChannel + ((i * count + j) % block.channels));
}

/** Draws sizes with their shares; `chance` is from 0 up to 1. */
export function sizeOf({ bytes }: Pick<Workload, "bytes">, chance: number): number {
  if (typeof bytes === "number") return bytes;
  let sum = 0;
  for (const one of bytes) {
    sum += one.share;
    if (chance < sum) return one.bytes;
  }
  return bytes.at(-1)!.bytes;
}
