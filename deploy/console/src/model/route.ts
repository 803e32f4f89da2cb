/** Which view is shown, as the part of the address behind #. Tokens never stand there. Pure. */

export const VIEWS = ["overview", "gateways", "channel", "user", "operations"] as const;
export type View = (typeof VIEWS)[number];

export interface Route {
  readonly view: View;
  readonly tenant?: string;
  /** The channel or the user. */
  readonly name?: string;
}

export function parseRoute(hash: string): Route {
  const [view, tenant, name] = hash
    .replace(/^#?\/?/, "")
    .split("/")
    .map(decoded);
  const known = VIEWS.find((one) => one === view) ?? "overview";
  if ((known !== "channel" && known !== "user") || !tenant || !name) return { view: known };
  return { view: known, tenant, name };
}

export function hashOf({ view, tenant, name }: Route): string {
  const parts = [view, tenant, name].filter((part) => part !== undefined);
  return `#/${parts.map(encodeURIComponent).join("/")}`;
}

/** An address that was typed wrong is no reason to fail. */
function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch (error) {
    if (error instanceof URIError) return part;
    throw error;
  }
}
