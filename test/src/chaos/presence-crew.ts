/**
 * Clients that are members of a few channels and watch each other, over connections that chaos cuts: what they were
 * told of must be right step by step, and in the end be what is so.
 */
import { setTimeout as pause } from "node:timers/promises";
import type { PresenceFrame, PresenceOk, ServerFrame, SubOk } from "@plexus/protocol";
import { Wire } from "../drill/load/wire.js";

const CHANNELS = ["crew.a", "crew.b", "crew.c"];
const RECONNECT_MS = 200;
const LOOK_EVERY_MS = 1_000;
const POLL_MS = 250;
const MAX_FINDINGS = 10;

export class PresenceCrew {
  readonly #members: CrewMember[];
  readonly #findings: string[] = [];
  readonly #timer: NodeJS.Timeout;

  private constructor(url: string, token: string, size: number) {
    const found = (text: string) => {
      if (this.#findings.length < MAX_FINDINGS) this.#findings.push(text);
    };
    this.#members = Array.from({ length: size }, () => new CrewMember(url, token, found));
    this.#timer = setInterval(() => {
      for (const member of this.#members) member.look();
    }, LOOK_EVERY_MS);
  }

  static async start(url: string, token: string, size: number): Promise<PresenceCrew> {
    const crew = new PresenceCrew(url, token, size);
    await Promise.all(crew.#members.map((member) => member.connect()));
    return crew;
  }

  /** Waits until all of them see, and are told when they ask, who is there. Returns how long that took, in ms. */
  async converge(withinMs: number): Promise<number> {
    const startedAt = performance.now();
    for (;;) {
      const wrong = await this.#firstWrong();
      const tookMs = performance.now() - startedAt;
      if (wrong === undefined) return Math.round(tookMs);
      if (tookMs > withinMs) throw new Error(`presence is not right after ${withinMs} ms: ${wrong}`);
      await pause(POLL_MS);
    }
  }

  /** What was wrong with the events. */
  get findings(): readonly string[] {
    return this.#findings;
  }

  stop(): void {
    clearInterval(this.#timer);
    for (const member of this.#members) member.stop();
  }

  async #firstWrong(): Promise<string | undefined> {
    const conns = this.#members.map(({ conn }) => conn);
    if (conns.includes(undefined)) return "a member is not connected";
    const truth = [...conns].sort().join();
    for (const channel of CHANNELS) {
      for (const member of this.#members) {
        const seen = member.sees(channel);
        if (seen !== truth) return `${member.conn} sees [${seen}] in ${channel}, there are [${truth}]`;
      }
      const asked = await this.#members[0]!.ask(channel);
      if (asked !== truth)
        return `asked, the gateway says [${asked}] are in ${channel}, there are [${truth}]`;
    }
    return undefined;
  }
}

class CrewMember {
  readonly #url: string;
  readonly #token: string;
  readonly #found: (text: string) => void;
  readonly #views = new Map<string, Set<string>>();
  #wire: Wire | undefined;
  #stopped = false;

  constructor(url: string, token: string, found: (text: string) => void) {
    this.#url = url;
    this.#token = token;
    this.#found = found;
  }

  /** Its connection, once it is a member everywhere. */
  get conn(): string | undefined {
    return this.#views.size === CHANNELS.length ? this.#wire?.welcome?.conn : undefined;
  }

  sees(channel: string): string {
    return [...(this.#views.get(channel) ?? [])].sort().join();
  }

  async ask(ch: string): Promise<string> {
    const answer = (await this.#wire?.ask({ op: "presence", ch }).catch(() => undefined)) as
      | PresenceOk
      | undefined;
    return (answer?.members ?? [])
      .map(({ conn }) => conn)
      .sort()
      .join();
  }

  look(): void {
    this.#wire?.look(performance.now());
  }

  stop(): void {
    this.#stopped = true;
    this.#wire?.leave();
  }

  /** Again and again until it is a member everywhere. */
  async connect(): Promise<void> {
    while (!this.#stopped) {
      const wire = await this.#open().catch(() => undefined);
      if (wire !== undefined && (await this.#joinAll(wire))) return;
      wire?.drop();
      await pause(RECONNECT_MS);
    }
  }

  async #open(): Promise<Wire> {
    this.#views.clear();
    this.#wire = undefined;
    this.#wire = await Wire.open(this.#url, this.#token, {
      frame: (wire, frame) => this.#onFrame(wire, frame),
      closed: (wire) => this.#onClosed(wire),
    });
    return this.#wire;
  }

  async #joinAll(wire: Wire): Promise<boolean> {
    try {
      for (const ch of CHANNELS) await this.#join(wire, ch);
      return wire.isOpen;
    } catch {
      return false; // unavailable for now, or cut
    }
  }

  /** The list is taken in the turn in which it comes: events may follow it in the same WebSocket message. */
  #join(wire: Wire, ch: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const answered = (ok: unknown) => {
        this.#views.set(ch, new Set((ok as SubOk).members?.map(({ conn }) => conn)));
        resolve();
      };
      wire.queue({ op: "sub", ch, presence: true }, { answered, refused: reject });
      wire.flush();
    });
  }

  #onFrame(wire: Wire, frame: ServerFrame): void {
    if (wire !== this.#wire) return;
    if (frame.op === "bye") return wire.drop();
    if (frame.op === "presence" && !("id" in frame)) this.#apply(frame as PresenceFrame);
  }

  #apply({ ch, join = [], leave = [] }: PresenceFrame): void {
    const view = this.#views.get(ch);
    if (view === undefined) return;
    for (const { conn } of leave)
      if (!view.delete(conn)) this.#found(`${this.conn} was told that ${conn} left ${ch}, where it was not`);
    for (const { conn } of join) {
      if (view.has(conn)) this.#found(`${this.conn} was told that ${conn} joined ${ch}, where it was`);
      view.add(conn);
    }
  }

  #onClosed(wire: Wire): void {
    if (this.#stopped || wire !== this.#wire || this.conn === undefined) return;
    this.#views.clear();
    void this.connect();
  }
}
