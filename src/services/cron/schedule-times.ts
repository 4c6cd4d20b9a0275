import { type CronExpression, namesDay, parseCron } from "./cron-expression.ts";
import { offsetAt } from "./time-zone.ts";

/** A cron expression and the IANA time zone that it is read in. */
export interface Schedule {
  cron: string;
  timezone: string;
}

const dayMs = 24 * 60 * 60_000;
/** Longer than between two 29ths of February on one day of the week, over a century that has none. */
const longestWaitMs = 45 * 366 * dayMs;

/**
 * The times after `after` that a schedule names, ascending, without end; milliseconds since the
 * epoch. Where clocks are moved it keeps to cron(8): a time of day that is skipped comes once, at
 * the moment after the gap; one that is there twice comes the first time only. What is rhythmic
 * (`*` in minute or hour) goes on in real time: through both copies, with nothing extra in the gap.
 * Throws `invalid-input` for a wrong expression, RangeError for an unknown zone.
 */
export function* timesAfter({ cron: text, timezone }: Schedule, after: number): Generator<number, void> {
  const cron = parseCron(text);
  const zone = new ZoneDays(timezone);
  let latest = after;
  let day = startOfDay(after + offsetAt(timezone, after)) - dayMs;
  while (day < latest + longestWaitMs) {
    const date = new Date(day);
    if (!cron.months.has(date.getUTCMonth() + 1)) {
      day = Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 1);
      continue;
    }
    if (namesDay(cron, { day: date.getUTCDate(), weekday: date.getUTCDay() })) {
      for (const time of timesOfDay(cron, zone.at(day))) {
        // The moment after a gap may be named by more than one time that was skipped.
        if (time <= latest) continue;
        latest = time;
        yield time;
      }
    }
    day += dayMs;
  }
}

/** The first time after `after`. */
export function nextTime(schedule: Schedule, after: number): number | undefined {
  const first = timesAfter(schedule, after).next();
  return first.done ? undefined : first.value;
}

/** The first `count` times after `after`. */
export function nextTimes(schedule: Schedule, after: number, count: number): number[] {
  return timesAfter(schedule, after).take(count).toArray();
}

function startOfDay(localMs: number): number {
  return Math.floor(localMs / dayMs) * dayMs;
}

/** A day of a zone, by its local midnight counted as if it were UTC. */
interface ZoneDay {
  midnight: number;
  /** Offset of the zone well before the day, and well after it. */
  before: number;
  after: number;
  /** The instant at which the one becomes the other. */
  changeAt: number;
}

/** Looks a zone up once a day, as most days are like the one before. */
class ZoneDays {
  readonly #zone: string;
  readonly #offsets = new Map<number, number>();

  constructor(zone: string) {
    this.#zone = zone;
  }

  at(midnight: number): ZoneDay {
    const before = this.#offsetOn(midnight - dayMs);
    const after = this.#offsetOn(midnight + 2 * dayMs);
    if (this.#offsets.size > 1000) this.#offsets.clear();
    const changeAt = before === after ? 0 : this.#changeBetween(midnight - dayMs, midnight + 2 * dayMs, before);
    return { midnight, before, after, changeAt };
  }

  #offsetOn(at: number): number {
    const known = this.#offsets.get(at);
    if (known !== undefined) return known;
    const offset = offsetAt(this.#zone, at);
    this.#offsets.set(at, offset);
    return offset;
  }

  /** Clocks are moved at whole seconds, and not twice within three days. */
  #changeBetween(from: number, to: number, before: number): number {
    let [still, changed] = [from / 1000, to / 1000];
    while (changed - still > 1) {
      const middle = Math.floor((still + changed) / 2);
      if (offsetAt(this.#zone, middle * 1000) === before) still = middle;
      else changed = middle;
    }
    return changed * 1000;
  }
}

function timesOfDay(cron: CronExpression, { midnight, before, after, changeAt }: ZoneDay): number[] {
  const times: number[] = [];
  for (const hour of cron.hours) {
    for (const minute of cron.minutes) {
      const local = midnight + (hour * 60 + minute) * 60_000;
      if (before === after) {
        times.push(local - before);
        continue;
      }
      const first = local - before < changeAt ? local - before : undefined;
      const second = local - after >= changeAt ? local - after : undefined;
      if (first !== undefined) times.push(first);
      if (second !== undefined && (first === undefined || cron.rhythmic)) times.push(second);
      if (first === undefined && second === undefined && !cron.rhythmic) times.push(changeAt);
    }
  }
  return before === after ? times : times.sort((left, right) => left - right);
}
