import { useEffect, useState } from "preact/hooks";
import { hashOf, parseRoute, type Route } from "../model/route.js";
import type { Session } from "../session/session.js";
import { useStore } from "../session/store.js";
import { Banner } from "./banner.js";
import { Channel } from "./channel.js";
import { Gateways } from "./gateways.js";
import { LeaveIcon, Mark } from "./icons.js";
import { Operations } from "./operations.js";
import { Overview } from "./overview.js";
import { panelId, Tabs, tabId } from "./tabs.js";
import { ThemeSwitch } from "./theme-switch.js";
import { UnderWay } from "./under-way.js";
import { User } from "./user.js";

/** Everything behind the login. */
export function Shell({ session, onLeave }: { session: Session; onLeave(): void }) {
  const known = useStore(session.known);
  const route = useRoute();
  useWhileSeen(session);
  const isAway = known.link.state === "away";
  return (
    <>
      <button class="skip" type="button" onClick={skipToMain}>
        Skip to the content
      </button>
      <header class="top">
        <div class="brand">
          <Mark />
          <span>Plexus</span>
          <span class="soft">console</span>
        </div>
        <Tabs current={route.view} onChoose={(view) => show({ view })} />
        <div class="tools">
          <span class="who" data-testid="me" data-role={session.me.role}>
            <span class="name">{session.me.name}</span>
            <span class="role">{session.mayOperate ? "may operate" : "reads only"}</span>
          </span>
          <ThemeSwitch />
          <button
            class="icon-button"
            type="button"
            data-testid="leave"
            aria-label="Log out"
            title="Log out"
            onClick={onLeave}
          >
            <LeaveIcon />
          </button>
        </div>
      </header>
      <Banner session={session} />
      <main id="main" tabIndex={-1} data-stale={isAway} data-testid="main" data-link={known.link.state}>
        <UnderWay session={session} />
        <div id={panelId(route.view)} role="tabpanel" aria-labelledby={tabId(route.view)}>
          <Panel session={session} route={route} />
        </div>
      </main>
      <p class="visually-hidden" role="status" aria-live="polite" data-testid="announced">
        {known.announced}
      </p>
    </>
  );
}

function Panel({ session, route }: { session: Session; route: Route }) {
  if (route.view === "gateways") return <Gateways session={session} />;
  if (route.view === "channel") return <Channel session={session} route={route} onShow={show} />;
  if (route.view === "user") return <User session={session} route={route} onShow={show} />;
  if (route.view === "operations") return <Operations session={session} />;
  return <Overview session={session} />;
}

function show(route: Route): void {
  location.hash = hashOf(route);
}

function useRoute(): Route {
  const [route, setRoute] = useState(parseRoute(location.hash));
  useEffect(() => {
    const look = () => setRoute(parseRoute(location.hash));
    addEventListener("hashchange", look);
    return () => removeEventListener("hashchange", look);
  }, []);
  return route;
}

/** A tab that nobody sees asks nothing. */
function useWhileSeen(session: Session): void {
  useEffect(() => {
    const look = () => (document.hidden ? session.stop() : session.start());
    look();
    document.addEventListener("visibilitychange", look);
    return () => {
      document.removeEventListener("visibilitychange", look);
      session.stop();
    };
  }, [session]);
}

/** A button and no link: the part of the address behind # is the view's. */
function skipToMain(): void {
  document.getElementById("main")?.focus();
}
