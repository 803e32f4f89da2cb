/** Waits so long, or until the signal or a call of `wake` ends it. */
export class Pause {
  #wake: () => void = () => undefined;

  wake(): void {
    this.#wake();
  }

  async wait(ms: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      timer = setTimeout(resolve, ms);
      signal.addEventListener("abort", () => resolve(), { once: true });
    });
    clearTimeout(timer);
  }
}
