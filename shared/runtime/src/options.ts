/** Types of options, and the options that every process has. */
import { z } from "zod";
import { option } from "./config.js";

export const integer = (least: number, most: number) =>
  z.coerce
    .number({ error: `a whole number from ${least} to ${most} is wanted` })
    .int()
    .min(least)
    .max(most);
export const flag = z.enum(["true", "false", "1", "0"]).transform((text) => text === "true" || text === "1");
export const brokerUrl = z.string().min(1);
export const name = z.string().regex(/^[a-z0-9-]{1,40}$/, "only a-z, 0-9 and - (40 characters at most)");

export const commonOptions = {
  natsUrl: option({
    env: "NATS_URL",
    type: brokerUrl,
    default: "nats://127.0.0.1:4222",
    doc: "Address of the NATS server, or several with commas in between; one with tls:// is not spoken to without TLS.",
  }),
  natsSeedFile: option<string | undefined>({
    env: "PLEXUS_NATS_NKEY_SEED_FILE",
    type: z.string().optional(),
    default: undefined,
    doc: "File with the seed of the nkey that this process logs in to NATS with; unset where the servers take anybody.",
  }),
  hubReplicas: option({
    env: "PLEXUS_HUB_REPLICAS",
    type: integer(1, 5),
    default: 1,
    doc: "Copies that the hub's buckets (directory, settings and so on) are made with; more than 1 needs a NATS cluster of 2.10 or newer.",
  }),
  opsHost: option({
    env: "PLEXUS_OPS_HOST",
    type: z.string(),
    default: "127.0.0.1",
    doc: "Where /healthz, /readyz and /metrics are served; loopback by default, since they need no login.",
  }),
  opsPort: option({
    env: "PLEXUS_OPS_PORT",
    type: integer(0, 65535),
    default: 0,
    doc: "Port of /healthz, /readyz and /metrics; 0 takes a free one and logs it.",
  }),
  logLevel: option({
    env: "PLEXUS_LOG_LEVEL",
    type: z.enum(["trace", "debug", "info", "warn", "error", "fatal"]),
    default: "info" as const,
    doc: "Least level that is logged.",
  }),
  settingsFile: option<string | undefined>({
    env: "PLEXUS_SETTINGS_FILE",
    type: z.string().optional(),
    default: undefined,
    doc: "JSON file with the settings of namespaces; without one every namespace has the defaults.",
  }),
  exitWithStdin: option({
    env: "PLEXUS_EXIT_WITH_STDIN",
    type: flag,
    default: false,
    doc: "End when standard input ends, so that a child never outlives its launcher.",
  }),
};

/** Of processes that do tenants' work. */
export const fairnessOptions = {
  fairLagMs: option({
    env: "PLEXUS_FAIR_LAG_MS",
    type: integer(1, 60_000),
    default: 5,
    doc: "Milliseconds by which the event loop is late, on average, above which tenants that cause more than an equal part of the work get less of it: lower keeps quiet tenants quick, higher uses a busy machine more.",
  }),
  fairUtilization: option({
    env: "PLEXUS_FAIR_UTILIZATION",
    type: z.coerce.number().min(0.1).max(1),
    default: 0.75,
    doc: "Part of the time that the event loop is busy above which the same happens; 1: never for this reason.",
  }),
  fairStarvation: option({
    env: "PLEXUS_FAIR_STARVATION",
    type: z.coerce.number().min(0.01).max(1),
    default: 0.04,
    doc: "Part of the time for which the process is ready to run and gets no processor, above which the same happens (Linux); 1: never for this reason.",
  }),
};
