import type { MapImage } from "./use-map-images.ts";
import { type Point, type Size, toScreen, type Viewport } from "./viewport.ts";

export interface MapScene {
  size: Size;
  viewport: Viewport;
  points: Float32Array;
  isSelected: (index: number) => boolean;
  hasSelection: boolean;
  current: number | undefined;
  lasso: Point[];
  /** Gives the picture, once it is loaded; asking for it loads it. */
  imageOf: (index: number) => MapImage | undefined;
}

/** More pictures than this at once would be a jumble, and slow: then dots are drawn. */
const mostPictures = 900;
/** Limits the pictures drawn from their large images, so that each frame is ready in time. */
const mostLarge = 80;

/** As large as the pictures can be without covering each other much, were they spread evenly. */
export function pictureSide({ zoom }: Viewport, { width, height }: Size, count: number): number {
  const whole = Math.min(72, Math.max(14, 0.8 * Math.sqrt((width * height) / count)));
  return Math.min(120, whole * Math.sqrt(zoom));
}

export function drawMap(canvas: HTMLCanvasElement, scene: MapScene): void {
  const { size, points, viewport, lasso, current } = scene;
  const context = canvas.getContext("2d")!;
  const density = devicePixelRatio;
  context.setTransform(density, 0, 0, density, 0, 0);
  context.clearRect(0, 0, size.width, size.height);
  const accent = getComputedStyle(canvas).getPropertyValue("--accent");

  const visible = visiblePoints(scene);
  const side = pictureSide(viewport, size, points.length / 2);
  for (const index of visible) {
    const isDimmed = scene.hasSelection && !scene.isSelected(index);
    context.globalAlpha = isDimmed ? 0.25 : 1;
    const at = toScreen(viewport, points, index);
    const image = visible.length <= mostPictures ? scene.imageOf(index) : undefined;
    if (image) drawWhole(context, visible.length <= mostLarge ? image.large : image.small, at, side);
    else drawDot(context, at, accent);
  }
  context.globalAlpha = 1;
  if (current !== undefined) {
    const { x, y } = toScreen(viewport, points, current);
    context.strokeStyle = accent;
    context.lineWidth = 3;
    context.beginPath();
    context.roundRect(x - side / 2 - 4, y - side / 2 - 4, side + 8, side + 8, 8);
    context.stroke();
  }
  if (lasso.length > 1) drawLasso(context, lasso, accent);
}

function visiblePoints({ points, viewport, size }: MapScene): number[] {
  const visible: number[] = [];
  for (let index = 0; index < points.length / 2; index++) {
    const { x, y } = toScreen(viewport, points, index);
    if (x > -60 && y > -60 && x < size.width + 60 && y < size.height + 60) visible.push(index);
  }
  return visible;
}

type Drawable = MapImage[keyof MapImage];

function drawWhole(context: CanvasRenderingContext2D, image: Drawable, { x, y }: Point, side: number): void {
  const { width, height } = image;
  const scale = side / Math.max(width, height);
  context.drawImage(image, x - (width * scale) / 2, y - (height * scale) / 2, width * scale, height * scale);
}

function drawDot(context: CanvasRenderingContext2D, { x, y }: Point, colour: string): void {
  context.fillStyle = colour;
  context.beginPath();
  context.arc(x, y, 2.5, 0, 2 * Math.PI);
  context.fill();
}

function drawLasso(context: CanvasRenderingContext2D, line: Point[], colour: string): void {
  context.beginPath();
  for (const { x, y } of line) context.lineTo(x, y);
  context.closePath();
  context.strokeStyle = colour;
  context.lineWidth = 2;
  context.setLineDash([6, 4]);
  context.stroke();
  context.setLineDash([]);
  context.fillStyle = colour;
  context.globalAlpha = 0.12;
  context.fill();
  context.globalAlpha = 1;
}
