import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, symlink, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { type Service, start } from "../http/service.ts";

/** Where peers are installed. What is not installed does not take part. */
export interface Installed {
  /** Python interpreters, each with one requirements file of this folder installed. */
  pythons: string[];
  /** A folder in which `npm install @huggingface/transformers` was run. */
  transformersJs?: string | undefined;
}

/** Gives what starts each peer that is installed, behind HTTP and on the same weights. */
export async function installedPeers(
  { pythons, transformersJs }: Installed,
  { pair, work }: { pair: { imageDir: string; textDir: string }; work: string },
): Promise<Record<string, () => Promise<Service>>> {
  const peers: Record<string, () => Promise<Service>> = {};
  const { imageDir, textDir } = pair;
  const behindFlask = (python: string, library: string) => () =>
    start((port) => ({ command: [python, script("flask_service.py"), library, imageDir, textDir, String(port)] }));
  for (const python of pythons) {
    const has = (module: string) => spawnSync(python, ["-c", `${find}"${module}"))`]).status === 0;
    if (has("infinity_emb")) {
      peers[`Infinity ${versionOf(python, "infinity-emb")}, PyTorch`] = await infinity(python, pair, work);
    } else {
      if (has("sentence_transformers")) peers["Flask, PyTorch fp32"] = behindFlask(python, "sentence-transformers");
      if (has("faster_clip")) peers["faster-clip behind Flask, int8"] = behindFlask(python, "faster-clip");
    }
  }
  if (transformersJs !== undefined) {
    const models = join(work, "transformers-js");
    if (!existsSync(join(models, "text/onnx/model.onnx"))) exportForTransformersJs(pythons[0], pair, models);
    const command = [process.execPath, script("transformers_js_service.mjs"), transformersJs, models];
    peers["Transformers.js, fp32"] = () => start((port) => ({ command: [...command, String(port)] }));
  }
  return peers;
}

/** Python that ends with 0 if it finds a module, which it doesn't load. */
const find = "import sys, importlib.util; sys.exit(None is importlib.util.find_spec(";

const script = (name: string) => resolve(import.meta.dirname, name);

function versionOf(python: string, distribution: string): string {
  const code = `import importlib.metadata as m; print(m.version("${distribution}"))`;
  return spawnSync(python, ["-c", code], { encoding: "utf8" }).stdout.trim();
}

function exportForTransformersJs(
  python: string | undefined,
  { imageDir, textDir }: { imageDir: string; textDir: string },
  out: string,
): void {
  if (python === undefined)
    throw new Error("Transformers.js needs a --peer with requirements.txt to export its models");
  const { status } = spawnSync(python, [script("export_onnx.py"), imageDir, textDir, out], { stdio: "inherit" });
  if (status !== 0) throw new Error(`export_onnx.py ended with ${status}`);
}

/** Infinity serves both checkpoints from one process, each under a name. It asks for a CLIP's tokenizer as well. */
async function infinity(
  python: string,
  { imageDir, textDir }: { imageDir: string; textDir: string },
  work: string,
): Promise<() => Promise<Service>> {
  const clip = join(work, "infinity-clip");
  if (!existsSync(clip)) {
    await mkdir(clip, { recursive: true });
    for (const name of ["config.json", "preprocessor_config.json", "model.safetensors"]) {
      await symlink(resolve(imageDir, "0_CLIPModel", name), join(clip, name));
    }
    await writeFile(join(clip, "vocab.json"), '{"<|startoftext|>":49406,"<|endoftext|>":49407,"a</w>":0}');
    await writeFile(join(clip, "merges.txt"), "#version: 0.2\n");
  }
  const models = ["--model-id", clip, "--served-model-name", "image", "--model-id", resolve(textDir)];
  const flags = [...models, "--served-model-name", "text", "--device", "cpu", "--engine", "torch"];
  const command = [join(python, "../infinity_emb"), "v2", ...flags, "--log-level", "error"];
  const env = { HF_HUB_OFFLINE: "1", DO_NOT_TRACK: "1", INFINITY_ANONYMOUS_USAGE_STATS: "0" };
  const speech = {
    image: {
      path: "/embeddings",
      body: (b64: string) => ({ model: "image", modality: "image", input: [`data:image/jpeg;base64,${b64}`] }),
    },
    text: { path: "/embeddings", body: (text: string) => ({ model: "text", input: [text] }) },
  };
  return () => start((port) => ({ command: [...command, "--host", "127.0.0.1", "--port", String(port)], env, speech }));
}
