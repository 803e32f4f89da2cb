/** What is asked of the process that holds the clients, and what the libraries have to do for it. */

export type SideName = "plexus" | "socket.io";

export interface CrowdPlan {
  side: SideName;
  /** Of the server; the clients reach it by their own ports. */
  port: number;
  ports: number[];
  /** Where the server wants one. */
  token: string;
  messages: number;
}

export interface Standing {
  published: number;
  delivered: number;
  connected: number;
}

export interface CrowdResult {
  /** Acknowledged to the publisher. */
  published: number;
  clients: number;
  /** Clients that received every published message. */
  complete: number;
  delivered: number;
  duplicated: number;
  outOfOrder: number;
  /** How often a client was told that it may have missed something. */
  toldOfGap: number;
  reconnects: number;
}

/** A client that listens. */
export interface Listener {
  readonly connected: boolean;
  readonly reconnects: number;
  readonly toldOfGap: number;
  close(): void;
}

/** A client that publishes, and whose network is never away. */
export interface Speaker {
  /** Resolves when the server has it. */
  publish(message: NumberedMessage): Promise<unknown>;
  close(): void;
}

export interface NumberedMessage {
  number: number;
  text: string;
}

export interface Library {
  listen(url: Address, got: (number: number) => void): Promise<Listener>;
  speak(url: Address): Promise<Speaker>;
}

export interface Address {
  port: number;
  token: string;
}
