import {
  DiscardPolicy,
  JetStreamApiError,
  jetstreamManager,
  RetentionPolicy,
  StorageType,
  type StreamConfig,
} from "@nats-io/jetstream";
import { logStream, opOf, PlexusError, subjects, TRACE_HEADER } from "@plexus/protocol";
import {
  away,
  Breaker,
  encodedHeaders,
  Gate,
  incarnationOf,
  isNoResponders,
  type Logger,
  type LogIdentity,
  type Msg,
  type NatsConnection,
  onReconnect,
  streamsOf,
  subscribe,
} from "@plexus/runtime";
import type { Append, AppendOutcome, ChannelLog, StoredRecord } from "./log.js";
import { type CursorContext, LogCursor, placeOf } from "./log-cursor.js";
import { acknowledgedSeq, PendingAppends } from "./pending-appends.js";
import { Questions } from "./questions.js";
import { FENCE_HEADER, type FetchedMessage, fetched, got, OPENED_HEADER, pulled } from "./stored-record.js";

export interface LogOptions {
  /** Milliseconds until an append counts as unknown. */
  appendDeadlineMs: number;
  /** Milliseconds until a question to the log fails. */
  readDeadlineMs: number;
  /** Copies of the stream; more than 1 needs a NATS cluster of version 2.10 or newer. */
  replicas: number;
  /** Bytes after which appends are refused; -1 for no bound but the disk's. */
  maxBytes: number;
}

/** Apart, since a log may answer questions that can't take anything new: without a quorum, for example. */
export interface LogBreakers {
  readonly appends: Breaker;
  readonly reads: Breaker;
}

/** How JetStream says no. */
interface Refusal {
  readonly err_code: number;
  readonly description: string;
}

/** Marks a seal for those who see only headers. */
const SEAL_HEADER = "Plexus-Seal";
/**
 * To make a cursor the server looks through the log while it takes no appends. After a worker's death hundreds of
 * channels want one: all at once they would bring each other, and the appends, to their deadlines, again and again.
 */
const CURSORS_AT_ONCE = 4;
/**
 * A cursor may take so many times as long as another question. The server goes on making one that is not waited for any
 * more, and whoever asks again has it made once more: with too short a patience a server that is short of time makes
 * cursors, and nobody gets one.
 */
const CURSOR_PATIENCE = 3;
const MAX_WAITING_READS = 200_000;
/** A gateway waits for 10 s; to read what nobody waits for would make those wait who come after it. */
const READ_PATIENCE_MS = 8_000;
const STREAM_NOT_FOUND = 10059;
/** A bound is lowered only where the log has room left below it: what is on its way must fit as well. */
const FITS = 0.9;
const WRONG_LAST_SEQUENCE = 10071;
const NO_MESSAGE_FOUND = 10037;
const SWEEP_MS = 100;
/** Newest records asked for at once (only their headers come), … */
const WALK_AT_ONCE = 250;
/** … and the pause in between, in which whatever else this process does goes on. */
const WALK_PAUSE_MS = 5;

/**
 * A cell's log as one JetStream file stream that republishes what it stores to the event subjects.
 *
 * Appends are plain publishes with one inbox for all acknowledgements: an eighth of the CPU of the library's
 * `publish`. Questions go the same way.
 */
export class JetStreamLog implements ChannelLog {
  readonly incarnation: string;
  readonly #nats: NatsConnection;
  readonly #stream: string;
  readonly #apiPrefix: string;
  readonly #options: LogOptions;
  readonly #inbox: string;
  readonly #questions: Questions;
  readonly #cursorQuestions: Questions;
  readonly #appends: Breaker;
  readonly #cursor: CursorContext;
  readonly #allSubjects: string;
  readonly #cursors = new Gate("log_reads", CURSORS_AT_ONCE, MAX_WAITING_READS, READ_PATIENCE_MS);
  readonly #pending: PendingAppends;
  readonly #sweep: NodeJS.Timeout;

  private constructor(
    context: { nats: NatsConnection; cell: string; log: Logger; options: LogOptions },
    info: LogIdentity,
    { appends, reads }: LogBreakers,
    domain?: string,
  ) {
    const { nats, cell, log, options } = context;
    this.#nats = nats;
    this.#stream = logStream(cell);
    this.#apiPrefix = domain === undefined ? "$JS.API" : `$JS.${domain}.API`;
    this.#options = options;
    this.#pending = new PendingAppends(options.replicas > 1);
    this.#appends = appends;
    const incarnation = incarnationOf(info);
    if (incarnation === undefined)
      throw new PlexusError("unavailable", `the log of cell ${cell} is being restored`, { retry: 1_000 });
    this.incarnation = incarnation;
    this.#inbox = `_INBOX.${cell}.${crypto.randomUUID()}`;
    subscribe(nats, `${this.#inbox}.*`, log, (message) => this.#onAck(message));
    const inbox = `${this.#inbox}-asked`;
    const deadlineMs = options.readDeadlineMs;
    this.#questions = new Questions({ nats, inbox, deadlineMs, breaker: reads, log });
    const patient = { inbox: `${inbox}-patiently`, deadlineMs: deadlineMs * CURSOR_PATIENCE };
    this.#cursorQuestions = new Questions({ nats, ...patient, breaker: reads, log });
    this.#cursor = {
      nats,
      questions: this.#cursorQuestions,
      api: this.#apiPrefix,
      stream: this.#stream,
      inbox: this.#inbox,
      deadlineMs,
      log,
    };
    this.#allSubjects = subjects.logOfCell(cell);
    this.#sweep = setInterval(() => this.#onSweep(performance.now()), SWEEP_MS);
    // Whether they were stored can be looked up now; to wait for their deadline would only be longer.
    onReconnect(nats, () => this.#settleAll("the connection was lost"));
  }

  /** Opens the cell's stream, making it where it is missing. */
  static async open(
    nats: NatsConnection,
    cell: string,
    log: Logger,
    options: LogOptions,
    breakers: LogBreakers = { appends: new Breaker(), reads: new Breaker() },
  ): Promise<JetStreamLog> {
    const manager = await jetstreamManager(nats);
    const config: Partial<StreamConfig> & { name: string } = {
      name: logStream(cell),
      subjects: [subjects.logOfCell(cell)],
      storage: StorageType.File,
      retention: RetentionPolicy.Limits,
      // A full log refuses what is new; nothing that was acknowledged is dropped to make room.
      discard: DiscardPolicy.New,
      max_bytes: options.maxBytes,
      num_replicas: options.replicas,
      allow_direct: true,
      republish: { src: subjects.logOfCell(cell), dest: subjects.allEvents },
    };
    const found = await manager.streams.info(config.name).catch(nullIfMissing);
    const info = found ?? (await manager.streams.add(config));
    if (found !== null && found.config.max_bytes !== options.maxBytes) {
      // JetStream would drop the oldest records of a log that holds more than its new bound, acknowledged as they are.
      if (options.maxBytes !== -1 && found.state.bytes > options.maxBytes * FITS)
        log.error(
          { bytes: found.state.bytes, maxBytes: options.maxBytes },
          "the log holds more than its new bound",
        );
      else await manager.streams.update(config.name, { max_bytes: options.maxBytes });
    }
    if (found !== null && found.config.num_replicas < options.replicas)
      await manager.streams.update(config.name, { num_replicas: options.replicas });
    return new JetStreamLog({ nats, cell, log, options }, info, breakers);
  }

  /** Opens the log of another cell, or its mirror, which has to exist in that JetStream domain. */
  static async openExisting(
    nats: NatsConnection,
    cell: string,
    log: Logger,
    options: LogOptions,
    domain: string | undefined,
  ): Promise<JetStreamLog> {
    const manager = await streamsOf(nats, domain, options.readDeadlineMs);
    const info = await manager.streams.info(logStream(cell));
    const breakers = { appends: new Breaker(), reads: new Breaker() };
    return new JetStreamLog({ nats, cell, log, options }, info, breakers, domain);
  }

  /**
   * Every subject that holds a record: one for each channel. In pieces: the server's own list of 200,000 names is a single
   * answer, whose JSON keeps this process from anything else for half a second.
   */
  async subjects(): Promise<string[]> {
    const found: string[] = [];
    await this.newest((subject) => found.push(subject));
    return found;
  }

  /** How many subjects hold a record. */
  async size(): Promise<number> {
    const manager = await streamsOf(this.#nats, undefined);
    const { state } = await manager.streams.info(this.#stream);
    return state.num_subjects ?? 0;
  }

  /** It has not taken anything for a while: what is new is refused at once, and need not be offered. */
  get isAway(): boolean {
    return this.#appends.isOpen(performance.now());
  }

  append(record: Append, done: (outcome: AppendOutcome) => void): void {
    const { subject, bytes, fence, opened, traceparent } = record;
    if (!this.#appends.tryPass(performance.now())) {
      const { message } = away("the log");
      return void setImmediate(() => done({ stored: false, why: "refused", message }));
    }
    const ack = this.#pending.add(done, performance.now() + this.#options.appendDeadlineMs);
    let lines = `${FENCE_HEADER}: ${fence}`;
    if (opened > 0) lines += `\r\n${OPENED_HEADER}: ${opened}`;
    if (opOf(bytes) === "seal") lines += `\r\n${SEAL_HEADER}: 1`;
    if (traceparent !== undefined) lines += `\r\n${TRACE_HEADER}: ${traceparent}`;
    const headers = encodedHeaders(lines);
    try {
      this.#nats.publish(subject, bytes, { reply: `${this.#inbox}.${ack}`, headers });
    } catch (error) {
      this.#pending.settle(ack, { stored: false, why: "refused", message: String(error) });
    }
  }

  last(subject: string): Promise<StoredRecord | null> {
    return this.#get({ last_by_subj: subject });
  }

  next(subject: string, logSeq: number): Promise<StoredRecord | null> {
    return this.#get({ seq: logSeq, next_by_subj: subject });
  }

  async read(
    subject: string,
    from: { logSeq: number } | { storedAt: number },
    bounds: { records: number; bytes: number },
  ): Promise<StoredRecord[]> {
    const start =
      "logSeq" in from
        ? { deliver_policy: "by_start_sequence", opt_start_seq: Math.max(1, from.logSeq) }
        : { deliver_policy: "by_start_time", opt_start_time: new Date(from.storedAt).toISOString() };
    return this.#cursors.run(() => this.#readAll({ ...start, filter_subject: subject }, bounds));
  }

  async #readAll(config: object, bounds: { records: number; bytes: number }): Promise<StoredRecord[]> {
    const cursor = await LogCursor.open(this.#cursor, config);
    const found: StoredRecord[] = [];
    try {
      const records = Math.min(bounds.records, cursor.pending);
      let bytes = 0;
      if (records > 0)
        await cursor.pull(records, (message) => {
          found.push(pulled(message));
          bytes += message.data.length;
          return bytes < bounds.bytes;
        });
      return found;
    } finally {
      cursor.close();
    }
  }

  newest(tell: (subject: string, isSeal: boolean) => void): Promise<void> {
    const config = { deliver_policy: "last_per_subject", filter_subject: this.#allSubjects };
    return this.#walk(config, ({ subject, headers }) => tell(subject, headers?.has(SEAL_HEADER) ?? false));
  }

  /** Bytes of all records under a subject with wildcards, without their headers. */
  async bytesUnder(filter: string): Promise<number> {
    let bytes = 0;
    await this.#walk({ deliver_policy: "all", filter_subject: filter }, ({ headers }) => {
      bytes += Number(headers?.get("Nats-Msg-Size") || 0);
    });
    return bytes;
  }

  /** Another word whenever something was stored or removed. */
  async state(): Promise<string> {
    const manager = await streamsOf(this.#nats, undefined);
    const { state } = await manager.streams.info(this.#stream);
    return `${state.last_seq} ${state.bytes}`;
  }

  /** The headers of many records, at a slow pace. */
  async #walk(config: object, tell: (message: Msg) => void): Promise<void> {
    const cursor = await LogCursor.open(this.#cursor, { ...config, headers_only: true });
    try {
      let { pending } = cursor;
      while (pending > 0) {
        await cursor.pull(WALK_AT_ONCE, (message) => {
          tell(message);
          ({ pending } = placeOf(message));
          return pending > 0;
        });
        await new Promise((resolve) => setTimeout(resolve, WALK_PAUSE_MS));
      }
    } finally {
      cursor.close();
    }
  }

  async trim(subject: string, belowLogSeq: number): Promise<void> {
    // The server takes a purge below the first sequence for one of everything.
    if (belowLogSeq <= 1) return;
    await this.#api(`STREAM.PURGE.${this.#stream}`, { filter: subject, seq: belowLogSeq });
  }

  stop(): void {
    clearInterval(this.#sweep);
    this.#cursors.stop();
    this.#questions.stop();
    this.#cursorQuestions.stop();
    this.#settleAll("this process is stopping");
  }

  #onAck(message: Msg): void {
    const ack = Number(message.subject.slice(message.subject.lastIndexOf(".") + 1));
    if (isNoResponders(message)) {
      this.#appends.failed(performance.now());
      return this.#pending.settle(ack, { stored: false, why: "refused", message: "the log is not there" });
    }
    this.#appends.succeeded();
    const logSeq = acknowledgedSeq(message.data);
    if (logSeq !== null) return this.#pending.settle(ack, { stored: true, logSeq });
    const { seq, error } = message.json<{ seq?: number; error?: Refusal }>();
    if (error === undefined) this.#pending.settle(ack, { stored: true, logSeq: seq! });
    else {
      const why = error.err_code === WRONG_LAST_SEQUENCE ? "fence" : "refused";
      this.#pending.settle(ack, { stored: false, why, message: error.description });
    }
  }

  #onSweep(now: number): void {
    this.#pending.giveUp(now, "no answer in time", () => this.#appends.failed(now));
  }

  #settleAll(message: string): void {
    this.#pending.giveUp(Number.POSITIVE_INFINITY, message);
  }

  /**
   * Asks the stream's leader, since what it says becomes a promise: with one replica that is whoever answers a
   * direct get, otherwise only the slower `MSG.GET` is sure to reach it.
   */
  async #get(question: object): Promise<StoredRecord | null> {
    if (this.#options.replicas > 1) return this.#getFromLeader(question);
    const answer = await this.#questions.ask(`${this.#apiPrefix}.DIRECT.GET.${this.#stream}`, question);
    if (answer.headers?.code === 404) return null;
    return got(answer);
  }

  async #getFromLeader(question: object): Promise<StoredRecord | null> {
    const answer = await this.#questions.ask(`${this.#apiPrefix}.STREAM.MSG.GET.${this.#stream}`, question);
    const { message, error } = answer.json<{ message?: FetchedMessage; error?: Refusal }>();
    if (message !== undefined) return fetched(message);
    // Anything else (there is no leader at the moment, for example) says nothing of what it holds.
    if (error?.err_code === NO_MESSAGE_FOUND) return null;
    throw refused(error?.description ?? "no message");
  }

  async #api(call: string, body: object): Promise<void> {
    const answer = await this.#questions.ask(`${this.#apiPrefix}.${call}`, body);
    const { error } = answer.json<{ error?: Refusal }>();
    if (error !== undefined) throw refused(error.description);
  }
}

function refused(description: string): PlexusError {
  return new PlexusError("unavailable", `the log refused: ${description}`, { retry: 1_000 });
}

/** No stream yet: anything else that went wrong must not lead to making one. */
function nullIfMissing(error: unknown): null {
  if (error instanceof JetStreamApiError && error.code === STREAM_NOT_FOUND) return null;
  throw error;
}
