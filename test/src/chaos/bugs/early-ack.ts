/** See names.ts. */
type Done = (outcome: { stored: boolean; why?: string; logSeq?: number }) => void;
interface Log {
  append(record: { fence: number }, done: Done): void;
}

const { JetStreamLog } = (await import(
  new URL("../../../../cells/dist/jetstream-log.js", import.meta.url).href
)) as { JetStreamLog: { prototype: Log } };
const { append } = JetStreamLog.prototype;
JetStreamLog.prototype.append = function (this: Log, record, done) {
  append.call(this, record, (outcome) =>
    done(outcome.stored || outcome.why === "fence" ? outcome : { stored: true, logSeq: record.fence + 1 }),
  );
};
