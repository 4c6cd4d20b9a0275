import { execFileSync } from "node:child_process";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { formsOf } from "../../../../src/executor/redaction/forms.ts";
import { Matcher } from "../../../../src/executor/redaction/matcher.ts";
import { redactText, StreamRedactor } from "../../../../src/executor/redaction/stream-redactor.ts";
import type { Json } from "../../../../src/foundation/json.ts";

function matcherOf(secrets: Record<string, Json>): Matcher {
  return new Matcher(Object.entries(secrets).flatMap(([name, value]) => formsOf(name, value)));
}

function inPieces(matcher: Matcher, bytes: Uint8Array, cuts: readonly number[]): Buffer {
  const redactor = new StreamRedactor(matcher);
  const ends = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b);
  const pieces = [];
  let from = 0;
  for (const end of [...ends, bytes.length]) {
    pieces.push(redactor.push(bytes.subarray(from, end)));
    from = end;
  }
  return Buffer.concat([...pieces, redactor.end({ cut: false })]);
}

const value = "hunter2-päss/word?&+ x";
const matcher = matcherOf({ password: value });

describe("a secret in output", () => {
  const base64 = (text: string) => Buffer.from(text).toString("base64");
  const forms: Record<string, string> = {
    plain: value,
    base64: base64(value),
    "base64 without padding": base64(value).replace(/=+$/, ""),
    base64url: Buffer.from(value).toString("base64url"),
    "percent-encoded by encodeURIComponent": encodeURIComponent(value),
    "percent-encoded in lower case": encodeURIComponent(value).toLowerCase(),
    "form-encoded": new URLSearchParams({ v: value }).toString().slice(2),
    "as a string of JSON": JSON.stringify(value).slice(1, -1),
    "as json.dumps writes it": value.replace("ä", "\\u00e4"),
  };
  for (const [how, text] of Object.entries(forms)) {
    test(`S5: ${how}, is replaced by its name`, () => {
      expect(redactText(matcher, `before ${text} after`)).toMatch(/^before \[secret password\]=* after$/);
    });
  }

  test("S5: as base64 inside of something longer, at each of the three places it may begin", () => {
    for (const before of ["", "u", "us", "use"]) {
      const encoded = base64(`${before}:${value}:end`);
      const redacted = redactText(matcher, encoded);
      expect(redacted).toContain("[secret password]");
      expect(redacted.replace("[secret password]", "").length).toBeLessThan(16);
    }
  });

  test("S5: of several lines is replaced line by line where something stands between them", () => {
    const key = matcherOf({ key: "-----BEGIN KEY-----\nAAAABBBBCCCC\nDDDDEEEEFFFF\n" });
    expect(redactText(key, "INFO AAAABBBBCCCC\r\nINFO DDDDEEEEFFFF")).toBe("INFO [secret key]\r\nINFO [secret key]");
  });

  test("S5: strings and numbers inside of an object count, short texts and keys do not", () => {
    const nested = matcherOf({ db: { user: "bob", password: "s3cr3t-word", pin: 123_456_789, list: ["in-a-list"] } });
    expect(redactText(nested, "bob password s3cr3t-word 123456789 in-a-list")).toBe(
      "bob password [secret db] [secret db] [secret db]",
    );
  });

  test("S5: only what may become a secret waits; the end gives it out, a cut end keeps it", () => {
    const redactor = new StreamRedactor(matcher);
    const text = (bytes: Uint8Array) => Buffer.from(bytes).toString();
    expect(text(redactor.push(Buffer.from("password: hunt")))).toBe("password: ");
    expect(text(redactor.push(Buffer.from("ing dogs")))).toBe("hunting dogs");
    expect(text(redactor.push(Buffer.from(" hunter2-p")))).toBe(" ");
    expect(text(redactor.end({ cut: false }))).toBe("hunter2-p");
    const cut = new StreamRedactor(matcher);
    cut.push(Buffer.from("x hunter2-p"));
    expect(text(cut.end({ cut: true }))).toBe("");
  });

  test("S5: one that comes to be known later is found in what still waits", () => {
    const redactor = new StreamRedactor(matcher);
    const given = [redactor.push(Buffer.from("hunter2"))];
    redactor.use(matcherOf({ password: value, other: "hunter2-new" }));
    given.push(redactor.push(Buffer.from("-new.")), redactor.end({ cut: false }));
    expect(Buffer.concat(given).toString()).toBe("[secret other].");
  });
});

describe("a secret as programs write it", () => {
  const secrets = {
    quotes: `it's a "word" & <tag>`,
    single: "don't-tell-me",
    letters: "grüße-€-😀-ende",
    specials: "~a b$c`d!e{f}g[h]*?^(i);j|k\\l,m#n=o:p%q",
    controls: "tab\there\u0001\u001b[0m\nline\r\u007fend",
    unseen: "zero\u200bwidth\u00a0space\u2028end",
  };

  test("S5: Python's repr, ascii, bytes, json.dumps, shlex and html", () => {
    const program = `
import base64, html, json, shlex, sys
for name, value in json.load(sys.stdin).items():
    raw = value.encode()
    for form in (repr(value), ascii(value), repr(raw), repr([value, raw]), json.dumps(value), json.dumps(json.dumps(value)),
                 json.dumps(json.dumps(value, ensure_ascii=False), ensure_ascii=False), shlex.quote(value), html.escape(value),
                 html.escape(value, quote=False), raw.hex(), raw.hex().upper(), base64.b64encode(raw).decode()):
        print(json.dumps([name, form]))
`;
    const lines = execFileSync("python3", ["-c", program], { input: JSON.stringify(secrets), encoding: "utf8" });
    const forms = lines
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as [keyof typeof secrets, string]);
    expect(forms).toHaveLength(13 * Object.keys(secrets).length);
    for (const [name, form] of forms) {
      const left = redactText(matcherOf({ [name]: secrets[name] }), form).replaceAll(`[secret ${name}]`, "");
      expect(left, `${name} as ${form}`).toMatch(/^[[\]b'", \\=]*$/);
    }
  });

  test("S5: a shell's printf %q and its quotes", () => {
    for (const [name, value] of Object.entries(secrets)) {
      for (const locale of ["C", "C.UTF-8"]) {
        const program = `printf "%q\\n%q\\n%s\\n" "$1" "$1 \x01" "\${1@Q}"`;
        const env = { LC_ALL: locale, PATH: process.env.PATH };
        const written = execFileSync("bash", ["--norc", "-c", program, "bash", value], { env, encoding: "utf8" });
        const left = redactText(matcherOf({ [name]: value }), written).replaceAll(`[secret ${name}]`, "");
        expect(left, `${name} as ${written}`).toMatch(/^(?:\\001|[$'\\ \n])*$/);
      }
    }
  });

  test.each([
    ["&quot;", "&#39;"],
    ["&#34;", "&#39;"],
    ["&quot;", "&#x27;"],
    ['"', "'"],
  ])("S5: HTML with %s and %s", (quote, apostrophe) => {
    const form = `it${apostrophe}s a ${quote}word${quote} &amp; &lt;tag&gt;`;
    expect(redactText(matcherOf({ quotes: secrets.quotes }), `<b>${form}</b>`)).toBe("<b>[secret quotes]</b>");
  });
});

describe("a secret in base64 that is broken over lines", () => {
  const secret = "correct horse battery staple";
  const one = matcherOf({ one: secret });
  const wrap = (text: string, width: number, between: string) =>
    text.replaceAll(new RegExp(`.{${width}}(?=.)`, "g"), `$&${between}`);

  for (const [name, between] of Object.entries({ "\\n": "\n", "\\r\\n": "\r\n", "\\n as two letters": "\\n" })) {
    test(`S5: by ${name}, at every place, leaves at most the letters before a break that comes at once`, () => {
      for (let before = 0; before < 90; before += 1) {
        const encoded = Buffer.from(`${"x".repeat(before)}${secret} and more`).toString("base64");
        for (const width of [64, 76]) {
          const wrapped = wrap(encoded, width, between);
          const redacted = redactText(one, wrapped);
          expect(redacted, wrapped).toContain("[secret one]");
          const left = redacted.replace("[secret one]", "");
          expect(wrapped.length - left.length).toBeGreaterThanOrEqual(Math.floor((secret.length * 8) / 6) - 5);
          expect(inPieces(one, Buffer.from(wrapped), [before, before * 7, 64, 65, 66]).toString()).toBe(redacted);
        }
      }
    });
  }

  test("S5: an end of a line does not wait for the next, and no number of empty lines makes more wait", () => {
    const redactor = new StreamRedactor(one);
    const encoded = Buffer.from(secret).toString("base64");
    const push = (text: string) => redactor.push(Buffer.from(text)).length;
    expect(push(`value: ${encoded.slice(0, 3)}\n`)).toBe(11);
    expect(push(encoded.slice(0, 8))).toBe(0);
    expect(push("\r\n")).toBe(0);
    expect(push("\n\n\n")).toBe(13);
  });
});

describe("any output, cut anywhere", () => {
  // Few letters, so that secrets overlap, repeat, and begin inside one another.
  const word = fc.string({ unit: fc.constantFrom("a", "b", "é", " "), minLength: 6, maxLength: 12 });
  const secrets = fc.uniqueArray(word, { minLength: 1, maxLength: 4 });
  const part = (known: string[]) =>
    fc.oneof(
      fc.constantFrom(...known),
      fc.constantFrom(...known).map((text) => Buffer.from(text).toString("base64")),
      fc.constantFrom(...known).map((text) => Buffer.from(text).toString("base64").replaceAll(/.{5}/g, "$&\r\n")),
      fc.constantFrom(...known).map((text) => Buffer.from(text).toString("hex")),
      fc.constantFrom(...known).map(encodeURIComponent),
      fc.constantFrom(...known).map((text) => text.slice(0, 5)),
      fc.string({ unit: fc.constantFrom("a", "b", "é", " ", "\n"), maxLength: 8 }),
    );
  const scene = secrets.chain((known) =>
    fc.tuple(
      fc.constant(known),
      fc.array(part(known), { maxLength: 10 }).map((parts) => parts.join("")),
      fc.array(fc.nat(400), { maxLength: 12 }),
    ),
  );

  test("S5: is redacted as it would be whole, and holds no form of any secret", () => {
    fc.assert(
      fc.property(scene, ([known, output, cuts]) => {
        const all = new Matcher(known.flatMap((secret, index) => formsOf(`n${index}`, secret)));
        const whole = redactText(all, output);
        expect(inPieces(all, Buffer.from(output), cuts).toString()).toBe(whole);
        // A name between two pieces keeps them apart, so that they form nothing new.
        const joined = whole.replaceAll(/(?<![\r\n])[\r\n]{1,4}(?![\r\n])/g, "");
        for (const { bytes, wraps } of all.forms) {
          expect(whole).not.toContain(bytes.toString());
          // With four letters before its first break; what is broken sooner loses the rest of its letters.
          if (wraps) expect(joined).not.toContain(bytes.toString());
        }
      }),
      { numRuns: 500 },
    );
  });

  test("S5: without secrets passes untouched, the very bytes", () => {
    const bytes = Buffer.from([0, 255, 128]);
    expect(new StreamRedactor().push(bytes)).toBe(bytes);
  });

  test("S5: no input makes it slow: ten megabytes of the secret's own letter", () => {
    const redactor = new StreamRedactor(matcherOf({ one: "a".repeat(20_000), two: `${"a".repeat(10_000)}b` }));
    const given = [redactor.push(Buffer.alloc(10_000_000, "a")), redactor.end({ cut: false })];
    expect(Buffer.concat(given).toString()).toBe("[secret one]");
  });
});
