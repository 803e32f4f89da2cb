import { PlexusError } from "@plexus/protocol";
import {
  type DirectoryStore,
  isParked,
  type Operation,
  type OperationStore,
  unparked,
} from "@plexus/runtime";
import type { GatewayRoster } from "./gateway-roster.js";
import type { OperationBody } from "./schemas.js";

const LOOK_INTERVAL_MS = 250;
/** A drain is given up only after a gateway's usual silence, a restart of this process included. */
const GATEWAY_GONE_AFTER_MS = 10_000;
/** What the directory no longer knows counts as over: longer than writing down what was begun or ended may take. */
const UNTOLD_AFTER_MS = 60_000;
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

/** How an operation has ended that still says it is running. */
type EndOf = (operation: Operation) => Pick<Operation, "state" | "error">;

/**
 * Operations as operators see them. Those who carry them out write how far they are, and how they end; of one whose
 * author was killed before that, the end is written here, by whoever looks at it.
 */
export class Operations {
  readonly #store: OperationStore;
  readonly #directory: Pick<DirectoryStore, "refresh">;
  readonly #gateways: Pick<GatewayRoster, "hasOperation">;
  readonly #startedAt = Date.now();

  constructor(
    store: OperationStore,
    directory: Pick<DirectoryStore, "refresh">,
    gateways: Pick<GatewayRoster, "hasOperation">,
  ) {
    this.#store = store;
    this.#directory = directory;
    this.#gateways = gateways;
  }

  async get(id: string): Promise<OperationBody> {
    const operation = await this.#store.get(id);
    if (operation === null) throw new PlexusError("not_found", `there is no operation ${id}`);
    return viewOf(await this.#settled(operation));
  }

  /** By cell: how many channels it still holds that an operation under way takes from it. */
  async leftIn(id: string): Promise<Map<string, number>> {
    const parts = Object.entries((await this.#store.get(id))?.progress ?? {});
    return new Map(parts.map(([cell, { moved, total }]) => [cell, total - moved]));
  }

  async list(): Promise<OperationBody[]> {
    const operations = await this.#store.list(LISTED);
    return Promise.all(operations.map(async (operation) => viewOf(await this.#settled(operation))));
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

  /** The operation, ended where whoever was to write that down can't any more. */
  async #settled(operation: Operation): Promise<Operation> {
    if (operation.state !== "running" || operation.kind === "return") return operation;
    const endOf =
      operation.kind === "gateway-drain"
        ? this.#endWithoutGateway(operation)
        : await this.#endInDirectory(operation);
    if (endOf === null) return operation;
    const ended = await this.#store.change(operation.id, (current) =>
      current.state === "running" ? { ...current, ...endOf(current), finishedAt: Date.now() } : current,
    );
    return ended ?? operation;
  }

  /** A gateway that is killed can't say that its drain is over. */
  #endWithoutGateway({ id, cell, startedAt }: Operation): EndOf | null {
    if (this.#gateways.hasOperation(id)) return null;
    if (Date.now() - Math.max(startedAt, this.#startedAt) < GATEWAY_GONE_AFTER_MS) return null;
    const error = `gateway ${cell} ended before its drain did; its clients connect anew by themselves`;
    return () => ({ state: "failed", error });
  }

  /** The directory changes first. A process that is killed right then says nothing of what it ended or replaced. */
  async #endInDirectory({ id, startedAt }: Operation): Promise<EndOf | null> {
    if (Date.now() - startedAt < UNTOLD_AFTER_MS) return null;
    if ((await this.#directory.refresh()).operation === id) return null;
    // Every part is written down before the directory changes, but perhaps not before the operation was read here.
    return ({ progress }) => {
      const parts = Object.values(progress);
      return { state: parts.length > 0 && parts.every(({ done }) => done) ? "done" : "superseded" };
    };
  }
}
