import { PlexusError } from "@plexus/protocol";
import { isParked, type Operation, type OperationStore, unparked } from "@plexus/runtime";
import type { GatewayRoster } from "./gateway-roster.js";
import type { OperationBody } from "./schemas.js";

const LOOK_INTERVAL_MS = 250;
/** A drain is given up only after a gateway's usual silence, a restart of this process included. */
const GATEWAY_GONE_AFTER_MS = 10_000;
const LISTED = 50;

/** What the API shows of an operation. */
export function viewOf(operation: Operation): OperationBody {
  const { id, kind, state, startedAt, finishedAt, error } = operation;
  const parts = Object.values(operation.progress);
  const sum = (pick: (part: (typeof parts)[number]) => number) => parts.reduce((n, p) => n + pick(p), 0);
  return {
    id,
    kind,
    ...subjectOf(operation),
    state: isParked(operation) ? "parked" : state,
    moved: sum(({ moved }) => moved),
    total: sum(({ total }) => total),
    startedAt,
    ...(finishedAt === undefined ? {} : { finishedAt }),
    ...(error === undefined ? {} : { error }),
  };
}

/** What is changed, under the name of what it is. */
function subjectOf({ kind, cell }: Operation): Pick<OperationBody, "cell" | "gateway" | "tenant"> {
  if (kind === "gateway-drain") return { gateway: cell };
  return kind === "pin" ? { tenant: cell } : { cell };
}

/** Operations as operators see them. Those who carry them out write how far they are; here they are only read. */
export class Operations {
  readonly #store: OperationStore;
  readonly #gateways: GatewayRoster;
  readonly #startedAt = Date.now();

  constructor(store: OperationStore, gateways: GatewayRoster) {
    this.#store = store;
    this.#gateways = gateways;
  }

  async get(id: string): Promise<OperationBody> {
    const operation = await this.#store.get(id);
    if (operation === null) throw new PlexusError("not_found", `there is no operation ${id}`);
    return viewOf(await this.#withoutGateway(operation));
  }

  /** By cell: how many channels it still holds that an operation under way takes from it. */
  async leftIn(id: string): Promise<Map<string, number>> {
    const parts = Object.entries((await this.#store.get(id))?.progress ?? {});
    return new Map(parts.map(([cell, { moved, total }]) => [cell, total - moved]));
  }

  async list(): Promise<OperationBody[]> {
    const operations = await this.#store.list(LISTED);
    return Promise.all(operations.map(async (operation) => viewOf(await this.#withoutGateway(operation))));
  }

  /** Has the cells try again what they have parked. Rejects with `conflict` where nothing is. */
  async retry(id: string): Promise<OperationBody> {
    const before = await this.#store.get(id);
    if (before === null) throw new PlexusError("not_found", `there is no operation ${id}`);
    if (!isParked(before)) throw new PlexusError("conflict", `operation ${id} is not parked`);
    return viewOf((await this.#store.change(id, (operation) => unparked(operation))) ?? before);
  }

  /** How it is, and again whenever that changes, up to its end. */
  async *follow(id: string, signal: AbortSignal): AsyncGenerator<OperationBody> {
    let shown = "";
    while (!signal.aborted) {
      const operation = await this.get(id);
      const text = JSON.stringify(operation);
      if (text !== shown) yield operation;
      shown = text;
      if (operation.state !== "running" && operation.state !== "parked") return;
      await new Promise((resolve) => setTimeout(resolve, LOOK_INTERVAL_MS));
    }
  }

  /** A gateway that is killed can't say that its drain is over. */
  async #withoutGateway(operation: Operation): Promise<Operation> {
    const { id, kind, state, startedAt, cell } = operation;
    if (kind !== "gateway-drain" || state !== "running" || this.#gateways.hasOperation(id)) return operation;
    const now = Date.now();
    if (now - Math.max(startedAt, this.#startedAt) < GATEWAY_GONE_AFTER_MS) return operation;
    const error = `gateway ${cell} ended before its drain did; its clients connect anew by themselves`;
    const ended = await this.#store.change(id, (current) =>
      current.state === "running" ? { ...current, state: "failed", finishedAt: now, error } : current,
    );
    return ended ?? operation;
  }
}
