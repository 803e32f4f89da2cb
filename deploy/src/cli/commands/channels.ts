import type { Static } from "typebox";
import type { ChannelBody, HistoryBody, PresenceBody, PublishedBody } from "../../admin/schemas.js";
import { path, query } from "../api.js";
import { type Command, show } from "../command.js";
import { EXIT, usageError } from "../errors.js";
import { facts, printable, span, table } from "../text.js";
import { messageLine } from "./message-line.js";
import { missingLines } from "./missing.js";

type Channel = Static<typeof ChannelBody>;
type History = Static<typeof HistoryBody>;
type Presence = Static<typeof PresenceBody>;
type Member = Presence["members"][number];

const args = ["tenant", "channel"];

export const channel: Command = {
  name: "channel",
  args,
  options: [],
  summary: "where a channel is, and who uses it",
  examples: ["plexus channel demo chat.lobby"],
  run: async (context) => {
    const [tenant, name] = context.given.args as [string, string];
    const found = await context.api.get<Channel>(path`/v1/tenants/${tenant}/channels/${name}`);
    return show(context, found, describe);
  },
};

function describe(channel: Channel): string[] {
  const { cell, worker, partition, epoch, seq, members, subscribers, problem, missing } = channel;
  const unknown = "unknown";
  return [
    ...facts([
      ["channel", `${channel.tenant} ${channel.channel}`],
      ["home", cell ?? "none: no cell may serve it"],
      ["partition", partition],
      ["worker", worker ?? unknown],
      ["epoch", epoch ?? unknown],
      ["seq", seq ?? unknown],
      ["members", members ?? unknown],
      ...Object.entries(subscribers).map(([id, n]) => [`subscribers ${id}`, n] as const),
    ]),
    ...(problem === undefined ? [] : ["", printable(problem)]),
    ...missingLines(missing),
  ];
}

export const publish: Command = {
  name: "publish",
  args: [...args, "json"],
  options: ["user", "mid"],
  summary: "publishes a message",
  examples: [`plexus publish demo chat.lobby '{"text":"Back in five minutes"}' --user ops`],
  run: async (context) => {
    const { api, given } = context;
    const [tenant, name, text] = given.args as [string, string, string];
    const user = given.text("user");
    if (user === undefined) throw usageError("--user is missing: in whose name, as in --user ops");
    const mid = given.text("mid");
    const body = { data: parseData(text), user, ...(mid === undefined ? {} : { mid }) };
    const answer = await api.post<Static<typeof PublishedBody>>(
      path`/v1/tenants/${tenant}/channels/${name}/messages`,
      body,
    );
    return show(context, answer, ({ seq, epoch, dup }) => [
      `${dup ? "was stored before" : "stored"} as seq ${seq} of epoch ${epoch}`,
    ]);
  },
};

function parseData(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw usageError(
      `the message is not JSON (${error.message})`,
      `A plain text is JSON with its quotes: '"hello"'`,
    );
  }
}

export const history: Command = {
  name: "history",
  args,
  options: ["before", "after", "limit"],
  summary: "messages of a channel: the newest, or those before or after a seq",
  examples: ["plexus history demo chat.lobby --limit 20", "plexus history demo chat.lobby --after 100"],
  run: async (context) => {
    const { api, given } = context;
    const [tenant, name] = given.args as [string, string];
    const range = {
      before: given.count("before", 1),
      after: given.count("after", 0),
      limit: given.count("limit", 1),
    };
    const page = await api.get<History>(path`/v1/tenants/${tenant}/channels/${name}/history` + query(range));
    return show(context, page, ({ messages, more }) => [
      ...messages.map(messageLine),
      ...(more
        ? [`… there is more: --${range.after === undefined ? "before" : "after"} ${edge(page, range)}`]
        : []),
    ]);
  },
};

function edge({ messages }: History, { after }: { after: number | undefined }): number {
  return (after === undefined ? messages[0]?.seq : messages.at(-1)?.seq) ?? 1;
}

export const presence: Command = {
  name: "presence",
  args,
  options: [],
  summary: "who is present in a channel",
  examples: ["plexus presence demo chat.lobby"],
  run: async (context) => {
    const { api, given, terminal } = context;
    const [tenant, name] = given.args as [string, string];
    const found = await api.get<Presence>(path`/v1/tenants/${tenant}/channels/${name}/presence`);
    return show(context, found, ({ members, count, stale }) => [
      ...table(
        [
          { title: "USER", value: (member: Member) => member.user },
          { title: "CONNECTION", value: (member: Member) => member.conn },
          { title: "FOR", value: (member: Member) => span(terminal.now() - member.since) },
          { title: "STATE", value: (member: Member) => JSON.stringify(member.state) },
        ],
        members,
      ),
      `${count} present${stale ? "; the list may be incomplete: the cell's Redis is away" : ""}`,
    ]);
  },
};

export const tail: Command = {
  name: "tail",
  args,
  options: ["rewind"],
  summary: "what a channel's subscribers see, live, until Ctrl-C",
  examples: ["plexus tail demo chat.lobby --rewind 10"],
  more: ["With --json each line is a frame, as clients receive it."],
  run: async ({ api, given, terminal }) => {
    const [tenant, name] = given.args as [string, string];
    const rewind = given.count("rewind", 0);
    const events = api.events(
      path`/v1/tenants/${tenant}/channels/${name}/events` + query({ rewind }),
      terminal.signal,
    );
    for await (const { event, data } of events) {
      if (given.has("json")) terminal.out(data);
      else for (const line of frameLines(event, JSON.parse(data))) terminal.out(line);
    }
    if (terminal.signal.aborted) return EXIT.ok;
    terminal.note("The admin API ended the stream; start it again to go on.");
    return EXIT.unavailable;
  },
};

interface Frame {
  seq?: number;
  m?: Array<{ id: string; user: string; ts: number; data: unknown }>;
  user?: string;
  data?: unknown;
  join?: Member[];
  leave?: Member[];
  update?: Member[];
  after?: number;
  before?: number;
}

/** Frames that only concern the log are not shown. */
function frameLines(event: string, frame: Frame): string[] {
  switch (event) {
    case "msg":
      return (frame.m ?? []).map((message, i) => messageLine({ seq: (frame.seq ?? 0) + i, ...message }));
    case "signal":
      return [`~ ${printable(frame.user ?? "")} signals ${printable(JSON.stringify(frame.data))}`];
    case "presence":
      return [
        ...(frame.join ?? []).map(({ user }) => `+ ${printable(user)}`),
        ...(frame.leave ?? []).map(({ user }) => `- ${printable(user)}`),
        ...(frame.update ?? []).map(
          ({ user, state }) => `* ${printable(user)} ${printable(JSON.stringify(state))}`,
        ),
      ];
    case "gap":
      return [`! what lies between ${frame.after} and ${frame.before} can't be read any more`];
    default:
      return [];
  }
}
