/** Channels for tests, and short words for what goes in and comes out of them. */
import { decodeRecord, readHead } from "@plexus/protocol";
import { type PublishBatch, type PublishItem, publishBatch, publishedAt, publishItem } from "@plexus/runtime";
import { CHANNEL_BOUNDS, Channel, type ChannelBounds, type ChannelEffect, type Held } from "../channel.js";
import { emptyChannel } from "../loader.js";
import { CHANNEL, EPOCH } from "./past.js";

export const NOW = 5_000_000;

type Effect = ChannelEffect<string>;
export type Does<D extends Effect["do"]> = Extract<Effect, { do: D }>;

/** A message with this id, as the gateway makes it. */
export function item(
  id: string,
  options: { user?: string; given?: boolean; bytes?: number } = {},
): PublishItem {
  const { user = "ann", given = true, bytes = 0 } = options;
  const json = JSON.stringify("x".repeat(bytes));
  return publishItem({ id, user, conn: "c1", json }, given);
}

/** A batch of messages; of those named only by their ids, as publishers make them. */
export function batch(...messages: Array<string | PublishItem>): PublishBatch {
  return publishBatch(messages.map((message) => (typeof message === "string" ? item(message) : message)));
}

export function coldChannel(bounds: Partial<ChannelBounds> = {}, held?: Held): Channel<string> {
  return new Channel<string>(CHANNEL, "eu-1", { ...CHANNEL_BOUNDS, ...bounds }, held);
}

/** A channel that was never written to, at home here. */
export function idleChannel(bounds: Partial<ChannelBounds> = {}, held?: Held): Channel<string> {
  const channel = coldChannel(bounds, held);
  channel.loaded(emptyChannel(EPOCH), true, NOW);
  return channel;
}

/** The effects of one kind, in order; there must be no others. */
export function only<D extends Effect["do"]>(channel: Channel<string>, kind: D): Does<D>[] {
  const effects = channel.takeEffects();
  const others = effects.filter((effect) => effect.do !== kind);
  if (others.length > 0) throw new Error(`not only ${kind}: ${JSON.stringify(effects)}`);
  return effects as Does<D>[];
}

/** The one append that the channel asks for now, and nothing else. */
export function theAppend(channel: Channel<string>): Does<"append"> {
  const appends = only(channel, "append");
  if (appends.length !== 1) throw new Error(`${appends.length} appends`);
  return appends[0]!;
}

/** What is told to whom: `ann: 1,2d` answers seqs (d: a duplicate), `bob: moved` refuses. */
export function told(effects: readonly Effect[]): string[] {
  return effects.flatMap((effect) => {
    if (effect.do === "answer") return [`${effect.to}: ${seqsOf(effect).join()}`];
    return effect.do === "refuse" ? [`${effect.to}: ${effect.error[0]}`] : [];
  });
}

function seqsOf({ messages, answer }: Does<"answer">): string[] {
  return Array.from({ length: messages }, (_, i) => publishedAt(answer, i)).map(
    ([seq, , dup]) => `${seq}${dup ? "d" : ""}`,
  );
}

/** A record in short: the first seq, and the ids of its messages. */
export function inRecord(bytes: Uint8Array): string {
  return `${readHead(bytes)!.seq}: ${decodeRecord(bytes)
    .m.map(({ id }) => id)
    .join()}`;
}
