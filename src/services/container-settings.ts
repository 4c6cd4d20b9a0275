import { z } from "zod";

const variableNames = /^(?!FX_)[A-Za-z_][A-Za-z0-9_]*$/;
/** A plain name: what comes after a colon is another container's network, or an option that opens the machine's own. */
const networkNames = /^(?!host$)[A-Za-z0-9][A-Za-z0-9_.-]*$/;

/** How the container of a `type: container` service is run. What runs in it: the keys `image`, `command`, `args`. */
export const containerSettings = z
  .strictObject({
    env: z
      .record(z.string(), z.string())
      .superRefine((env, context) => {
        for (const name of Object.keys(env).filter((name) => !variableNames.test(name))) {
          const message = "is no name for a variable: letters, digits and _, and FX_ is ours";
          context.addIssue({ code: "custom", path: [name], message });
        }
      })
      .default({})
      .describe("Variables of its environment, over the image's own."),
    pull: z
      .enum(["missing", "always", "never"])
      .default("missing")
      .describe("When the image is fetched: if it is not there, before every run, or not at all."),
    cpus: z.number().positive().max(1024).optional().describe("Processors' worth of time it may take: 0.5, 2."),
    network: z
      .string()
      .regex(networkNames, "must be the plain name of a network, and not the machine's own network")
      .optional()
      .describe('"none", or a network that the engine knows; without it the engine\'s default.'),
    user: z
      .string()
      .min(1)
      .optional()
      .describe("Who runs in it: a name or number, with :group; without it the image's."),
    read_only: z.boolean().default(false).describe("Its file system cannot be written to, /tmp excepted."),
  })
  .describe("How the container is run.");

export type ContainerSettings = z.infer<typeof containerSettings>;
