import { z } from "zod";
import type { CheckpointFolder } from "./folder.ts";
import type { Safetensors } from "./safetensors.ts";

/** A shard lies beside its index: a path that leaves the folder would read files its author has no business with. */
const shardName = z.string().regex(/^[\w-][\w.-]*\.safetensors$/, "expected the name of a .safetensors file");

const indexSchema = z.object({ weight_map: z.record(z.string(), shardName) });

/** The file that transformers writes beside the shards of a large checkpoint. */
export function indexOf(file: string): string {
  return `${file}.index.json`;
}

/** Says which shard holds each tensor of a file that was split: paths inside the checkpoint, by the tensor's name. */
export async function readShards(checkpoint: CheckpointFolder, file: string): Promise<Map<string, string>> {
  const { weight_map } = await checkpoint.json(indexOf(file), indexSchema);
  const folder = file.slice(0, file.lastIndexOf("/") + 1);
  return new Map(Object.entries(weight_map).map(([tensor, shard]) => [tensor, `${folder}${shard}`]));
}

/** Shows the shards of a split file as one. */
export async function joinShards(
  checkpoint: CheckpointFolder,
  { file, shards }: { file: string; shards: ReadonlyMap<string, string> },
): Promise<Safetensors> {
  const opened = new Map<string, Safetensors>();
  for (const shard of new Set(shards.values())) opened.set(shard, await checkpoint.tensors(shard));
  return {
    names: new Set(shards.keys()),
    weight(name, shape) {
      const shard = opened.get(shards.get(name) ?? "");
      if (!shard) throw checkpoint.refusal(`${indexOf(file)}: there is no tensor ${name}`);
      return shard.weight(name, shape);
    },
    close: async () => {}, // the checkpoint closes each shard
  };
}
