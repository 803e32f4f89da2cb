/**
 * The operator's command line in this process, for the shells of the documents: the pages show some seventy commands, and
 * starting Node for each would be most of the time. The program itself is started by the tests of the command line.
 */
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { runCli } from "@plexus/deploy/cli";

export class CliBridge {
  readonly #folder = mkdtempSync(join(tmpdir(), "plexus-docs-"));
  readonly #socket = join(this.#folder, "cli");
  readonly #server = createServer((request, response) => void this.#serve(request, response));

  async start(): Promise<void> {
    this.#server.listen(this.#socket);
    await once(this.#server, "listening");
  }

  async stop(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** For bash: a function `plexus`. What reads or writes files of the folder, or measures, is the program itself. */
  get shellFunction(): string {
    return `
plexus() {
  case " $* " in *" --file "*|*" --out "*|" log "*|" load "*) node deploy/bin/plexus.mjs "$@"; return;; esac
  local code=.exit-$BASHPID
  printf '%s\\0' "$@" | command curl -sSN --unix-socket '${this.#socket}' --data-binary @- -H "code: $PWD/$code" http://cli/
  return "$(cat $code)"
}`;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const argv = (await buffer(request)).toString().split("\0").slice(0, -1);
    const codeFile = String(request.headers.code);
    const ended = new AbortController();
    response.once("close", () => ended.abort()); // as Ctrl-C does
    const line = (text: string) => void response.write(`${text}\n`);
    const code = await runCli(argv, {
      out: line,
      note: line,
      status: () => undefined,
      isInteractive: false,
      env: {},
      cwd: join(codeFile, ".."),
      signal: ended.signal,
      now: Date.now,
    });
    if (ended.signal.aborted) return; // nobody waits for it, and its folder may be gone
    writeFileSync(codeFile, String(code));
    response.end();
  }
}
