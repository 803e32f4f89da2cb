/** What processes say over HTTP. */

/** A GET without a kept-alive connection, which would outlive the process that it leads to. */
export async function get(url: string): Promise<{ status: number; type: string; body: string }> {
  const response = await fetch(url, { headers: { connection: "close" }, signal: AbortSignal.timeout(5_000) });
  const type = response.headers.get("content-type") ?? "";
  return { status: response.status, type, body: await response.text() };
}

export class Metrics {
  readonly #samples = new Map<string, number>();

  /** Prometheus text. */
  constructor(text: string) {
    for (const line of text.split("\n")) {
      const match = /^([a-z0-9_]+)(\{.*\})? (\S+)$/i.exec(line);
      if (match !== null) this.#samples.set(`${match[1]}${match[2] ?? ""}`, Number(match[3]));
    }
  }

  /** The sum over all label values but those given; of one sample where the name has its labels; 0 where there is none. */
  sum(name: string, labels: Record<string, string> = {}): number {
    const marks = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
    let sum = 0;
    for (const [key, value] of this.#samples)
      if ((key === name || key.startsWith(`${name}{`)) && marks.every((mark) => key.includes(mark)))
        sum += value;
    return sum;
  }

  get names(): Set<string> {
    return new Set([...this.#samples.keys()].map((key) => key.replace(/\{.*/, "")));
  }
}

export async function readMetrics(opsUrl: string): Promise<Metrics> {
  return new Metrics((await get(`${opsUrl}/metrics`)).body);
}
