/** Alerts on causes: what has to be looked at even while the objectives hold. */

export interface Alert {
  readonly name: string;
  readonly expr: string;
  readonly for: string;
  readonly severity: "page" | "ticket";
  readonly summary: string;
}

export const ALERTS: readonly Alert[] = [
  {
    name: "PlexusProcessAway",
    expr: 'up{process=~".+"} == 0',
    for: "2m",
    severity: "page",
    summary: "{{ $labels.process }} {{ $labels.instance }} does not answer",
  },
  {
    name: "PlexusLogAway",
    expr: 'max by (cell) (plexus_breaker_open{dependency=~"log|log_reads"}) == 1',
    for: "30s",
    severity: "page",
    summary: "The log of cell {{ $labels.cell }} does not answer: its channels take no messages",
  },
  {
    name: "PlexusDependencyAway",
    expr: "plexus_dependency_up == 0",
    for: "1m",
    severity: "page",
    summary: "{{ $labels.instance }} has no connection to {{ $labels.dependency }}",
  },
  {
    name: "PlexusPartitionsWithoutOwner",
    expr: "sum by (cell) (plexus_partitions_owned) < 64",
    for: "1m",
    severity: "page",
    summary: "Cell {{ $labels.cell }} serves {{ $value }} of its 64 partitions",
  },
  {
    name: "PlexusPresenceStale",
    expr: 'max by (cell) (plexus_breaker_open{dependency="redis"}) == 1',
    for: "2m",
    severity: "ticket",
    summary: "Redis of cell {{ $labels.cell }} does not answer: lists of members are stale, messages flow",
  },
  {
    name: "PlexusConnectHookAway",
    expr: 'max(plexus_breaker_open{dependency="connect_hook"}) == 1',
    for: "2m",
    severity: "page",
    summary: "The connect hook does not answer: its clients can't connect",
  },
  {
    name: "PlexusKeysNotFetched",
    expr: 'sum(increase(plexus_jwks_fetches_total{outcome="failed"}[30m])) > 0 unless sum(increase(plexus_jwks_fetches_total{outcome="ok"}[30m])) > 0',
    for: "30m",
    severity: "ticket",
    summary: "No JWKS could be fetched for half an hour; keys that are known hold for 24 hours",
  },
  {
    name: "PlexusAppendsSlow",
    expr: "histogram_quantile(0.99, sum by (cell, le) (rate(plexus_append_seconds_bucket[5m]))) > 0.25",
    for: "10m",
    severity: "ticket",
    summary: "1 % of the appends of cell {{ $labels.cell }} take longer than {{ $value }} s",
  },
  {
    name: "PlexusAppendsInDoubt",
    expr: "sum by (cell) (rate(plexus_append_verifications_total[10m])) > 1",
    for: "10m",
    severity: "ticket",
    summary: "Cell {{ $labels.cell }} has to look up what became of its appends",
  },
  {
    name: "PlexusConnectionsNearBound",
    expr: 'plexus_connections / on (instance) plexus_bound{bound="connections"} > 0.8',
    for: "5m",
    severity: "ticket",
    summary:
      "Gateway {{ $labels.instance }} holds {{ $value | humanizePercentage }} of the connections that it may",
  },
  {
    name: "PlexusRelaysNearBound",
    expr: 'plexus_relays / on (instance) plexus_bound{bound="relays"} > 0.8',
    for: "5m",
    severity: "ticket",
    summary:
      "Gateway {{ $labels.instance }} follows {{ $value | humanizePercentage }} of the channels that it may",
  },
  {
    name: "PlexusActorsNearBound",
    expr: 'plexus_actors / on (instance) plexus_bound{bound="actors"} > 0.8',
    for: "5m",
    severity: "ticket",
    summary:
      "Worker {{ $labels.instance }} holds {{ $value | humanizePercentage }} of the channels that it may",
  },
  {
    name: "PlexusQueueNearBound",
    expr: "plexus_waiting / on (instance, bound) plexus_bound > 0.5",
    for: "5m",
    severity: "ticket",
    summary:
      "The queue {{ $labels.bound }} of {{ $labels.instance }} is {{ $value | humanizePercentage }} full",
  },
  {
    name: "PlexusRefusedAtBound",
    expr: 'sum by (process, instance) (rate(plexus_connections_refused_total{reason=~"full|busy"}[5m])) > 0 or sum by (process, instance) (rate(plexus_publish_refused_total[5m])) > 0 or sum by (process, instance) (rate(plexus_actors_refused_total[5m])) > 0 or sum by (process, instance) (rate(plexus_bound_reached_total[5m])) > 0',
    for: "5m",
    severity: "page",
    summary: "{{ $labels.process }} {{ $labels.instance }} is full and refuses work",
  },
  {
    name: "PlexusRevocationsNearBound",
    expr: "max(plexus_revocations) > 80000",
    for: "15m",
    severity: "ticket",
    summary: "{{ $value }} revocations are in force; 100,000 is the most there can be",
  },
  {
    name: "PlexusEventLoopLate",
    expr: "plexus_lag_seconds > 0.1",
    for: "5m",
    severity: "page",
    summary: "{{ $labels.process }} {{ $labels.instance }} has more to do than it can: {{ $value }} s late",
  },
  {
    name: "PlexusCommandsDropped",
    expr: "sum by (instance) (increase(plexus_commands_dropped_total[10m])) > 0",
    for: "0m",
    severity: "ticket",
    summary: "Worker {{ $labels.instance }} did not run for more than 2 s",
  },
  {
    name: "PlexusOperationParked",
    expr: "sum by (cell) (increase(plexus_moves_parked_total[15m])) > 0",
    for: "0m",
    severity: "page",
    summary: "Cell {{ $labels.cell }} can't move its channels and waits for an operator",
  },
  {
    name: "PlexusHooksNotOne",
    expr: "sum(plexus_hooks_active) != 1",
    for: "1m",
    severity: "page",
    summary: "{{ $value }} processes write events and deliver webhooks; it has to be one",
  },
  {
    name: "PlexusLifecycleLag",
    expr: "plexus_lifecycle_lag > 10000 or plexus_lifecycle_owed > 10000",
    for: "10m",
    severity: "ticket",
    summary: "{{ $labels.instance }} is {{ $value }} lifecycle events behind",
  },
  {
    name: "PlexusLifecycleEventsDropped",
    expr: 'sum(increase(plexus_lifecycle_events_total{outcome="dropped"}[15m])) > 0',
    for: "0m",
    severity: "ticket",
    summary: "Gateways gave up lifecycle events; rosters will put right who is connected",
  },
  {
    name: "PlexusWebhookLag",
    expr: "sum by (tenant, webhook) (plexus_webhook_lag) > 10000",
    for: "15m",
    severity: "ticket",
    summary: "{{ $value }} entries wait for webhook {{ $labels.webhook }} of {{ $labels.tenant }}",
  },
  {
    name: "PlexusDeadLetters",
    // A series that begins with its first dead letter has no increase yet.
    expr: "sum by (tenant, webhook) (increase(plexus_webhook_dead_letters_total[1h])) > 0 or sum by (tenant, webhook) (plexus_webhook_dead_letters_total unless plexus_webhook_dead_letters_total offset 1h) > 0",
    for: "0m",
    severity: "ticket",
    summary: "Webhook {{ $labels.webhook }} of {{ $labels.tenant }} has dead letters",
  },
  {
    name: "PlexusWrongAdminTokens",
    expr: "sum(rate(plexus_admin_failed_logins_total[5m])) > 1",
    for: "5m",
    severity: "ticket",
    summary: "Somebody tries tokens at the admin API: {{ $value }} a second",
  },
];
