import { threadIdleTime } from "../foundation/turn.ts";
import { AlertSink } from "../sinks/alert-sink.ts";
import { EventTypeSink } from "../sinks/event-type-sink.ts";
import { HistorySink } from "../sinks/history-sink.ts";
import { LogSink } from "../sinks/log-sink.ts";
import { MetricSink } from "../sinks/metric-sink.ts";
import type { Part, PartsOptions } from "./part.ts";

export function sinkParts({ settings, stores, clock, log }: PartsOptions): Part[] {
  const { bus, catalog, opsData } = stores;
  const idleTime = threadIdleTime;
  const { gatherMs } = opsData;
  return [
    new LogSink({ bus, opsData, clock, log, gatherMs }),
    new EventTypeSink({ bus, eventTypes: catalog.eventTypes, clock, log, idleTime }),
    new HistorySink({ bus, history: opsData.history, clock, log, idleTime, gatherMs }),
    new MetricSink({ bus, metrics: opsData.metrics, clock, log, idleTime, gatherMs }),
    new AlertSink({ bus, alerts: catalog.alerts, clock, log, idleTime, everyMs: settings.alerts.everyMs }),
  ];
}
