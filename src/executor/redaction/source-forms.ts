const named: Record<string, string> = { "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t" };
const shellNamed: Record<string, string> = {
  ...named,
  "\u0007": "\\a",
  "\b": "\\b",
  "\u000b": "\\v",
  "\f": "\\f",
  "\u001b": "\\E",
  "'": "\\'",
};
const pythonEscaped = /[\\\p{C}\p{Zl}\p{Zp}]|(?! )\p{Zs}/gu;
const shellSpecial = /[ \t\n|&;()<>!{}*[\]?^$`'"\\,]/g;

/** A text as it stands between the quotes of a program's source: JSON, Python, a shell, HTML. */
export function sourceForms(text: string): string[] {
  const source = text.replace(/[\\\n\r\t]/g, (character) => named[character] as string);
  return [source, ...jsonForms(text), ...pythonForms(text), ...shellForms(text), ...htmlForms(text)];
}

/** Also as a string of JSON that is in a string of JSON; each also as Python's `json.dumps` writes it. */
function jsonForms(text: string): string[] {
  const inside = (value: string) => JSON.stringify(value).slice(1, -1);
  const once = inside(text);
  const onlyAscii = asciiOf(once);
  return [once, onlyAscii, inside(once), inside(onlyAscii), asciiOf(inside(once))];
}

function asciiOf(json: string): string {
  return json.replaceAll(/[\u007f-\uffff]/g, (unit) => `\\u${hex(unit.charCodeAt(0), 4)}`);
}

/** As `repr` and `ascii` write the text, and `repr` its bytes; `'` is escaped where `"` is in it as well. */
function pythonForms(text: string): string[] {
  const escaped = (character: string) => named[character] ?? pythonEscape(character.codePointAt(0) as number);
  const repr = text.replaceAll(pythonEscaped, escaped);
  const ascii = repr.replaceAll(/\P{ASCII}/gu, escaped);
  const bytes = Buffer.from(text)
    .toString("latin1")
    .replaceAll(/[^ -[\]-~]/g, escaped);
  return [repr, ascii, bytes].flatMap((form) => [form, form.replaceAll("'", "\\'")]);
}

function pythonEscape(code: number): string {
  if (code <= 0xff) return `\\x${hex(code, 2)}`;
  return code <= 0xffff ? `\\u${hex(code, 4)}` : `\\U${hex(code, 8)}`;
}

/** Between single quotes, with a backslash before what is special (`printf %q`), and as `$'...'`, in UTF-8 and in octal. */
function shellForms(text: string): string[] {
  const escaped = (character: string) =>
    shellNamed[character] ??
    Array.from(Buffer.from(character), (byte) => `\\${byte.toString(8).padStart(3, "0")}`).join("");
  const backslashed = text.replaceAll(shellSpecial, "\\$&");
  const dollar = text.replaceAll(/[\p{Cc}\p{Cn}\p{Co}\p{Zl}\p{Zp}\\']/gu, escaped);
  const octal = dollar.replaceAll(/\P{ASCII}/gu, escaped);
  return [
    text.replaceAll("'", "'\\''"),
    text.replaceAll("'", `'"'"'`),
    backslashed,
    backslashed.replace(/^[~#]/, "\\$&"),
    dollar,
    octal,
  ];
}

function htmlForms(text: string): string[] {
  const escaped = text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
  return ['"', "&quot;", "&#34;"].flatMap((quote) =>
    ["'", "&#39;", "&#x27;", "&apos;"].map((apostrophe) => escaped.replaceAll('"', quote).replaceAll("'", apostrophe)),
  );
}

function hex(value: number, length: number): string {
  return value.toString(16).padStart(length, "0");
}
