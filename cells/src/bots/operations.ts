/** What each operation of a bot does: the worker that got the request is the bot's gateway for as long as that takes. */
import {
  BOT_LEASE_MS,
  type BotAnswer,
  type BotSubject,
  botConn,
  botUser,
  PlexusError,
  subjects,
} from "@plexus/protocol";
import {
  type DirectoryStore,
  HISTORY_DEFAULT,
  type NatsConnection,
  type Publisher,
  publishItem,
  type Router,
  readHistory,
  readMembers,
  type Settings,
  type TenantLimits,
  type Tracer,
} from "@plexus/runtime";
import { admit } from "./admission.js";
import { historyAnswer, membersAnswer } from "./answer.js";
import { botGateway } from "./bot-gateway.js";
import type { BotPositions } from "./positions.js";
import type { BotRequest } from "./request.js";

const MAX_HISTORY = 1_000;

export interface BotContext {
  readonly nats: NatsConnection;
  readonly bus: { readonly isUp: boolean };
  readonly directory: Pick<DirectoryStore, "current">;
  readonly router: Router;
  readonly publisher: Publisher;
  readonly settings: Settings;
  readonly tenants: TenantLimits;
  readonly tracer: Pick<Tracer, "begin">;
  readonly positions: BotPositions;
  /** Of this run of this worker: makes ids that no other makes. */
  readonly instance: string;
}

type Of<O extends BotRequest["operation"]> = Extract<BotRequest, { operation: O }>;

export class BotOperations {
  readonly #context: BotContext;
  #nextId = 1;

  constructor(context: BotContext) {
    this.#context = context;
  }

  /** Carries a request out. Rejects with a {@link PlexusError}, which is the answer then. */
  async run(from: BotSubject, request: BotRequest, traceparent?: string): Promise<BotAnswer> {
    admit(this.#context, from, request, performance.now());
    switch (request.operation) {
      case "publish":
        return this.#publish(from, request, traceparent);
      case "history":
        return this.#history(from, request);
      case "presence":
        return this.#presence(from, request);
      case "join":
        return this.#join(from, request);
      case "leave":
        return this.#leave(from);
      case "signal":
        return this.#signal(from, request);
      case "position":
        return this.#position(from, request);
    }
  }

  async #publish(
    { tenant, bot, channel }: BotSubject,
    { data, mid }: Of<"publish">,
    traceparent: string | undefined,
  ): Promise<BotAnswer> {
    const trace = this.#context.tracer.begin(tenant, channel, traceparent, "bot");
    const user = botUser(bot);
    const id = mid ?? `${this.#context.instance}.${this.#nextId++}`;
    const item = publishItem({ id, user, conn: botConn(bot), json: JSON.stringify(data) }, mid !== undefined);
    const published = await this.#context.publisher.publishAndWait(tenant, channel, item, trace);
    return { ok: true, ...published };
  }

  async #history(
    { tenant, channel }: BotSubject,
    { before, after, limit }: Of<"history">,
  ): Promise<BotAnswer> {
    const range = { before, after, limit: Math.min(limit ?? HISTORY_DEFAULT, MAX_HISTORY) };
    const page = await readHistory(this.#context.router, tenant, channel, range);
    return historyAnswer(page, after !== undefined);
  }

  async #presence({ tenant, channel }: BotSubject, { after }: Of<"presence">): Promise<BotAnswer> {
    const { members, stale } = await readMembers(this.#context.router, tenant, channel);
    return membersAnswer(members, stale, after);
  }

  /** The lease is renewed in every cell: the channel may move, and must find it there. */
  async #join({ tenant, bot, channel }: BotSubject, { state }: Of<"join">): Promise<BotAnswer> {
    const { nats, directory, router } = this.#context;
    const gateway = botGateway(tenant, bot, channel);
    for (const { id } of directory.current.cells) nats.publish(subjects.lease(id), gateway);
    const member = { conn: botConn(bot), user: botUser(bot), state, since: Date.now() };
    // `refresh`: nobody but the bot would notice that Redis was emptied.
    const change = { gateway, put: [member], del: [], refresh: true, all: null, keepSince: true };
    await router.ask("members", tenant, channel, change, JSON.stringify(change).length);
    return { ok: true, conn: member.conn, lease: BOT_LEASE_MS };
  }

  async #leave({ tenant, bot, channel }: BotSubject): Promise<BotAnswer> {
    const change = { gateway: botGateway(tenant, bot, channel), put: [], del: [botConn(bot)] };
    await this.#context.router.ask("members", tenant, channel, { ...change, refresh: false, all: null });
    return { ok: true };
  }

  #signal({ tenant, bot, channel }: BotSubject, { data }: Of<"signal">): BotAnswer {
    const { nats, bus } = this.#context;
    if (!bus.isUp)
      throw new PlexusError("unavailable", "the bus is away, and signals are not kept", { retry: 1_000 });
    const signal = { op: "signal", ch: channel, user: botUser(bot), conn: botConn(bot), data };
    nats.publish(subjects.event(tenant, channel), JSON.stringify(signal));
    return { ok: true };
  }

  async #position(from: BotSubject, { store }: Of<"position">): Promise<BotAnswer> {
    const { positions } = this.#context;
    if (store !== undefined) await positions.put(from, store);
    return { ok: true, ...(store ?? (await positions.get(from)) ?? { epoch: null, seq: null }) };
  }
}
