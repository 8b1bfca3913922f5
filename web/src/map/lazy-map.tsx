import type { ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";
import { useService } from "../session/session.ts";

/** The map's code is loaded when the map is opened, or when the service that has it is back. */
export function LazyMap() {
  const [View, setView] = useState<ComponentType>();
  const { status } = useService();
  useEffect(() => {
    import("./map-view.tsx").then(
      (module) => setView(() => module.default),
      () => {}, // the service is gone, which the page says; it is asked for again when that changes
    );
  }, [status]);
  if (View) return <View />;
  return (
    <div class="map-view">
      <h1>Map</h1>
      <div class="map map-pending" role="status">
        {status === "gone" ? "The map comes when the service is back." : "Loading the map…"}
      </div>
    </div>
  );
}
