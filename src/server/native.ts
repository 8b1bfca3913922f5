import { nativeAnswer } from "./error-reply.ts";
import type { Protocol } from "./protocol.ts";
import { encodeImageRoute } from "./routes/encode-image.ts";
import { encodeTextRoute } from "./routes/encode-text.ts";
import { compareRoute, rankRoute } from "./routes/rank.ts";
import { failure } from "./schemas.ts";

/** Serves the service's own routes. Errors that belong to no route have this shape, too. */
export const native: Protocol = {
  name: "native",
  answer: nativeAnswer,
  failure,
  routes(scope, context) {
    encodeTextRoute(scope, context);
    encodeImageRoute(scope, context);
    rankRoute(scope, context);
    compareRoute(scope, context);
  },
};
