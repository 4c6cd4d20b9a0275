import { PlatformError } from "../../foundation/errors.ts";

/** What a cron expression names, as cron(8) by Paul Vixie reads it: five fields, or a word such as `@daily`. */
export interface CronExpression {
  /** Ascending, as all of these. */
  minutes: readonly number[];
  hours: readonly number[];
  days: ReadonlySet<number>;
  /** 1 to 12. */
  months: ReadonlySet<number>;
  /** 0 (Sunday) to 6. */
  weekdays: ReadonlySet<number>;
  /** A day needs one of the two day fields only: neither of them begins with `*`. */
  eitherDay: boolean;
  /**
   * Minute or hour begins with `*`: it keeps a rhythm, in real time. Otherwise it names times of the
   * day, each of which comes once a day, whatever is done to the clocks.
   */
  rhythmic: boolean;
}

interface Field {
  name: string;
  from: number;
  to: number;
  names?: readonly string[];
}

const fields = [
  { name: "minute", from: 0, to: 59 },
  { name: "hour", from: 0, to: 23 },
  { name: "day of month", from: 1, to: 31 },
  {
    name: "month",
    from: 1,
    to: 12,
    names: ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"],
  },
  { name: "day of week", from: 0, to: 7, names: ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"] },
] as const satisfies Field[];

const words: Record<string, string> = {
  "@yearly": "0 0 1 1 *",
  "@annually": "0 0 1 1 *",
  "@monthly": "0 0 1 * *",
  "@weekly": "0 0 * * 0",
  "@daily": "0 0 * * *",
  "@midnight": "0 0 * * *",
  "@hourly": "0 * * * *",
};

/** Throws `invalid-input` that names the field, what was found there and what it may be. */
export function parseCron(text: string): CronExpression {
  const written = text.trim();
  const word = written.startsWith("@") ? words[written.toLowerCase()] : undefined;
  if (written.startsWith("@") && word === undefined) {
    throw wrong(`"${written}" is not one of ${Object.keys(words).join(", ")}`);
  }
  const parts = (word ?? written).split(/\s+/);
  if (parts.length !== fields.length || parts[0] === "") {
    const found = parts[0] === "" ? 0 : parts.length;
    throw wrong(
      `it has ${found} fields and must have five cron fields: minute, hour, day of month, month, day of week`,
    );
  }
  const [minute, hour, day, month, weekday] = parts as [string, string, string, string, string];
  const cron = {
    minutes: readField(minute, fields[0]),
    hours: readField(hour, fields[1]),
    days: new Set(readField(day, fields[2])),
    months: new Set(readField(month, fields[3])),
    weekdays: new Set(readField(weekday, fields[4]).map((number) => number % 7)),
    eitherDay: !day.startsWith("*") && !weekday.startsWith("*"),
    rhythmic: minute.startsWith("*") || hour.startsWith("*"),
  };
  if (!cron.eitherDay && !someDayExists(cron)) throw wrong("it never comes: no month of these has such a day");
  return cron;
}

/** Whether it names the day of this date. Vixie's rule: both day fields must hold, or either where both are restricted. */
export function namesDay(cron: CronExpression, { day, weekday }: { day: number; weekday: number }): boolean {
  const byDay = cron.days.has(day);
  const byWeekday = cron.weekdays.has(weekday);
  return cron.eitherDay ? byDay || byWeekday : byDay && byWeekday;
}

const longestMonths = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

function someDayExists({ days, months }: Pick<CronExpression, "days" | "months">): boolean {
  const first = Math.min(...days);
  return [...months].some((month) => first <= (longestMonths[month - 1] as number));
}

function readField(text: string, field: Field): number[] {
  const numbers = new Set<number>();
  for (const part of text.split(",")) for (const number of readPart(part, field, text)) numbers.add(number);
  return [...numbers].sort((left, right) => left - right);
}

// `*`, `5` or `1-5`; all but a number alone with a step: `*/5`, `1-30/5`.
function readPart(part: string, field: Field, whole: string): number[] {
  const [range = "", step, ...rest] = part.split("/");
  if (rest.length > 0) throw wrongField(field, whole, "has more than one step");
  const [from, to] = readRange(range, field, whole);
  let by = 1;
  if (step !== undefined) {
    if (range !== "*" && !range.includes("-")) {
      throw wrongField(
        field,
        whole,
        `a step needs a range before it, such as */${step} or ${range}-${field.to}/${step}`,
      );
    }
    by = /^\d{1,4}$/.test(step) ? Number(step) : 0;
    if (by === 0) throw wrongField(field, whole, `"${step}" is no step: it must be a whole number from 1`);
  }
  return Array.from({ length: Math.floor((to - from) / by) + 1 }, (_, index) => from + index * by);
}

function readRange(range: string, field: Field, whole: string): [from: number, to: number] {
  // Both 0 and 7 are Sunday; every day of the week is said with one of them.
  if (range === "*") return [field.from, field.names?.[0] === "SUN" ? 6 : field.to];
  const [first = "", second, ...rest] = range.split("-");
  if (rest.length > 0) throw wrongField(field, whole, `"${range}" is no range`);
  const from = readNumber(first, field, whole);
  const to = second === undefined ? from : readNumber(second, field, whole);
  if (to < from) throw wrongField(field, whole, `the range "${range}" ends before it begins`);
  return [from, to];
}

function readNumber(text: string, field: Field, whole: string): number {
  const named = field.names?.indexOf(text.toUpperCase()) ?? -1;
  if (named >= 0) return named + field.from;
  const number = /^\d{1,4}$/.test(text) ? Number(text) : Number.NaN;
  if (number >= field.from && number <= field.to) return number;
  const names = field.names === undefined ? "" : ` or ${field.names[0]} to ${field.names.at(-1)}`;
  throw wrongField(field, whole, `"${text}" must be ${field.from} to ${field.to}${names}`);
}

function wrongField({ name }: Field, whole: string, message: string): PlatformError {
  return wrong(`${name} "${whole}": ${message}`);
}

function wrong(message: string): PlatformError {
  return new PlatformError("invalid-input", message);
}
