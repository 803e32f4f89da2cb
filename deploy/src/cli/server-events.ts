/** One server-sent event (WHATWG HTML, "Server-sent events"), as far as Plexus uses them. */
export interface ServerEvent {
  readonly event: string;
  readonly data: string;
}

/** Reads events from the bytes of a response. Comments, ids and retry times are passed over. */
export async function* serverEvents(body: AsyncIterable<Uint8Array>): AsyncGenerator<ServerEvent> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const bytes of body) {
    text += decoder.decode(bytes, { stream: true });
    for (let end = text.indexOf("\n\n"); end !== -1; end = text.indexOf("\n\n")) {
      const event = parseEvent(text.slice(0, end));
      text = text.slice(end + 2);
      if (event !== undefined) yield event;
    }
  }
}

export function parseEvent(block: string): ServerEvent | undefined {
  let event = "message";
  const data: string[] = [];
  for (const line of block.split("\n")) {
    const match = /^(event|data): ?(.*)$/.exec(line);
    if (match?.[1] === "event") event = match[2]!;
    else if (match?.[1] === "data") data.push(match[2]!);
  }
  return data.length === 0 ? undefined : { event, data: data.join("\n") };
}
