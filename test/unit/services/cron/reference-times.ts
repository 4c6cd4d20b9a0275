const names = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const weekdays = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/** Written a second time, and simply: whether a field holds a number. */
function holds(field: string, value: number, words: readonly string[], base: number): boolean {
  return field.split(",").some((part) => {
    const [range = "", step = "1"] = part.split("/");
    const numberOf = (text: string) => {
      const word = words.indexOf(text.toLowerCase());
      return word < 0 ? Number(text) : word + base;
    };
    const [from, to] = range === "*" ? [base, 99] : range.split("-").map(numberOf);
    const last = to ?? (from as number);
    return value >= (from as number) && value <= last && (value - (from as number)) % Number(step) === 0;
  });
}

/** Readings of a wall clock are counted as if they were UTC. */
function parse(text: string) {
  const [minute = "", hour = "", day = "", month = "", weekday = ""] = (text === "@weekly" ? "0 0 * * 0" : text).split(
    " ",
  );
  const minutes = Array.from({ length: 1440 }, (_, number) => {
    return holds(minute, number % 60, [], 0) && holds(hour, Math.floor(number / 60), [], 0);
  });
  const either = !day.startsWith("*") && !weekday.startsWith("*");
  let known = Number.NaN;
  let isNamed = false;
  return {
    wild: minute.startsWith("*") || hour.startsWith("*"),
    names(wall: number): boolean {
      const ofDay = (wall / 60_000) % 1440;
      if (!minutes[ofDay]) return false;
      const midnight = wall - ofDay * 60_000;
      if (midnight !== known) {
        known = midnight;
        const date = new Date(midnight);
        const byDay = holds(day, date.getUTCDate(), [], 1);
        const byWeekday = holds(weekday, date.getUTCDay(), weekdays, 0);
        isNamed = holds(month, date.getUTCMonth() + 1, names, 1) && (either ? byDay || byWeekday : byDay && byWeekday);
      }
      return isNamed;
    },
  };
}

/**
 * The times of each expression in [from, to), by a walk through the minutes as the cron daemon
 * walks: it looks at the wall clock each minute. Where the clock has jumped ahead, the fixed times
 * of the minutes that were skipped are due now; where it was set back, the fixed times that it
 * shows again have been run.
 */
export function referenceTimes(expressions: readonly string[], timezone: string, from: number, to: number): number[][] {
  const parsed = expressions.map(parse);
  const found = expressions.map(() => new Set<number>());
  const wallClock = wallClockOf(timezone);
  const minute = 60_000;
  let latestWall = wallClock(from - minute);
  for (let at = from; at < to; at += minute) {
    const wall = wallClock(at);
    for (let index = 0; index < parsed.length; index += 1) {
      const cron = parsed[index] as (typeof parsed)[number];
      const times = found[index] as Set<number>;
      if (cron.wild) {
        if (cron.names(wall)) times.add(at);
        continue;
      }
      for (let shown = latestWall + minute; shown <= wall; shown += minute) if (cron.names(shown)) times.add(at);
    }
    latestWall = Math.max(latestWall, wall);
  }
  return found.map((times) => [...times].filter((time) => time > from));
}

/** Reads the zone from formatted text, once a half hour: no zone changes its clocks in between. */
function wallClockOf(timezone: string): (at: number) => number {
  const format = new Intl.DateTimeFormat("sv-SE", { timeZone: timezone, dateStyle: "short", timeStyle: "medium" });
  const half = 30 * 60_000;
  let known = Number.NaN;
  let offset = 0;
  return (at) => {
    const begin = at - (at % half);
    if (begin !== known) {
      offset = Date.parse(`${format.format(begin).replace(" ", "T")}Z`) - begin;
      known = begin;
    }
    return at + offset;
  };
}
