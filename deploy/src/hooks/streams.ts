/** The two streams on the hub: lifecycle events, and what could not be delivered. */
import { JetStreamApiError, type JetStreamManager, RetentionPolicy, StorageType } from "@nats-io/jetstream";
import { subjects } from "@plexus/protocol";
import { DEAD_LETTER_STREAM, LIFECYCLE_STREAM, type Options } from "@plexus/runtime";
import type { hooksOptions } from "./options.js";

const STREAM_NOT_FOUND = 10059;
const NS_PER_MS = 1_000_000;
/** Longer than whoever writes repeats without an answer, while its connection is up. */
const DUPLICATE_WINDOW_MS = 300_000;
/** Of one webhook, so that one that is never repaired leaves room for the others. */
export const MAX_DEAD_LETTERS_PER_WEBHOOK = 1_000;

export async function ensureStreams(
  manager: JetStreamManager,
  options: Options<typeof hooksOptions>,
): Promise<void> {
  const common = {
    storage: StorageType.File,
    retention: RetentionPolicy.Limits,
    num_replicas: options.replicas,
    duplicate_window: DUPLICATE_WINDOW_MS * NS_PER_MS,
    allow_direct: true,
  };
  await ensure(manager, {
    ...common,
    name: LIFECYCLE_STREAM,
    subjects: [subjects.allLifecycle, subjects.allRosters, subjects.allSourcesEnded],
    max_age: options.maxAgeMs * NS_PER_MS,
    max_bytes: options.maxBytes,
    max_msgs: options.maxEvents,
  });
  await ensure(manager, {
    ...common,
    name: DEAD_LETTER_STREAM,
    subjects: [subjects.allDeadLetters],
    max_age: options.deadLetterAgeMs * NS_PER_MS,
    max_bytes: options.deadLetterBytes,
    max_msgs_per_subject: MAX_DEAD_LETTERS_PER_WEBHOOK,
  });
}

type Config = Parameters<JetStreamManager["streams"]["add"]>[0];

async function ensure(manager: JetStreamManager, config: Config): Promise<void> {
  const found = await manager.streams.info(config.name).catch((error: unknown) => {
    if (error instanceof JetStreamApiError && error.code === STREAM_NOT_FOUND) return null;
    throw error;
  });
  if (found === null) await manager.streams.add(config);
  else await manager.streams.update(config.name, config);
}
