import { expect, it } from "vitest";
import { z } from "zod";
import { validate } from "../../src/server/validate.ts";

it("ends at the first fault, however many items a request has", () => {
  let asked = 0;
  const never = z.custom(() => {
    asked++;
    return false;
  }, "expected something else");
  const schema = z.object({ list: z.array(z.object({ of: z.union([never, z.array(never)]) })) });
  const check = validate({ schema, method: "POST", url: "/", httpPart: "body" });
  const result = check({ list: Array(10_000).fill({ of: Array(10).fill(1) }) });
  expect(result).toEqual({ error: expect.objectContaining({ code: "INVALID_REQUEST" }) });
  expect(asked).toBeLessThan(5);
});
