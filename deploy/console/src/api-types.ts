/** What the admin API answers, by its own schemas. */

import type { Static } from "typebox";
import type { MeBody } from "#admin/me";
import type * as schemas from "#admin/schemas";

export type { AdviceBody as Advice } from "#admin/advice";
export type { Stats } from "#admin/stats";

export type Operation = schemas.OperationBody;
export type Started = schemas.StartedBody;
export type Cells = Static<typeof schemas.CellsBody>;
export type Cell = Cells["cells"][number];
export type Gateways = Static<typeof schemas.GatewaysBody>;
export type Gateway = Gateways["gateways"][number];
export type Channel = Static<typeof schemas.ChannelBody>;
export type Presence = Static<typeof schemas.PresenceBody>;
export type Published = Static<typeof schemas.PublishedBody>;
export type User = Static<typeof schemas.UserBody>;
export type Disconnected = Static<typeof schemas.DisconnectedBody>;

export type Me = Static<typeof MeBody>;
