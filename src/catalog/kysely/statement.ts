import { CompiledQuery, type QueryExecutorProvider, type QueryResult } from "kysely";
import type { DialectTraits } from "../dialects/dialect-traits.ts";
import type { StoreContext } from "./store-context.ts";

/** A transaction, or the database where a statement stands alone. */
type On = StoreContext["db"];

type Value = string | number | null;

/** A value; the values of a list, as in `in (...)`; or those of columns that are set. */
type Bound = Value | readonly Value[] | Readonly<Record<string, Value>>;

/** Stands for a value while a statement is built. */
class Place {
  readonly index: number;

  constructor(index: number) {
    this.index = index;
  }
}

interface Compiled {
  sql: string;
  /** In their order in the statement: where a value comes from, or itself where it is always the same. */
  parameters: readonly unknown[];
}

type Build<Values extends readonly Bound[], Row> = (
  on: { tx: On; traits: DialectTraits },
  ...values: Values
) => { compile(provider: QueryExecutorProvider): CompiledQuery<Row> };

/**
 * A statement that is run all the time: built and compiled once and then run with new values, because building it anew costs more
 * than running it. Once for each dialect, length of a list (see `padded`) and set of columns, that is. `build` may look at nothing
 * in its values but their names and numbers: they are not those of any run.
 */
export class Statement<Values extends readonly Bound[], Row> {
  readonly #build: Build<Values, Row>;
  readonly #compiled = new WeakMap<DialectTraits, Map<string, Compiled>>();

  constructor(build: Build<Values, Row>) {
    this.#build = build;
  }

  run({ traits }: Pick<StoreContext, "traits">, tx: On, ...values: Values): Promise<QueryResult<Row>> {
    const { sql, parameters } = this.#compiledFor(traits, tx, values);
    const given = values.flatMap(valuesOf);
    const bound = parameters.map((parameter) => (parameter instanceof Place ? given[parameter.index] : parameter));
    return tx.executeQuery(CompiledQuery.raw(sql, bound) as CompiledQuery<Row>);
  }

  async rows(context: Pick<StoreContext, "traits">, tx: On, ...values: Values): Promise<Row[]> {
    return (await this.run(context, tx, ...values)).rows;
  }

  #compiledFor(traits: DialectTraits, tx: On, values: Values): Compiled {
    let compiled = this.#compiled.get(traits);
    if (compiled === undefined) {
      compiled = new Map();
      this.#compiled.set(traits, compiled);
    }
    const shape = values.map(shapeOf).join(" ");
    let found = compiled.get(shape);
    if (found === undefined) {
      found = this.#build({ tx, traits }, ...placesOf(values)).compile(tx);
      compiled.set(shape, found);
    }
    return found;
  }
}

function valuesOf(bound: Bound): readonly Value[] {
  if (typeof bound !== "object" || bound === null) return [bound];
  return Object.values(bound);
}

function shapeOf(bound: Bound): string {
  if (typeof bound !== "object" || bound === null) return "";
  return Array.isArray(bound) ? `${bound.length}` : Object.keys(bound).join();
}

function placesOf<Values extends readonly Bound[]>(values: Values): Values {
  let index = 0;
  const place = () => new Place(index++);
  const places = values.map((bound) => {
    if (typeof bound !== "object" || bound === null) return place();
    if (Array.isArray(bound)) return bound.map(place);
    return Object.fromEntries(Object.keys(bound).map((name) => [name, place()]));
  });
  return places as unknown as Values;
}
