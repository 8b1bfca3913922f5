import { createContext } from "preact";
import { useContext } from "preact/hooks";
import { type Client, createClient } from "../../../src/client/client.ts";
import { fitsGallery } from "../collections/gallery.ts";
import type { Picture } from "../collections/picture.ts";
import { createThumbnails, type Thumbnails } from "../collections/thumbnails.ts";
import { createQueryResolver, type QueryResolver } from "../query/resolve-query.ts";
import { useValue } from "../state/observable.ts";
import { apiKey } from "./api-key.ts";
import { bytesOf, createLibrary, type Library } from "./library.ts";
import { createPage, type Page, type PageState } from "./page-state.ts";
import { createService, type Service, type ServiceState } from "./service.ts";

/** Holds everything that lives as long as the page. */
export interface Session {
  client: Client;
  service: Service;
  library: Library;
  thumbnails: Thumbnails;
  resolver: QueryResolver;
  page: Page;
  /** Gets the bytes of any picture, for encoding it. */
  bytesOf(picture: Picture, signal: AbortSignal): Promise<Blob>;
  start(): Promise<void>;
}

/** A service that refuses this often in a row is not merely busy with a folder that somebody dropped. */
const maxRetries = 20;

/** The page can be drawn at once; start() then brings the gallery and what the service says of itself. */
export function openSession(): Session {
  const client = createClient({
    baseUrl: new URL(".", document.baseURI).href,
    apiKey: apiKey.read,
    maxRetries,
    onFailure: (error) => service.report(error),
    async fetch(url, init) {
      const response = await fetch(url, init);
      service.noticeModel(response.headers.get("x-model"));
      return response;
    },
  });
  const service = createService(
    () => client,
    () => apiKey.read() !== undefined,
  );
  const library = createLibrary(client);
  const bytes = (picture: Picture, signal: AbortSignal) =>
    picture.origin.kind === "index"
      ? client.picture(picture.origin.id, { width: 512, signal })
      : bytesOf(picture, signal);
  const resolver = createQueryResolver(client, bytes);
  forgetWhenReplaced(service, () => {
    library.forgetVectors();
    resolver.forget();
  });
  resumeWhenBack(service, library);
  askAgainWhenSeen(service);
  const page = createPage(library.find);
  return {
    client,
    service,
    library,
    thumbnails: createThumbnails(client),
    resolver,
    page,
    bytesOf: bytes,
    async start() {
      await Promise.all([library.open().then(page.findPictures), service.connect()]);
    },
  };
}

/** Vectors of two models are never compared: what the one before gave is forgotten where another is served. */
function forgetWhenReplaced({ state }: Service, forget: () => void): void {
  let served: string | undefined;
  state.subscribe(() => {
    const service = state.get();
    if (service.status !== "ready") return;
    const { buildId, image, text } = service.info;
    const now = [buildId, image.precision, text.precision].join();
    if (served !== undefined && served !== now) forget();
    served = now;
  });
}

/** Encodes pictures that were dropped before the service went away when it is back. */
function resumeWhenBack({ state }: Service, library: Library): void {
  state.subscribe(() => {
    const service = state.get();
    if (service.status === "ready") library.resume("own", service.info.limits.maxImageBytes);
  });
}

/** Whoever comes back to the tab may have added pictures to the index meanwhile. */
function askAgainWhenSeen({ state, connect }: Service): void {
  document.addEventListener("visibilitychange", () => {
    const service = state.get();
    if (document.visibilityState === "visible" && service.status === "ready" && service.index) void connect();
  });
}

const Context = createContext<Session | undefined>(undefined);

export const SessionProvider = Context.Provider;

export function useSession(): Session {
  const session = useContext(Context);
  if (!session) throw new Error("This component stands outside the session.");
  return session;
}

export function usePage(): [PageState, Page["change"]] {
  const { page } = useSession();
  return [useValue(page.state), page.change];
}

export function useService(): ServiceState {
  return useValue(useSession().service.state);
}

/** Tells whether the vectors that ship are of the model that is served. */
export function hasFittingGallery(service: ServiceState): boolean {
  return "info" in service && service.info !== undefined && fitsGallery(service.info);
}
