import { isPortFree } from "@plexus/runtime";
import { ClusterError } from "./errors.js";

/**
 * Makes sure that nobody listens on the port. The gateways could not tell: they listen with SO_REUSEPORT, by which
 * they share the port with each other, and would share it as silently with a stranger.
 */
export async function assertPortFree(host: string, port: number, flag: string): Promise<void> {
  const isFree = await isPortFree(host, port).catch((cause: Error) => {
    throw new ClusterError(`Cannot listen on ${host}:${port}: ${cause.message}`, { cause });
  });
  if (isFree) return;
  throw new ClusterError(
    `Port ${port} on ${host} is taken by another program. End that one, or choose another port with ${flag}.`,
  );
}
