import { useEffect, useId, useState } from "preact/hooks";
import type { Route } from "../model/route.js";

const TENANT_KEY = "plexus.console.tenant";
/** The tenant of a local cluster's demo: a guess that is right where nobody has looked at another one yet. */
const FIRST_TENANT = "demo";

interface Props {
  view: "channel" | "user";
  route: Route;
  placeholder: string;
  onShow(route: Route): void;
}

/** Asks for a tenant and a name of it. */
export function Finder({ view, route, placeholder, onShow }: Props) {
  const id = useId();
  const [tenant, setTenant] = useState(route.tenant ?? sessionStorage.getItem(TENANT_KEY) ?? FIRST_TENANT);
  const [name, setName] = useState(route.name ?? "");
  useEffect(() => {
    if (route.tenant !== undefined) setTenant(route.tenant);
    if (route.name !== undefined) setName(route.name);
  }, [route.tenant, route.name]);
  const submit = (event: Event) => {
    event.preventDefault();
    sessionStorage.setItem(TENANT_KEY, tenant.trim());
    onShow({ view, tenant: tenant.trim(), name: name.trim() });
  };
  return (
    <form class="finder" onSubmit={submit}>
      <div>
        <label class="field" for={`${id}-tenant`}>
          Tenant
        </label>
        <input
          id={`${id}-tenant`}
          data-testid="tenant"
          required
          autocapitalize="off"
          spellcheck={false}
          value={tenant}
          onInput={({ currentTarget }) => setTenant(currentTarget.value)}
        />
      </div>
      <div class="wide">
        <label class="field" for={`${id}-name`}>
          {view === "channel" ? "Channel" : "User"}
        </label>
        <input
          id={`${id}-name`}
          data-testid="name"
          required
          autocapitalize="off"
          spellcheck={false}
          placeholder={placeholder}
          value={name}
          onInput={({ currentTarget }) => setName(currentTarget.value)}
        />
      </div>
      <button class="primary" type="submit" data-testid="find">
        Look
      </button>
    </form>
  );
}
