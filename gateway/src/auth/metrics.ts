/** What is counted of letting clients in. */
import { Counter, Gauge } from "prom-client";

export const authentications = new Counter({
  name: "plexus_authentications_total",
  help: "Tokens that were looked at, by kind (jwt, hook) and outcome (ok, or the error's code)",
  labelNames: ["kind", "outcome"],
});
export const jwksFetches = new Counter({
  name: "plexus_jwks_fetches_total",
  help: "Fetches of JWKS, by outcome (ok, failed)",
  labelNames: ["outcome"],
});
export const hookAnswers = new Counter({
  name: "plexus_connect_hook_total",
  help: "Questions for the connect hook, by outcome (ok, refused, cached, failed: no answer or a wrong one, away: not asked)",
  labelNames: ["outcome"],
});
export const breakerOpen = new Gauge({
  name: "plexus_breaker_open",
  help: "1 while a dependency is not asked, because it does not answer",
  labelNames: ["dependency"],
});
