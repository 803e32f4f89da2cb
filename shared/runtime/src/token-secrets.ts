import { z } from "zod";

const MIN_LENGTH = 32;
const MAX_SECRETS = 8;

/**
 * Secrets that clients' tokens are signed with, with commas in between. New tokens are signed with the first; any of
 * them is taken. So a new one is put behind the old one first, everywhere, then before it, and the old one taken away
 * once its last token is over.
 */
export const tokenSecrets = z
  .string()
  .transform((text) => text.split(",").map((secret) => secret.trim()))
  .refine(
    (secrets) => secrets.every(({ length }) => length >= MIN_LENGTH),
    `at least ${MIN_LENGTH} characters each`,
  )
  .refine((secrets) => secrets.length <= MAX_SECRETS, `at most ${MAX_SECRETS} secrets`);
