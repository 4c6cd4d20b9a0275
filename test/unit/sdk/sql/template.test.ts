import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { splitStatements } from "../../../../sdk/sql/sql-statements.ts";
import { type Json, SqlTemplate } from "../../../../sdk/sql/template.ts";

function rendered(source: string, context: Record<string, Json> = {}, dialect: "sqlite" | "postgres" = "sqlite") {
  const { marked, values } = new SqlTemplate(source).render(context, dialect === "sqlite" ? "()" : undefined);
  return splitStatements(marked, dialect).map(({ text, binds, line }) => ({
    text,
    line,
    values: binds.map((index) => values[index]),
  }));
}

describe("S4: an SQL template", () => {
  it("binds every output, and splits into statements with their lines", () => {
    const source =
      "insert into t values ({{ params.a }}, {{ params.a }});\n\n-- note; it's fine\nselect *\nfrom {{ params.t | identifier }} where b in {{ params.ids | list }};\n";
    expect(rendered(source, { params: { a: "x", t: "main.orders", ids: [1, "2"] } })).toEqual([
      { text: "insert into t values (?1, ?2)", line: 1, values: ["x", "x"] },
      { text: 'select *\nfrom "main"."orders" where b in (?1, ?2)', line: 4, values: [1, "2"] },
    ]);
    expect(rendered("select {{ params.a }}, {{ params.a }}", { params: { a: 1 } }, "postgres")).toMatchObject([
      { text: "select $1, $2", values: [1, 1] },
    ]);
  });

  it("has conditions, loops, filters and defaults", () => {
    const source =
      "select 1{% for name, value in params.columns.items() %}, {{ value | upper }} as {{ name | identifier }}{% endfor %}{% if params.limit is defined %} limit {{ params.limit + 1 }}{% endif %} -- {# no #}\n{{ params.none | default(none) }}";
    expect(rendered(source, { params: { columns: { a: "x", b: "y" } } })).toMatchObject([
      { text: expect.stringMatching(/^select 1, \?1 as "a", \?2 as "b" \s*\n\?3$/), values: ["X", "Y", null] },
    ]);
  });

  it("lets no value become SQL, whatever it holds", () => {
    const attacks = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.constantFrom(
        "'; drop table t; --",
        "\u00020\u0002",
        "\u00011\u0001",
        "?1",
        "$1",
        "{{ params.b }}",
        "*/",
        "$$",
        "\\'",
      ),
      fc.jsonValue() as fc.Arbitrary<Json>,
    );
    const plain = rendered("select {{ params.a }};\nselect {{ params.b }} as b", { params: { a: 1, b: 2 } });
    fc.assert(
      fc.property(attacks, attacks, (a, b) => {
        const found = rendered("select {{ params.a }};\nselect {{ params.b }} as b", { params: { a, b } as Json });
        expect(found.map(({ text, line }) => ({ text, line }))).toEqual(
          plain.map(({ text, line }) => ({ text, line })),
        );
      }),
      { seed: 7 },
    );
  });

  it("lets nothing but a plain name through `identifier`", () => {
    for (const name of [
      'a"; drop table t; --',
      "",
      "a b",
      "1a",
      "a.",
      "a.b.c.d",
      "é",
      "a\u0000",
      "x".repeat(64),
      null,
      5,
      ["a"],
      true,
    ]) {
      expect(() => rendered("select {{ params.n | identifier }}", { params: { n: name } })).toThrow("no name");
    }
    expect(() => rendered("select {{ params.n | identifier | upper }}", { params: { n: "a" } })).toThrow("stands last");
  });

  it.each([
    ["{{ ''.constructor.constructor('return process')() }}", "cannot be called"],
    ["{{ params.constructor }}", "params.constructor is not defined"],
    ["{{ params['__proto__'] }}", "is not defined"],
    ["{{ params.__proto__.polluted }}", "is not defined"],
    ["{{ [].map.constructor }}", "is not defined"],
    ["{{ range.constructor('x') }}", "cannot be called"],
    ["{{ (params.items)['constructor'] }}", "is not defined"],
    ["{{ params | map(attribute='constructor') }}", "failed"],
    ["{{ range }}", "not a value that can be bound"],
    ["{{ self }}", "self is not defined"],
    ["{{ cycler.__init__.__globals__ }}", "cycler"],
    ["{{ namespace(a=1) }}", "'namespace' cannot be called"],
    ["{{ raise_exception('x') }}", "cannot be called"],
    ["{{ strftime_now('%Y') }}", "cannot be called"],
    ["{{ params.a | attr('b') }}", "no filter 'attr'"],
    ["{% macro m(x) %}{{ x }}{% endmacro %}{{ m(params.a) }}", "macros do not exist"],
    ["{% set x %}drop table t{% endset %}{{ x }}", "set blocks do not exist"],
    ["{% call m() %}x{% endcall %}", "do not exist"],
    ["{% filter upper %}select{% endfilter %}", "do not exist"],
    ["{% include 'x' %}", "cannot be read"],
    ["{{ '\\u00020\\u0002' }}", "control character"],
    ["select \u00020\u0002", "control character"],
    ["{% for i in range(1000000000) %}x{% endfor %}", "at most 100000"],
    [
      "{% for i in range(99999) %}{% for j in range(99999) if j < 0 %}x{% endfor %}{% endfor %}",
      "more than 1000000 steps",
    ],
    ["{% for i in range(99999) %}{{ i }},{% endfor %}", "values are bound"],
    ["{% for i in range(99999) %}xxxxxxxxxxxxxxxxxxxxxxxx{% endfor %}", "longer than"],
    [`{{ ${"(".repeat(300)}1${" + 1)".repeat(300)} }}`, "nested more than"],
  ])("refuses %s", (source, message) => {
    expect(() => rendered(source, { params: { a: "x", items: [1] } })).toThrow(message);
  });

  it("names what is not defined, with its line", () => {
    const trying = (source: string) => () => rendered(source, { params: {} });
    expect(trying("select 1,\n{{ params.city }}")).toThrow(
      expect.objectContaining({ line: 2, message: expect.stringContaining("params.city is not defined") }),
    );
    expect(trying("select {{ 'x' ~ params.city }}")).toThrow(/params.city is not defined|undefined values/);
    expect(trying("select {{ parms.city }}")).toThrow(/parms/);
  });

  it.each([
    ["select '{{ params.a }}'", "quotes"],
    ['select "{{ params.a }}"', "quotes"],
    ["select [{{ params.a }}]", "quotes"],
    ["select `{{ params.a }}`", "quotes"],
    ["select 1 -- {{ params.a }}", "a comment"],
    ["select 1 /* {{ params.a }} */", "a comment"],
    ["select ?", "nothing fills"],
    ["select :a", "nothing fills"],
    ["select 'it''s", "not closed"],
  ])("refuses %s, where nothing would be bound", (source, message) => {
    expect(() => rendered(source, { params: { a: "x" } })).toThrow(message);
  });

  it("knows PostgreSQL's own quotes", () => {
    const context = { params: { a: 1 } };
    for (const source of [
      "select $$ {{ params.a }} $$",
      "select $x$ {{ params.a }} $x$",
      "select e'\\'{{ params.a }}'",
      "/* /* */ {{ params.a }} */ select 1",
    ]) {
      expect(() => rendered(source, context, "postgres")).toThrow("where nothing is bound");
    }
    expect(rendered("select $$;$$, a::int, e'\\';', b ? 'k' from t; select 2", context, "postgres")).toHaveLength(2);
    expect(() => rendered("select $1", context, "postgres")).toThrow("nothing fills");
  });

  it("keeps the body of a trigger together", () => {
    const trigger =
      "create trigger t after insert on a begin update b set n = case when n then 1 else 2 end; delete from c; end";
    expect(rendered(`${trigger};\nselect 1`).map(({ text }) => text)).toEqual([trigger, "select 1"]);
  });

  it("refuses an empty list where the database has none", () => {
    const source = "select 1 where 1 in {{ params.ids | list }}";
    expect(rendered(source, { params: { ids: [] } })).toMatchObject([{ text: "select 1 where 1 in ()" }]);
    expect(() => rendered(source, { params: { ids: [] } }, "postgres")).toThrow("params.ids is empty");
    expect(() => rendered(source, { params: { ids: "abc" } })).toThrow("is no list");
  });
});
