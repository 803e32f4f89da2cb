import { type Member, PlexusError } from "@plexus/protocol";
import type { PresencePage, PresenceSnapshot, PresenceVersion, Router } from "@plexus/runtime";

export interface MembersRead {
  version: PresenceVersion;
  members: Member[];
  /** The cell's Redis is away, so some may be missing. */
  stale: boolean;
}

/** Far more pages than the largest list has, even if it is begun anew now and then. */
const MAX_PAGES = 1_000;

/** Reads a channel's member list from its actor, page by page. */
export async function readMembers(router: Router, tenant: string, channel: string): Promise<MembersRead> {
  let page: PresencePage = { at: null, from: 0 };
  let members: Member[] = [];
  for (let n = 0; n < MAX_PAGES; n++) {
    const answer: PresenceSnapshot = await router.ask("presence", tenant, channel, page);
    const { version, next, stale } = answer;
    // Another version: the actor could not go on with the list it had begun, and began anew.
    const continues = page.at !== null && page.at[0] === version[0] && page.at[1] === version[1];
    members = continues ? [...members, ...answer.members] : answer.members;
    if (next === null) return { version, members, stale };
    page = { at: version, from: next };
  }
  throw new PlexusError("unavailable", "the list of members kept changing", { retry: 1_000 });
}
