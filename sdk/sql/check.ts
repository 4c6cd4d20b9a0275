/**
 * Finds what is wrong with SQL scripts without running them.
 *
 * stdin: JSON [{"path": name to report, "file": where it lies, "directory"}]; stdout: JSON [{"path": "name:line", "message"}].
 */
import { readFileSync } from "node:fs";
import { connectionOf } from "./connection.ts";
import { forbiddenIn } from "./forbidden.ts";
import { manifestConnection } from "./manifest-connection.ts";
import { SqlProblem } from "./problem.ts";
import { splitStatements } from "./sql-statements.ts";
import { isPlainTemplate, requireSyntax } from "./syntax.ts";
import { SqlTemplate } from "./template.ts";
import { strayEnd, strayEndRefused } from "./transactions.ts";

const problems: { path: string; message: string }[] = [];
for (const { path, file, directory } of JSON.parse(readFileSync(0, "utf8"))) {
  try {
    const source = new TextDecoder("utf-8", { fatal: true }).decode(readFileSync(file));
    const template = new SqlTemplate(source);
    // Which database a name stands for is known when it runs; then it is checked again.
    if (connectionOf(source) ?? manifestConnection(directory)) continue;
    const statements = splitStatements(template.sketch, "sqlite");
    const stray = strayEnd(statements);
    if (stray !== undefined) throw new SqlProblem(stray.line, strayEndRefused);
    for (const statement of statements) {
      const refusal = forbiddenIn(statement);
      if (refusal !== undefined) throw new SqlProblem(statement.line, refusal);
    }
    if (isPlainTemplate(source)) requireSyntax(statements);
  } catch (error) {
    const line = error instanceof SqlProblem ? error.line : 1;
    problems.push({ path: `${path}:${line}`, message: (error as Error).message });
  }
}
process.stdout.write(JSON.stringify(problems));
