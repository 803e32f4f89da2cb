/** Operations in a real NATS server, whose answers do not always arrive. */
import assert from "node:assert/strict";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { test } from "node:test";
import { reweigh, withCell } from "./directory.js";
import { DirectoryStore } from "./directory-store.js";
import { connectNats } from "./nats.js";
import { OperationStore, startOperation } from "./operations.js";
import { natsForEachTest, silent } from "./testing/index.js";

const bus = natsForEachTest();

/** A way to the server on which the answer to the next write of the directory is lost, together with the connection. */
async function unreliable(): Promise<{ url: string; loseNext(): void }> {
  const { port, hostname } = new URL(bus.broker.url);
  let armed = false;
  const server = createServer((client: Socket) => {
    const upstream = connect(Number(port), hostname);
    let deaf = false;
    const end = () => {
      client.destroy();
      upstream.destroy();
    };
    client.on("data", (data) => {
      upstream.write(data);
      if (!armed || !data.includes("PUB $KV.plexus.directory")) return;
      [armed, deaf] = [false, true];
    });
    upstream.on("data", (data) => {
      // This is the answer: the write is stored.
      if (deaf) end();
      else client.write(data);
    });
    for (const socket of [client, upstream]) socket.on("error", end).on("close", end);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  bus.atEnd(() => server.close());
  return {
    url: `nats://127.0.0.1:${(server.address() as AddressInfo).port}`,
    loseNext: () => {
      armed = true;
    },
  };
}

test("a change whose acknowledgement is lost has begun: its operation is there, under way, and no conflict", async () => {
  const link = await unreliable();
  const nats = await connectNats(link.url, "admin", silent);
  bus.atEnd(() => nats.close());
  const directory = await DirectoryStore.open(nats, silent);
  bus.atEnd(() => directory.stop());
  await directory.change((current) => withCell(current, "eu-1", "eu"));
  const operations = await OperationStore.open(nats, silent);
  const begin = (weight: number) =>
    startOperation({
      operations,
      directory,
      kind: "weight",
      cell: "eu-1",
      change: (current, id, operation) => reweigh(current, id, weight, operation),
    });

  link.loseNext();
  const { id, version } = await begin(2);
  const { operation, cells, version: now } = await directory.refresh();
  assert.deepEqual([operation, now, cells[0]?.weight], [id, version, 2]);
  assert.equal((await operations.get(id))?.state, "running");

  await assert.rejects(begin(3), { code: "conflict" });
  assert.deepEqual(
    (await operations.list(10)).map((each) => each.id),
    [id],
    "nothing remains of what was refused",
  );
});
