import { Icon } from "../shell/icon.tsx";
import type { Tool } from "./use-gestures.ts";

interface MapToolsProps {
  tool: Tool;
  onTool: (tool: Tool) => void;
  /** The whole map is seen: there is nothing to zoom out of. */
  isWhole: boolean;
  onZoom: (factor: number) => void;
}

const tools: { tool: Tool; label: string }[] = [
  { tool: "encircle", label: "Encircle" },
  { tool: "move", label: "Move" },
];

/** Lets one choose what dragging does, and zooms. */
export function MapTools({ tool, onTool, isWhole, onZoom }: MapToolsProps) {
  return (
    <>
      <fieldset class="choices map-tool">
        <legend class="hidden">Dragging on the map</legend>
        {tools.map((choice) => (
          <label key={choice.tool} class="choice">
            <input type="radio" name="map-tool" checked={choice.tool === tool} onChange={() => onTool(choice.tool)} />
            <span>{choice.label}</span>
          </label>
        ))}
      </fieldset>
      <div class="map-zoom">
        <button type="button" class="round" aria-label="Zoom in" onClick={() => onZoom(1.6)}>
          <Icon name="plus" />
        </button>
        <button type="button" class="round" aria-label="Zoom out" disabled={isWhole} onClick={() => onZoom(1 / 1.6)}>
          <Icon name="minus" />
        </button>
      </div>
    </>
  );
}
