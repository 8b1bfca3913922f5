import { setTimeout as sleep } from "node:timers/promises";
import { Agent, request } from "undici";

/** A load of images and texts for a service. */
export interface Load {
  url: string;
  /** Makes a new body for POST /encode_image; `text` makes one for /encode_text. */
  image(): string;
  text(): string;
}

/**
 * Makes bodies for POST /encode_image from the same pictures, no two alike however many are in flight. A JPEG may be
 * followed by anything.
 */
export function distinctImages(next: () => string, pictures: number): () => string {
  const base64 = Array.from({ length: pictures }, () => {
    const jpeg = Buffer.from(JSON.parse(next()).image_b64, "base64");
    // Padded to whole groups of three bytes, base64 can be continued.
    return Buffer.concat([jpeg, Buffer.alloc(3 - (jpeg.length % 3))]).toString("base64");
  });
  let count = 0;
  return () => {
    const suffix = Buffer.from(String(count).padStart(12)).toString("base64");
    return JSON.stringify({ image_b64: base64[count++ % pictures]! + suffix });
  };
}

export interface Answer {
  path: string;
  /** 0 stands for no answer. */
  status: number;
  ms: number;
  retryAfter: number | undefined;
}

export function createLoad({ url, image, text }: Load) {
  const agent = new Agent({ connections: null, pipelining: 1 });
  let sent = 0;

  async function send(path: string, body: string): Promise<Answer> {
    const startedAt = performance.now();
    const answer = (status: number, retryAfter?: string | string[]) => ({
      path,
      status,
      ms: performance.now() - startedAt,
      retryAfter: retryAfter === undefined ? undefined : Number(retryAfter),
    });
    const init = { method: "POST", headers: { "content-type": "application/json" }, body, dispatcher: agent } as const;
    try {
      const reply = await request(`${url}${path}`, init);
      await reply.body.dump();
      return answer(reply.statusCode, reply.headers["retry-after"]);
    } catch {
      return answer(0);
    }
  }

  /** Sends one image for every four texts, as a search service sees them. */
  const next = () => (sent++ % 5 === 0 ? send("/encode_image", image()) : send("/encode_text", text()));

  return {
    next,
    /** Gives the answers per second when 32 clients wait for theirs. */
    async capacity(seconds: number): Promise<number> {
      const until = performance.now() + seconds * 1000;
      let answers = 0;
      const lane = async () => {
        while (performance.now() < until) if ((await next()).status === 200) answers++;
      };
      await Promise.all(Array.from({ length: 32 }, lane));
      return answers / seconds;
    },
    /** Sends at a fixed rate, whatever the answers are, and gives all answers. */
    async offer(options: { perSecond: number; seconds: number; everySecond?: () => void }): Promise<Answer[]> {
      const { perSecond, seconds, everySecond } = options;
      const startedAt = performance.now();
      const answers: Promise<Answer>[] = [];
      let ticks = 0;
      for (let elapsed = 0; elapsed < seconds; elapsed = (performance.now() - startedAt) / 1000) {
        while (answers.length < elapsed * perSecond) answers.push(next());
        if (elapsed > ticks) {
          ticks++;
          everySecond?.();
        }
        await sleep(5);
      }
      return Promise.all(answers);
    },
    close: () => agent.close(),
  };
}
