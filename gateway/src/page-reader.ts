import { channelKey } from "@plexus/protocol";
import { Gate, type ReadAnswer, type ReadRange, type Router } from "@plexus/runtime";
import * as metrics from "./metrics.js";

/** Pages of recoveries that one cell is asked for at once: each may be half a megabyte. */
export const PAGES_AT_ONCE = 64;
const MAX_WAITING = 20_000;

/**
 * Reads pages of channels' pasts for recoveries. Clients that lost their connections together stand at the same
 * position: while a page is under way, whoever wants the very same one shares it. A cell is asked for a bounded number
 * at once; one that does not answer holds up no recoveries from the others.
 */
export class PageReader {
  readonly #router: Router;
  readonly #underWay = new Map<string, Promise<ReadAnswer>>();
  readonly #gates = new Map<string, Gate>();

  constructor(router: Router) {
    this.#router = router;
  }

  /** `home`: the cell that will be asked, as far as is known. */
  read(tenant: string, channel: string, home: string | undefined, range: ReadRange): Promise<ReadAnswer> {
    const key = `${channelKey(tenant, channel)} ${range.epoch} ${range.after} ${range.limit} ${range.orOldest}`;
    const known = this.#underWay.get(key);
    if (known !== undefined) {
      metrics.sharedPages.inc();
      return known;
    }
    const ask = () => this.#router.ask("read", tenant, channel, range);
    const page = this.#gateOf(home ?? "")
      .run(ask)
      .finally(() => this.#underWay.delete(key));
    this.#underWay.set(key, page);
    return page;
  }

  #gateOf(cell: string): Gate {
    let gate = this.#gates.get(cell);
    if (gate === undefined) {
      gate = new Gate("recovery_pages", PAGES_AT_ONCE, MAX_WAITING);
      this.#gates.set(cell, gate);
    }
    return gate;
  }
}
