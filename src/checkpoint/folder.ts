import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { describeIssues, jsonOf } from "../config/json.ts";
import { EncoderError } from "../errors.ts";
import { openSafetensors, type Safetensors } from "./safetensors.ts";
import { indexOf, joinShards, readShards } from "./shards.ts";

/** Reads the folder of a checkpoint. Files are named by their path inside it, with `/`. */
export interface CheckpointFolder {
  directory: string;
  /** Every file that was read is added here, for the manifest. */
  filesRead: Set<string>;
  has(file: string): Promise<boolean>;
  /** @throws EncoderError CHECKPOINT_INVALID where the file is missing or implausibly large. */
  bytes(file: string): Promise<Uint8Array>;
  /** @throws EncoderError CHECKPOINT_INVALID that names the file and what does not fit. */
  json<T>(file: string, schema: z.ZodType<T>): Promise<T>;
  /** Opens a file of tensors, or the shards that its index names. */
  tensors(file: string): Promise<Safetensors>;
  /** Makes the error to throw for what is wrong with this checkpoint. */
  refusal(problem: string): EncoderError;
  close(): Promise<void>;
}

/** A vocabulary of a million pieces is 40 MB as JSON; configurations are a few kilobytes. */
const maxFileBytes = 128 * 1024 * 1024;

/** @param title the name of the checkpoint in messages */
export async function openCheckpoint(directory: string, title = "Checkpoint"): Promise<CheckpointFolder> {
  const refusal = (problem: string) =>
    new EncoderError("CHECKPOINT_INVALID", `${title}: ${problem}.`, { internal: directory });
  const found = await stat(directory).catch(() => undefined);
  if (!found?.isDirectory()) throw refusal("there is no such folder");
  const filesRead = new Set<string>();
  const open: Safetensors[] = [];

  async function sizeOf(file: string): Promise<number | undefined> {
    const found = await stat(join(directory, file)).catch(() => undefined);
    return found?.isFile() ? found.size : undefined;
  }
  async function readBytes(file: string): Promise<Buffer> {
    const size = await sizeOf(file);
    if (size === undefined) throw refusal(`${file} is missing`);
    if (size > maxFileBytes) throw refusal(`${file} has ${size} bytes; expected at most ${maxFileBytes}`);
    filesRead.add(file);
    return readFile(join(directory, file));
  }
  const folder: CheckpointFolder = {
    directory,
    filesRead,
    refusal,
    has: async (file) => (await sizeOf(file)) !== undefined,
    bytes: readBytes,
    async json(file, schema) {
      const json = jsonOf((await readBytes(file)).toString());
      if (json === undefined) throw refusal(`${file} is not JSON`);
      const parsed = schema.safeParse(json);
      if (!parsed.success) throw refusal(`${file}: ${describeIssues(parsed.error)}`);
      return parsed.data;
    },
    async tensors(file) {
      if ((await sizeOf(file)) === undefined) {
        if ((await sizeOf(indexOf(file))) === undefined) throw refusal(await missingTensors(file));
        return joinShards(folder, { file, shards: await readShards(folder, file) });
      }
      filesRead.add(file);
      const tensors = await openSafetensors({ path: join(directory, file), title: `${title}: ${file}` });
      open.push(tensors);
      return tensors;
    },
    async close() {
      for (const tensors of open) await tensors.close();
    },
  };
  return folder;

  async function missingTensors(file: string): Promise<string> {
    const pickle = file.replace("model.safetensors", "pytorch_model.bin");
    if (await sizeOf(pickle)) {
      return `${file} is missing, and ${pickle} is not read; load the checkpoint with sentence-transformers and save it again, which writes safetensors`;
    }
    return `${file} is missing`;
  }
}

export interface CheckpointModule {
  /** Name of its class; where the class lies moves between versions of sentence-transformers. */
  kind: string;
  /** "" or a folder with its `/`. */
  path: string;
}

/** Lists the modules in their order. A folder without modules.json is transformers' own, which holds one model. */
export async function readModules(checkpoint: CheckpointFolder): Promise<CheckpointModule[]> {
  if (!(await checkpoint.has("modules.json"))) return [{ kind: "Transformer", path: "" }];
  const modules = await checkpoint.json("modules.json", modulesSchema);
  return modules
    .toSorted((a, b) => a.idx - b.idx)
    .map(({ type, path }) => ({ kind: type.slice(type.lastIndexOf(".") + 1), path: path === "" ? "" : `${path}/` }));
}

/** Finds the folder of a checkpoint whose only module is one of `kinds`. */
export function onlyModule(
  checkpoint: CheckpointFolder,
  modules: readonly CheckpointModule[],
  kinds: string[],
): string {
  const found = modules.map(({ kind }) => kind).join(" -> ");
  if (kinds.includes(found)) return modules[0]!.path;
  throw checkpoint.refusal(`modules.json: the modules ${found} are not implemented; expected ${kinds[0]} alone`);
}

const modulesSchema = z
  .array(
    z.object({
      idx: z.number().int(),
      // A path that leaves the checkpoint would read files its author has no business with.
      path: z.string().regex(/^[\w-]*$/, "expected the name of a folder in the checkpoint"),
      type: z.string(),
    }),
  )
  .nonempty();

/** Refuses a checkpoint whose texts sentence-transformers would give a prompt by itself. */
export async function refuseDefaultPrompt(checkpoint: CheckpointFolder): Promise<void> {
  const file = "config_sentence_transformers.json";
  if (!(await checkpoint.has(file))) return;
  const { default_prompt_name, prompts } = await checkpoint.json(file, settingsSchema);
  const prompt = default_prompt_name ? prompts?.[default_prompt_name] : undefined;
  if (!prompt) return;
  const name = JSON.stringify(default_prompt_name);
  throw checkpoint.refusal(`${file}: default_prompt_name ${name}: prompts are not implemented`);
}

const settingsSchema = z.object({
  default_prompt_name: z.string().nullish(),
  prompts: z.record(z.string(), z.string()).nullish(),
});
