/** What `plexus plan` does. */
import { readInputs, readRegions } from "../../plan/inputs.js";
import { planLines } from "../../plan/lines.js";
import { makePlan } from "../../plan/plan.js";
import { type Prices, readPrices } from "../../plan/prices.js";
import { type CommandContext, show } from "../command.js";
import { usageError } from "../errors.js";
import { readJson } from "../read-file.js";

const MS_PER_MINUTE = 60_000;

export async function runPlan(context: CommandContext): Promise<number> {
  const { given } = context;
  const users = given.count("users", 1);
  if (users === undefined) throw usageError("--users is missing: how many there are, as in --users 100000");
  const sessionMs = given.spanMs("session");
  const regions = given.text("regions");
  const shares = regions === undefined ? undefined : readRegions(regions);
  if (regions !== undefined && shares === undefined)
    throw usageError("--regions must be like eu=0.6,us=0.4, or eu,us for equal shares");
  const stated = {
    users,
    concurrentShare: given.number("concurrent", 0, 1),
    channelsPerUser: given.number("channels-per-user", 0),
    membersPerChannel: given.number("members", 1),
    messagesPerUserPerDay: given.number("messages-per-day", 0),
    peakFactor: given.number("peak", 1),
    bytes: given.count("bytes", 1),
    retentionDays: given.number("retention-days", 0),
    presenceShare: given.number("presence-share", 0, 1),
    sessionMinutes: sessionMs === undefined ? undefined : sessionMs / MS_PER_MINUTE,
    joinsPerSecond: given.number("joins-per-second", 0),
    historyReadsPerSecond: given.number("history-reads-per-second", 0),
    deepShare: given.number("deep-share", 0, 1),
    bots: given.count("bots", 0),
    messagesPerBot: given.number("messages-per-bot", 0),
    webhooksPerSecond: given.number("webhooks-per-second", 0),
    regions: shares,
    headroom: given.number("headroom", 0.05, 1),
    natsReplicas: given.count("replicas", 1),
  };
  const read = readInputs(
    Object.fromEntries(Object.entries(stated).filter(([, value]) => value !== undefined)),
  );
  if ("problems" in read) throw usageError(read.problems.join("; "));
  const made = makePlan(read.inputs, pricesOf(context));
  return show(context, made, (one) => planLines(one, given.has("explain")));
}

function pricesOf({ given, terminal }: CommandContext): Prices | undefined {
  const file = given.text("prices");
  if (file === undefined) return undefined;
  const read = readPrices(readJson(terminal, file));
  if ("prices" in read) return read.prices;
  throw usageError(`${file} is not right: ${read.problems.join("; ")}`, "An example is in docs/grow.md.");
}
