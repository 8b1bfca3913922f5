import { type Client, type Index, type Info, ServiceError } from "../../../src/client/client.ts";
import { createObservable, type Observable } from "../state/observable.ts";

/** What the page knows of the service. */
export type ServiceState =
  | { status: "starting" }
  | { status: "needs-key"; wasRefused: boolean }
  | { status: "gone"; info?: Info; index?: Index | undefined }
  | { status: "ready"; info: Info; index?: Index | undefined };

export interface Service {
  state: Observable<ServiceState>;
  connect(): Promise<void>;
  /** Takes what went wrong with any request, and acts where it concerns all of them. */
  report(error: ServiceError): void;
  /** Takes the name of the model that gave an answer; another than before means that the service was replaced. */
  noticeModel(name: string | null): void;
}

/** A service that does not answer is asked this often whether it is back. */
const askAgainMs = 1500;

export function createService(client: () => Client, hasKey: () => boolean): Service {
  const state = createObservable<ServiceState>({ status: "starting" });
  let isAsking = false;

  async function connect(): Promise<void> {
    try {
      const info = await client().info();
      const index = info.features.index ? await client().index() : undefined;
      state.set({ status: "ready", info, index });
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error;
      if (![0, 401].includes(error.status)) becomeGone();
    }
  }

  function becomeGone(): void {
    const before = state.get();
    if (before.status !== "gone") {
      const known = before.status === "ready" ? { info: before.info, index: before.index } : {};
      state.set({ status: "gone", ...known });
    }
    if (!isAsking) askAgain();
  }

  function askAgain(): void {
    isAsking = true;
    setTimeout(async () => {
      const isBack = await client().isReady();
      if (isBack) await connect();
      isAsking = false;
      if (state.get().status === "gone") askAgain();
    }, askAgainMs);
  }

  function report({ status }: ServiceError): void {
    if (status === 401) state.set({ status: "needs-key", wasRefused: hasKey() });
    else if (status === 0) becomeGone();
  }

  function noticeModel(name: string | null): void {
    const known = state.get();
    if (name !== null && known.status === "ready" && known.info.model !== name) becomeGone();
  }

  return { state, connect, report, noticeModel };
}
