import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { Route } from "../model/route.js";
import { Input } from "./input.js";

const TENANT_KEY = "plexus.console.tenant";
/** The tenant of a local cluster's demo: a guess that is right where nobody has looked at another one yet. */
const FIRST_TENANT = "demo";

export interface InspectorProps {
  route: Route;
  onShow(route: Route): void;
}

interface Props extends InspectorProps {
  view: "channel" | "user";
  /** What it is that is looked at. */
  title: string;
  placeholder: string;
  children(tenant: string, name: string): ComponentChildren;
}

/** Asks for a tenant and a name of it, and shows what goes by that name. */
export function Inspector({ view, title, placeholder, route, onShow, children }: Props) {
  const { tenant, name } = route;
  return (
    <>
      <section class="panel" aria-labelledby={`${view}-title`}>
        <h1 id={`${view}-title`}>{title}</h1>
        <Finder view={view} title={title} placeholder={placeholder} route={route} onShow={onShow} />
      </section>
      {tenant !== undefined && name !== undefined && children(tenant, name)}
    </>
  );
}

function Finder({ view, title, placeholder, route, onShow }: Omit<Props, "children">) {
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
      <Input
        label="Tenant"
        data-testid="tenant"
        required
        value={tenant}
        onInput={({ currentTarget }) => setTenant(currentTarget.value)}
      />
      <Input
        label={title}
        wide
        data-testid="name"
        required
        placeholder={placeholder}
        value={name}
        onInput={({ currentTarget }) => setName(currentTarget.value)}
      />
      <button class="primary" type="submit" data-testid="find">
        Look
      </button>
    </form>
  );
}

/** In place of an answer that is not there yet. */
export function Awaited({ problem }: { problem: string }) {
  return (
    <p class="panel empty" role="status">
      {problem || "Asking …"}
    </p>
  );
}
