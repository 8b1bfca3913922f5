import type { View } from "../query/address.ts";
import { usePage, useService } from "../session/session.ts";

const views: { view: View; label: string }[] = [
  { view: "search", label: "Search" },
  { view: "compare", label: "Compare" },
  { view: "map", label: "Map" },
];

/** The name, the three views and which model answers. */
export function Header() {
  const [{ view: current }, change] = usePage();
  return (
    <header class="header">
      <button type="button" class="skip" onClick={skip}>
        Skip to the content
      </button>
      <p class="brand">
        <img src="./icon.svg" alt="" width="28" height="28" />
        <span>Image-Text Encoder</span>
      </p>
      <nav aria-label="Views">
        {views.map(({ view, label }) => (
          <button
            key={view}
            type="button"
            class="tab"
            aria-current={view === current ? "page" : undefined}
            onClick={() => change({ view })}
          >
            {label}
          </button>
        ))}
      </nav>
      <ModelBadge />
    </header>
  );
}

/** A link would replace the page's state in the address. */
function skip() {
  document.querySelector<HTMLElement>("main input, main button")?.focus();
}

function ModelBadge() {
  const service = useService();
  const info = "info" in service ? service.info : undefined;
  return (
    <p class="model" aria-live="polite">
      <span class={`lamp ${service.status}`} aria-hidden="true" />
      {info ? (
        <>
          <span class="model-name">{info.model}</span>
          <span class="model-precision">{info.image.precision}</span>
        </>
      ) : (
        <span>{withoutModel[service.status]}</span>
      )}
    </p>
  );
}

/** Says what stands in the model's place as long as none is known. */
const withoutModel = {
  starting: "Connecting…",
  "needs-key": "API key needed",
  gone: "Not connected",
  ready: "",
};
