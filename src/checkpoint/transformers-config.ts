import { z } from "zod";

/**
 * Keys that change what a tower computes, in whatever architecture they appear, and none here implements them. All
 * others that a schema does not read are notes, training settings, or settings of tasks and tokenizers.
 */
const meaningfulKeys = [
  "quantization_config pruned_heads is_decoder is_encoder_decoder add_cross_attention cross_attention_hidden_size",
  "position_embedding_type embedding_size num_key_value_heads head_dim layer_types sliding_window",
  "rope_theta rope_scaling rope_parameters attention_bias qkv_bias mlp_bias use_bias use_layer_scale layer_scale_init_value",
  "use_head use_absolute_position_embeddings use_relative_position_bias logit_softcapping attn_logit_softcapping",
].flatMap((line) => line.split(" "));

/** Describes a configuration with the keys of `shape`. A meaningful key beside them must switch on nothing. */
export function configuration<const Shape extends z.ZodRawShape>(shape: Shape) {
  return z
    .looseObject({})
    .superRefine((value, context) => {
      for (const key of meaningfulKeys) {
        if (key in shape || isOff(value[key])) continue;
        context.addIssue({ code: "custom", path: [key], message: `${JSON.stringify(value[key])} is not implemented` });
      }
    })
    .pipe(z.object(shape));
}

function isOff(value: unknown): boolean {
  const isEmpty = typeof value === "object" && value !== null && Object.keys(value).length === 0;
  return value === undefined || value === null || value === false || isEmpty;
}

/** Accepts the only value that is implemented. */
export function exactly<const T extends string | number | boolean>(value: T) {
  return z.literal(value, {
    error: ({ input }) => `${JSON.stringify(input)} is not implemented (only ${JSON.stringify(value)} is)`,
  });
}

export function oneOf<const T extends string>(...values: T[]) {
  const list = values.map((value) => JSON.stringify(value)).join(" and ");
  return z.enum(values, { error: ({ input }) => `${JSON.stringify(input)} is not implemented (${list} are)` });
}

/** Accepts what `schema` reads, and refuses any other value by naming what is implemented. */
export function only<T>(schema: z.ZodType<T>, implemented: string) {
  return z.unknown().transform((value, context): T => {
    const parsed = schema.safeParse(value);
    if (parsed.success) return parsed.data;
    context.addIssue({ code: "custom", message: `${JSON.stringify(value)} is not implemented (${implemented})` });
    return z.NEVER;
  });
}

/** Accepts a size: of a layer, a picture, a vocabulary. No model reaches the limit; products of three stay exact. */
export function size() {
  return z.number().int().positive().max(1_000_000);
}
