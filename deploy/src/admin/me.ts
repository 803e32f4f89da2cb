import { Type } from "typebox";
import { ROLES } from "./auth.js";
import type { AdminServer } from "./context.js";
import { answers, list, named } from "./schemas.js";

export const MeBody = named(
  "Me",
  Type.Object({
    name: Type.String({ description: "the token's name, as the audit log shows it" }),
    role: list(ROLES),
  }),
);

/** Lets a program offer only what its token allows. */
export function meRoutes(server: AdminServer): void {
  server.get(
    "/v1/me",
    {
      schema: {
        tags: ["tokens"],
        summary: "Whose token this is, and its role",
        response: answers(200, MeBody),
      },
    },
    async ({ who, role }) => ({ name: who!, role: role! }),
  );
}
