import type { Static } from "typebox";
import type { DisconnectedBody, RevokedBody, UserBody } from "../../admin/schemas.js";
import { path } from "../api.js";
import { type Command, show } from "../command.js";
import { usageError } from "../errors.js";
import { moment, printable, span, table } from "../text.js";
import { missingLines } from "./missing.js";

type User = Static<typeof UserBody>;
type Connection = User["connections"][number];

const MOST_CHANNELS = 8;

export const user: Command = {
  name: "user",
  args: ["tenant", "user"],
  options: [],
  summary: "where a user is connected",
  examples: ["plexus user demo alice"],
  run: async (context) => {
    const { api, given, terminal } = context;
    const [tenant, name] = given.args as [string, string];
    const found = await api.get<User>(path`/v1/tenants/${tenant}/users/${name}`);
    return show(context, found, ({ connections, count, missing }) => [
      ...table(
        [
          { title: "CONNECTION", value: (connection: Connection) => connection.conn },
          { title: "GATEWAY", value: (connection: Connection) => connection.gateway },
          { title: "FOR", value: (connection: Connection) => span(terminal.now() - connection.openedAt) },
          { title: "TOKEN UNTIL", value: (connection: Connection) => moment(connection.expiresAt) },
          { title: "CHANNELS", value: channelsOf },
        ],
        connections,
      ),
      `${count} ${count === 1 ? "connection" : "connections"}`,
      ...missingLines(missing),
    ]);
  },
};

function channelsOf({ channels }: Connection): string {
  const more = channels.length - MOST_CHANNELS;
  return [...channels.slice(0, MOST_CHANNELS), ...(more > 0 ? [`and ${more} more`] : [])].join(" ");
}

export const disconnect: Command = {
  name: "disconnect",
  args: ["tenant", "user"],
  options: ["conn"],
  summary: "closes a user's connections",
  examples: ["plexus disconnect demo alice"],
  more: ["An SDK does not come back by itself after that. To keep a user out, revoke their tokens."],
  run: async (context) => {
    const { api, given } = context;
    const [tenant, name] = given.args as [string, string];
    const conn = given.text("conn");
    const answer = await api.post<Static<typeof DisconnectedBody>>(
      path`/v1/tenants/${tenant}/users/${name}/disconnect`,
      conn === undefined ? {} : { conn },
    );
    return show(context, answer, ({ closed, missing }) => [
      `${closed} ${closed === 1 ? "connection" : "connections"} closed`,
      ...missingLines(missing),
    ]);
  },
};

export const revoke: Command = {
  name: "revoke",
  args: ["[tenant]", "[user]"],
  options: ["jti", "lifetime"],
  summary: "revokes all tokens that a user has now, or one token by its id",
  examples: ["plexus revoke demo alice", "plexus revoke demo --jti 5e1f0c0a"],
  more: [
    "Within a second their connections are closed and the tokens refused. Tokens issued later are not concerned.",
  ],
  run: async (context) => {
    const { api, given } = context;
    const [tenant, name] = given.args;
    const jti = given.text("jti");
    if ((name === undefined) === (jti === undefined))
      throw usageError("give either <tenant> <user> or --jti");
    const lifetimeMs = given.spanMs("lifetime");
    const body = {
      ...(tenant === undefined ? {} : { tenant }),
      ...(name === undefined ? { jti } : { user: name }),
      ...(lifetimeMs === undefined ? {} : { lifetimeMs }),
    };
    const answer = await api.post<Static<typeof RevokedBody>>("/v1/tokens/revoke", body);
    return show(context, answer, ({ user, jti, until }) => [
      `revoked: ${printable(user === undefined ? `token ${jti}` : `the tokens of ${user}`)}; remembered until ${moment(until)}`,
    ]);
  },
};
