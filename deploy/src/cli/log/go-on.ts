/** After a log was restored: looks at every channel in all logs, and writes down where it goes on. */
import {
  decodeControl,
  encodeControl,
  logStream,
  type OpenRecord,
  parseLogSubject,
  readHead,
  subjects,
} from "@plexus/protocol";
import { type Msg, natsHeaders } from "@plexus/runtime";
import { CliError, EXIT } from "../errors.js";
import type { Bus, StreamInfo } from "./bus.js";
import { type GoingOn, type Newest, whereItGoesOn } from "./where-channels-go-on.js";

/** Channels looked at at once. */
const LANES = 64;
const STREAM_NOT_THERE = 404;

export interface WentOn {
  /** Channels that go on in the new epoch. */
  opened: number;
  /** Channels that live in another cell by now. */
  sealed: number;
  /** Channels that had been given away before the backup. */
  kept: number;
}

export interface RestoredLog {
  readonly cell: string;
  /** The other cells whose logs count. */
  readonly others: readonly string[];
  readonly epoch: string;
  readonly restoredTo: number;
}

export async function goOn(bus: Bus, log: RestoredLog, done: (channels: number) => void): Promise<WentOn> {
  const given = new Map<string, Map<string, Newest>>();
  for (const cell of log.others)
    await forEachNewest(bus, cell, (channel, newest) => {
      const known = given.get(channel);
      if (known === undefined) given.set(channel, new Map([[cell, newest]]));
      else known.set(cell, newest);
    });
  const channels = new Set([...(await channelsOf(bus, log.cell)), ...given.keys()]);
  const went: WentOn = { opened: 0, sealed: 0, kept: 0 };
  let looked = 0;
  await inLanes(channels, async (channel) => {
    const own = await ownOf(bus, log.cell, channel);
    const others = given.get(channel) ?? new Map<string, Newest>();
    const what = whereItGoesOn({ ...log, own, others });
    await write(bus, log, channel, own?.newest ?? null, what);
    if (what.do === "open") went.opened++;
    else if (what.do === "seal") went.sealed++;
    else if (own !== null) went.kept++;
    done(++looked);
  });
  return went;
}

/** A channel here is `<tenant>.<channel>`, the end of its subjects. */
async function forEachNewest(
  bus: Bus,
  cell: string,
  tell: (channel: string, newest: Newest) => void,
): Promise<void> {
  await inLanes(await channelsOf(bus, cell), async (channel) => {
    const newest = await newestOf(bus, cell, channel);
    if (newest !== null) tell(channel, newest);
  });
}

async function inLanes<T>(all: Iterable<T>, run: (one: T) => Promise<void>): Promise<void> {
  const rest = all[Symbol.iterator]();
  const lane = async () => {
    for (let next = rest.next(); !next.done; next = rest.next()) await run(next.value);
  };
  await Promise.all(Array.from({ length: LANES }, lane));
}

/** Page by page: the server lists so many in one answer at most. */
async function channelsOf(bus: Bus, cell: string): Promise<string[]> {
  const channels: string[] = [];
  for (;;) {
    const wanted = { subjects_filter: ">", offset: channels.length };
    const { state, total = 0 } = await bus.api<StreamInfo>(cell, "STREAM.INFO", wanted);
    const page = Object.keys(state.subjects ?? {}).map((subject) => subject.slice(prefixOf(cell).length));
    channels.push(...page);
    if (page.length === 0 || channels.length >= total) return channels;
  }
}

function prefixOf(cell: string): string {
  return subjects.logOfCell(cell).slice(0, -1);
}

async function ownOf(
  bus: Bus,
  cell: string,
  channel: string,
): Promise<{ newest: Newest; open: OpenRecord | null } | null> {
  const newest = await newestOf(bus, cell, channel);
  if (newest === null) return null;
  if (newest.head.op === "open") return { newest, open: newest.control as OpenRecord };
  if (newest.opened === 0 || newest.head.op === "seal") return { newest, open: null };
  const question = { seq: newest.opened, next_by_subj: `${prefixOf(cell)}${channel}` };
  const found = newestIn(await direct(bus, cell, question), cell);
  return { newest, open: found?.head.op === "open" ? (found.control as OpenRecord) : null };
}

async function newestOf(bus: Bus, cell: string, channel: string): Promise<Newest | null> {
  return newestIn(await direct(bus, cell, { last_by_subj: `${prefixOf(cell)}${channel}` }), cell);
}

function direct(bus: Bus, cell: string, question: object): Promise<Msg> {
  return bus.request(bus.subject(cell, "DIRECT.GET"), JSON.stringify(question));
}

function newestIn({ headers, data }: Msg, cell: string): Newest | null {
  if (headers?.code === STREAM_NOT_THERE) return null;
  const head = readHead(data);
  if (head === null) throw new CliError(EXIT.failed, `${logStream(cell)} holds something that is no record`);
  return {
    head,
    logSeq: Number(headers?.get("Nats-Sequence")),
    storedAt: Date.parse(headers?.get("Nats-Time-Stamp") ?? ""),
    opened: Number(headers?.get("Plexus-Opened") || 0),
    control: head.n === 0 ? decodeControl(data) : null,
  };
}

async function write(
  bus: Bus,
  { cell, epoch }: RestoredLog,
  channel: string,
  newest: Newest | null,
  what: GoingOn,
): Promise<void> {
  if (what.do === "keep") return;
  const subject = `${prefixOf(cell)}${channel}`;
  const ch = parseLogSubject(subject)!.channel;
  const { seq, segments } = what.past;
  const shared = { ch, seq, n: 0, segments: [...segments] };
  const headers = natsHeaders();
  headers.set("Nats-Expected-Last-Subject-Sequence", String(newest?.logSeq ?? 0));
  if (what.do === "seal") {
    headers.set("Plexus-Seal", "1");
    const opened = newest?.head.op === "open" ? newest.logSeq : (newest?.opened ?? 0);
    if (opened > 0) headers.set("Plexus-Opened", String(opened));
  }
  const record =
    what.do === "open"
      ? encodeControl({ op: "open", epoch, from: null, ...shared })
      : encodeControl({ op: "seal", epoch: what.epoch, to: what.to, fresh: false, ...shared });
  const { error } = (await bus.request(subject, record, headers)).json<{ error?: { description: string } }>();
  if (error !== undefined)
    throw new CliError(EXIT.failed, `${channel} could not be opened anew: ${error.description}`);
}
