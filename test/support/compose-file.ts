import path from "node:path";
import { Cache, cacheRoot, tool } from "../../engines/cache.ts";
import { goProgram } from "../../engines/golang.ts";

const version = "2.16.2";

/** What `docker compose config` does, by the library that it reads files with. */
const main = `package main

import (
	"context"
	"fmt"
	"os"

	"github.com/compose-spec/compose-go/v2/cli"
)

func main() {
	if err := show(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func show() error {
	options, err := cli.NewProjectOptions(os.Args[1:], cli.WithEnv(os.Environ()))
	if err != nil {
		return err
	}
	project, err := options.LoadProject(context.Background())
	if err != nil {
		return err
	}
	text, err := project.MarshalJSON()
	fmt.Println(string(text))
	return err
}
`;

/** A file of Compose as Docker's own parser understands it. Rejects with what that says of one that is wrong. */
export async function readComposeFile(file: string, environment: Record<string, string>): Promise<unknown> {
  const cache = new Cache(cacheRoot(), console.error);
  const programs = await cache.directory(`compose-go-${version}`, (directory) =>
    goProgram(directory, "compose", `github.com/compose-spec/compose-go/v2 v${version}`, main),
  );
  return JSON.parse(await tool(path.join(programs, "compose"), [file], { env: environment }));
}
