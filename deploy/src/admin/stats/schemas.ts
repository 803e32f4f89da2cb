/** What `GET /v1/stats` answers. What nothing was measured for is null, never 0. */
import { type Static, Type } from "typebox";
import { named, ref, TimeMs } from "../schemas.js";

const measured = (description: string) => Type.Union([Type.Number(), Type.Null()], { description });

const Quantiles = named(
  "Quantiles",
  Type.Object(
    { p50: measured("of half"), p99: measured("of 99 %") },
    { description: "milliseconds within which it was done; a fifth too high at most; null: there was none" },
  ),
);
export type Quantiles = Static<typeof Quantiles>;

const perSecond = (what: string) => measured(`${what}, per second`);
const publishesPerS = perSecond("messages stored");
const deliveriesPerS = perSecond("frames handed to subscribers, counted for each of them");
const cpu = measured("processor cores in use: 0.42 is 42 % of one");

const Total = Type.Object({
  connections: measured("open connections"),
  channels: measured("channels that the cells hold"),
  publishesPerS,
  deliveriesPerS,
  errorsPerS: perSecond("errors told to clients, refusals not among them"),
  refusalsPerS: perSecond(
    "what a limit refused: rate_limited, limit_reached, too_large, and connections that were not let in",
  ),
  bytesInPerS: perSecond("bytes of messages from clients"),
  bytesOutPerS: perSecond("bytes of messages to clients"),
  publishMs: ref(Quantiles),
  deliverMs: ref(Quantiles),
});

const CellStats = Type.Object({
  workers: Type.Integer({ description: "workers that were heard" }),
  channels: measured("channels that the cell holds"),
  recordsPerS: perSecond("records stored"),
  publishesPerS,
  mailboxMs: ref(Quantiles),
  cpu,
});

const GatewayStats = Type.Object({
  connections: Type.Integer(),
  publishesPerS: perSecond("publishes that were acknowledged"),
  deliveriesPerS,
  loopLagMs: measured("how late the event loop is, smoothed"),
  cpu,
  rssBytes: measured("memory in use"),
});

export const StatsBody = named(
  "Stats",
  Type.Object({
    ts: TimeMs,
    total: Total,
    cells: Type.Record(Type.String(), CellStats),
    gateways: Type.Record(Type.String(), GatewayStats),
  }),
);
export type Stats = Static<typeof StatsBody>;

export const STATS_NAMED = [Quantiles, StatsBody];
