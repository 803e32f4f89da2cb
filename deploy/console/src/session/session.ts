/** What the console knows of the installation, kept up to date while somebody looks at it. */
import type { Cells, Gateways, Me, Operation, Started, Stats } from "../api-types.js";
import { FIRST_LINK, failed, heard, type Link, retryDelayMs } from "../model/link.js";
import { announcement, hasEnded, isUnderWay, withOperations } from "../model/operations.js";
import { Samples } from "../model/samples.js";
import { type Api, ApiError, path } from "./api.js";
import { FIGURES, type Figure, figuresOf } from "./figures.js";
import { Pause } from "./pause.js";
import { Store } from "./store.js";

const LOOK_EVERY_MS = 2_000;
/** Browsers open six connections to one origin: streams must leave some to questions. */
const MAX_FOLLOWED = 2;

export interface Known {
  readonly link: Link;
  readonly cells: Cells | null;
  readonly gateways: Gateways | null;
  /** Newest first; null until they are known. */
  readonly operations: readonly Operation[] | null;
  /** Ids of those that were seen under way, or ordered here: some end before they are seen. */
  readonly watched: readonly string[];
  readonly stats: Stats | null;
  /** `none`: this API has no such figures. */
  readonly figures: "awaited" | "live" | "away" | "none";
  /** What a screen reader is told, newest only. */
  readonly announced: string;
}

const NOTHING: Known = {
  link: FIRST_LINK,
  cells: null,
  gateways: null,
  operations: null,
  watched: [],
  stats: null,
  figures: "awaited",
  announced: "",
};

export class Session {
  readonly known = new Store<Known>(NOTHING);
  readonly samples = new Samples<Figure>(FIGURES);
  readonly api: Api;
  readonly me: Me;
  readonly #onRefused: () => void;
  readonly #pause = new Pause();
  readonly #measurePause = new Pause();
  readonly #followed = new Set<string>();
  #abort = new AbortController();

  /** @param onRefused the token is none any more */
  constructor(api: Api, me: Me, onRefused: () => void) {
    this.api = api;
    this.me = me;
    this.#onRefused = onRefused;
  }

  get mayOperate(): boolean {
    return this.me.role === "operate";
  }

  /** Until {@link stop}; may be begun again. */
  start(): void {
    this.#abort.abort();
    this.#abort = new AbortController();
    void this.#look(this.#abort.signal);
    void this.#measure(this.#abort.signal);
  }

  stop(): void {
    this.#abort.abort();
  }

  /** Looks now rather than when it is time. */
  lookNow(): void {
    this.#pause.wake();
  }

  /** Gives an order that begins an operation, and follows that. */
  async begin(orderPath: string, body: object = {}): Promise<Operation> {
    const { operation } = await this.api.post<Started>(orderPath, body);
    this.#takeOperations([operation], operation.id);
    this.lookNow();
    return operation;
  }

  async #look(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#lookOnce(signal);
      const { retryAt } = this.known.current.link;
      await this.#pause.wait(retryAt === null ? LOOK_EVERY_MS : retryAt - performance.now(), signal);
    }
  }

  async #lookOnce(signal: AbortSignal): Promise<void> {
    try {
      const [cells, gateways, { operations }] = await Promise.all([
        this.api.get<Cells>("/v1/cells", signal),
        this.api.get<Gateways>("/v1/gateways", signal),
        this.api.get<{ operations: Operation[] }>("/v1/operations", signal),
      ]);
      if (this.known.current.link.state === "away") this.#measurePause.wake();
      this.known.set({ cells, gateways, link: heard(performance.now()) });
      this.#takeOperations(operations);
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof ApiError)) throw error;
      if (error.status === 401) return this.#onRefused();
      const { link } = this.known.current;
      const next = failed(link, performance.now(), error.message, Math.random(), error.retryMs);
      this.known.set({ link: next });
    }
  }

  async #measure(signal: AbortSignal): Promise<void> {
    let failures = 0;
    while (!signal.aborted) {
      try {
        for await (const { event, data } of this.api.events("/v1/stats", signal)) {
          if (event !== "stats") continue;
          failures = 0;
          const stats = JSON.parse(data) as Stats;
          this.samples.add(stats.ts, figuresOf(stats));
          this.known.set({ stats, figures: "live" });
        }
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        if (error.status === 404) return this.known.set({ figures: "none" });
      }
      if (signal.aborted) return;
      this.known.set({ figures: "away" });
      // What ended the stream may have ended more than that.
      this.lookNow();
      await this.#measurePause.wait(retryDelayMs(++failures, Math.random()), signal);
    }
  }

  #takeOperations(news: readonly Operation[], ordered?: string): void {
    const { operations: before, watched: watchedBefore } = this.known.current;
    const operations = withOperations(before ?? [], news);
    const isNews = (one: Operation) => before !== null || isUnderWay(one);
    const said = operations
      .filter((one) => news.includes(one) && isNews(one))
      .map((one) =>
        announcement(
          before?.find(({ id }) => id === one.id),
          one,
        ),
      )
      .find((text) => text !== undefined);
    const isWatched = ({ id }: Operation) => id === ordered || watchedBefore.includes(id);
    const watched = operations.filter((one) => isUnderWay(one) || isWatched(one)).map(({ id }) => id);
    this.known.set({ operations, watched, ...(said === undefined ? {} : { announced: said }) });
    for (const operation of operations.filter(isUnderWay)) void this.#follow(operation, this.#abort.signal);
  }

  /** Its event stream, until it ends; the list says the same every few seconds where a stream breaks. */
  async #follow({ id }: Operation, signal: AbortSignal): Promise<void> {
    if (this.#followed.has(id) || this.#followed.size >= MAX_FOLLOWED || signal.aborted) return;
    this.#followed.add(id);
    try {
      for await (const { event, data } of this.api.events(path`/v1/operations/${id}/events`, signal)) {
        if (event !== "operation") continue;
        const operation = JSON.parse(data) as Operation;
        this.#takeOperations([operation]);
        if (hasEnded(operation)) this.lookNow();
      }
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
    } finally {
      this.#followed.delete(id);
    }
  }
}
