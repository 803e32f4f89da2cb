/** Comparisons of heads that are due at the same time: one question for channels of one partition, and not one for each. */
import { type HeadAnswer, type HeadsAnswer, partitionOf, type Router } from "@plexus/runtime";

/** Channels in one question, whose answer then takes some 10 KB. */
const MAX_CHANNELS = 100;

/** The answer to one question for many, and which of them it is about. */
export interface AskedTogether {
  readonly answers: Promise<HeadsAnswer>;
  readonly index: number;
}

/** Its own answer; null where it has to be asked alone. */
export async function headAmong({ answers, index }: AskedTogether): Promise<HeadAnswer | null> {
  const item = (await answers).heads[index];
  if (item == null) return null;
  const [epoch, seq, presence, members] = item;
  return { head: { epoch, seq }, presence, members };
}

/** A relay, as far as this goes. */
export interface Comparing {
  readonly key: string;
  readonly tenant: string;
  readonly channel: string;
  readonly home: string | undefined;
  check(asked?: AskedTogether): Promise<void>;
}

/** Has all of them compare; `failed` is told of each that could not. */
export function compareHeads<R extends Comparing>(
  relays: readonly R[],
  router: Router,
  gateway: string,
  failed: (relay: R, error: unknown) => void,
): void {
  const check = (relay: R, asked?: AskedTogether) =>
    relay.check(asked).catch((error: unknown) => failed(relay, error));
  for (const group of groupsOf(relays)) {
    if (group.length === 1) {
      check(group[0]!);
      continue;
    }
    const answers = askAll(group, router, gateway);
    for (const [index, relay] of group.entries()) check(relay, { answers, index });
  }
}

/** By partition of the cell where they are at home, as many as one question takes. */
function groupsOf<R extends Comparing>(relays: readonly R[]): R[][] {
  const open = new Map<string, R[]>();
  const groups: R[][] = [];
  for (const relay of relays) {
    const place = `${relay.home} ${partitionOf(relay.key)}`;
    let group = open.get(place);
    if (group === undefined || group.length >= MAX_CHANNELS) {
      group = [];
      open.set(place, group);
      groups.push(group);
    }
    group.push(relay);
  }
  return groups;
}

function askAll(group: readonly Comparing[], router: Router, gateway: string): Promise<HeadsAnswer> {
  const keys = group.map(({ key }) => key);
  const bytes = keys.reduce((sum, key) => sum + key.length, 0);
  const [{ tenant, channel }] = group as [Comparing];
  const answers = new Promise<HeadsAnswer>((resolve, reject) => {
    router.send("heads", tenant, channel, { gateway, keys }, bytes, (error, answer) =>
      error === null ? resolve(answer!) : reject(error),
    );
  });
  // One that was being asked already does not wait for this.
  answers.catch(() => undefined);
  return answers;
}
