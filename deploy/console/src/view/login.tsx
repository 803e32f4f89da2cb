import { useState } from "preact/hooks";
import { ApiError } from "../session/api.js";
import { Mark } from "./icons.js";
import { ThemeSwitch } from "./theme-switch.js";

interface Props {
  /** Why somebody has to log in again. */
  note: string;
  enter(token: string): Promise<void>;
}

export function Login({ note, enter }: Props) {
  const [token, setToken] = useState("");
  const [problem, setProblem] = useState("");
  const [isBusy, setIsBusy] = useState(false);
  const submit = async (event: Event) => {
    event.preventDefault();
    setIsBusy(true);
    setProblem("");
    try {
      await enter(token.trim());
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      setProblem(problemOf(error));
      setIsBusy(false);
    }
  };
  return (
    <main class="login">
      <form class="card" onSubmit={submit}>
        <Mark />
        <h1>Plexus console</h1>
        <p class="lead">For operators. Log in with a token of the admin API.</p>
        <label class="field" for="token">
          Admin token
        </label>
        <input
          id="token"
          data-testid="token"
          type="password"
          required
          autocomplete="current-password"
          spellcheck={false}
          aria-describedby="login-problem login-hint"
          aria-invalid={problem !== ""}
          value={token}
          onInput={({ currentTarget }) => setToken(currentTarget.value)}
        />
        <p class="problem" id="login-problem" role="alert" data-testid="login-problem">
          {problem || note}
        </p>
        <button class="primary wide" data-testid="login" type="submit" disabled={isBusy}>
          {isBusy ? "Asking …" : "Log in"}
        </button>
        <p class="hint" id="login-hint">
          It stays in this tab and is sent to this address alone. Of a local cluster, <code>npm start</code>{" "}
          writes it to <code>.plexus/dev.json</code>.
        </p>
      </form>
      <ThemeSwitch />
    </main>
  );
}

function problemOf({ status, message, retryMs }: ApiError): string {
  if (status === 401) return "The admin API does not know this token.";
  if (status === 429) return `Too many wrong tokens: try again in ${Math.ceil(retryMs / 1_000)} s.`;
  return `The admin API can't be asked: ${message}.`;
}
