/** Lifecycle events as somebody who follows the stream has them, and the settings that switch them on. */
import { type ConsumerMessages, jetstream, jetstreamManager } from "@nats-io/jetstream";
import { createLogger, LIFECYCLE_STREAM, type LifecycleEvent, SettingsStore } from "@plexus/runtime";
import type { TestCluster } from "./cluster.js";
import { until } from "./wait.js";

/** Puts a tenant's document; null forgets the tenant. */
export async function putTenant(
  cluster: TestCluster,
  tenant: string,
  document: object | null,
): Promise<void> {
  const store = await SettingsStore.open(await cluster.nats(), createLogger("test", "test", "fatal"));
  try {
    if (document === null) await store.removeTenant(tenant);
    else await store.putTenant(tenant, document);
  } finally {
    store.stop();
  }
}

/** Follows one tenant's events from the beginning. */
export class LifecycleFollower {
  readonly events: LifecycleEvent[] = [];
  readonly #messages: ConsumerMessages;

  private constructor(messages: ConsumerMessages) {
    this.#messages = messages;
    void this.#read();
  }

  static async start(cluster: TestCluster, tenant: string): Promise<LifecycleFollower> {
    const nats = await cluster.nats();
    const manager = await jetstreamManager(nats);
    await until("the stream", () => manager.streams.info(LIFECYCLE_STREAM).catch(() => undefined));
    const consumer = await jetstream(nats).consumers.get(LIFECYCLE_STREAM, {
      filter_subjects: `life.${tenant}.>`,
    });
    const follower = new LifecycleFollower(await consumer.consume({ idle_heartbeat: 2_000 }));
    cluster.beforeStop(() => follower.stop());
    return follower;
  }

  async stop(): Promise<void> {
    await this.#messages.close();
  }

  /** In order: of a channel where one is given. */
  kinds(ch?: string): string[] {
    return this.events.filter((event) => ch === undefined || event.ch === ch).map(({ kind }) => kind);
  }

  of(kind: string, more: Partial<LifecycleEvent> = {}): LifecycleEvent[] {
    const wanted = Object.entries({ kind, ...more });
    return this.events.filter((event) =>
      wanted.every(([field, value]) => event[field as keyof LifecycleEvent] === value),
    );
  }

  /** Ids that came more than once. */
  twice(): string[] {
    const seen = new Set<string>();
    return this.events.map(({ id }) => id).filter((id) => seen.size === seen.add(id).size);
  }

  async #read(): Promise<void> {
    for await (const message of this.#messages) this.events.push(message.json<LifecycleEvent>());
  }
}
