import { eventLoopDelay } from "../foundation/event-loop-delay.ts";
import type { Figure } from "./figure.ts";

export interface ProcessFigures {
  figures: Figure[];
  /** Ends what measures. */
  close(): void;
}

/** What every process measures of itself, by the names that `/metrics` has for them. The delay is of the time since it was last read. */
export function processFigures(): ProcessFigures {
  const delay = eventLoopDelay();
  const figures: Figure[] = [
    {
      name: "process_cpu_seconds_total",
      help: "Processor time of the process, in user mode and in the kernel",
      kind: "counter",
      isKept: true,
      read: () => {
        const { user, system } = process.cpuUsage();
        return [{ value: (user + system) / 1e6 }];
      },
    },
    {
      name: "process_resident_memory_bytes",
      help: "Memory that the process has in RAM",
      kind: "gauge",
      isKept: true,
      read: () => [{ value: process.memoryUsage.rss() }],
    },
    {
      name: "nodejs_eventloop_lag_p99_seconds",
      help: "How late the event loop was, at most, 99 times of 100",
      kind: "gauge",
      isKept: true,
      read: () => [{ value: delay.seconds() }],
    },
  ];
  return { figures, close: () => delay.close() };
}
