import type { Static } from "typebox";
import type { DeadLettersBody, ReplayedBody, WebhooksBody } from "../../admin/webhook-schemas.js";
import { path, query } from "../api.js";
import { type Command, show } from "../command.js";
import { moment, printable, span, table } from "../text.js";

type Webhook = Static<typeof WebhooksBody>["webhooks"][number];
type Letter = Static<typeof DeadLettersBody>["letters"][number];

export const webhookList: Command = {
  name: "webhook list",
  args: ["tenant"],
  options: [],
  summary: "a tenant's webhooks: what was delivered, what waits, what fails and why",
  examples: ["plexus webhook list demo"],
  more: ["Webhooks are declared in the tenant's settings; see docs/webhooks.md."],
  run: async (context) => {
    const { api, given, terminal } = context;
    const [tenant] = given.args as [string];
    const found = await api.get<Static<typeof WebhooksBody>>(path`/v1/tenants/${tenant}/webhooks`);
    return show(context, found, ({ webhooks }) => [
      ...table(
        [
          { title: "WEBHOOK", value: ({ id }: Webhook) => id },
          { title: "STATE", value: (webhook: Webhook) => stateOf(webhook, terminal.now()) },
          { title: "DELIVERED", value: ({ delivered }: Webhook) => delivered },
          { title: "WAITING", value: ({ waiting }: Webhook) => waiting },
          { title: "DEAD LETTERS", value: ({ deadLetters }: Webhook) => deadLetters },
          { title: "URL", value: ({ url }: Webhook) => printable(url) },
        ],
        webhooks,
      ),
      ...webhooks.flatMap(({ id, lastError }) =>
        lastError === undefined ? [] : [`${id}: ${printable(lastError)}`],
      ),
    ]);
  },
};

function stateOf({ state, failingSince }: Webhook, now: number): string {
  return failingSince === undefined ? state : `failing for ${span(now - failingSince)}`;
}

export const webhookDead: Command = {
  name: "webhook dead",
  args: ["tenant", "webhook"],
  options: ["after", "limit"],
  summary: "what could not be delivered to a webhook, the oldest first",
  examples: ["plexus webhook dead demo billing --limit 10"],
  run: async (context) => {
    const { api, given } = context;
    const [tenant, webhook] = given.args as [string, string];
    const range = query({ after: given.count("after", 0), limit: given.count("limit", 1) });
    const url = path`/v1/tenants/${tenant}/webhooks/${webhook}/dead-letters` + range;
    return show(context, await api.get<Static<typeof DeadLettersBody>>(url), ({ letters, count }) => [
      ...table(
        [
          { title: "LETTER", value: ({ id }: Letter) => id },
          { title: "SINCE", value: ({ at }: Letter) => moment(at) },
          { title: "EVENTS", value: ({ events }: Letter) => events },
          { title: "KINDS", value: ({ kinds }: Letter) => kinds.map(printable).join(" ") },
          { title: "TRIES", value: ({ attempts }: Letter) => attempts },
          { title: "REASON", value: ({ reason }: Letter) => printable(reason) },
        ],
        letters,
      ),
      `${count} ${count === 1 ? "dead letter" : "dead letters"}`,
    ]);
  },
};

export const webhookReplay: Command = {
  name: "webhook replay",
  args: ["tenant", "webhook"],
  options: ["letter"],
  summary: "delivers dead letters again, all or one of them",
  examples: ["plexus webhook replay demo billing", "plexus webhook replay demo billing --letter 17"],
  more: [
    "The oldest first; each is removed once it is delivered. One that fails again stays, and with it those behind it.",
  ],
  run: async (context) => {
    const { api, given } = context;
    const [tenant, webhook] = given.args as [string, string];
    const letter = given.count("letter", 1);
    const answer = await api.post<Static<typeof ReplayedBody>>(
      path`/v1/tenants/${tenant}/webhooks/${webhook}/dead-letters/replay`,
      letter === undefined ? {} : { letter },
    );
    return show(context, answer, ({ letters }) => [
      `${letters} ${letters === 1 ? "dead letter is" : "dead letters are"} delivered again: see plexus webhook list ${tenant}`,
    ]);
  },
};
