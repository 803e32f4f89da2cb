import { useState } from "preact/hooks";
import type { Published } from "../api-types.js";
import { count } from "../model/format.js";
import { messageOf } from "../session/api.js";
import type { Session } from "../session/session.js";
import { Input } from "./input.js";

const FIRST_USER = "console";
const FIRST_DATA = '{"text": "A test message"}';

/** Publishes a message as anybody; it is one like any other, so it says that it is a test. */
export function Publish({
  session,
  base,
  onPublished,
}: {
  session: Session;
  base: string;
  onPublished(): void;
}) {
  const [user, setUser] = useState(FIRST_USER);
  const [text, setText] = useState(FIRST_DATA);
  const [said, setSaid] = useState({ text: "", isProblem: false });
  const [isBusy, setIsBusy] = useState(false);
  const submit = async (event: Event) => {
    event.preventDefault();
    const data = parsed(text);
    if (data === undefined) return setSaid({ text: "That is no JSON.", isProblem: true });
    setIsBusy(true);
    try {
      const { seq } = await session.api.post<Published>(`${base}/messages`, { user, data: data.value });
      setSaid({ text: `Stored as seq ${count(seq)}.`, isProblem: false });
      onPublished();
    } catch (error) {
      setSaid({ text: messageOf(error), isProblem: true });
    }
    setIsBusy(false);
  };
  return (
    <form class="publish" onSubmit={submit} data-testid="publish-form">
      <Input
        label="As user"
        required
        value={user}
        onInput={({ currentTarget }) => setUser(currentTarget.value)}
      />
      <Input
        label="Test message, JSON"
        wide
        class="code"
        data-testid="publish-data"
        required
        autocomplete="off"
        value={text}
        onInput={({ currentTarget }) => setText(currentTarget.value)}
      />
      <button type="submit" data-testid="publish" disabled={isBusy}>
        Publish
      </button>
      <p class={said.isProblem ? "problem" : "soft small"} role="status" data-testid="published">
        {said.text}
      </p>
    </form>
  );
}

function parsed(text: string): { value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) as unknown };
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
