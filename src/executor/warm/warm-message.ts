import type { Answer, Ask, Welcome } from "../channel/channel-message.ts";

/**
 * What an executor and a warm process say to each other on the process's channel, one frame of JSON each. The process says
 * `Hello`, is told `Hosting`, says `Ready`, and then runs what it is told to, one run at a time. What it says carries the
 * number of its run, as an `Ask` of it does too; what is said of another run is passed over.
 */
export type ToHost = Hosting | RunOrder | Answer;
export type FromHost = Ready | (Ask & { run: number }) | HostOutput | Drain | RunEnded;

export interface Hosting {
  host: {
    /** Absolute path of the service's directory. */
    directory: string;
    /** Relative to it. */
    script: string;
  };
}

/** It has loaded what can be loaded before a run, and nothing of the service. */
interface Ready {
  ready: true;
}

export interface RunOrder {
  /** From 1. */
  run: number;
  welcome: Welcome;
  /** Variables of this run, over those that the process was started with. */
  env: Record<string, string>;
  /** Empty, and the same for all runs of the process. */
  scratch: string;
  /** Processor time that the run may take. */
  cpuSeconds?: number | undefined;
}

/** What the script prints by its language's own streams. What is written to the descriptors goes by the pipes of the process. */
interface HostOutput {
  run: number;
  output: "stdout" | "stderr";
  /** One of the two; `base64` for what is not UTF-8. */
  text?: string;
  base64?: string;
}

/** Answered with null when all that was written to the pipes before has its place in the output. */
interface Drain {
  run: number;
  id: number;
  op: "drain";
}

/** What a process exits with that cannot say how its run has ended, since the script has closed the descriptor of its channel. */
export const unheardCode = 113;

interface RunEnded {
  run: number;
  ended: {
    code: number;
    /** What the run has left in the process, in words; such a process runs nothing more. */
    leftovers?: string[];
    /** The lowest descriptor that is free: so many files are open, at the least. */
    openFiles?: number;
  };
  /** False: surely nothing was written to the pipes that is not drained; without it they are. */
  piped?: boolean;
}
