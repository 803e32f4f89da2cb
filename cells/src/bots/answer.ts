/** Answers to bots. The bus carries 1 MB at most, so what is longer comes in pages. */
import { type BotAnswer, type HistoryMessage, type Member, PlexusError } from "@plexus/protocol";
import type { HistoryPage } from "@plexus/runtime";

/** Bytes of what is listed in one answer: far below the broker's 1 MB, and far above the largest message. */
export const MAX_LISTED_BYTES = 640 * 1024;

/** As much of a page as fits: from its near end, whichever direction was asked for. */
export function historyAnswer(page: HistoryPage, forwards: boolean): BotAnswer {
  const { epoch, messages } = page;
  const n = fitting(forwards ? messages : messages.toReversed());
  const shown: HistoryMessage[] = forwards ? messages.slice(0, n) : messages.slice(messages.length - n);
  return { ok: true, epoch, messages: shown, more: page.more || n < messages.length };
}

/** The members that follow the connection `after`, in the order of connections. `count` is that of all. */
export function membersAnswer(members: readonly Member[], stale: boolean, after = ""): BotAnswer {
  const sorted = members.filter(({ conn }) => conn > after).sort((a, b) => (a.conn < b.conn ? -1 : 1));
  const n = fitting(sorted);
  return {
    ok: true,
    members: sorted.slice(0, n),
    count: members.length,
    ...(n < sorted.length ? { more: true } : {}),
    ...(stale ? { stale } : {}),
  };
}

/** Anything but a {@link PlexusError} is a defect, of which bots are told nothing more. */
export function errorAnswer(error: unknown): BotAnswer & { ok: false } {
  const { code, message, retry } =
    error instanceof PlexusError ? error : new PlexusError("internal", "internal error");
  return { ok: false, error: { code, message, ...(retry === undefined ? {} : { retry }) } };
}

/** How many of them, from the first, fit into an answer; one at least. */
function fitting(items: readonly unknown[]): number {
  let bytes = 0;
  for (const [i, item] of items.entries()) {
    bytes += Buffer.byteLength(JSON.stringify(item)) + 1;
    if (bytes > MAX_LISTED_BYTES) return Math.max(1, i);
  }
  return items.length;
}
