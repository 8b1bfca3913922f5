/** TypeScript declares WebAssembly with the browser's types only; here is what is used of it. */
declare const WebAssembly: {
  Module: new (bytes: Uint8Array) => object;
  Instance: new (module: object) => { exports: unknown };
};

/** Is what every kernel exports besides its functions. */
export interface Kernel {
  memory: { buffer: ArrayBuffer; grow(pages: number): number };
}

const pageBytes = 65536;

/** Kernels read and write vectors of 16 bytes, and so beyond the ends of what they work on. */
export const vectorBytes = 16;

/** Compiles a kernel. @returns what starts it, with memory of its own, which never shrinks */
export function compileKernel<Exports extends Kernel>(base64: string): () => Exports {
  const module = new WebAssembly.Module(Buffer.from(base64, "base64"));
  return () => new WebAssembly.Instance(module).exports as Exports; // what its source exports
}

/** Says where each part begins in memory, with room for a vector on each side. */
export function layout<Part extends string>(start: number, bytes: Record<Part, number>): Record<Part | "end", number> {
  const starts: Record<string, number> = {};
  let end = start;
  for (const [part, size] of Object.entries<number>(bytes)) {
    starts[part] = end + vectorBytes;
    end += Math.ceil(size / vectorBytes) * vectorBytes + 2 * vectorBytes;
  }
  return { ...starts, end } as Record<Part | "end", number>; // the loop went through every part
}

/** Gives a kernel's memory, of this many bytes or more. */
export function memoryOf({ memory }: Kernel, bytes: number): Uint8Array {
  const missing = bytes - memory.buffer.byteLength;
  if (missing > 0) memory.grow(Math.ceil(missing / pageBytes));
  return new Uint8Array(memory.buffer);
}
