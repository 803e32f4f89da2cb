import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { TestContext } from "node:test";

export interface Asked {
  method: string;
  path: string;
  authorization: string | undefined;
  body: unknown;
}

export interface Answer {
  status?: number;
  body?: unknown;
  /** Instead of a body: the text of an event stream. */
  events?: string;
  /** It ends with its connection, in the middle of the body. */
  isCut?: true;
}

/** An admin API that answers as a test wants, and keeps what it was asked. */
export async function fakeApi(
  t: TestContext,
  answer: (asked: Asked) => Answer,
): Promise<{ url: string; asked: Asked[] }> {
  const asked: Asked[] = [];
  const server = createServer((request, response) => {
    void readRequest(request).then((question) => {
      asked.push(question);
      respond(response, answer(question));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, asked };
}

async function readRequest(request: IncomingMessage): Promise<Asked> {
  let text = "";
  for await (const chunk of request) text += chunk;
  return {
    method: request.method ?? "",
    path: request.url ?? "",
    authorization: request.headers.authorization,
    body: text === "" ? undefined : JSON.parse(text),
  };
}

function respond(response: ServerResponse, { status = 200, body = {}, events, isCut }: Answer): void {
  const type = events === undefined ? "application/json" : "text/event-stream";
  response.writeHead(status, { "content-type": type });
  const text = events ?? JSON.stringify(body);
  if (isCut) response.write(text.slice(0, -1), () => response.destroy());
  else response.end(text);
}
