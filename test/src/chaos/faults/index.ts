import type { Fault } from "./fault.js";
import { NETWORK_FAULTS } from "./network.js";
import { OPERATIONS } from "./operations.js";
import { PROCESS_FAULTS } from "./processes.js";
import { STATE_FAULTS } from "./state.js";

export type { ActiveFault, Fault } from "./fault.js";

export const FAULTS: Readonly<Record<string, Fault>> = {
  ...PROCESS_FAULTS,
  ...NETWORK_FAULTS,
  ...STATE_FAULTS,
  ...OPERATIONS,
};
