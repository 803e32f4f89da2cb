import { PlexusError, subjects } from "@plexus/protocol";
import {
  type DirectoryStore,
  type Logger,
  type NatsConnection,
  type Options,
  type SettingsStore,
  type Subscription,
  subscribe,
  type TenantDocument,
  type Webhook,
} from "@plexus/runtime";
import type { hooksOptions } from "../options.js";
import type { DeadLetters } from "./dead-letters.js";
import { WebhookRunner } from "./runner.js";
import type { Sources } from "./sources.js";
import type { WebhookStates } from "./state.js";

const ARRANGE_AGAIN_MS = 2_000;

/** To deliver dead letters again; answered by the active process alone. */
export interface ReplayOrder {
  tenant: string;
  webhook: string;
  letter?: number;
}
export type ReplayAnswer =
  | { letters: number }
  | { error: { code: "not_found" | "conflict"; message: string } };

export interface DispatcherContext {
  nats: NatsConnection;
  store: SettingsStore;
  directory: DirectoryStore;
  sources: Sources;
  states: WebhookStates;
  letters: DeadLetters;
  options: Options<typeof hooksOptions>;
  log: Logger;
}

/** While this process is the active one: a runner for each webhook that the settings name. */
export class Dispatcher {
  readonly #context: DispatcherContext;
  readonly #runners = new Map<string, WebhookRunner>();
  readonly #orders: Subscription;
  readonly #unwatch: Array<() => void>;
  #active = false;
  #arranging: Promise<void> | null = null;
  #again = false;

  constructor(context: DispatcherContext) {
    this.#context = context;
    const { nats, store, directory, log } = context;
    this.#orders = subscribe(nats, subjects.orderHooks, log, (message) => {
      if (!this.#active) return;
      const replayed = this.#replay(message.json<ReplayOrder>());
      return replayed.then((answer) => message.respond(JSON.stringify(answer)));
    });
    const arrange = () => this.#arrange();
    this.#unwatch = [store.settings.onChange(arrange), directory.onChange(arrange)];
  }

  setActive(isActive: boolean): void {
    this.#active = isActive;
    if (isActive) return this.#arrange();
    for (const runner of this.#runners.values()) runner.stop();
    this.#runners.clear();
  }

  stop(): void {
    this.setActive(false);
    this.#orders.unsubscribe();
    for (const unwatch of this.#unwatch) unwatch();
  }

  async #replay({ tenant, webhook, letter }: ReplayOrder): Promise<ReplayAnswer> {
    try {
      const runner = this.#runners.get(keyOf(tenant, webhook));
      if (runner === undefined)
        throw new PlexusError("not_found", `tenant ${tenant} has no webhook ${webhook}`);
      return { letters: await runner.replay(letter) };
    } catch (error) {
      if (error instanceof PlexusError && (error.code === "not_found" || error.code === "conflict"))
        return { error: { code: error.code, message: error.message } };
      this.#context.log.warn({ err: error, tenant, webhook }, "dead letters could not be read");
      return { error: { code: "conflict", message: "the dead letters can't be read at the moment" } };
    }
  }

  /** One at a time, and once more where something has changed meanwhile. */
  #arrange(): void {
    if (!this.#active) return;
    if (this.#arranging !== null) {
      this.#again = true;
      return;
    }
    this.#again = false;
    this.#arranging = this.#arrangeAll()
      .catch((error: unknown) => {
        this.#context.log.warn({ err: error }, "webhooks could not be arranged, trying again");
        setTimeout(() => this.#arrange(), ARRANGE_AGAIN_MS).unref();
      })
      .finally(() => {
        this.#arranging = null;
        if (this.#again) this.#arrange();
      });
  }

  async #arrangeAll(): Promise<void> {
    const wanted = this.#wanted();
    for (const [key, runner] of [...this.#runners]) {
      if (wanted.has(key)) continue;
      runner.stop();
      this.#runners.delete(key);
    }
    for (const [key, { tenant, webhook }] of wanted) {
      const runner = this.#runners.get(key);
      if (runner !== undefined) runner.update(webhook);
      else await this.#start(key, tenant, webhook);
    }
    const { states, letters } = this.#context;
    for (const { tenant, webhook } of await states.names()) {
      if (wanted.has(keyOf(tenant, webhook)) || (await this.#isKept(tenant, webhook))) continue;
      await letters.removeAll(tenant, webhook);
      await states.remove(tenant, webhook);
    }
  }

  async #start(key: string, tenant: string, webhook: Webhook): Promise<void> {
    const onConflict = () => {
      this.#runners.get(key)?.stop();
      this.#runners.delete(key);
      setTimeout(() => this.#arrange(), ARRANGE_AGAIN_MS).unref();
    };
    const runner = await WebhookRunner.start(webhook, { ...this.#context, tenant, onConflict });
    if (this.#active) this.#runners.set(key, runner);
    else runner.stop();
  }

  /** What is stored decides: a document that this process does not understand is no reason to forget anything. */
  async #isKept(tenant: string, webhook: string): Promise<boolean> {
    const document = (await this.#context.store.tenant(tenant))?.value as TenantDocument | undefined;
    return document?.webhooks?.some(({ id }) => id === webhook) === true;
  }

  #wanted(): Map<string, { tenant: string; webhook: Webhook }> {
    const wanted = new Map<string, { tenant: string; webhook: Webhook }>();
    const { settings } = this.#context.store;
    for (const tenant of settings.tenants.keys())
      for (const webhook of settings.tenant(tenant).webhooks ?? [])
        wanted.set(keyOf(tenant, webhook.id), { tenant, webhook });
    return wanted;
  }
}

function keyOf(tenant: string, webhook: string): string {
  return `${tenant}.${webhook}`;
}
