/** A bot as it is in any language: requests of a plain NATS client. */
import assert from "node:assert/strict";
import type { BotAnswer, BotOperation } from "@plexus/protocol";
import type { NatsConnection } from "nats";
import { TENANT } from "./tokens.js";
import { until } from "./wait.js";

const ANSWER_WITHIN_MS = 15_000;

/**
 * What the server says against a login. A connection that is made while it reads its configuration may be left without an
 * answer, which says nothing: that is tried again.
 */
export function refusalOf(login: () => Promise<NatsConnection>): Promise<string> {
  return until("a verdict on the login", async () => {
    const said = await login().then(
      () => undefined,
      (error: unknown) => String(error),
    );
    assert.ok(said !== undefined, "the login is taken");
    return !/timeout/i.test(said) && said;
  });
}

export class PlainBot {
  readonly nats: NatsConnection;
  readonly name: string;
  readonly tenant: string;

  constructor(nats: NatsConnection, name: string, tenant = TENANT) {
    this.nats = nats;
    this.name = name;
    this.tenant = tenant;
  }

  subject(operation: string, channel: string): string {
    return `bot.${this.tenant}.${this.name}.${operation}.${channel}`;
  }

  /** The answer, whatever it is. */
  async ask(operation: BotOperation | string, channel: string, body: unknown = {}): Promise<BotAnswer> {
    const payload = typeof body === "string" ? body : JSON.stringify(body);
    const options = { timeout: ANSWER_WITHIN_MS };
    const answer = await this.nats.request(this.subject(operation, channel), payload, options);
    return answer.json<BotAnswer>();
  }

  /** The fields of an answer that must be `ok`. */
  async ok<T>(operation: BotOperation, channel: string, body: unknown = {}): Promise<T> {
    const answer = await this.ask(operation, channel, body);
    if (!answer.ok)
      throw new Error(`${operation} of ${channel}: ${answer.error.code}: ${answer.error.message}`);
    return answer as T;
  }

  /** The code of an answer that must be an error. */
  async refused(operation: string, channel: string, body: unknown = {}): Promise<string> {
    const answer = await this.ask(operation, channel, body);
    if (answer.ok) throw new Error(`${operation} of ${channel} was not refused`);
    return answer.error.code;
  }
}
