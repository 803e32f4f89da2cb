/** NATS as the commands on a cell's log use it: JetStream's API by its subjects, wherever the log is. */
import { logStream } from "@plexus/protocol";
import {
  connectNats,
  createLogger,
  DirectoryStore,
  isNoResponders,
  type Logger,
  type Msg,
  type NatsConnection,
} from "@plexus/runtime";
import { brokerAnswers } from "../../launcher/brokers.js";
import { CliError, EXIT } from "../errors.js";

const ANSWER_WITHIN_MS = 10_000;
/** Interest in a subject takes a moment to cross NATS servers; so long nobody being there proves nothing. */
const INTEREST_WITHIN_MS = 5_000;
const RETRY_MS = 100;

interface ApiError {
  code: number;
  err_code: number;
  description: string;
}

export interface StreamState {
  messages: number;
  bytes: number;
  first_seq: number;
  last_seq: number;
  num_subjects?: number;
}

export interface StreamInfo {
  created: string;
  config: { name: string; description?: string; [option: string]: unknown };
  state: StreamState & { subjects?: Record<string, number> };
  total?: number;
}

export interface CellState {
  readonly id: string;
  readonly state: string;
}

const STREAM_NOT_FOUND = 10059;

export class Bus {
  readonly nats: NatsConnection;
  readonly log: Logger;
  /** JetStream domain of the server that one is connected to. */
  readonly #here: string | undefined;
  readonly #given: string | undefined;

  private constructor(nats: NatsConnection, log: Logger, here?: string, given?: string) {
    this.nats = nats;
    this.log = log;
    this.#here = here;
    this.#given = given;
  }

  /** @param domain of the logs, where it is not what the server's own suggests: see {@link domainOf} */
  static async open(url: string, domain: string | undefined, seedFile?: string): Promise<Bus> {
    if (!(await brokerAnswers("nats", url)))
      throw new CliError(EXIT.unavailable, "no NATS server answers", "Give its address: --nats-url.");
    const log = createLogger("cli", "plexus", "silent");
    const nats = await connectNats(url, "plexus-cli", log, seedFile);
    try {
      const info = await question<{ domain?: string }>(nats, "$JS.API.INFO", undefined);
      return new Bus(nats, log, info.domain, domain);
    } catch (cause) {
      await nats.close();
      throw cause;
    }
  }

  close(): Promise<void> {
    return this.nats.close();
  }

  /** A call of JetStream's API that concerns the log of a cell: `STREAM.INFO` and the like. */
  api<T>(cell: string, call: string, body?: object): Promise<T> {
    return question<T>(this.nats, this.subject(cell, call), body);
  }

  /** Undefined where the cell has no log. */
  async info(cell: string, domain = this.domainOf(cell)): Promise<StreamInfo | undefined> {
    const subject = `${prefix(domain)}.STREAM.INFO.${logStream(cell)}`;
    return question<StreamInfo>(this.nats, subject, undefined).catch((error: unknown) => {
      if (error instanceof CliError && error.exitCode === EXIT.notFound) return undefined;
      throw error;
    });
  }

  async delete(cell: string, domain = this.domainOf(cell)): Promise<void> {
    await question(this.nats, `${prefix(domain)}.STREAM.DELETE.${logStream(cell)}`, undefined);
  }

  subject(cell: string, call: string): string {
    return `${prefix(this.domainOf(cell))}.${call}.${logStream(cell)}`;
  }

  /** The hub's domain; undefined where all cells share one server. */
  get hubDomain(): string | undefined {
    return this.isIsolated ? this.#here : undefined;
  }

  /** Where the hub has a domain, each cell has a server and a domain of its own, named like it. */
  get isIsolated(): boolean {
    return this.#given === undefined && this.#here !== undefined;
  }

  domainOf(cell: string): string | undefined {
    return this.isIsolated ? cell : this.#given;
  }

  /** One is connected to the cell's own server, where the directory is not. */
  isOwnServerOf(cell: string): boolean {
    return this.#here === cell;
  }

  /** The cells, and how they are. */
  async cells(): Promise<readonly CellState[]> {
    const store = await DirectoryStore.open(this.nats, this.log);
    store.stop();
    return store.current.cells;
  }

  /** As {@link NatsConnection.request}, but patient where nobody is there yet. */
  async request(subject: string, data: Uint8Array | string, headers?: Msg["headers"]): Promise<Msg> {
    return ask(this.nats, subject, data, headers);
  }
}

function prefix(domain: string | undefined): string {
  return domain === undefined ? "$JS.API" : `$JS.${domain}.API`;
}

async function question<T>(nats: NatsConnection, subject: string, body: object | undefined): Promise<T> {
  const answer = await ask(nats, subject, body === undefined ? "" : JSON.stringify(body));
  const { error, ...rest } = answer.json<{ error?: ApiError }>();
  if (error !== undefined) {
    const exitCode = error.err_code === STREAM_NOT_FOUND ? EXIT.notFound : EXIT.failed;
    throw new CliError(exitCode, `NATS refused: ${error.description}`);
  }
  return rest as T;
}

async function ask(
  nats: NatsConnection,
  subject: string,
  data: Uint8Array | string,
  headers?: Msg["headers"],
): Promise<Msg> {
  const deadlineAt = Date.now() + INTEREST_WITHIN_MS;
  for (;;) {
    const answer = await requestOnce(nats, subject, data, headers);
    if (answer !== undefined) return answer;
    if (Date.now() > deadlineAt) throw new CliError(EXIT.unavailable, `nobody answers at ${subject}`);
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
}

/** Undefined where nobody is there. */
async function requestOnce(
  nats: NatsConnection,
  subject: string,
  data: Uint8Array | string,
  headers?: Msg["headers"],
): Promise<Msg | undefined> {
  try {
    const options = { timeout: ANSWER_WITHIN_MS, ...(headers === undefined ? {} : { headers }) };
    const answer = await nats.request(subject, data, options);
    return isNoResponders(answer) ? undefined : answer;
  } catch (error) {
    if (/no responders/i.test(String(error))) return undefined;
    throw new CliError(EXIT.unavailable, `no answer at ${subject}: ${String(error)}`);
  }
}
