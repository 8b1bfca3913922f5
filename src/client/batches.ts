import { mapAhead } from "../scheduling/map-ahead.ts";
import { type Facts, joinFacts } from "./facts.ts";
import { ServiceError } from "./service-error.ts";
import type { Encoding, ItemError } from "./types.ts";

type Answer = Encoding<Float32Array | null>;
/** What a part came to; facts are missing where its only item failed. */
export type PartAnswer = Pick<Answer, "embeddings" | "errors"> & Partial<Facts>;

/** Holds the items of a batch that are asked for in one request. */
export interface Part {
  /** Where its items stand in the batch. */
  indexes: readonly number[];
  ask(signal: AbortSignal): Promise<PartAnswer>;
}

export function* chunksOf<T>(items: readonly T[], size: number): Generator<T[]> {
  for (let start = 0; start < items.length; start += size) yield items.slice(start, start + size);
}

/**
 * Asks for the parts, a few at a time, and puts their answers in the batch's order. The first failure ends the others.
 * @throws ServiceError, whose index is that of the batch
 */
export async function encodeParts(
  parts: readonly Part[],
  { concurrency, signal }: { concurrency: number; signal?: AbortSignal | undefined },
): Promise<Answer> {
  const controller = new AbortController();
  const either = signal ? AbortSignal.any([signal, controller.signal]) : controller.signal;
  try {
    const answers = await mapAhead(parts, concurrency, (part) =>
      part.ask(either).catch((error) => {
        throw inBatch(error, part.indexes);
      }),
    );
    requireOneModel(answers);
    return joined(parts, answers);
  } catch (error) {
    controller.abort();
    throw error;
  }
}

function joined(parts: readonly Part[], answers: readonly PartAnswer[]): Answer {
  const embeddings: Answer["embeddings"] = [];
  const errors: ItemError[] = [];
  for (const [number, { indexes }] of parts.entries()) {
    const answer = answers[number]!;
    if (answer.embeddings.length !== indexes.length) {
      const message = `The answer holds ${answer.embeddings.length} vectors for ${indexes.length} items.`;
      throw new ServiceError(message, { status: 200, code: "UNEXPECTED_ANSWER" });
    }
    for (const [at, index] of indexes.entries()) embeddings[index] = answer.embeddings[at]!;
    errors.push(...answer.errors.map((error) => ({ ...error, index: indexes[error.index]! })));
  }
  return { ...joinFacts(answers), embeddings, errors: errors.sort((a, b) => a.index - b.index) };
}

/** A service may be replaced by one with another model while a batch is on its way. */
function requireOneModel(answers: readonly PartAnswer[]): void {
  const models = new Set(answers.flatMap(({ model }) => model ?? []));
  const lengths = new Set(answers.flatMap(({ embeddings }) => embeddings.flatMap((vector) => vector?.length ?? [])));
  if (models.size <= 1 && lengths.size <= 1) return;
  const found = models.size > 1 ? [...models].join(", ") : `${[...lengths].join(" and ")} dimensions`;
  const message = `The model changed while the batch was encoded (${found}); encode it again.`;
  throw new ServiceError(message, { status: 200, code: "MODEL_CHANGED" });
}

/** The service counts the items of its request, and the caller those of the batch: "texts[3]: …" may be its 67th text. */
function inBatch(error: unknown, indexes: readonly number[]): unknown {
  if (!(error instanceof ServiceError)) return error;
  const index = indexes[error.index ?? 0];
  if (index === undefined || (error.index === undefined && indexes.length > 1)) return error;
  return new ServiceError(error.message.replace(/^(\w+)\[\d+\]/, `$1[${index}]`), { ...error, index, cause: error });
}
