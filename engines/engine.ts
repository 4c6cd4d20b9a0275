import type { Cache } from "./cache.ts";

/** One of the servers that the platform can be put on, as this machine can have it: without containers, from package registries. */
export interface Engine {
  /** As it is named on the command line: "kafka". */
  readonly name: string;
  /** As people know it, with its version: "Apache Kafka 4.1.0". */
  readonly title: string;
  /** How many addresses one server listens on; they are chosen for it. */
  readonly portsEach: number;
  /** What asks it to end; SIGTERM unless it is another. */
  readonly stopSignal?: NodeJS.Signals;
  /** Brings the programs into the cache and answers the directory they are in. What is there already is not brought again. */
  install(cache: Cache): Promise<string>;
  /**
   * Lays down what the server needs in its directory, where that is new, and says how it is started. `all` are the servers of
   * this engine, this one among them, in order.
   */
  prepare(server: ServerPlace, all: readonly ServerPlace[]): Promise<StartCommand>;
  /** True once the server answers in its own protocol; may throw while it does not. */
  answers(server: ServerPlace): Promise<boolean>;
  /** What to put into the platform's environment to use it: FX_CATALOG_URL and its like. */
  environment(all: readonly ServerPlace[]): Record<string, string>;
}

export interface ServerPlace {
  /** Of this engine's servers, from 0. */
  index: number;
  programs: string;
  /** Its own: data, configuration, log. Absolute. */
  directory: string;
  /** On 127.0.0.1; as many as `portsEach`. */
  ports: readonly number[];
}

export interface StartCommand {
  command: string;
  args: readonly string[];
  /** Beside PATH, HOME and LANG. */
  env?: Readonly<Record<string, string>>;
  /** The user it runs as, where it refuses to be root. */
  user?: { uid: number; gid: number };
}
