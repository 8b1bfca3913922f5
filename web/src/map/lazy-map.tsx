import type { ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";

/** The map's code is loaded when the map is opened. */
export function LazyMap() {
  const [View, setView] = useState<ComponentType>();
  useEffect(() => {
    void import("./map-view.tsx").then((module) => setView(() => module.default));
  }, []);
  return View ? <View /> : null;
}
