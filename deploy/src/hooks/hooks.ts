import { randomBytes } from "node:crypto";
import {
  checkNats,
  connectNats,
  DirectoryStore,
  hubJetStream,
  type Logger,
  leaveNats,
  type Options,
  patiently,
  type Service,
  SettingsStore,
  startOpsServer,
  streamsOf,
} from "@plexus/runtime";
import { Keeper } from "./keeper.js";
import { Lease } from "./lease.js";
import * as metrics from "./metrics.js";
import type { hooksOptions } from "./options.js";
import { ensureStreams } from "./streams.js";
import { DeadLetters } from "./webhooks/dead-letters.js";
import { Dispatcher } from "./webhooks/dispatcher.js";
import { Sources } from "./webhooks/sources.js";
import { WebhookStates } from "./webhooks/state.js";

/** Composes the process of lifecycle events and webhooks. Several may run: one is active, the others follow. */
export async function startHooks(options: Options<typeof hooksOptions>, log: Logger): Promise<Service> {
  const instance = `hooks-${randomBytes(4).toString("hex")}`;
  const nats = await connectNats(options.natsUrl, instance, log, options.natsSeedFile);
  const client = hubJetStream(nats, options.hubDomain);
  const manager = await patiently(
    "streams",
    async () => {
      const opened = await streamsOf(nats, options.hubDomain);
      await ensureStreams(opened, options);
      return opened;
    },
    log,
  );
  const { hubDomain } = options;
  const directory = await patiently("directory", () => DirectoryStore.open(nats, log, options), log);
  const store = await patiently("settings", () => SettingsStore.open(nats, log, options), log);
  const states = await patiently("webhooks", () => WebhookStates.open(nats, log, options), log);
  const dispatcher = new Dispatcher({
    nats,
    store,
    directory,
    sources: new Sources({ nats, hub: client, directory, hubDomain, log }),
    states,
    letters: new DeadLetters(client, manager),
    options,
    log,
  });
  const onChange = (isActive: boolean) => {
    metrics.active.set(isActive ? 1 : 0);
    dispatcher.setActive(isActive);
  };
  const lease = await patiently("lease", () => Lease.open(nats, instance, log, onChange, options), log);
  const isActive = () => lease.isActive(performance.now());
  const { vacateAfterMs, gatewayLeaseMs } = options;
  const keeper = await Keeper.start({ nats, client, manager, isActive, vacateAfterMs, gatewayLeaseMs, log });
  const ops = await startOpsServer({
    host: options.opsHost,
    port: options.opsPort,
    log,
    ready: async () => ({ nats: await checkNats(nats), events: keeper.problem }),
  });
  log.info({ instance }, "hooks are ready");

  return {
    stop: async () => {
      dispatcher.stop();
      keeper.stop();
      await lease.stop();
      store.stop();
      directory.stop();
      await ops.stop();
      await leaveNats(nats);
    },
  };
}
