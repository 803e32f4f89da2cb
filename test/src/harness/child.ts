/** A process of its own that answers questions, and ends with the one that asks. */
import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";

interface Question {
  id: number;
  name: string;
  ask: unknown;
}

interface Answer {
  id: number;
  answer?: unknown;
  error?: string;
}

/** What a process answers, by name. */
export type Answers = Record<string, (ask: never) => unknown>;

export class Child {
  readonly #process: ChildProcess;
  readonly #waiting = new Map<number, { resolve: (answer: never) => void; reject: (error: Error) => void }>();
  #nextId = 1;

  /** @param file the compiled program, as in `new URL("./server.js", import.meta.url)` */
  constructor(file: URL) {
    const { NODE_TEST_CONTEXT: _, ...env } = process.env;
    this.#process = fork(fileURLToPath(file), { env, serialization: "advanced" });
    this.#process.on("message", (message) => this.#settle(message as Answer));
    this.#process.once("exit", (code) => {
      for (const { reject } of this.#waiting.values())
        reject(new Error(`${file.pathname} ended with ${code}`));
      this.#waiting.clear();
    });
  }

  get pid(): number {
    return this.#process.pid!;
  }

  ask<T>(name: string, ask: unknown): Promise<T> {
    const id = this.#nextId++;
    return new Promise<T>((resolve, reject) => {
      if (!this.#process.connected) return reject(new Error("the process is gone"));
      this.#waiting.set(id, { resolve, reject });
      this.#process.send({ id, name, ask } satisfies Question);
    });
  }

  async stop(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const exited = new Promise((resolve) => this.#process.once("exit", resolve));
    if (this.#process.connected) this.#process.disconnect();
    await exited;
  }

  #settle({ id, answer, error }: Answer): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (error === undefined) waiting?.resolve(answer as never);
    else waiting?.reject(new Error(error));
  }
}

/** The other side: answers until whoever asks is gone. */
export function answerParent(answers: Answers): void {
  const reply = (answer: Answer) => {
    if (process.connected) process.send!(answer);
  };
  process.on("message", async (message) => {
    const { id, name, ask } = message as Question;
    try {
      reply({ id, answer: await answers[name]!(ask as never) });
    } catch (error) {
      reply({ id, error: error instanceof Error ? error.message : String(error) });
    }
  });
  process.once("disconnect", () => process.exit(0));
}
