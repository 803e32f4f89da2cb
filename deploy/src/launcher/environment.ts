/**
 * The environment that every child gets, made from the launcher's own.
 *
 * A process refuses `PLEXUS_…` variables that it does not know, so that a misspelt one is noticed. What is set for
 * one kind of process therefore must not reach the others: from outside only what all processes know is passed on.
 */
const KNOWN_TO_ALL = new Set(["PLEXUS_LOG_LEVEL", "PLEXUS_SETTINGS_FILE", "PLEXUS_NATS_NKEY_SEED_FILE"]);
/** Known to those that messages pass. */
const TRACING = /^PLEXUS_TRACE_/;
/** Each child is told its own; and a test runner's mark would make a child's output binary. */
const NEVER = new Set(["NATS_URL", "REDIS_URL", "NODE_TEST_CONTEXT"]);

export interface ChildEnvironment {
  env: Record<string, string>;
  /** Names of `PLEXUS_…` variables that were not passed on. */
  dropped: string[];
  /** For gateways, workers and the admin API in addition. */
  tracing: Record<string, string>;
}

export function childEnvironment(
  own: NodeJS.ProcessEnv,
  more: Record<string, string> = {},
): ChildEnvironment {
  const env: Record<string, string> = {};
  const dropped: string[] = [];
  const tracing: Record<string, string> = {};
  for (const [name, value] of Object.entries(own)) {
    if (value === undefined || NEVER.has(name) || name.startsWith("npm_")) continue;
    if (TRACING.test(name)) tracing[name] = value;
    else if (name.startsWith("PLEXUS_") && !KNOWN_TO_ALL.has(name)) dropped.push(name);
    else env[name] = value;
  }
  return { env: { ...env, ...more }, dropped, tracing };
}
