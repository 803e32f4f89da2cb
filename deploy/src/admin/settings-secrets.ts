/**
 * Secrets in documents of settings: they are never shown. A mark stands in their place, and a document that comes back
 * with the mark keeps the secret that is stored.
 *
 * Which one a mark means is said by where it stands: fields by their names, elements of lists by their `id` or `kid`.
 * Those that have neither go by their order, as long as there are as many marks of them as stored secrets.
 */
import { PlexusError } from "@plexus/protocol";

/** What is shown in a secret's place. */
export const SECRET_MARK = "…";

/** `secret` of keys and webhooks, and the private members of a JWK (RFC 7517, RFC 7518). */
const SECRET_FIELDS = new Set(["secret", "d", "k", "p", "q", "dp", "dq", "qi"]);

type Fields = Record<string, unknown>;

/** A secret, or the mark of one. */
interface Place {
  readonly holder: Fields;
  readonly name: string;
  readonly path: string;
  readonly value: string;
}

/** The document as it may be shown. */
export function withoutSecrets(document: object): Fields {
  const shown = structuredClone(document) as Fields;
  for (const { holder, name } of placesIn(shown)) holder[name] = SECRET_MARK;
  return shown;
}

/** The document with the stored secrets in place of marks. Throws `bad_request` where a mark means none. */
export function withSecretsOf(stored: object | undefined, document: unknown): unknown {
  const filled: unknown = structuredClone(document);
  const marks = placesIn(filled).filter(({ value }) => value === SECRET_MARK);
  const secrets = byPath(placesIn(stored));
  for (const [path, places] of byPath(marks)) {
    const known = secrets.get(path) ?? [];
    if (known.length !== places.length)
      throw new PlexusError("bad_request", `${path}: "${SECRET_MARK}" stands for no stored secret: give it`);
    for (const [i, { holder, name }] of places.entries()) holder[name] = known[i]!.value;
  }
  return filled;
}

function placesIn(value: unknown, path = ""): Place[] {
  if (Array.isArray(value))
    return value.flatMap((element) => placesIn(element, `${path}[${labelOf(element)}]`));
  if (typeof value !== "object" || value === null) return [];
  const holder = value as Fields;
  return Object.entries(holder).flatMap(([name, field]) => {
    const where = path === "" ? name : `${path}.${name}`;
    if (typeof field !== "string") return placesIn(field, where);
    return SECRET_FIELDS.has(name) ? [{ holder, name, path: where, value: field }] : [];
  });
}

function byPath(places: readonly Place[]): Map<string, Place[]> {
  const groups = new Map<string, Place[]>();
  for (const place of places) groups.set(place.path, [...(groups.get(place.path) ?? []), place]);
  return groups;
}

function labelOf(element: unknown): string {
  const { id, kid, jwk } = (element ?? {}) as { id?: unknown; kid?: unknown; jwk?: { kid?: unknown } };
  const label = id ?? kid ?? jwk?.kid;
  return typeof label === "string" ? label : "";
}
