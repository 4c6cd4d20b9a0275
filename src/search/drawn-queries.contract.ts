import fc from "fast-check";
import { logLevels } from "./query-fields.ts";
import { allOf, anyOf, type QueryNode } from "./query-node.ts";

export const drawnTexts = fc.constantFrom(
  "alpha",
  "beta",
  "gamma delta",
  "Größe",
  "alpha beta",
  'with "quotes" \\',
  "東京",
  "AND",
  "-x",
);

const leaf: fc.Arbitrary<QueryNode> = fc.oneof(
  { weight: 1, arbitrary: fc.constant<QueryNode>({ kind: "all" }) },
  {
    weight: 5,
    arbitrary: fc.record({ kind: fc.constant("text" as const), text: drawnTexts, prefix: fc.boolean() }),
  },
  {
    weight: 5,
    arbitrary: fc
      .oneof(
        fc.record({
          field: fc.constant("service"),
          value: fc.constantFrom("shop/orders", "shop/till", "default/a_b-c"),
          prefix: fc.boolean(),
        }),
        fc.record({ field: fc.constant("project"), value: fc.constantFrom("shop", "default"), prefix: fc.boolean() }),
        fc.record({
          field: fc.constant("script"),
          value: fc.constantFrom("main.py", "Main.py", "lädt.ts"),
          prefix: fc.boolean(),
        }),
        fc.record({
          field: fc.constant("execution"),
          value: fc.constantFrom("e-1", "e-2", "e-"),
          prefix: fc.boolean(),
        }),
        fc.record({ field: fc.constant("flow"), value: fc.constantFrom("Flow 1", "flow 1"), prefix: fc.boolean() }),
        fc.record({
          field: fc.constant("stream"),
          value: fc.constantFrom("stdout", "stderr", "log"),
          prefix: fc.constant(false),
        }),
        fc.record({ field: fc.constant("level"), value: fc.constantFrom(...logLevels), prefix: fc.constant(false) }),
        fc.record({
          field: fc.constantFrom("attempt", "step"),
          value: fc.constantFrom("0", "1", "2"),
          prefix: fc.constant(false),
        }),
      )
      .map((own) => ({ kind: "field" as const, ...own })),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("compare" as const),
      field: fc.constantFrom("level", "attempt", "step"),
      op: fc.constantFrom(">", ">=", "<", "<="),
      value: fc.integer({ min: 0, max: 3 }),
    }),
  },
);

/** Queries on the fields of logs, in the normal form that the parser makes. */
export const queryNodes: fc.Arbitrary<QueryNode> = fc.letrec<{ node: QueryNode }>((tie) => ({
  node: fc.oneof(
    { maxDepth: 3 },
    leaf,
    tie("node").map((of): QueryNode => ({ kind: "not", of })),
    fc.array(tie("node"), { minLength: 1, maxLength: 3 }).map(allOf),
    fc.array(tie("node"), { minLength: 1, maxLength: 3 }).map(anyOf),
  ),
})).node;
