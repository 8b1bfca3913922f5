import type { CollectionName, Progress } from "../collections/picture.ts";
import { hasFittingGallery, useService, useSession } from "../session/session.ts";
import { useValue } from "../state/observable.ts";

/** Says what stands between the collection and its results: nothing there yet, encoding under way, another model. */
export function CollectionState({ name, hasQuery }: { name: CollectionName; hasQuery: boolean }) {
  if (name === "index") return <IndexState />;
  return (
    <>
      <EncodingState name={name} />
      {name === "own" && <OwnState />}
      {name === "own" && <EmbeddedNote hasQuery={hasQuery} />}
      {name !== "own" && <GalleryState name={name} hasQuery={hasQuery} />}
    </>
  );
}

function IndexState() {
  const service = useService();
  const index = "index" in service ? service.index : undefined;
  const info = "info" in service ? service.info : undefined;
  if (!index || !info) return null;
  if (index.count === 0) return <EmptyIndex />;
  if (index.model === info.model) return null;
  return (
    <p class="notice problem">
      The index was made with {index.model}, and {info.model} is served: their vectors cannot be compared.
    </p>
  );
}

function EmptyIndex() {
  return (
    <div class="empty">
      <p class="empty-title">Nothing is indexed yet</p>
      <p>
        <code>image-text-encoder index FOLDER</code> adds a folder of pictures, while the service runs. Or drop pictures
        here: they are searched in this browser alone.
      </p>
    </div>
  );
}

function EncodingState({ name }: { name: Exclude<CollectionName, "index"> }) {
  const { library } = useSession();
  const { progress } = useValue(library.collections[name]);
  if (!progress) return null;
  return (
    <div class="notice encoding">
      <div class="encoding-row">
        <span role="status">{progressText(progress)}</span>
        <button type="button" class="button" onClick={() => library.cancel(name)}>
          Stop
        </button>
      </div>
      <progress max={progress.total} value={progress.done} aria-label="Pictures encoded" />
    </div>
  );
}

function progressText({ done, total, failed, waitSeconds }: Progress): string {
  const count = `${done.toLocaleString("en")} of ${total.toLocaleString("en")} pictures encoded`;
  const failures = failed > 0 ? `, ${failed.toLocaleString("en")} failed` : "";
  const wait = waitSeconds === undefined ? "" : `. The service is busy; going on in ${waitSeconds} s`;
  return `${count}${failures}${wait}`;
}

function OwnState() {
  const { library } = useSession();
  const service = useService();
  const { pictures, progress } = useValue(library.collections.own);
  if (pictures.length === 0) {
    return (
      <div class="empty">
        <p class="empty-title">Search your own pictures</p>
        <p>
          Drop pictures or a folder anywhere on this page, or choose them above. They stay in this browser: each is sent
          to this service once, for its vector, and is not kept. Photographs from phones (HEIC) and TIFF files work too.
        </p>
      </div>
    );
  }
  if (progress) return null;
  const failed = pictures.filter(({ problem }) => problem !== undefined);
  const waiting = pictures.filter(({ vector, problem }) => !vector && problem === undefined);
  const maxBytes = "info" in service && service.info ? service.info.limits.maxImageBytes : 0;
  return (
    <div class="own-state">
      {waiting.length > 0 && (
        <p class="notice encoding-row">
          <span>
            {waiting.length === 1 ? "1 picture is" : `${waiting.length.toLocaleString("en")} pictures are`} not encoded
            yet.
          </span>
          <button type="button" class="button" onClick={() => library.resume("own", maxBytes)}>
            Go on
          </button>
        </p>
      )}
      {failed.length > 0 && (
        <details class="notice failures">
          <summary>
            {failed.length === 1 ? "1 picture" : `${failed.length.toLocaleString("en")} pictures`} could not be encoded
          </summary>
          <ul>
            {failed.slice(0, 100).map(({ id, name, problem }) => (
              <li key={id}>
                <bdi>{name}</bdi>: {problem}
              </li>
            ))}
            {failed.length > 100 && <li>and {(failed.length - 100).toLocaleString("en")} more</li>}
          </ul>
        </details>
      )}
    </div>
  );
}

/** Says honestly what the model that ships can do, or offers to encode the examples with the one that is served. */
function GalleryState({ name, hasQuery }: { name: "drawings" | "photographs"; hasQuery: boolean }) {
  const { library } = useSession();
  const service = useService();
  const { pictures, progress } = useValue(library.collections[name]);
  if (!("info" in service) || !service.info) return null;
  const { info } = service;
  if (!hasFittingGallery(service)) {
    const isEncoded = pictures.every(({ vector, problem }) => vector || problem !== undefined);
    if (isEncoded || progress) return null;
    return (
      <p class="notice encoding-row">
        <span>The examples have no vectors of {info.model} yet.</span>
        <button type="button" class="button primary" onClick={() => library.encodeGallery(info.limits.maxImageBytes)}>
          Encode the examples
        </button>
      </p>
    );
  }
  return <EmbeddedNote hasQuery={hasQuery} />;
}

/** What to expect of any model that is small enough to ship, in plain words. */
function EmbeddedNote({ hasQuery }: { hasQuery: boolean }) {
  const service = useService();
  if (!("info" in service) || !service.info || !hasFittingGallery(service)) return null;
  return (
    <p class={hasQuery ? "aside model-note searching" : "aside model-note"}>
      <strong>{service.info.model}</strong> is the small model that ships. It finds everyday things by their names, and
      is unsure of people, places, scenes and sentences.
      {!hasQuery && (
        <>
          {" "}
          For everything else, and for captions, install CLIP: <code>npx image-text-encoder pull clip-vit-b-32</code>
        </>
      )}
    </p>
  );
}
