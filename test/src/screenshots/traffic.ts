/** People who talk: enough of them, and evenly enough, that pictures show what there is to see. */
import type { TestCluster } from "../harness/cluster.js";
import type { RawClient } from "../harness/raw-client.js";

const PEOPLE = ["Mira", "Tomás", "Ines", "Jonas", "Aiko", "Bela", "Femi", "Lena"];
/** What the demo's lobby shows. */
const TALK: ReadonlyArray<readonly [user: string, text: string]> = [
  ["Mira", "Morning! Is anybody looking at the release yet?"],
  ["Jonas", "Just merged the last one. Drills are green."],
  ["Mira", "Then I'll drain eu-1 before lunch, it gets its new disks."],
  ["Aiko", "With people connected?"],
  ["Jonas", "That's what draining is for. Nobody will notice."],
  ["Femi", "I was in there last week while it happened. I did not."],
  ["Aiko", "😄 fair enough"],
];
const ROOM = "chat.lobby";
const QUIET_CHANNELS = 160;
const TICK_MS = 70;

export interface Traffic {
  stop(): void;
}

/** Fills the lobby and many quiet channels, and goes on in a few that are busy. */
export async function startTraffic(cluster: TestCluster): Promise<Traffic> {
  const people: RawClient[] = [];
  for (const name of PEOPLE) {
    const client = await cluster.connect(name);
    await client.sub(ROOM, { presence: true });
    people.push(client);
  }
  for (const [user, text] of TALK) await people[PEOPLE.indexOf(user)]!.pub(ROOM, { text });
  for (let i = 0; i < QUIET_CHANNELS; i++)
    await people[i % people.length]!.pub(`orders.${i}`, { state: "placed" });
  for (const [i, client] of people.entries())
    for (const n of [0, 1, 2]) await client.sub(`live.${(i + n) % 6}`);
  let ticks = 0;
  const timer = setInterval(() => {
    const tick = ticks++;
    // A gentle wave, as the load of a day has.
    const many = 3 + Math.round(2 * Math.sin(tick / 150));
    for (let i = 0; i < many; i++) {
      const client = people[(tick + i) % people.length]!;
      client.send({
        op: "pub",
        id: client.nextId(),
        ch: `live.${(tick * 3 + i) % 6}`,
        data: { price: 100 + (tick % 17) / 10, at: tick },
      });
    }
  }, TICK_MS);
  return { stop: () => clearInterval(timer) };
}
