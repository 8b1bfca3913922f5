import { z } from "zod";

/**
 * Tells the OpenAPI document what routes check by themselves, since their own sentences are clearer than those of
 * a schema. Whoever makes requests from the document, a generator or a fuzzer, then makes ones that are answered.
 */

/** Says that exactly one of these fields is given; a field that is one of `absent` is not. */
export function exactlyOne(names: readonly string[], absent: readonly (string | null)[] = [null]) {
  const given = (name: string) => ({
    title: name,
    required: [name],
    properties: { [name]: { not: { enum: absent } } },
  });
  return { oneOf: names.map(given) };
}

/** Accepts any text; the document adds that one of white space alone is refused. */
export const someText = z.string().meta({ pattern: "\\S" });

/** Accepts any list; the document adds that an empty one is refused. */
export const some = <Item extends z.ZodType>(item: Item) => z.array(item).meta({ minItems: 1 });

/** Gives a body's schema whose field for the number of dimensions takes the model's own alone. */
export function withDimensions<Body extends z.ZodObject>(
  body: Body,
  field: keyof Body["shape"] & string,
  own: number,
): Body {
  const dimensions = z
    .int()
    .nullish()
    .meta({ enum: [own, null] })
    .describe("The model's own number of dimensions");
  return body.extend({ [field]: dimensions }).meta({ ...body.meta() }) as unknown as Body; // one field says more
}
