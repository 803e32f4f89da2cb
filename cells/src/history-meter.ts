/**
 * Measures what the cell's log holds of the tenants that have a quota for it. One worker of the cell does, from the
 * headers of the records alone, one tenant after the other at a slow pace, and not again while the log has not changed.
 * So a tenant may store more than its quota by what it publishes between two measurements.
 */
import { parseLogSubject, subjects } from "@plexus/protocol";
import {
  type Logger,
  OTHER_TENANTS,
  type Settings,
  type TenantLimits,
  type TenantStored,
} from "@plexus/runtime";
import * as metrics from "./metrics.js";

/** What is needed of the log. */
export interface MeasuredLog {
  /** Another word whenever something was stored or removed. */
  state(): Promise<string>;
  subjects(): Promise<string[]>;
  /** Bytes of the records under a subject with wildcards. */
  bytesUnder(filter: string): Promise<number>;
}

export interface HistoryMeterContext {
  readonly cell: string;
  readonly log: MeasuredLog;
  readonly settings: Settings;
  readonly tenants: Pick<TenantLimits, "measured">;
  readonly intervalMs: number;
  isLeader(): boolean;
  readonly logger: Logger;
}

/** Measuring takes this share of the time at most. */
const MAX_SHARE = 0.05;

export class HistoryMeter {
  readonly #context: HistoryMeterContext;
  /** The log's state when it was last measured; null: it has to be measured whatever that is. */
  #measuredAt: string | null = null;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;
  readonly #forget: () => void;

  constructor(context: HistoryMeterContext) {
    this.#context = context;
    this.#forget = context.settings.onChange(() => {
      this.#measuredAt = null;
    });
    this.#schedule(context.intervalMs);
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#forget();
  }

  /** Measures if this worker leads, anybody has a quota, and the log is not as it was. */
  async measure(): Promise<void> {
    const { cell, log, settings, tenants, isLeader } = this.#context;
    if (!isLeader() || !hasQuotas(settings)) return this.#letGo();
    const state = await log.state();
    if (state === this.#measuredAt) return;
    this.#measuredAt = state;
    try {
      const bytes: TenantStored[] = [];
      for (const tenant of tenantsOf(await log.subjects())) {
        if (settings.tenant(tenant).quotas.historyBytes === undefined) continue;
        bytes.push([tenant, await log.bytesUnder(subjects.logOfTenant(cell, tenant))]);
        if (this.#stopped || !isLeader()) return this.#letGo();
      }
      tenants.measured({ cell, bytes });
      this.#show(bytes);
    } catch (error) {
      this.#measuredAt = null;
      throw error;
    }
  }

  #schedule(inMs: number): void {
    if (this.#stopped) return;
    this.#timer = setTimeout(() => {
      const startedAt = performance.now();
      this.measure()
        .catch((error: unknown) => this.#context.logger.warn({ err: error }, "the log could not be measured"))
        .finally(() => {
          const tookMs = performance.now() - startedAt;
          this.#schedule(Math.max(this.#context.intervalMs, tookMs / MAX_SHARE));
        });
    }, inMs);
    this.#timer.unref();
  }

  #letGo(): void {
    this.#measuredAt = null;
    this.#context.tenants.measured(null);
    metrics.historyBytes.reset();
  }

  #show(bytes: readonly TenantStored[]): void {
    metrics.historyBytes.reset();
    for (const [tenant, size] of bytes)
      metrics.historyBytes.inc(
        { tenant: this.#context.settings.tenant(tenant).listed ? tenant : OTHER_TENANTS },
        size,
      );
  }
}

/** Of one tenant, or of all that have none of their own. */
function hasQuotas(settings: Settings): boolean {
  if (settings.tenant(NOBODY).quotas.historyBytes !== undefined) return true;
  for (const { quotas } of settings.tenants.values()) if (quotas?.historyBytes !== undefined) return true;
  return false;
}

/** No tenant has this name. */
const NOBODY = "";

function tenantsOf(logSubjects: readonly string[]): Set<string> {
  const tenants = new Set<string>();
  for (const subject of logSubjects) {
    const parsed = parseLogSubject(subject);
    if (parsed !== null) tenants.add(parsed.tenant);
  }
  return tenants;
}
