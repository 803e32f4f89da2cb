/** What a plan is made for: declared once, with what is taken where nothing is said. */
import { z } from "zod";

const share = z.number().min(0).max(1);
const MAX_REGIONS = 50;

const regions = z
  .record(z.string().regex(/^[a-z0-9-]{1,32}$/, "a region is 1 to 32 of a-z 0-9 -"), share)
  .refine(
    (all) => Object.keys(all).length >= 1 && Object.keys(all).length <= MAX_REGIONS,
    `1 to ${MAX_REGIONS} regions`,
  )
  .refine(
    (all) => Math.abs(Object.values(all).reduce((sum, one) => sum + one, 0) - 1) < 0.001,
    "the shares must add up to 1",
  );

export const inputsSchema = z.strictObject({
  users: z.number().min(1).max(10_000_000_000),
  /** Of the users, those that are connected at the peak. */
  concurrentShare: share.default(0.1),
  channelsPerUser: z.number().min(0).max(10_000).default(5),
  membersPerChannel: z.number().min(1).max(1_000_000).default(20),
  messagesPerUserPerDay: z.number().min(0).max(1_000_000).default(20),
  /** How many times the average the busiest moment is. */
  peakFactor: z.number().min(1).max(1_000).default(5),
  /** Of a message's data. */
  bytes: z.number().int().min(1).max(131_072).default(200),
  retentionDays: z.number().min(0).max(36_500).default(30),
  /** Of the subscriptions, those with presence. */
  presenceShare: share.default(0.2),
  /** How long a user stays connected. */
  sessionMinutes: z.number().min(0.1).max(100_000).default(30),
  /** Joins of channels with presence, beside those of sessions that begin; each is left again. Of all users, at the peak. */
  joinsPerSecond: z.number().min(0).max(10_000_000).default(0),
  /** Pages of history that are read, of all users, at the peak. */
  historyReadsPerSecond: z.number().min(0).max(10_000_000).default(0),
  /** Of these, those that go further back than what workers remember. */
  deepShare: share.default(0.2),
  /** Bots that are connected, each of which hears so many messages a second. */
  bots: z.number().int().min(0).max(10_000_000).default(0),
  messagesPerBot: z.number().min(0).max(1_000_000).default(1),
  /** Events that webhooks are sent, at the peak. */
  webhooksPerSecond: z.number().min(0).max(10_000_000).default(0),
  regions: regions.default({ all: 1 }),
  /** What processes are loaded with at the peak. */
  headroom: z.number().min(0.05).max(1).default(0.6),
  /** Of each NATS server and of the log. */
  natsReplicas: z.number().int().min(1).max(5).default(3),
  /** Of each Redis, beside the first. */
  redisReplicas: z.number().int().min(0).max(5).default(1),
});
export type PlanInputs = z.infer<typeof inputsSchema>;

/** What is wrong, with the names of the fields; or the inputs. */
export function readInputs(value: unknown): { inputs: PlanInputs } | { problems: string[] } {
  const result = inputsSchema.safeParse(value);
  if (result.success) return { inputs: result.data };
  return {
    problems: result.error.issues.map(({ path, message }) => `${path.join(".") || "plan"}: ${message}`),
  };
}

/** Reads `eu=0.6,us=0.4`, or names alone for equal shares; undefined where that is no such list. */
export function readRegions(text: string): Record<string, number> | undefined {
  const parts = text.split(",").map((part) => part.trim().split("="));
  const names = parts.map(([name]) => name!);
  if (new Set(names).size !== names.length || names.includes("")) return undefined;
  const equal = 1 / names.length;
  const shares = parts.map(([, share]) => (share === undefined ? equal : Number(share)));
  if (shares.some((share) => !(share > 0))) return undefined;
  return Object.fromEntries(names.map((name, i) => [name, shares[i]!]));
}
