import { PlexusError } from "@plexus/protocol";
import {
  activate,
  cellOf,
  type Directory,
  type DirectoryStore,
  declareDown,
  drain,
  type Operation,
  type OperationKind,
  type OperationStore,
  pinTenant,
  reweigh,
  startOperation,
  type TenantPin,
} from "@plexus/runtime";

type Change = (directory: Directory, subject: string, operation: string) => Directory;

/**
 * Changes of placement, as operators ask for them. The cells carry them out by themselves: whoever asked may end,
 * and the operation goes on.
 */
export class CellChanges {
  readonly #directory: DirectoryStore;
  readonly #operations: OperationStore;

  constructor(directory: DirectoryStore, operations: OperationStore) {
    this.#directory = directory;
    this.#operations = operations;
  }

  drain(cell: string): Promise<Operation> {
    return this.#change("drain", cell, drain);
  }

  activate(cell: string): Promise<Operation> {
    return this.#change("activate", cell, activate);
  }

  /** Gives up a cell that does not answer, without waiting for the grace period. */
  declareDown(cell: string): Promise<Operation> {
    return this.#change("down", cell, declareDown);
  }

  reweigh(cell: string, weight: number): Promise<Operation> {
    return this.#change("weight", cell, (directory, id, operation) =>
      reweigh(directory, id, weight, operation),
    );
  }

  pinTenant(tenant: string, pin: TenantPin | null): Promise<Operation> {
    return this.#change("pin", tenant, (directory, id, operation) =>
      pinTenant(directory, id, pin, operation),
    );
  }

  /** Begins the operation, or answers the one that does the same already. */
  async #change(kind: OperationKind, subject: string, change: Change): Promise<Operation> {
    const directory = await this.#directory.refresh();
    const same = await this.#same(directory, kind, subject);
    if (same !== null) return same;
    const context = { operations: this.#operations, directory: this.#directory };
    return startOperation({ ...context, kind, cell: subject, change });
  }

  async #same(directory: Directory, kind: OperationKind, subject: string): Promise<Operation | null> {
    if (kind === "drain" || kind === "activate") cellOf(directory, subject);
    const running = directory.operation ? await this.#operations.get(directory.operation) : null;
    if (running?.kind === kind && running.cell === subject && (kind === "drain" || kind === "activate"))
      return running;
    // A drained cell that is drained again, an active one that is activated again: the last such operation.
    const state = directory.cells.find((cell) => cell.id === subject)?.state;
    const already = (kind === "drain" && state === "drained") || (kind === "activate" && state === "active");
    if (!already) return null;
    const last = (await this.#operations.list(100)).find(
      (operation) => operation.cell === subject && (operation.kind === kind || operation.kind === "join"),
    );
    if (last !== undefined) return last;
    throw new PlexusError("conflict", `cell ${subject} is ${state} already`);
  }
}
