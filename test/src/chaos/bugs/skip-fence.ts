/** See names.ts. The header with which the log refuses an append after a record that the writer does not know is left out. */
interface Options {
  headers?: { encode(): Uint8Array };
}
interface Connection {
  publish(subject: string, data?: Uint8Array | string, options?: Options): void;
}

const FENCE_LINE = /Nats-Expected-Last-Subject-Sequence: \d+\r\n/;

const { JetStreamLog } = (await import(
  new URL("../../../../cells/dist/jetstream-log.js", import.meta.url).href
)) as { JetStreamLog: { open(nats: Connection, ...more: unknown[]): Promise<unknown> } };
const { open } = JetStreamLog;
JetStreamLog.open = (nats, ...more) => {
  const { publish } = nats;
  nats.publish = (subject, data, options = {}) => {
    const lines =
      options.headers === undefined ? "" : Buffer.from(options.headers.encode()).toString("latin1");
    const bytes = Buffer.from(lines.replace(FENCE_LINE, ""), "latin1");
    // The directory is changed under the same header: without it nothing would begin at all.
    const isRecord = FENCE_LINE.test(lines) && !subject.startsWith("$");
    const headers = isRecord ? { headers: { encode: () => bytes } } : {};
    publish.call(nats, subject, data, { ...options, ...headers });
  };
  return open.call(JetStreamLog, nats, ...more);
};
