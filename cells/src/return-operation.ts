/**
 * The operation under which a cell that was given up lets go of what is at home elsewhere. No placement changes by it, so
 * it is none of the directory's, and others may be under way beside it: it is there to be seen, and to be parked.
 */
import { type Operation, OperationStore } from "@plexus/runtime";

/** Operations among which one that somebody else began is looked for. */
const LOOKED_AT = 100;

export class ReturnOperation {
  readonly #cell: string;
  readonly #operations: OperationStore;
  /** Its id; undefined: not looked for yet, null: there is none. */
  #id: string | null | undefined;

  constructor(cell: string, operations: OperationStore) {
    this.#cell = cell;
    this.#operations = operations;
  }

  /** The id of the one under way, where it is known here. */
  get id(): string | null {
    return this.#id ?? null;
  }

  /** Begins it, or goes on with what another worker of the cell began. */
  async open(version: number): Promise<string> {
    const known = typeof this.#id === "string" ? await this.#operations.get(this.#id) : null;
    if (known?.state === "running") return known.id;
    this.#id = (await this.#running()) ?? (await this.#begin(version));
    return this.#id;
  }

  /** The cell is back. Also where whoever let go of its channels died before it could say so. */
  async end(): Promise<void> {
    if (this.#id === null) return;
    const id = this.#id ?? (await this.#running());
    if (id !== null) await this.#operations.change(id, ended);
    this.#id = null;
  }

  /** What was known may be over: it is looked for when it is needed next. */
  forget(): void {
    this.#id = undefined;
  }

  async #begin(version: number): Promise<string> {
    const now = Date.now();
    const id = OperationStore.newId("return", now);
    await this.#operations.create(id, "return", this.#cell, version, now);
    return id;
  }

  async #running(): Promise<string | null> {
    const known = await this.#operations.list(LOOKED_AT);
    const own = known.find(
      ({ kind, cell, state }) => kind === "return" && cell === this.#cell && state === "running",
    );
    return own?.id ?? null;
  }
}

function ended(operation: Operation): Operation {
  return operation.state === "running" ? { ...operation, state: "done", finishedAt: Date.now() } : operation;
}
