/** Which web pages may connect. Only browsers say where a page is from; whatever else connects needs no origin. */

/** An origin as browsers send it (RFC 6454), or `*` for any; undefined where it is none. */
export function parseOrigin(text: string): string | undefined {
  if (text === "*") return text;
  try {
    const { protocol, host } = new URL(text);
    const origin = `${protocol}//${host}`;
    return /^[^*]+$/.test(host) && origin === text.toLowerCase() ? origin : undefined;
  } catch {
    // The caller says which one is wrong.
    return undefined;
  }
}

/** `given` is the header, empty where there was none. */
export function isOriginAllowed(allowed: readonly string[], given: string): boolean {
  return given === "" || allowed.includes("*") || allowed.includes(given.toLowerCase());
}
