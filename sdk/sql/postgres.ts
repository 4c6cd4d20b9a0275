import pg from "pg";
import { bindable, columnNames, type Database, type Row } from "./database.ts";
import type { Json } from "./template.ts";

const connectMs = 10_000;

/** Connects. What a script may do there is what its role may: give it a role of its own. */
export async function openPostgres(url: string, statementMs: number): Promise<Database> {
  const client = new pg.Client({
    connectionString: url,
    statement_timeout: statementMs,
    connectionTimeoutMillis: connectMs,
    application_name: "streamzero-fx",
    types: { getTypeParser: parserOf as never },
  });
  let lost: Error | undefined;
  client.on("error", (error) => {
    lost = error;
  });
  let status = "I";
  // The protocol says after each statement whether a transaction is open; the client keeps it to itself.
  const { connection } = client as unknown as { connection: NodeJS.EventEmitter };
  connection.on("readyForQuery", (message: { status: string }) => {
    status = message.status;
  });
  await client.connect();
  return {
    async run({ text, binds }, values, maxRows) {
      if (lost) throw lost;
      const bound = binds.map((index) => bindable(values[index] ?? null));
      const result = await query(client, text, bound, maxRows);
      if (result.fields.length === 0) return { rows: undefined, changed: result.rowCount ?? undefined };
      const names = columnNames(result.fields.map(({ name }) => name));
      const rows = (result.rows as unknown as Json[][]).map(
        (row): Row => Object.fromEntries(row.map((value, index) => [names[index], value])),
      );
      return { rows, changed: undefined };
    },
    async control(command) {
      await client.query(command === "begin immediate" ? "begin" : command);
    },
    inTransaction: () => status !== "I",
    close: () => client.end().catch(() => {}),
  };
}

/** Reads `maxRows` rows and leaves the others with the server. Always by the extended protocol, which takes one statement. */
function query(client: pg.Client, text: string, values: unknown[], maxRows: number): Promise<pg.QueryArrayResult> {
  return new Promise((resolve, reject) => {
    const config = { text, values, rows: maxRows, rowMode: "array", queryMode: "extended" };
    const Query = pg.Query as unknown as new (config: object, callback: Callback) => Suspendable;
    const asked = new Query(config, (error, result) => (error ? reject(error) : resolve(result)));
    asked.handlePortalSuspended = (connection) => connection.sync();
    // With a limit of rows the client sends no sync of its own; without one the server answers nothing after an error.
    const handleError = asked.handleError.bind(asked);
    asked.handleError = (error, connection) => {
      connection.sync();
      handleError(error, connection);
    };
    client.query(asked as never);
  });
}

type Callback = (error: Error | null, result: pg.QueryArrayResult) => void;

interface Suspendable {
  handlePortalSuspended(connection: { sync(): void }): void;
  handleError(error: Error, connection: { sync(): void }): void;
}

const { builtins } = pg.types;

const parsers: Record<number, (text: string) => Json> = {
  [builtins.BOOL]: (text) => text === "t",
  [builtins.INT2]: Number,
  [builtins.INT4]: Number,
  [builtins.OID]: Number,
  [builtins.INT8]: (text) => (Number.isSafeInteger(Number(text)) ? Number(text) : text),
  [builtins.FLOAT4]: floatOf,
  [builtins.FLOAT8]: floatOf,
  [builtins.JSON]: (text) => JSON.parse(text),
  [builtins.JSONB]: (text) => JSON.parse(text),
  [builtins.BYTEA]: (text) => Buffer.from(text.slice(2), "hex").toString("base64"),
  [builtins.TIMESTAMP]: (text) => text.replace(" ", "T"),
  [builtins.TIMESTAMPTZ]: (text) => text.replace(" ", "T").replace(/\+00(:00)?$/, "Z"),
};
const arraysOfNumbers = new Set([1005, 1007, 1021, 1022]);
const arraysOfTexts = new Set([1002, 1009, 1014, 1015]);

/** As the server writes it, where JSON has no form of its own: numeric, date, uuid, interval and the like are text. */
function parserOf(oid: number): (text: string) => Json {
  if (arraysOfNumbers.has(oid) || arraysOfTexts.has(oid)) return pg.types.getTypeParser(oid) as (text: string) => Json;
  return parsers[oid] ?? ((text) => text);
}

function floatOf(text: string): Json {
  return Number.isFinite(Number(text)) ? Number(text) : text;
}
