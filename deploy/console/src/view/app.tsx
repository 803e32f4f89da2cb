import { useEffect, useState } from "preact/hooks";
import type { Me } from "../api-types.js";
import { Api, ApiError } from "../session/api.js";
import { Session } from "../session/session.js";
import { forgetToken, rememberedToken, rememberToken } from "../session/token.js";
import { Login } from "./login.js";
import { Shell } from "./shell.js";

/** Either somebody is logged in, or the form that asks for a token is shown. */
export function App() {
  const [session, setSession] = useState<Session | null>(null);
  const [note, setNote] = useState("");
  const [isRemembering, setIsRemembering] = useState(rememberedToken() !== null);

  const leave = (why: string) => {
    forgetToken();
    setSession((running) => {
      running?.stop();
      return null;
    });
    setNote(why);
  };
  /** Rejects with an {@link ApiError} where the token is none. */
  const enter = async (token: string) => {
    const api = new Api(token);
    const me = await api.get<Me>("/v1/me");
    rememberToken(token);
    setNote("");
    setSession(new Session(api, me, () => leave("The token is not valid any more.")));
  };
  useEffect(() => {
    const token = rememberedToken();
    if (token === null) return;
    enter(token)
      .catch((error) => {
        if (!(error instanceof ApiError)) throw error;
        if (error.status === 401) leave("The token is not valid any more.");
        else setNote(`The admin API does not answer: ${error.message}.`);
      })
      .finally(() => setIsRemembering(false));
  }, []);

  if (session !== null) return <Shell session={session} onLeave={() => leave("")} />;
  return isRemembering ? null : <Login note={note} enter={enter} />;
}
