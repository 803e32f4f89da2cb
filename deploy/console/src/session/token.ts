/** Where the token is between two loads of this tab: sessionStorage, which no other tab sees and which ends with it. */
const KEY = "plexus.console.token";

export function rememberToken(token: string): void {
  sessionStorage.setItem(KEY, token);
}

export function rememberedToken(): string | null {
  return sessionStorage.getItem(KEY);
}

export function forgetToken(): void {
  sessionStorage.removeItem(KEY);
}
