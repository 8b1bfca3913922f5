import { bench } from "./bench.ts";
import { build } from "./build.ts";
import type { Command } from "./command.ts";
import { duplicates } from "./duplicates.ts";
import { encode } from "./encode.ts";
import { index } from "./index.ts";
import { models } from "./models.ts";
import { pull } from "./pull.ts";
import { queue } from "./queue.ts";
import { search } from "./search.ts";
import { serve } from "./serve.ts";
import { work } from "./work.ts";

export const commands: Record<string, Command> = {
  serve,
  pull,
  models,
  build,
  encode,
  index,
  search,
  duplicates,
  work,
  queue,
  bench,
};
