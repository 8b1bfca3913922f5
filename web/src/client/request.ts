import { problemOf, ServiceProblem } from "./problem.ts";

/** Says where the service is and how it is asked. */
export interface Connection {
  /** Ends with a slash. */
  baseUrl: string;
  apiKey?: () => string | undefined;
  fetch?: typeof fetch;
  /** Called with whatever fails and is not tried again. */
  onProblem?: (problem: ServiceProblem) => void;
}

export interface RequestOptions {
  signal?: AbortSignal | undefined;
  /** Instead of failing with 429 or 503, tries again after the time that the service names. Called before each wait. */
  onWait?: ((seconds: number) => void) | undefined;
}

interface Call extends RequestOptions {
  path: string;
  /** This is JSON, or the bytes themselves. Without a body the request is a GET. */
  body?: object | Blob | undefined;
}

/** A service that refuses this often in a row is not merely busy. */
const mostTries = 20;
/** This is longer than any wait that the service names by itself. */
const longestWaitSeconds = 60;

export async function send(connection: Connection, call: Call): Promise<Response> {
  for (let tries = 1; ; tries++) {
    const response = await sendOnce(connection, call);
    if (response.ok) return response;
    const problem = await problemOf(response);
    const mayRetry = call.onWait !== undefined && tries < mostTries && [429, 503].includes(problem.status);
    if (!mayRetry) throw reported(connection, problem);
    const seconds = Math.min(problem.retryAfterSeconds ?? 1, longestWaitSeconds);
    call.onWait?.(seconds);
    await sleep(seconds * 1000, call.signal);
  }
}

async function sendOnce(connection: Connection, { path, body, signal }: Call): Promise<Response> {
  const { baseUrl, apiKey, fetch: ask = fetch } = connection;
  const key = apiKey?.();
  const headers = new Headers(key === undefined ? {} : { authorization: `Bearer ${key}` });
  if (body !== undefined) headers.set("content-type", contentType(body));
  const init = body === undefined ? {} : { method: "POST", body: body instanceof Blob ? body : JSON.stringify(body) };
  try {
    return await ask(new URL(path, baseUrl), { ...init, headers, signal: signal ?? null });
  } catch (error) {
    if (signal?.aborted) throw signal.reason;
    const cause = error instanceof Error ? error.message : String(error);
    const facts = { status: 0, code: "UNREACHABLE" };
    throw reported(connection, new ServiceProblem(`The service cannot be reached (${cause}).`, facts));
  }
}

function reported({ onProblem }: Connection, problem: ServiceProblem): ServiceProblem {
  onProblem?.(problem);
  return problem;
}

/** The service looks at a picture's bytes, but reads only what is declared as a picture or as bytes. */
function contentType(body: object | Blob): string {
  if (!(body instanceof Blob)) return "application/json";
  return body.type.startsWith("image/") ? body.type : "application/octet-stream";
}

export function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const timer = setTimeout(resolve, ms);
    signal?.addEventListener(
      "abort",
      () => {
        clearTimeout(timer);
        reject(signal.reason);
      },
      { once: true },
    );
  });
}
