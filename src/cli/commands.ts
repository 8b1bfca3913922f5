import { modelSettings } from "../config/encoder.ts";
import { bench } from "./bench.ts";
import { build } from "./build.ts";
import { type Command, command } from "./command.ts";
import { duplicates } from "./duplicates.ts";
import { encode } from "./encode.ts";
import { index } from "./index.ts";
import { models } from "./models.ts";
import { pull, pullSettings } from "./pull.ts";
import { queue } from "./queue.ts";
import { search } from "./search.ts";
import { serve } from "./serve.ts";
import { work } from "./work.ts";

export const commands: Record<string, Command> = {
  serve,
  pull: command({
    summary: "Download a model from the Hub, verify and build it",
    operands: "[NAME]",
    settings: pullSettings,
    run: ({ values, operands: [name], signal }) => pull({ config: values, name, signal }),
  }),
  models: command({
    summary: "List, verify or remove installed models",
    operands: "list | verify [NAME] | remove NAME",
    settings: { modelsDir: modelSettings.modelsDir },
    run: ({ values, operands, signal }) => models({ modelsDir: values.modelsDir, args: operands, signal }),
  }),
  build,
  encode,
  index,
  search,
  duplicates,
  work,
  queue,
  bench,
};
