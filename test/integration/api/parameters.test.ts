import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { TestPlatform } from "../../support/platform.ts";

const form = {
  fields: [
    { type: "text", name: "city", required: true },
    { type: "int", name: "days", default: 3, min: 1 },
  ],
};
const script = `from fx_ef import context\nprint(sorted(context.params.items()))\n`;

let platform: TestPlatform;
beforeAll(async () => {
  platform = await TestPlatform.start();
});
afterAll(() => platform.stop());

describe("the form of a service's parameters", () => {
  it("fills in defaults of a run by hand, and is shown with the service", async () => {
    expect((await deploy("forecast", form)).status).toBe(201);
    const run = await platform.request<{ executionId: string }>("POST", "/api/v1/services/default/forecast/run", {
      json: { data: { city: "Bern" } },
    });
    expect(run.status).toBe(202);
    await platform.settled(1, "&service=default/forecast");
    expect(await platform.outputs(run.body.executionId)).toEqual(["[('city', 'Bern'), ('days', 3)]\n"]);
    const shown = await platform.request<{ form: unknown }>("GET", "/api/v1/services/default/forecast/parameters");
    expect(shown.body.form).toMatchObject(form);
  });

  it("refuses a run that does not fit it, with the place of each mistake", async () => {
    await deploy("strict", form);
    const { status, body } = await platform.request<{ problems: unknown[] }>(
      "POST",
      "/api/v1/services/default/strict/run",
      { json: { data: { days: 0 } } },
    );
    expect([status, body.problems]).toEqual([
      400,
      [
        { path: "body.data.city", message: "is required" },
        { path: "body.data.days", message: "must be at least 1; found 0" },
      ],
    ]);
    expect(await platform.executions("&service=default/strict")).toEqual([]);
  });

  it("refuses a deploy whose form is none", async () => {
    const { status, body } = await deploy("wrong", { fields: [{ type: "select", name: "size" }] });
    expect([status, body.problems]).toEqual([
      400,
      [{ path: "parameters.json: fields[0].choices", message: 'a field of type "select" needs choices' }],
    ]);
  });
});

function deploy(name: string, parameters: unknown) {
  return platform.deploy(name, { "main.py": script, "parameters.json": JSON.stringify(parameters) });
}
