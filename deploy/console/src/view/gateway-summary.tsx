import { cores, count, rate } from "../model/format.js";
import { hashOf } from "../model/route.js";
import type { Session } from "../session/session.js";
import { useStore } from "../session/store.js";
import { State } from "./icons.js";

/** So many at a glance; the view of gateways has all of them. */
const SHOWN = 12;

/** The gateways, without what can be done to them. */
export function GatewaySummary({ session }: { session: Session }) {
  const { gateways: answer, stats } = useStore(session.known);
  const gateways = answer?.gateways ?? [];
  return (
    <section class="panel" aria-labelledby="summary-title">
      <h2 id="summary-title">
        Gateways <span class="soft figure">{count(gateways.length)}</span>
        <a class="more" href={hashOf({ view: "gateways" })}>
          Details
        </a>
      </h2>
      <ul class="rows gateways">
        {gateways.slice(0, SHOWN).map(({ id, instance, connections, draining }) => (
          <li key={instance}>
            <strong>{id}</strong>
            <State state={draining ? "draining" : "serving"} />
            <span class="figure">
              {count(connections)} <span class="soft">connections</span>
            </span>
            <span class="figure">
              {rate(stats?.gateways[id]?.deliveriesPerS)} <span class="soft">delivered/s</span>
            </span>
            <span class="figure">
              {cores(stats?.gateways[id]?.cpu)} <span class="soft">CPU</span>
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}
