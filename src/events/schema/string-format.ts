/** Formats of JSON Schema (draft 2020-12, validation, section 7.3) that are told from the text alone. */
export const stringFormats = ["date-time", "date", "email", "uri", "uuid", "ipv4"] as const;
export type StringFormat = (typeof stringFormats)[number];

const dateTime =
  /^(\d{4})-(\d\d)-(\d\d)T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,9})?(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/;
const date = /^(\d{4})-(\d\d)-(\d\d)$/;
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const email =
  /^[a-z0-9_+-]+(?:\.[a-z0-9_+-]+)*@[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)+$/i;
const uri =
  /^[a-z][a-z0-9+.-]*:\/\/[a-z0-9.-]+(?::\d{1,4})?(?:[/?][a-z0-9._~:/?@!$&'()*+,;=-]*)?(?:#[a-z0-9._~:/?@!$&'()*+,;=-]*)?$/i;
const ipv4 = /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/;

/** Longer texts are not looked at. */
const maxLength = 300;

const checks: Record<StringFormat, (text: string) => boolean> = {
  "date-time": (text) => isDay(dateTime.exec(text)),
  date: (text) => isDay(date.exec(text)),
  email: (text) => email.test(text),
  uri: (text) => uri.test(text),
  uuid: (text) => uuid.test(text),
  ipv4: (text) => ipv4.test(text),
};

/** The one format that the text has. Strict: a text of doubt has none. */
export function formatOf(text: string): StringFormat | undefined {
  return stringFormats.find((format) => hasFormat(text, format));
}

export function hasFormat(text: string, format: StringFormat): boolean {
  return text.length <= maxLength && checks[format](text);
}

/** The calendar has this day. */
function isDay(match: RegExpExecArray | null): boolean {
  if (match === null) return false;
  const [year, month, day] = [Number(match[1]), Number(match[2]), Number(match[3])];
  if (month < 1 || month > 12 || day < 1) return false;
  const isLeap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  const longest = month === 2 ? (isLeap ? 29 : 28) : [4, 6, 9, 11].includes(month) ? 30 : 31;
  return day <= longest;
}
