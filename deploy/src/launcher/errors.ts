/** A failure that a person can act on: its message is complete, and is shown without a stack. */
export class ClusterError extends Error {
  override name = "ClusterError";
}
