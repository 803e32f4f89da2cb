/** What of a second's figures the charts show. */
import type { Stats } from "../api-types.js";
import type { Row } from "../model/samples.js";

export const FIGURES = [
  "publishes",
  "deliveries",
  "publishP50",
  "publishP99",
  "connections",
  "errors",
  "refusals",
] as const;
export type Figure = (typeof FIGURES)[number];

export function figuresOf({ total }: Stats): Row<Figure> {
  return {
    publishes: total.publishesPerS,
    deliveries: total.deliveriesPerS,
    publishP50: total.publishMs.p50,
    publishP99: total.publishMs.p99,
    connections: total.connections,
    errors: total.errorsPerS,
    refusals: total.refusalsPerS,
  };
}
