/** `@plexus/bot`: see docs/bots.md. */
export { PlexusError } from "@plexus/protocol";
