/** How much arrives at clients whose networks are away again and again: the same script for both sides. */
import { CpuMeter } from "../drill/cpu.js";
import { Child } from "../harness/child.js";
import type { CrowdPlan, CrowdResult, SideName, Standing } from "./crowd-types.js";
import type { CompareOptions } from "./options.js";
import { DROP_MS, dropsOf } from "./schedule.js";
import { SIDES, type Side } from "./sides.js";

const EVERY_MS = 1_000;

export interface SideReport extends CrowdResult {
  side: SideName;
  what: string;
  /** Of what was published, over all clients. */
  deliveredPercent: number;
  /** Of the time until the last drop was over, the share in which a client was connected, on average. */
  connectedPercent: number;
  /** From the end of the last drop until nothing was missing, or nothing came any more. */
  settledMs: number;
  /** While messages were published and until all had settled, by kind of process. */
  cpuSeconds: Record<string, number>;
  /** Of that, the servers. */
  serverCpuSeconds: number;
}

export interface CompareReport {
  ok: boolean;
  seed: number;
  clients: number;
  rate: number;
  seconds: number;
  drops: number;
  dropMs: number;
  sides: SideReport[];
}

/** One side after the other, so that neither takes the other's CPU. */
export async function compare(
  options: CompareOptions,
  say: (line: string) => void,
  interrupted?: AbortSignal,
): Promise<CompareReport> {
  const { seed, clients, rate, seconds } = options;
  const drops = dropsOf(seed, clients, seconds * 1_000);
  const sides: SideReport[] = [];
  for (const name of options.sides) {
    say(`${name}: starting`);
    const side = await SIDES[name]();
    try {
      sides.push(await new Trial(side, options, say).run(interrupted));
    } finally {
      await side.stop();
    }
  }
  const ok = sides.every((report) => report.side !== "plexus" || isFaultless(report));
  return { ok, seed, clients, rate, seconds, drops: drops.length, dropMs: DROP_MS, sides };
}

function isFaultless({ clients, complete, duplicated, outOfOrder, toldOfGap }: SideReport): boolean {
  return complete === clients && duplicated === 0 && outOfOrder === 0 && toldOfGap === 0;
}

class Trial {
  readonly #side: Side;
  readonly #options: CompareOptions;
  readonly #say: (line: string) => void;
  readonly #networks = new Child(new URL("./networks.js", import.meta.url));
  readonly #crowd = new Child(new URL("./crowd.js", import.meta.url));
  /** How many clients were connected, a second at a time, while there were drops. */
  readonly #connected: number[] = [];
  #dropping = true;

  constructor(side: Side, options: CompareOptions, say: (line: string) => void) {
    this.#side = side;
    this.#options = options;
    this.#say = say;
  }

  async run(interrupted: AbortSignal | undefined): Promise<SideReport> {
    const stop = () => void Promise.all([this.#crowd.stop(), this.#networks.stop()]);
    if (interrupted?.aborted) stop();
    interrupted?.addEventListener("abort", stop, { once: true });
    try {
      return await this.#run();
    } finally {
      await this.#crowd.stop();
      await this.#networks.stop();
    }
  }

  async #run(): Promise<SideReport> {
    const { seed, clients, rate, seconds } = this.#options;
    const { name: side, what, port, token } = this.#side;
    const messages = rate * seconds;
    const ports = await this.#networks.ask<number[]>("open", { port, clients });
    await this.#crowd.ask("connect", { side, port, ports, token, messages } satisfies CrowdPlan);
    const cpu = new CpuMeter(() => this.#processes());
    const ticking = setInterval(() => void this.#tick(cpu), EVERY_MS);
    try {
      const drops = dropsOf(seed, clients, seconds * 1_000);
      await Promise.all([this.#crowd.ask("publish", { rate, messages }), this.#networks.ask("run", drops)]);
      this.#dropping = false;
      const overAt = performance.now();
      const result = await this.#crowd.ask<CrowdResult>("settle", null);
      const settledMs = Math.round(performance.now() - overAt);
      const deliveredPercent = percent(result.delivered, result.published * result.clients);
      const connectedPercent = this.#connectedPercent();
      const cpuSeconds = cpu.read();
      const serverCpuSeconds = this.#serversOf(cpuSeconds);
      return {
        side,
        what,
        deliveredPercent,
        ...result,
        connectedPercent,
        settledMs,
        cpuSeconds,
        serverCpuSeconds,
      };
    } finally {
      clearInterval(ticking);
    }
  }

  #connectedPercent(): number {
    const sum = this.#connected.reduce((total, count) => total + count, 0);
    return Math.round((sum / (this.#connected.length * this.#options.clients)) * 1_000) / 10;
  }

  #processes() {
    const own = [
      { kind: "clients", pid: this.#crowd.pid },
      { kind: "networks", pid: this.#networks.pid },
    ];
    return [...this.#side.processes(), ...own];
  }

  #serversOf(cpuSeconds: Record<string, number>): number {
    const kinds = new Set(this.#side.processes().map(({ kind }) => kind as string));
    const servers = Object.entries(cpuSeconds).filter(([kind]) => kinds.has(kind));
    return Math.round(servers.reduce((sum, [, seconds]) => sum + seconds, 0) * 100) / 100;
  }

  async #tick(cpu: CpuMeter): Promise<void> {
    cpu.sample();
    const standing = await this.#crowd.ask<Standing>("standing", null).catch(() => undefined);
    if (standing === undefined) return; // it was stopped in between
    const { published, delivered, connected } = standing;
    if (this.#dropping) this.#connected.push(connected);
    const { clients } = this.#options;
    const share = percent(delivered, published * clients).toFixed(1);
    this.#say(
      `${this.#side.name}  published ${published}  connected ${connected}/${clients}  delivered ${share} %`,
    );
  }
}

/** Three digits after the point, and 100 only where nothing is missing. */
function percent(part: number, whole: number): number {
  return whole === 0 ? 0 : Math.floor((part / whole) * 100_000) / 1_000;
}
