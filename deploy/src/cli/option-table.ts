/** The options of all commands: as the help shows them, with what they say. The rest follows from that. */

/** The value behind the name, if one is wanted; with … the option may be given several times. */
const OPTION_DOCS = {
  "--admin-url URL": "address of the admin API (PLEXUS_ADMIN_URL)",
  "--admin-token TOKEN": "its bearer token (PLEXUS_ADMIN_TOKEN, which other users of the machine can't see)",
  "--data DIR": "data folder of an installation on this machine (.plexus here or above)",
  "--json": "JSON instead of text",
  "--help": "what the command does",
  "--advise": "whether to add or drain one, and why",
  "--after SEQ": "messages after this one",
  "--before SEQ": "messages before this one",
  "--bytes N": "of a message's data (load: 128, plan: 200)",
  "--caps PATTERN=ACTIONS…": "what is allowed, as in 'chat.>=sub,pub'; without actions all of them",
  "--channels N": "channels of the load",
  "--channels-per-connection N": "subscriptions of each connection (1)",
  "--channels-per-user N": "channels that a user is a member of (5)",
  "--churn N": "connections per second that leave, and come back as new ones (0)",
  "--concurrent SHARE": "of the users, those that are connected at the peak (0.1)",
  "--conn ID": "only this connection",
  "--connections N": "connections that subscribe",
  "--domain NAME": "JetStream domain of the log (the cell's name where cells have brokers of their own)",
  "--explain": "show the arithmetic, and where each figure is from",
  "--failover": "let another region serve while this one has no active cell",
  "--faults LIST": "the faults of a game day, in order, as in worker-kill,cell-drain",
  "--file FILE": "the file: of settings to read, JSON (- is standard input), or of a configuration to write",
  "--follow": "show progress until it ends",
  "--force": "even if no other gateway accepts connections",
  "--headroom SHARE": "what processes are loaded with at the peak (0.6)",
  "--hold TIME": "how long a fault lasts (5s)",
  "--installation NAME": "the installation's name, typed by whoever begins",
  "--jti ID": "id of a token",
  "--kubectl NAMESPACE": "delete pods there, with kubectl as it is set up here",
  "--letter ID": "only this dead letter",
  "--lifetime TIME":
    "how long the longest-lived of these tokens still has, as in 90m, 12h or 30d (the installation's longest)",
  "--limit N": "how many at most",
  "--max-errors SHARE": "of a second's publishes: with more failures it ends (0.05)",
  "--max-p99 MS": "milliseconds from due to ok: where the p99 of a second is longer it ends (5000)",
  "--max-pause TIME": "that a message may wait: beyond it everything is undone (30s)",
  "--max-time TIME": "of the whole run, whatever happens (15m)",
  "--members N": "members of a channel (20)",
  "--messages-per-day N": "messages that a user writes in a day (20)",
  "--mid ID": "idempotency id: the same again is stored once",
  "--nats-url URL":
    "NATS, the hub where there is one (PLEXUS_NATS_URL, or that of the installation on this machine)",
  "--no-wait": "don't wait for the end",
  "--out FILE": "a new file for the seed, which is shown nowhere then",
  "--per-second N": "connections per second that are told to go (the gateway's own pace)",
  "--regions LIST": "regions with their shares of the users, as in eu=0.6,us=0.4",
  "--replace": "even if the cell has a log that is not empty: it is removed",
  "--replicas N": "of each NATS server and of the log (3)",
  "--retention-days N": "days that messages are kept (30)",
  "--report NAME": "writes the report to NAME.md and NAME.json, too",
  "--rest TIME": "from one fault to the next (3s)",
  "--revision N": "only if nobody has changed it since this revision",
  "--rewind N": "begin with the last N messages (0)",
  "--pid-file FILE": "holds the process id of the NATS server, which is told when the file changes",
  "--peak N": "how many times the average the busiest moment is (5)",
  "--presence-share SHARE": "of the subscriptions, those with presence (load: 0, plan: 0.2)",
  "--joins-per-second N": "joins of channels with presence at the peak, beside those of sessions (0)",
  "--history-reads-per-second N": "pages of history that are read at the peak (0)",
  "--deep-share SHARE": "of these, those that go further back than memory (0.2)",
  "--bots N": "bots that are connected (0)",
  "--messages-per-bot N": "messages a second that each bot hears (1)",
  "--webhooks-per-second N": "events that webhooks are sent at the peak (0)",
  "--prices FILE": "unit costs, as JSON",
  "--public-key KEY": "the public nkey that the bot logs in with; a pair is made without one",
  "--ramp N": "new connections per second (100)",
  "--rate N": "publishes per second, of all together",
  "--seconds N": "how long: to publish in each step (30), to follow (60)",
  "--session TIME": "how long a user stays connected (30m)",
  "--sources N": "connections that only publish; without them subscribers do (0)",
  "--steady TIME": "without a fault, before the first one (5s)",
  "--steps LIST": "multiples of the stated peak (1,2,5,10)",
  "--tokens-file FILE": "clients' tokens, one a line, where they can't be made here",
  "--ttl TIME": "how long the token lives, as in 90m, 12h or 30d (1h)",
  "--url URL…": "address of a gateway, as in wss://chat.example",
  "--watch": "go on until Ctrl-C: a line each second, or a file that is kept up to date",
  "--users N": "users of the whole installation",
  "--user USER": "in whose name",
  "--workload FILE": "the load, as JSON (- is standard input); flags go before what it says",
  "--yes-i-own-this-installation": "drive an installation that is not on this machine",
} as const;

type NameOf<Form extends string> = Form extends `--${infer Name} ${string}`
  ? Name
  : Form extends `--${infer Name}`
    ? Name
    : never;

export type OptionName = NameOf<keyof typeof OPTION_DOCS>;

export interface Option {
  readonly name: OptionName;
  /** What stands for the value in the help; none for a flag. */
  readonly value: string | undefined;
  readonly isRepeatable: boolean;
  readonly doc: string;
}

export const OPTIONS: ReadonlyMap<string, Option> = new Map(
  Object.entries(OPTION_DOCS).map(([form, doc]) => {
    const [, name, value, more] = /^--([a-z0-9-]+)(?: ([^…]+)(…)?)?$/.exec(form) as RegExpExecArray;
    return [name!, { name: name as OptionName, value, isRepeatable: more !== undefined, doc }];
  }),
);

export const GLOBAL: readonly OptionName[] = ["admin-url", "admin-token", "data", "json", "help"];
