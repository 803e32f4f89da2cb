import type { Hop, HopStage, MessageTrace } from "../../admin/traces/timeline.js";
import { path, query } from "../api.js";
import type { Command } from "../command.js";
import { EXIT } from "../errors.js";
import { moment, printable } from "../text.js";

export const trace: Command = {
  name: "trace",
  args: ["tenant", "channel"],
  options: ["seconds", "limit"],
  summary: "follows a channel's messages through every process, live, with times",
  examples: ["plexus trace demo chat.lobby --seconds 30"],
  more: [
    "Times and ids, not contents. It ends by itself after --seconds or --limit messages, or with Ctrl-C.",
    "Times are milliseconds since the message was received. Those without a mark are exact; ±n is an estimate",
    "for another process that is wrong by n at most; ~ is what another machine's clock says.",
    "With --json each line is one message.",
  ],
  run: async ({ api, given, terminal }) => {
    const [tenant, channel] = given.args as [string, string];
    const bounds = { seconds: given.count("seconds", 1), messages: given.count("limit", 1) };
    const events = api.events(
      path`/v1/tenants/${tenant}/channels/${channel}/trace` + query(bounds),
      terminal.signal,
    );
    for await (const { event, data } of events) {
      if (event === "following") terminal.note(`following ${printable(channel)}; Ctrl-C ends it`);
      if (event === "end") return ended(JSON.parse(data), terminal.note);
      if (event !== "message") continue;
      if (given.has("json")) terminal.out(data);
      else for (const line of messageLines(JSON.parse(data))) terminal.out(line);
    }
    if (terminal.signal.aborted) return EXIT.ok;
    terminal.note("The admin API ended the stream; start it again to go on.");
    return EXIT.unavailable;
  },
};

function ended(
  { reason, passed }: { reason: "time" | "messages"; passed: number },
  note: (line: string) => void,
): number {
  if (passed > 0) note(`${passed} more were not followed: too many at once`);
  note(reason === "time" ? "The time is over." : "So many messages were asked for.");
  return EXIT.ok;
}

/** A block of lines for one message. */
export function messageLines(message: MessageTrace & { passed: number }): string[] {
  const { trace: id, by, seq, dup, error, receivedAt, hops, passed } = message;
  const what = error === null ? `seq ${seq}${dup ? ", stored before" : ""}` : `failed: ${error}`;
  const width = Math.max(...hops.map(({ process }) => process.length));
  return [
    ...(passed > 0 ? [`… ${passed} were not followed: too many at once`, ""] : []),
    `${what}  from a ${by === "api" ? "caller of the admin API" : by}  ${moment(receivedAt)}  trace ${id}`,
    ...hops.map((hop) => hopLine(hop, width)),
    "",
  ].map(printable);
}

function hopLine(hop: Hop, width: number): string {
  const { at, by, within = 0, process, stage, took } = hop;
  const mark = by === "exact" ? "" : by === "clock" ? "~" : `±${within.toFixed(2)}`;
  const time = `${at.toFixed(3).padStart(10)} ${mark.padEnd(7)}`;
  const span = took === undefined ? "" : `${took.toFixed(3)} ms ${SPAN_OF[stage]}`;
  return `${time} ${process.padEnd(width)}  ${whatOf(hop).padEnd(34)} ${span}`.trimEnd();
}

const SPAN_OF: Record<HopStage, string> = {
  received: "",
  sent: "behind the batch before",
  arrived: "",
  taken: "in the mailbox",
  stored: "in the log",
  seen: "",
  handed: "at the gateway",
  answered: "in all",
  failed: "until then",
};

function whatOf({ stage, messages, receivers, error }: Hop): string {
  const record = messages === undefined || messages === 1 ? "" : `, with ${messages - 1} more in the record`;
  switch (stage) {
    case "received":
      return "publish received";
    case "sent":
      return "sent to the worker";
    case "arrived":
      return "came in at the worker";
    case "taken":
      return "taken, sent to the log";
    case "stored":
      return `stored${record}`;
    case "seen":
      return "seen at the gateway";
    case "handed":
      return `handed to ${receivers} ${receivers === 1 ? "socket" : "sockets"}`;
    case "answered":
      return "answered with ok";
    case "failed":
      return `failed: ${error}`;
  }
}
