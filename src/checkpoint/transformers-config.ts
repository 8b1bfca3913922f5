import { z } from "zod";

/** Building blocks for the configuration files of the transformers library. */

/** Keys that any transformers configuration may carry and that do not change what a tower computes. */
const irrelevantKeys = [
  "architectures transformers_version dtype torch_dtype torchscript use_bfloat16 chunk_size_feed_forward use_cache",
  "return_dict output_attentions output_hidden_states tie_word_embeddings tie_weights_ tie_encoder_decoder",
  // training
  "initializer_range initializer_factor gradient_checkpointing tf_legacy_loss",
  "dropout attention_dropout hidden_dropout qa_dropout seq_classif_dropout",
  // heads for tasks that are not ours
  "finetuning_task id2label label2id problem_type task_specific_params",
  // the tokenizer, which has files of its own
  "bos_token_id eos_token_id pad_token_id sep_token_id decoder_start_token_id prefix tokenizer_class",
  // text generation
  "bad_words_ids begin_suppress_tokens diversity_penalty do_sample early_stopping encoder_no_repeat_ngram_size",
  "exponential_decay_length_penalty forced_bos_token_id forced_eos_token_id length_penalty max_length min_length",
  "no_repeat_ngram_size num_beam_groups num_beams num_return_sequences output_scores remove_invalid_values",
  "repetition_penalty return_dict_in_generate suppress_tokens temperature top_k top_p typical_p",
].flatMap((line) => line.split(" "));

/** Keys that may be there as long as they switch on nothing. */
const inert = {
  is_decoder: exactly(false).optional(),
  is_encoder_decoder: exactly(false).optional(),
  add_cross_attention: exactly(false).optional(),
  cross_attention_hidden_size: z.null("is not implemented").optional(),
  pruned_heads: z.strictObject({}, "pruned heads are not implemented").optional(),
};

/**
 * A configuration with the keys of `shape`. Any other key that is not known to be irrelevant is refused by name: it may
 * change what the tower computes.
 */
export function configuration<const Shape extends z.ZodRawShape>(shape: Shape) {
  const known = new Set([...irrelevantKeys, ...Object.keys(inert), ...Object.keys(shape)]);
  return z
    .looseObject(inert)
    .superRefine((value, context) => {
      for (const [key, setting] of Object.entries(value)) {
        const isNote = key.startsWith("_") || setting === null; // _name_or_path and the like
        if (!known.has(key) && !isNote)
          context.addIssue({ code: "custom", path: [key], message: "is not implemented" });
      }
    })
    .pipe(z.object(shape));
}

/** The only value that is implemented. */
export function exactly<const T extends string | number | boolean>(value: T) {
  return z.literal(value, {
    error: ({ input }) => `${JSON.stringify(input)} is not implemented (only ${JSON.stringify(value)} is)`,
  });
}

export function oneOf<const T extends string>(...values: T[]) {
  const list = values.map((value) => JSON.stringify(value)).join(" and ");
  return z.enum(values, { error: ({ input }) => `${JSON.stringify(input)} is not implemented (${list} are)` });
}

/** What `schema` reads; any other value is refused, naming it. */
export function only<T>(schema: z.ZodType<T>, implemented: string) {
  return z.unknown().transform((value, context): T => {
    const parsed = schema.safeParse(value);
    if (parsed.success) return parsed.data;
    context.addIssue({ code: "custom", message: `${JSON.stringify(value)} is not implemented (${implemented})` });
    return z.NEVER;
  });
}

/** A size: of a layer, a picture, a vocabulary. No model reaches the limit; products of three sizes stay exact. */
export function size() {
  return z.number().int().positive().max(1_000_000);
}
